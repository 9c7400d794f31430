"""ServiceOrchestration for operators: pushes, locks, history and fixed bindings."""

import msgspec

from fabloop.adapters.arrowhead.five import wire
from fabloop.adapters.arrowhead.five.calls import Answer, Call, Route, told
from fabloop.adapters.arrowhead.five.orchestration import ORCHESTRATION
from fabloop.adapters.arrowhead.five.pages import Sorts, page_of
from fabloop.adapters.arrowhead.five.reading import Reading, subscription_of
from fabloop.adapters.arrowhead.five.registry_management import some
from fabloop.adapters.arrowhead.five.settings import Settings, Strategy
from fabloop.adapters.arrowhead.five.shapes import Entries, JobsOut
from fabloop.adapters.arrowhead.five.told import (
    job_out,
    listed,
    lock_out,
    rule_out,
    subscription_out,
)
from fabloop.base.instant import Instant
from fabloop.services.cloud.fixed import ChangePriorities, DropRules, KeepRules, RuleEntry
from fabloop.services.cloud.locks import HoldOffers, LockEntry, ReleaseOffers, held
from fabloop.services.cloud.names import SYSTEM
from fabloop.services.cloud.push import Subscribe, Trigger, Unsubscribe
from fabloop.services.cloud.records import Job, JobStatus, JobType, StoreRule, Subscription
from fabloop.services.cloud.state import State

MANAGEMENT = f"{ORCHESTRATION}/mgmt"
_SUBSCRIPTIONS = msgspec.json.Decoder(wire.SubscriptionsIn)
_TRIGGER = msgspec.json.Decoder(wire.TriggerIn)
_SUBSCRIPTION_QUERY = msgspec.json.Decoder(wire.SubscriptionQuery)
_LOCKS = msgspec.json.Decoder(wire.LocksIn)
_LOCK_QUERY = msgspec.json.Decoder(wire.LockQuery)
_HISTORY_QUERY = msgspec.json.Decoder(wire.HistoryQuery)
_RULES = msgspec.json.Decoder(wire.RulesIn)
_RULE_QUERY = msgspec.json.Decoder(wire.RuleQuery)
_PRIORITIES = msgspec.json.Decoder(dict[str, int])

_JOB_SORTS: Sorts = {
    "createdAt": lambda each: each.number,
    "id": lambda each: each.id,
    "status": lambda each: each.status,
    "serviceDefinition": lambda each: each.definition,
    "requesterSystem": lambda each: each.requester,
    "targetSystem": lambda each: each.target,
    "startedAt": lambda each: each.started_at or 0,
    "finishedAt": lambda each: each.finished_at or 0,
}
_LOCK_SORTS: Sorts = {
    "id": lambda each: each.number,
    "owner": lambda each: each.owner,
    "serviceInstanceId": lambda each: each.instance,
    "expiresAt": lambda each: each.expires_at or 0,
}
_SUBSCRIPTION_SORTS: Sorts = {
    "createdAt": lambda each: each.created_at,
    "id": lambda each: each.id,
    "ownerSystem": lambda each: each.owner,
    "targetSystem": lambda each: each.target,
    "serviceDefinition": lambda each: each.form.definition,
}
_RULE_SORTS: Sorts = {
    "createdAt": lambda each: each.created_at,
    "id": lambda each: each.id,
    "consumer": lambda each: each.consumer,
    "serviceDefinition": lambda each: each.definition,
    "serviceInstanceId": lambda each: each.instance,
    "priority": lambda each: each.priority,
}


class OrchestrationManagement:
    """The management services of orchestration."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def routes(self) -> tuple[Route, ...]:
        """Return who answers what; pushes and locks are of the dynamic strategy."""
        both = (
            Route("POST", f"{MANAGEMENT}/history/query", self.query_history),
            Route("POST", f"{MANAGEMENT}/simple-store/create", self.create_rules),
            Route("POST", f"{MANAGEMENT}/simple-store/query", self.query_rules),
            Route("POST", f"{MANAGEMENT}/simple-store/modify-priorities", self.change_priorities),
            Route("DELETE", f"{MANAGEMENT}/simple-store/remove", self.remove_rules),
        )
        if self._settings.strategy is Strategy.SIMPLE_STORE:
            return both
        return (
            *both,
            Route("POST", f"{MANAGEMENT}/push/subscribe", self.subscribe),
            Route("POST", f"{MANAGEMENT}/push/trigger", self.trigger),
            Route("POST", f"{MANAGEMENT}/push/query", self.query_subscriptions),
            Route("DELETE", f"{MANAGEMENT}/push/unsubscribe", self.unsubscribe),
            Route("POST", f"{MANAGEMENT}/lock/create", self.create_locks),
            Route("POST", f"{MANAGEMENT}/lock/query", self.query_locks),
            Route("DELETE", f"{MANAGEMENT}/lock/remove/", self.remove_locks, tail=True),
        )

    async def subscribe(self, call: Call) -> Answer:
        """Order results to be pushed to other systems."""
        reading = Reading("subscriptions")
        asked = some(call.read(_SUBSCRIPTIONS).subscriptions, reading, "subscriptions")
        entries = tuple(
            subscription_of(each, reading, f"subscriptions[{number}].")
            for number, each in enumerate(asked)
        )
        reading.check()
        command = Subscribe(entries=entries, owner=call.who, trigger=call.flag("trigger"))
        made = await call.cloud.do(command)
        return told(listed([subscription_out(each) for each, _ in made]), 201)

    async def trigger(self, call: Call) -> Answer:
        """Begin pushes now."""
        asked = call.read(_TRIGGER)
        reading = Reading("trigger")
        command = Trigger(
            by=call.who,
            subscriptions=tuple(reading.some(asked.subscription_ids, "subscriptionIds")),
            targets=reading.names(SYSTEM, asked.target_systems, "targetSystems"),
        )
        reading.check()
        made = await call.cloud.do(command)
        return told(JobsOut([job_out(each) for each in made]), 201)

    async def query_subscriptions(self, call: Call) -> Answer:
        """List subscriptions."""
        asked = call.read(_SUBSCRIPTION_QUERY)
        reading = Reading("query")
        owners = reading.names(SYSTEM, asked.owner_systems, "ownerSystems")
        targets = reading.names(SYSTEM, asked.target_systems, "targetSystems")
        definitions = reading.some(asked.service_definitions, "serviceDefinitions")

        def found(state: State, at: Instant) -> Entries[object]:
            every = [
                each
                for each in state.table(Subscription).values()
                if each.holds(at)
                and (not owners or each.owner in owners)
                and (not targets or each.target in targets)
                and (not definitions or each.form.definition in definitions)
            ]
            page = page_of(every, asked.pagination, _SUBSCRIPTION_SORTS, reading)
            return listed([subscription_out(each) for each in page], len(every))

        return told(await call.cloud.ask(found))

    async def unsubscribe(self, call: Call) -> Answer:
        """Cancel orders."""
        await call.cloud.do(Unsubscribe(ids=call.several("ids")))
        return Answer()

    async def create_locks(self, call: Call) -> Answer:
        """Hold offers."""
        reading = Reading("locks")
        asked = some(call.read(_LOCKS).locks, reading, "locks")
        entries = tuple(
            LockEntry(
                instance=reading.text(each.service_instance_id, f"locks[{n}].serviceInstanceId"),
                owner=reading.name(SYSTEM, each.owner, f"locks[{n}].owner"),
                expires_at=reading.time(each.expires_at, f"locks[{n}].expiresAt"),
            )
            for n, each in enumerate(asked)
        )
        for number, each in enumerate(asked):
            reading.text(each.expires_at, f"locks[{number}].expiresAt")
        reading.check()
        made = await call.cloud.do(HoldOffers(entries=entries))
        return told(listed([lock_out(each) for each in made]), 201)

    async def query_locks(self, call: Call) -> Answer:
        """List locks that hold."""
        asked = call.read(_LOCK_QUERY)
        reading = Reading("query")
        before = reading.time(asked.expires_before, "expiresBefore")
        after = reading.time(asked.expires_after, "expiresAfter")

        def found(state: State, at: Instant) -> Entries[object]:
            every = held(
                state,
                at,
                owners=asked.owners or (),
                instances=asked.service_instance_ids or (),
                jobs=asked.orchestration_job_ids or (),
                numbers=asked.ids or (),
                before=before,
                after=after,
            )
            page = page_of(every, asked.pagination, _LOCK_SORTS, reading)
            return listed([lock_out(each) for each in page], len(every))

        return told(await call.cloud.ask(found))

    async def remove_locks(self, call: Call) -> Answer:
        """Release offers of an owner, as at the end of a step."""
        await call.cloud.do(ReleaseOffers(owner=call.tail, instances=call.several("instanceIds")))
        return Answer()

    async def query_history(self, call: Call) -> Answer:
        """List orchestrations."""
        asked = call.read(_HISTORY_QUERY)
        reading = Reading("query")
        statuses = reading.choices(JobStatus, asked.statuses, "statuses", JobStatus.DONE)
        kind = reading.choice(JobType, asked.type, "type", JobType.PULL) if asked.type else None

        def found(state: State, _: Instant) -> Entries[object]:
            every = [
                each
                for each in state.table(Job).values()
                if (not asked.ids or each.id in asked.ids)
                and (not statuses or each.status in statuses)
                and (kind is None or each.kind is kind)
                and (not asked.requester_systems or each.requester in asked.requester_systems)
                and (not asked.target_systems or each.target in asked.target_systems)
                and (not asked.service_definitions or each.definition in asked.service_definitions)
                and (not asked.subscription_ids or each.subscription in asked.subscription_ids)
            ]
            page = page_of(every, asked.pagination, _JOB_SORTS, reading)
            return listed([job_out(each) for each in page], len(every))

        return told(await call.cloud.ask(found))

    async def create_rules(self, call: Call) -> Answer:
        """Bind consumers to offers."""
        reading = Reading("simple store")
        body = call.read(_RULES)
        asked = some(body.entries or body.candidates, reading, "entries")
        entries = tuple(_rule_entry(x, reading, f"entries[{n}]") for n, x in enumerate(asked))
        reading.check()
        made = await call.cloud.do(KeepRules(entries=entries, by=call.who))
        return told(listed([rule_out(each) for each in made]), 201)

    async def query_rules(self, call: Call) -> Answer:
        """List fixed bindings."""
        asked = call.read(_RULE_QUERY)
        reading = Reading("query")
        low, high = asked.min_priority, asked.max_priority
        if low is not None and high is not None and low > high:
            reading.add("minPriority", f"a number up to maxPriority, {high}", str(low))

        def found(state: State, _: Instant) -> Entries[object]:
            every = [
                each
                for each in state.table(StoreRule).values()
                if (not asked.ids or each.id in asked.ids)
                and (not asked.consumer_names or each.consumer in asked.consumer_names)
                and (not asked.service_definitions or each.definition in asked.service_definitions)
                and (not asked.service_instance_ids or each.instance in asked.service_instance_ids)
                and (low is None or each.priority >= low)
                and (high is None or each.priority <= high)
                and (not asked.created_by or each.created_by == asked.created_by)
            ]
            page = page_of(every, asked.pagination, _RULE_SORTS, reading)
            return listed([rule_out(each) for each in page], len(every))

        return told(await call.cloud.ask(found))

    async def change_priorities(self, call: Call) -> Answer:
        """Change priorities of fixed bindings."""
        asked = call.read(_PRIORITIES)
        reading = Reading("simple store")
        for id_, priority in asked.items():
            if priority <= 0:
                reading.add(id_, "a priority from 1", str(priority))
        if not asked:
            reading.add("", "one priority at least", "none")
        reading.check()
        made = await call.cloud.do(ChangePriorities(priorities=asked, by=call.who))
        return told(listed([rule_out(each) for each in made]))

    async def remove_rules(self, call: Call) -> Answer:
        """Undo fixed bindings."""
        await call.cloud.do(DropRules(ids=call.several("uuids")))
        return Answer()


def _rule_entry(asked: wire.RuleIn, reading: Reading, path: str) -> RuleEntry:
    if asked.priority is None or asked.priority <= 0:
        reading.add(f"{path}.priority", "a priority from 1", str(asked.priority))
    return RuleEntry(
        consumer=reading.name(SYSTEM, asked.consumer, f"{path}.consumer"),
        instance=reading.text(asked.service_instance_id, f"{path}.serviceInstanceId"),
        priority=asked.priority or 1,
    )
