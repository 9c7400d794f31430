"""What each rung of the ladder finds for an oven that is slow, or as fast again as it should be."""

from fabloop.adapt.ladder import Offer
from fabloop.adapt.policy import Rung
from fabloop.app.muffin.chains import LATE_RATIO, Chains, lateness
from fabloop.app.muffin.looks import Ways, offer
from fabloop.app.muffin.ovens import Ovens
from fabloop.app.service_runtime.errands import Errand
from fabloop.base.instant import Instant
from fabloop.model.explanation import Evidence, Explanation
from fabloop.services.composition import Composition

OVEN_PACE = "oven-pace"


def of_pace(chains: Chains, ovens: Ovens, errand: Errand, now: Instant) -> Ways:
    """Return what is found for a line that does not keep pace with its oven.

    The line is planned anew: what feeds the oven goes by the delay that it tells, as composed of
    the services that there are, and loads that wait have their turns by what it takes now.
    """
    late = lateness(errand) or 0.0
    about = errand.task.about
    found: list[Composition] = []

    def tolerate(_move: object) -> tuple[Offer, ...] | str:
        if late > LATE_RATIO - 1:
            return (
                f"it took {late:.0%} longer than described, and {LATE_RATIO - 1:.0%} is tolerated"
            )
        return "it takes as long as described, and what feeds it is slowed"

    def retry(_move: object) -> tuple[Offer, ...] | str:
        delay = chains.delay_percent(now)
        if delay is None:
            return "asked once more, the oven tells no delay"
        if (delay > 0) == chains.slowed:
            return (offer(Rung.RETRY, f"asked once more, it tells a delay of {delay:g} %"),)
        return f"asked once more, it tells a delay of {delay:g} %"

    def rebind(_move: object) -> tuple[Offer, ...] | str:
        others = [each for each in ovens.names() if each != str(_service(errand))]
        if others:
            return f"{', '.join(others)}: loads go to whichever oven is done first as it is"
        return "no other oven bakes what stands here"

    def replan(_move: object) -> tuple[Offer, ...] | str:
        way = chains.pace(about, now)
        if isinstance(way, str):
            return way
        found[:] = [way]
        return (offer(Rung.REPLAN, f"the line keeps pace with it: {' -> '.join(way.signature)}"),)

    def repair(_move: object) -> tuple[Offer, ...] | str:
        return "no process lacks a step: each goes on as it is"

    def keep_pace() -> str:
        why = chains.slow(found[0], errand, now)
        if not why:
            ovens.retime(about, f"s{errand.task.key}", now)
        return why

    looks = {
        Rung.TOLERATE: tolerate, Rung.RETRY: retry, Rung.REBIND: rebind, Rung.REPLAN: replan,
        Rung.REPAIR: repair,
    }  # fmt: skip
    return Ways(looks=looks, does={Rung.REPLAN: keep_pace})


def because(errand: Errand, now: Instant) -> Explanation:
    """Return why the line is looked at: how long a load took against what is described."""
    late = lateness(errand) or 0.0
    candidate = errand.candidate
    described = None if candidate is None else candidate.operation.duration_ns
    minutes = None if described is None else round(described / 60e9 * (1 + late), 1)
    return Explanation(
        code=OVEN_PACE,
        subject=str(errand.task.variables.get("lot", "")),
        evidence=(
            Evidence(
                subject=str(_service(errand)),
                parameter="minutes for a load",
                relation="at most",
                value=minutes,
                limit=None if described is None else round(described / 60e9 * LATE_RATIO, 1),
                at=now,
                source="oven.bake",
            ),
        ),
    )


def _service(errand: Errand) -> object:
    return "" if errand.candidate is None else errand.candidate.service.id
