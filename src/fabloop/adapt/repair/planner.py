"""Distinct plans for a goal, cheapest and fastest, each tried out before it is shown."""

from collections.abc import Callable, Iterable, Sequence

import msgspec

from fabloop.adapt.repair.course import Course, course_of
from fabloop.adapt.repair.domain import Binder, Domain, Step
from fabloop.adapt.repair.estimate import FAR
from fabloop.adapt.repair.ground import CHEAP, FAST, Wish, ground
from fabloop.adapt.repair.reality import Reality
from fabloop.adapt.repair.sample import worlds
from fabloop.adapt.repair.search import Exhausted, Found, plans
from fabloop.adapt.repair.simulate import breaches
from fabloop.adapt.repair.task import Allowance, Budget, Task, part
from fabloop.model.service import Literal

ALTERNATIVES_MAX = 5
"""Plans that are offered beside the best one."""

OTHER_SHARE = 0.3
"""The share of what is left of the budget for one of the others."""

WORLD_SHARE = 0.6
"""The share of what is left of the budget that a small world has."""

FIRST_SHARE = 0.5
"""The share of the budget for the first wish; the others and the alternatives share the rest."""


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """What was found.

    Attributes
    ----------
    courses : distinct and tried out, the best by the wish first
    proven : the first is the cheapest there is or, without any, there is none
    reason : why there is none
    rejected : how many plans failed when they were tried out
    """

    courses: tuple[Course, ...]
    proven: bool
    reason: str = ""
    rejected: int = 0


def plan(
    domain: Domain,
    initial: Reality,
    goal: Sequence[Literal],
    budget: Budget,
    *,
    wish: Wish = CHEAP,
    alternatives: int = ALTERNATIVES_MAX,
    share: float = 1.0,
) -> Planned:
    """Return plans that reach a goal, found while there is budget.

    The first may take all of it; once it is found, the rest is content with `share` of the budget.
    Alternatives differ from all others in what is done to what: the fastest and the cheapest one,
    and those without one of the actions, or services, that the best one relies on.
    """
    search = _Planning(domain, initial, goal)
    whole = Allowance(budget, share)
    own = Allowance(whole, FIRST_SHARE)

    def found() -> None:
        whole.found()
        own.found()

    first = search.best(wish, frozenset(), own, found)
    proven, reason = search.proven, search.reason
    if first is None:
        return Planned(courses=(), proven=proven, reason=reason, rejected=search.rejected)
    tries = [(each, frozenset[str]()) for each in (CHEAP, FAST) if each != wish]
    tries += [(wish, without) for without in _leaning(domain, first, wish)]
    for other, without in tries:
        if len(search.found) > alternatives or whole() <= 0:
            break
        search.best(other, without, part(whole, OTHER_SHARE))
    binder = Binder(domain)

    def rank(course: Course) -> int:
        return sum(wish.price(binder(each)) for each in course.steps)

    courses = tuple(sorted(search.found.values(), key=rank))[: alternatives + 1]
    return Planned(courses=courses, proven=proven, rejected=search.rejected)


def _leaning(domain: Domain, course: Course, wish: Wish) -> Iterable[frozenset[str]]:
    """Yield sets of actions to do without: one service of the course each, then one action.

    What counts most in the course comes first: without it, plans differ most.
    """
    binder = Binder(domain)
    prices: dict[str, int] = {}
    for step in course.steps:
        prices[step.action] = prices.get(step.action, 0) + wish.price(binder(step))
    by_service: dict[str, int] = {}
    for name, price in prices.items():
        service = binder.actions[name].service
        by_service[service] = by_service.get(service, 0) + price
    for service in sorted(filter(None, by_service), key=by_service.__getitem__, reverse=True):
        yield frozenset(each.name for each in domain.actions if each.service == service)
    for name in sorted(prices, key=prices.__getitem__, reverse=True):
        yield frozenset({name})


def course_from(
    domain: Domain,
    binder: Binder,
    steps: Sequence[Step],
    initial: Reality,
    goal: Sequence[Literal],
) -> Course | None:
    """Return steps without those that the others reach the goal without; None if they fail."""
    kept = list(steps)
    for number in reversed(range(len(steps))):
        fewer = kept[:number] + kept[number + 1 :]
        made = course_of([binder(each) for each in fewer])
        if not breaches(domain, made, initial, goal):
            kept = fewer
    made = course_of([binder(each) for each in kept])
    return None if breaches(domain, made, initial, goal) else made


class _Planning:
    def __init__(self, domain: Domain, initial: Reality, goal: Sequence[Literal]) -> None:
        self.domain, self.initial, self.goal = domain, initial, goal
        self.binder = Binder(domain)
        self.found: dict[frozenset[tuple[str, ...]], Course] = {}
        self.proven, self.reason, self.rejected = False, "", 0

    def best(
        self,
        wish: Wish,
        without: frozenset[str],
        budget: Budget,
        found: Callable[[], None] | None = None,
    ) -> Course | None:
        """Keep the best plan by a wish that is found within the budget; call `found` at the first.

        Without `found` it is the first one in the smallest world.
        """
        last: Course | None = None
        price, task = FAR, None
        self.proven = False
        for world in worlds(self.domain, self.initial, self.goal):
            share = budget if world.whole else part(budget, WORLD_SHARE)
            task = ground(world.domain, world.initial, self.goal, wish, share, without=without)
            for each in plans(task, share, price):
                match each:
                    case Found(operators=operators):
                        made = self._course(task, operators)
                        if made is not None:
                            last, price = made, each.price
                            if found is None:
                                break
                            found()
                    case Exhausted(whole=whole):
                        self.proven = whole and world.whole
            if budget() <= 0 or found is None:
                break
        assert task is not None, "the last world is always looked at"
        if last is None:
            self.reason = self._why(task)
        else:
            self.found.setdefault(last.key, last)
        return last

    def _course(self, task: Task, operators: tuple[int, ...]) -> Course | None:
        steps = [task.operators[number].step for number in operators]
        made = course_from(self.domain, self.binder, steps, self.initial, self.goal)
        if made is None:
            self.rejected += 1
        return made

    def _why(self, task: Task) -> str:
        if task.hopeless:
            return f"nothing brings about '{task.hopeless}'"
        if self.rejected:
            return "every plan that was found failed when it was tried out"
        if self.proven:
            return "no sequence of actions reaches the goal"
        return "no plan was found within the budget"
