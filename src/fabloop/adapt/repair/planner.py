"""Distinct plans for a goal, cheapest and fastest, each tried out before it is shown."""

from collections.abc import Iterable, Sequence

import msgspec

from fabloop.adapt.repair.course import Course, course_of
from fabloop.adapt.repair.domain import Binder, Domain, Step
from fabloop.adapt.repair.ground import CHEAP, FAST, Wish, ground
from fabloop.adapt.repair.reality import Reality
from fabloop.adapt.repair.search import Exhausted, Found, plans
from fabloop.adapt.repair.simulate import breaches
from fabloop.adapt.repair.task import Budget, Task, part
from fabloop.model.service import Literal

ALTERNATIVES_MAX = 5
"""Plans that are offered beside the best one."""

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
) -> Planned:
    """Return plans that reach a goal, found while there is budget.

    Alternatives differ from all others in what is done to what: the fastest and the cheapest one,
    and those without one of the actions, or services, that the best one relies on.
    """
    search = _Planning(domain, initial, goal)
    first = search.best(wish, frozenset(), part(budget, FIRST_SHARE))
    proven, reason = search.proven, search.reason
    if first is None:
        return Planned(courses=(), proven=proven, reason=reason, rejected=search.rejected)
    tries = [(each, frozenset[str]()) for each in (CHEAP, FAST) if each != wish]
    tries += [(wish, without) for without in _leaning(domain, first)]
    for number, (other, without) in enumerate(tries):
        if len(search.found) > alternatives or budget() <= 0:
            break
        search.best(other, without, part(budget, 1 / (len(tries) - number)))
    binder = Binder(domain)

    def rank(course: Course) -> int:
        return sum(wish.price(binder(each)) for each in course.steps)

    courses = tuple(sorted(search.found.values(), key=rank))[: alternatives + 1]
    return Planned(courses=courses, proven=proven, rejected=search.rejected)


def _leaning(domain: Domain, course: Course) -> Iterable[frozenset[str]]:
    """Yield sets of actions to do without: one service of the course each, then one action."""
    used = [domain.action(each.action) for each in course.steps]
    services = dict.fromkeys(each.service for each in used if each.service)
    for service in services:
        yield frozenset(each.name for each in domain.actions if each.service == service)
    for name in dict.fromkeys(each.name for each in used):
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

    def best(self, wish: Wish, without: frozenset[str], budget: Budget) -> Course | None:
        """Keep the best plan by a wish, and those on the way to it that were no detour."""
        task = ground(self.domain, self.initial, self.goal, wish, budget, without=without)
        last: Course | None = None
        self.proven = False
        for each in plans(task, budget):
            match each:
                case Found(operators=operators):
                    made = self._course(task, operators)
                    if made is not None:
                        last = made
                case Exhausted(whole=whole):
                    self.proven = whole
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
