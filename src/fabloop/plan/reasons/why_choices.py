"""Which other choices of features would help where a configured product cannot be made."""

from collections.abc import Iterator, Mapping
from itertools import islice

import msgspec

from fabloop.model.explanation import Option, ReliefCode
from fabloop.model.product import Choice, Configured, ConfiguredProduct, ProductFamily
from fabloop.plan.catalogue.variants import each_choice
from fabloop.plan.configure import configure
from fabloop.plan.engine import currency_of, is_possible_now
from fabloop.plan.reasons.change import World
from fabloop.plan.reasons.effects import Effect
from fabloop.plan.reasons.recommend import ALTERNATIVES_MAX, effect_of
from fabloop.plan.statement.problem import Problem, Setting, problem_of

CHOICES_MAX = 5_000
"""Variants of a family that are compared with the choices; of more, the nearest may be missed."""

CHOICES_TRIED_MAX = 200
"""Variants that are matched and solved, the nearest ones first."""


class OtherChoice(msgspec.Struct, frozen=True):
    """Features to be chosen otherwise, and what the cheapest plan of that variant takes.

    `changed` holds what was chosen and what would be, by feature; None is not chosen at all.
    `least` tells whether no variant with fewer changed features helps, apart from those before.
    """

    product: ConfiguredProduct
    changed: dict[str, tuple[Choice | None, Choice | None]]
    effect: Effect
    least: bool

    def option(self, currency: str) -> Option:
        """Return the other choice as an option."""
        first, *others = (
            Option(
                code=ReliefCode.CHOOSE_FEATURE,
                subject=feature,
                parameter=feature,
                before=_text(before),
                after=_text(after),
            )
            for feature, (before, after) in self.changed.items()
        )
        return msgspec.structs.replace(
            first,
            cost_minor=self.effect.cost_minor,
            currency=currency,
            makespan_ns=self.effect.makespan_ns,
            energy_j=self.effect.energy_j,
            co2_kg=self.effect.co2_kg,
            verified=True,
            least=self.least,
            also=tuple(others),
        )


def _text(choice: Choice | None) -> str | None:
    return ", ".join(choice) if isinstance(choice, tuple) else choice


def other_choices(
    family: ProductFamily, chosen: Mapping[str, Choice], setting: Setting
) -> tuple[OtherChoice, ...]:
    """Return the nearest variants that can be made, by how many features are chosen otherwise.

    None of them changes all that one before it does.
    """
    setting = msgspec.structs.replace(setting, plant=setting.planted())
    every = list(islice(each_choice(family), CHOICES_MAX + 1))
    whole = len(every) <= CHOICES_MAX
    near = sorted(every[:CHOICES_MAX], key=lambda each: len(_changed(chosen, each)))
    found: list[OtherChoice] = []
    for choices in islice(_fresh(near, chosen, found), CHOICES_TRIED_MAX):
        configured = configure(family, choices)
        if not isinstance(configured, Configured):
            continue
        problem = problem_of(configured.product, setting)
        effect = _effect(problem, configured.product, setting)
        if effect is not None:
            changed = _changed(chosen, choices)
            found.append(OtherChoice(configured.product, changed, effect, whole))
        if len(found) == ALTERNATIVES_MAX:
            break
    return tuple(found)


def options_of_choices(found: tuple[OtherChoice, ...], setting: Setting) -> tuple[Option, ...]:
    """Return the other choices as options."""
    currency = currency_of(setting.network)
    return tuple(each.option(currency) for each in found)


def _fresh(
    near: list[dict[str, Choice]], chosen: Mapping[str, Choice], found: list[OtherChoice]
) -> Iterator[dict[str, Choice]]:
    for choices in near:
        changed = _changed(chosen, choices)
        if changed and not any(each.changed.items() <= changed.items() for each in found):
            yield choices


def _changed(
    chosen: Mapping[str, Choice], other: Mapping[str, Choice]
) -> dict[str, tuple[Choice | None, Choice | None]]:
    names = dict.fromkeys([*chosen, *other])
    return {
        name: (chosen.get(name), other.get(name))
        for name in names
        if chosen.get(name) != other.get(name)
    }


def _effect(problem: Problem, product: ConfiguredProduct, setting: Setting) -> Effect | None:
    if not is_possible_now(problem):
        return None
    return effect_of((), problem, World(product, setting))
