"""ServiceOrchestration: consumers pull their bindings, or have them pushed."""

import msgspec

from fabloop.adapters.arrowhead.five import wire
from fabloop.adapters.arrowhead.five.calls import Answer, Call, Route, plain, removed, told
from fabloop.adapters.arrowhead.five.reading import Reading, form_of, subscription_of
from fabloop.adapters.arrowhead.five.settings import Settings, Strategy
from fabloop.adapters.arrowhead.five.told import orchestration_out
from fabloop.base.instant import Instant
from fabloop.services.cloud.bind import Flag
from fabloop.services.cloud.fixed import fixed_bindings
from fabloop.services.cloud.names import SERVICE, SYSTEM
from fabloop.services.cloud.orchestrate import Binding, Bound, Pull
from fabloop.services.cloud.push import Subscribe, Unsubscribe
from fabloop.services.cloud.state import State

ORCHESTRATION = "/serviceorchestration/orchestration"
_REQUEST = msgspec.json.Decoder(wire.OrchestrationIn)
_SUBSCRIPTION = msgspec.json.Decoder(wire.SubscriptionIn)
_HEEDED = (Flag.MATCHMAKING, Flag.ONLY_PREFERRED)


class Orchestration:
    """Pull and subscribe."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def routes(self) -> tuple[Route, ...]:
        """Return who answers what; fixed bindings are pulled only."""
        if self._settings.strategy is Strategy.SIMPLE_STORE:
            return (Route("POST", f"{ORCHESTRATION}/pull", self.pull_fixed),)
        return (
            Route("POST", f"{ORCHESTRATION}/pull", self.pull),
            Route("POST", f"{ORCHESTRATION}/subscribe", self.subscribe),
            Route("DELETE", f"{ORCHESTRATION}/unsubscribe/", self.unsubscribe, tail=True),
        )

    async def pull(self, call: Call) -> Answer:
        """Bind who asks now."""
        reading = Reading("orchestration")
        form = form_of(call.read(_REQUEST), reading)
        reading.check()
        bound = await call.cloud.do(Pull(form=form, requester=call.who, rules=self._settings.rules))
        return told(orchestration_out(bound))

    async def pull_fixed(self, call: Call) -> Answer:
        """Tell what an operator has bound who asks to; requirements are not heeded, and told so."""
        asked = call.read(_REQUEST)
        wanted = asked.service_requirement or wire.RequirementIn()
        reading = Reading("orchestration")
        definition = ""
        if wanted.service_definition:
            definition = reading.name(
                SERVICE, wanted.service_definition, "serviceRequirement.serviceDefinition"
            )
        preferred = reading.names(
            SYSTEM, wanted.preferred_providers, "serviceRequirement.preferredProviders"
        )
        flags = {
            name.strip().upper()
            for name, value in (asked.orchestration_flags or {}).items()
            if str(value).strip().lower() == "true"
        }
        reading.check()

        def found(state: State, at: Instant) -> tuple[Binding, ...]:
            bindings, _ = fixed_bindings(state, call.who, definition, at)
            return _narrowed(bindings, preferred, flags)

        bindings = await call.cloud.ask(found)
        bound = Bound(job="", bindings=bindings, warnings=_ignored(asked, wanted, flags))
        return told(orchestration_out(bound))

    async def subscribe(self, call: Call) -> Answer:
        """Order results to be pushed to who asks, or to another system; 201 for a new order."""
        reading = Reading("subscription")
        entry = subscription_of(call.read(_SUBSCRIPTION), reading, "")
        reading.check()
        command = Subscribe(entries=(entry,), owner=call.who, trigger=call.flag("trigger"))
        ((made, is_new),) = await call.cloud.do(command)
        return plain(made.id, 201 if is_new else 200)

    async def unsubscribe(self, call: Call) -> Answer:
        """Cancel an order of who asks."""
        return removed(await call.cloud.do(Unsubscribe(ids=(call.tail,), owner=call.who)))


def _narrowed(
    bindings: tuple[Binding, ...], preferred: tuple[str, ...], flags: set[str]
) -> tuple[Binding, ...]:
    """Return the bindings of preferred providers where there are any, and one if that is asked."""
    liked = tuple(each for each in bindings if each.offer.provider in preferred)
    if liked or Flag.ONLY_PREFERRED in flags:
        bindings = liked
    return bindings[:1] if Flag.MATCHMAKING in flags else bindings


def _ignored(
    asked: wire.OrchestrationIn, wanted: wire.RequirementIn, flags: set[str]
) -> tuple[str, ...]:
    """Return warnings of what was asked and is not heeded."""
    fields = [
        name
        for name, value in (
            ("operations", wanted.operations),
            ("versions", wanted.versions),
            ("alivesAt", wanted.alives_at),
            ("metadataRequirements", wanted.metadata_requirements),
            ("interfaceTemplateNames", wanted.interface_template_names),
            ("interfaceAddressTypes", wanted.interface_address_types),
            ("interfacePropertyRequirements", wanted.interface_property_requirements),
            ("securityPolicies", wanted.security_policies),
            ("qualityRequirements", asked.quality_requirements or asked.qos_requirements),
            ("exclusivityDuration", asked.exclusivity_duration),
        )
        if value
    ]
    unheeded = sorted(flags - set(_HEEDED))
    told_of = (("ignoredFields", fields), ("ignoredFlags", unheeded))
    return tuple(f"{what}: {', '.join(names)}" for what, names in told_of if names)
