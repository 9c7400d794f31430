"""Tiny scheduling problems with a bit of everything, and all their schedules."""

from itertools import product

from hypothesis import strategies as st

from fabloop.plan.shop.checker import violations
from fabloop.plan.shop.model import (
    Arc,
    Choice,
    Job,
    Mode,
    Option,
    PairLag,
    Resource,
    Schedule,
    SetUp,
    Shop,
    Span,
    Task,
    Use,
)

FAMILIES = ("red", "blue")


@st.composite
def resources(draw):
    kind = draw(st.sampled_from(["plain", "pool", "batch", "setups", "both"]))
    closed = draw(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 2)), max_size=1))
    spans = tuple(Span(start, start + length) for start, length in closed)
    setups = ()
    if kind in ("setups", "both"):
        pairs = [(a, b) for a in ("", *FAMILIES) for b in FAMILIES if a != b]
        setups = tuple(SetUp(before=a, after=b, ticks=draw(st.integers(0, 2))) for a, b in pairs)
    return Resource(
        name="r",
        capacity=2 if kind == "pool" else 1,
        batch_max=2 if kind in ("batch", "both") else 1,
        closed=spans,
        setups=setups,
    )


@st.composite
def shops(draw, tasks_max=3):
    held = tuple(draw(st.lists(resources(), min_size=1, max_size=2)))
    count = draw(st.integers(1, tasks_max))
    optional = draw(st.booleans())
    tasks = tuple(draw(task(number, held, optional)) for number in range(count))
    arcs = []
    for before, after in product(range(count), repeat=2):
        if before < after and draw(st.integers(0, 2)) == 0:
            arcs.append(draw(arc(before, after, tasks)))
    jobs = tuple(
        Job(
            name=f"j{number}",
            release=draw(st.integers(0, 2)),
            due=draw(st.none() | st.integers(0, 5)),
            weight=draw(st.integers(0, 3)),
            serial=draw(st.booleans()),
        )
        for number in range(2)
    )
    choices = (Choice(), Choice(within=0)) if optional else ()
    options = tuple(Option(choice=number // 2) for number in range(4)) if optional else ()
    return Shop(
        name="tiny",
        tasks=tasks,
        resources=held,
        jobs=jobs,
        arcs=tuple(arcs),
        choices=choices,
        options=options,
    )


@st.composite
def task(draw, number, held, optional):
    modes = []
    for _ in range(draw(st.integers(1, 2))):
        used = draw(st.sets(st.integers(0, len(held) - 1), min_size=1, max_size=len(held)))
        uses = tuple(Use(each, demand=draw(st.integers(1, held[each].capacity))) for each in used)
        ticks, cost = draw(st.integers(0, 3)), draw(st.integers(0, 4))
        modes.append(Mode(ticks=ticks, uses=uses, cost=cost))
    return Task(
        name=f"t{number}",
        job=draw(st.integers(0, 1)),
        modes=tuple(modes),
        option=draw(st.none() | st.integers(0, 3)) if optional else None,
        family=draw(st.sampled_from(FAMILIES)),
        batch=draw(st.sampled_from(["", "oven"])),
    )


@st.composite
def arc(draw, before, after, tasks):
    pairs = ()
    if draw(st.booleans()):
        all_pairs = product(range(len(tasks[before].modes)), range(len(tasks[after].modes)))
        pairs = tuple(
            PairLag(before_mode=a, after_mode=b, ticks=draw(st.none() | st.integers(0, 2)))
            for a, b in all_pairs
            if draw(st.booleans())
        )
    return Arc(before=before, after=after, lag=draw(st.integers(0, 1)), pairs=pairs)


def schedules(shop, horizon):
    """Yield every schedule whose tasks end by a tick, by trying all."""
    for taken in product((False, True), repeat=len(shop.options)):
        done = [each.option is None or taken[each.option] for each in shop.tasks]
        modes = [
            range(len(t.modes)) if yes else [None] for t, yes in zip(shop.tasks, done, strict=True)
        ]
        for chosen in product(*modes):
            starts = [
                [0] if mode is None else range(horizon - each.modes[mode].ticks + 1)
                for each, mode in zip(shop.tasks, chosen, strict=True)
            ]
            for ticks in product(*starts):
                schedule = Schedule(chosen, ticks, taken)
                if not violations(shop, schedule):
                    yield schedule
