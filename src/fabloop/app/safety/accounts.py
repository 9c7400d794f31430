"""What is declared and what holds now: answers for people."""

from collections.abc import Iterator

import msgspec

from fabloop.base.instant import SECOND, Instant
from fabloop.model.explanation import Explanation
from fabloop.model.safety import Permissive, SafetyRules, SafetyView, Stop
from fabloop.run.permissives import required_against


class Holds(msgspec.Struct, frozen=True, kw_only=True):
    """A permissive and what stands against it now; nothing: commands may leave."""

    of: str
    only: tuple[str, ...]
    reasons: tuple[Explanation, ...]


class SafetyStatus(msgspec.Struct, frozen=True, kw_only=True):
    """All that is declared as it stands at a moment."""

    at: Instant
    permissives: tuple[Holds, ...]
    stops: tuple[Stop, ...]
    troubles: dict[str, str] = {}

    @property
    def all_permitted(self) -> bool:
        """Whether nothing is withheld."""
        return not self.stops and not any(each.reasons for each in self.permissives)


def status_of(
    rules: SafetyRules, view: SafetyView, at: Instant, troubles: dict[str, str]
) -> SafetyStatus:
    """Return how every permissive stands."""
    return SafetyStatus(
        at=at,
        permissives=tuple(
            Holds(
                of=str(each.work_unit or each.service),
                only=each.only,
                reasons=tuple(required_against(each.requires, rules, view, at)),
            )
            for each in rules.permissives
        ),
        stops=tuple(view.stops.values()),
        troubles=troubles,
    )


def declared_lines(rules: SafetyRules) -> Iterator[str]:
    """Yield what is declared, a line each."""
    for controller in rules.controllers.values():
        beat = controller.heartbeat_ns / SECOND
        where = f"{controller.label} at {controller.url}"
        yield f"{controller.id}: {where}, heartbeat within {beat:g} s"
    for each in rules.permissives:
        yield f"{name_of(each)}: {_requires(each, rules)}"
    for limit in rules.duties.limits:
        yield f"limit {limit.kind}: {limit.label}, {limit.most:g} {limit.unit} ({limit.law})"
    for strain in rules.duties.strains:
        asks = [f"qualification {each}" for each in strain.qualifications]
        asks += [f"{each.kind} {each.level:g}" for each in strain.exposures]
        only = f" ({', '.join(strain.only)})" if strain.only else ""
        yield f"work at {strain.work_unit}{only} asks for {', '.join(asks) or 'nothing'}"


def name_of(each: Permissive) -> str:
    """Return what a permissive speaks of."""
    only = f" ({', '.join(each.only)})" if each.only else ""
    return f"{each.work_unit or each.service}{only}"


def _requires(each: Permissive, rules: SafetyRules) -> str:
    if not each.requires:
        return f"free, because {each.free_because}"
    return "requires " + ", ".join(
        f"{one.signal} ({rules.label(one.signal)}) {'true' if one.wanted else 'false'}, "
        f"no older than {one.fresh_ns / SECOND:g} s"
        for one in each.requires
    )
