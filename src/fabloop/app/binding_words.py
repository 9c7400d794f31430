"""To which service a job goes and why not to others, sentence by sentence."""

from fabloop.app.saying import Say, plain
from fabloop.base.instant import Instant
from fabloop.model.explanation import BindingCode, Explanation


def _bound(it: Explanation, now: Instant) -> str:
    del now
    price = f" for {it.details['price']}" if "price" in it.details else ""
    return f"{it.subject} does '{it.details['wanted']}'{price}: nobody who can costs less."


BINDING: dict[str, Say] = {
    BindingCode.BOUND: _bound,
    BindingCode.DEARER: plain("{subject} could, but costs more or takes longer than {than}."),
    BindingCode.AWAY: plain("{subject} is not on offer: {service} has not been heard."),
    BindingCode.DECLINED: plain("{subject} said that it cannot do this."),
    BindingCode.CONDITION_NOT_MET: plain("{subject} needs '{condition}', which does not hold."),
    BindingCode.NOBODY_OFFERS: plain("Nobody offers '{subject}'."),
    BindingCode.HELD: plain("{subject} is held for {by}."),
    BindingCode.NOT_GRANTED: plain("{service} does not let us use {subject}."),
    BindingCode.BLACKLISTED: plain("{service} is on the blacklist of the cloud."),
    BindingCode.NOT_OFFERED: plain("{subject} is not given out by the cloud: {why}."),
}
