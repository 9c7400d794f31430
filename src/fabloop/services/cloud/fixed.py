"""Fixed bindings: an operator says which offers a consumer gets, in which order."""

from collections.abc import Mapping

import msgspec

from fabloop.base.errors import Conflict, Fault, Invalid, NotFound
from fabloop.base.instant import Instant
from fabloop.services.cloud.bind import Exclusion
from fabloop.services.cloud.changes import Put, drop_of
from fabloop.services.cloud.command import Decided, Moment, check_room
from fabloop.services.cloud.names import DELIMITER
from fabloop.services.cloud.orchestrate import Binding
from fabloop.services.cloud.records import ServiceInstance, StoreRule
from fabloop.services.cloud.state import State


class RuleEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A fixed binding as it is asked for; an offer need not be registered yet."""

    consumer: str
    instance: str
    priority: int


class KeepRules(msgspec.Struct, frozen=True, kw_only=True):
    """Fixed bindings that hold from now on; the reply is their records."""

    entries: tuple[RuleEntry, ...]
    by: str

    def decide(self, state: State, moment: Moment) -> Decided[tuple[StoreRule, ...]]:
        """Raise Conflict where a consumer has the offer or the priority for its service already."""
        check_room(state, StoreRule, len(self.entries))
        taken = {
            (each.consumer, each.definition, each.priority)
            for each in state.table(StoreRule).values()
        }
        made: list[StoreRule] = []
        for each in self.entries:
            definition = _definition_of(each.instance)
            key = (each.consumer, definition, each.priority)
            if key in taken:
                raise Conflict(
                    f"Expected a priority of its own, but '{each.consumer}' has {each.priority} "
                    f"for '{definition}' already. Choose another."
                )
            taken.add(key)
            made.append(
                StoreRule(
                    id=moment.unique(),
                    consumer=each.consumer,
                    definition=definition,
                    instance=each.instance,
                    priority=each.priority,
                    created_by=self.by,
                    updated_by=self.by,
                    created_at=moment.at,
                    updated_at=moment.at,
                )
            )
        return Decided(tuple(made), tuple(Put(each) for each in made))


class ChangePriorities(msgspec.Struct, frozen=True, kw_only=True):
    """Other priorities by id of the fixed binding; the reply is their records."""

    priorities: Mapping[str, int]
    by: str

    def decide(self, state: State, moment: Moment) -> Decided[tuple[StoreRule, ...]]:
        """Raise NotFound for an unknown id, Conflict where two would have the same priority."""
        table = state.table(StoreRule)
        lacking = [each for each in self.priorities if each not in table]
        if lacking:
            raise NotFound(f"Expected known bindings, but found {', '.join(map(repr, lacking))}.")
        made = tuple(
            msgspec.structs.replace(
                table[id_], priority=priority, updated_by=self.by, updated_at=moment.at
            )
            for id_, priority in self.priorities.items()
        )
        after = {**table, **{each.id: each for each in made}}.values()
        keys = [(each.consumer, each.definition, each.priority) for each in after]
        if len(set(keys)) < len(keys):
            raise Conflict("Expected priorities that differ, but two would be the same.")
        return Decided(made, tuple(Put(each) for each in made))


class DropRules(msgspec.Struct, frozen=True, kw_only=True):
    """Fixed bindings that hold no more; the reply is how many there were."""

    ids: tuple[str, ...]

    def decide(self, state: State, moment: Moment) -> Decided[int]:  # noqa: ARG002  # as all do
        """Drop those that there are."""
        found = [x for each in self.ids if (x := state.find(StoreRule, each)) is not None]
        return Decided(len(found), tuple(drop_of(each) for each in found))


def fixed_bindings(
    state: State, consumer: str, definition: str, at: Instant
) -> tuple[tuple[Binding, ...], dict[Exclusion, int]]:
    """Return what a consumer is bound to by rule, of one service or (empty) of all.

    Offers that are not registered now are passed over.
    """
    found: list[Binding] = []
    lacking = 0
    for rule in state.rules_of(consumer):
        if definition in ("", rule.definition):
            offer = state.find(ServiceInstance, rule.instance)
            if offer is None or not offer.alive(at):
                lacking += 1
            else:
                found.append(Binding(offer=offer, interfaces=offer.interfaces))
    return tuple(found), {Exclusion.EXPIRED: lacking} if lacking else {}


def _definition_of(instance: str) -> str:
    parts = instance.split(DELIMITER)
    if len(parts) != 3:
        raise Invalid(
            Fault(source="simple store", path="serviceInstanceId",
                expected="a system, a service and a version such as 'Robot|welding|1.0.0'",
                found=repr(instance))
        )  # fmt: skip
    return parts[1]
