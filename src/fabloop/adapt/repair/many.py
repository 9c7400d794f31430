"""Many things that went wrong alike: planned for one, carried over to the others, timed."""

from collections import Counter
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from fabloop.adapt.repair.course import Course, conflict, course_of, reduced, timed
from fabloop.adapt.repair.domain import Binder, Bound, Domain, Step, Thing
from fabloop.adapt.repair.ground import CHEAP, Wish
from fabloop.adapt.repair.planner import Planned, plan
from fabloop.adapt.repair.reality import (
    Atom,
    Reality,
    after,
    unmet,
)
from fabloop.adapt.repair.rebind import Blank, Outline, rebound
from fabloop.adapt.repair.simulate import breaches
from fabloop.adapt.repair.task import Budget, part
from fabloop.model.service import Constant, Literal
from fabloop.plan.shop.answer import Effort
from fabloop.plan.shop.model import Arc, Job, Mode, Resource, Shop, Task, Use
from fabloop.plan.shop.solve import solve

TOKENS_MAX = 500
"""Things that one repair recovers."""

REPRESENTATIVE_SHARE = 0.4
"""The share of the budget for the plans of the first thing."""

ANEW_SHARE = 0.05
"""The share of what is left of the budget for better plans for one thing by itself."""

FORMS_MAX = 4
"""Plans that are tried on a further thing."""

SCHEDULE_EFFORT = Effort(seconds=0.3, moves=20_000)
"""What timing them together may take: deterministic, so that it is the same on every machine."""

TICKS = 100_000
"""How finely the longest conceivable course is divided for scheduling."""


def plan_tokens(
    domain: Domain,
    initial: Reality,
    goal: Sequence[Literal],
    budget: Budget,
    *,
    wish: Wish = CHEAP,
    tokens: Sequence[str] = (),
    share: float = 1.0,
) -> Planned:
    """Return plans that reach a goal for all of these tokens; as `plan` where at most one is hit.

    The first is planned for; its plans are carried over to the others, one after the other, each
    from the state that the one before leaves. What does not carry over is planned for by itself.
    """
    hit = hit_tokens(tokens, goal, initial)
    if len(hit) < 2:
        return plan(domain, initial, goal, budget, wish=wish, share=share)
    first = hit[0]
    own = about(goal, first, tokens)
    shown = plan(domain, initial, own, budget, wish=wish, share=share * REPRESENTATIVE_SHARE)
    if not shown.courses:
        return shown
    several = _Several(domain, initial, goal, hit, tokens)
    found: dict[object, Course] = {}
    for number, course in enumerate(shown.courses):
        patience = part(budget, 1 / (len(shown.courses) - number))
        whole = several.spread(course, first, patience, wish)
        if whole is not None:
            found.setdefault(whole.key, whole)
    reason = "" if found else "no plan for one of them could be carried over to all"
    ranked = sorted(found.values(), key=several.rank(wish))
    return Planned(courses=tuple(ranked), proven=False, reason=reason)


def hit_tokens(tokens: Sequence[str], goal: Sequence[Literal], initial: Reality) -> tuple[str, ...]:
    """Return the tokens for which a goal is not reached; the limit is on all of them."""
    if len(tokens) > TOKENS_MAX:
        return ()
    return tuple(each for each in tokens if unmet(about(goal, each, tokens), initial))


def spread_over(
    domain: Domain,
    initial: Reality,
    goal: Sequence[Literal],
    tokens: Sequence[str],
    course: Course,
    budget: Budget,
    wish: Wish = CHEAP,
) -> Course | None:
    """Return a course for the first token that is hit as one for all of them; None if no way."""
    hit = hit_tokens(tokens, goal, initial)
    if len(hit) < 2:
        return course
    return _Several(domain, initial, goal, hit, tokens).spread(course, hit[0], budget, wish)


def about(goal: Sequence[Literal], token: str, tokens: Sequence[str]) -> tuple[Literal, ...]:
    """Return the part of a goal that is not about other tokens."""
    others = frozenset(tokens) - {token}
    return tuple(e for e in goal if e.value not in others and not others.intersection(e.arguments))


class _Several:
    def __init__(
        self,
        domain: Domain,
        initial: Reality,
        goal: Sequence[Literal],
        hit: Sequence[str],
        tokens: Sequence[str],
    ) -> None:
        self.domain, self.initial, self.goal = domain, initial, goal
        self.hit, self.tokens = hit, tokens
        self.binder = Binder(domain)
        self.things = {each.name: each for each in domain.things}

    def rank(self, wish: Wish) -> Callable[[Course], int]:
        """Return by what courses are compared."""
        return lambda course: sum(wish.price(self.binder(each)) for each in course.steps)

    def spread(self, course: Course, first: str, budget: Budget, wish: Wish) -> Course | None:
        """Return a course for all, made of one for the first.

        One that does not carry over to a token is planned for it, and tried on those after it.
        """
        forms: list[tuple[str, tuple[Step, ...]]] = [(first, course.steps)]
        steps = [self.binder(each) for each in course.steps]
        reality = _after_all(self.initial, steps)
        used = Counter(name for step in steps for name in step.exclusive)
        for token in self.hit[1:]:
            more = self._carried(forms, token, reality, used, budget)
            if more is None:
                goal = about(self.goal, token, self.tokens)
                anew = plan(
                    self.domain,
                    reality,
                    goal,
                    budget,
                    wish=wish,
                    alternatives=0,
                    share=ANEW_SHARE,
                )
                if not anew.courses:
                    return None
                more = tuple(self.binder(each) for each in anew.courses[0].steps)
                forms.insert(0, (token, anew.courses[0].steps))
            used.update(name for step in more for name in step.exclusive)
            steps += more
            reality = _after_all(reality, more)
        made = scheduled(steps)
        if breaches(self.domain, made, self.initial, self.goal):
            made = course_of(steps)
            if breaches(self.domain, made, self.initial, self.goal):
                return None
        return made

    def _carried(
        self,
        forms: Sequence[tuple[str, tuple[Step, ...]]],
        token: str,
        reality: Reality,
        used: Counter[str],
        budget: Budget,
    ) -> tuple[Bound, ...] | None:
        """Return what was done for another token, done to this one; what is used least first."""

        def by_use(name: str, things: Sequence[Thing]) -> Sequence[Thing]:
            del name
            return sorted(things, key=lambda thing: used[thing.name])

        goal = about(self.goal, token, self.tokens)
        for other, steps in forms[:FORMS_MAX]:
            outline = self._outline(steps, other, token)
            found = rebound(outline, self.domain, reality, goal, budget, by_use)
            if found is not None:
                return found
        return None

    def _outline(self, steps: Sequence[Step], first: str, token: str) -> Outline:
        """Return steps for another token; things that are not the goal's are left open."""
        named = {each for literal in self.goal for each in (*literal.arguments, literal.value)}
        blanks: dict[str, Blank] = {}
        made = []
        for step in steps:
            values = {}
            kinds = {e.name: e.kind for e in self.binder.actions[step.action].parameters}
            for name, value in step.values.items():
                values[name] = token if value == first else value
                thing = self.things.get(value)
                if value != first and value not in named and thing is not None:
                    usual = "" if thing.exclusive else value
                    blank = f"*{value}"
                    blanks.setdefault(blank, Blank(kind=kinds[name] or thing.kind, usual=usual))
                    values[name] = blank
            made.append(Step(action=step.action, values=values))
        return Outline(steps=tuple(made), blanks=blanks)


def _after_all(reality: Reality, steps: Sequence[Bound]) -> dict[Atom, Constant]:
    found = dict(reality)
    for each in steps:
        found = after(found, each.effects)
    return found


def scheduled(steps: Sequence[Bound]) -> Course:
    """Return steps in the order in which they are done soonest, none of two on one thing at once.

    Steps of which one brings about or destroys what the other needs keep the order they come in.
    """
    longest = sum(each.duration_ns for each in steps)
    tick = max(1, longest // TICKS)
    names = sorted({name for each in steps for name in each.exclusive})
    number_of = {name: number for number, name in enumerate(names)}
    tied = [
        tuple(n for n in range(later) if _tied(steps[n], steps[later]))
        for later in range(len(steps))
    ]
    shop = Shop(
        name="recovery",
        tasks=tuple(
            Task(
                name=f"{number}",
                job=0,
                modes=(
                    Mode(
                        ticks=max(1, -(-each.duration_ns // tick)),
                        uses=tuple(Use(number_of[name]) for name in sorted(each.exclusive)),
                    ),
                ),
            )
            for number, each in enumerate(steps)
        ),
        resources=tuple(Resource(name=each) for each in names),
        jobs=(Job(name="recovery"),),
        arcs=tuple(
            Arc(before=other, after=number)
            for number, others in enumerate(reduced(tied))
            for other in others
        ),
    )
    answer = solve(shop, effort=SCHEDULE_EFFORT)
    if answer.schedule is None:
        return course_of(steps)
    starts = answer.schedule.starts
    order = sorted(range(len(steps)), key=lambda n: (starts[n], n))
    ranked = [steps[number] for number in order]
    waits = [
        tuple(n for n in range(later) if conflict(ranked[n], ranked[later]))
        for later in range(len(ranked))
    ]
    return timed(ranked, reduced(waits))


def _tied(one: Bound, other: Bound) -> bool:
    """Tell whether two steps keep their order whoever else uses what they use."""
    free = frozenset[str]()
    return conflict(replace(one, exclusive=free), replace(other, exclusive=free))
