"""Lots, batches, tools and people: what the general model says of a small workshop."""

import re
from pathlib import Path

from fabloop.plan.shop.answer import Effort, Outcome
from fabloop.plan.shop.checker import violations
from fabloop.plan.shop.model import (
    Arc,
    Choice,
    Job,
    Mode,
    Objective,
    Option,
    Resource,
    SetUp,
    Shop,
    Span,
    Task,
    Use,
)
from fabloop.plan.shop.solve import solve

REFERENCE = Path(__file__).parents[3] / "docs/reference/scheduling.md"
CHANGE = tuple(
    SetUp(before=before, after=after, ticks=6)
    for before in ("", "red", "blue")
    for after in ("red", "blue")
    if before != after
)


def lots(pieces, *, presses):
    """A demand of each colour, as one lot or two halves, on presses that change over in 6."""
    tasks, choices, options = [], [], []
    for job, (colour, count) in enumerate(pieces.items()):
        for sizes in ((count,), (count - count // 2, count // 2)):
            for at, size in enumerate(sizes):
                modes = tuple(Mode(ticks=size, uses=(Use(each),)) for each in range(presses))
                name = f"{colour} {size} #{at}"
                task = Task(name=name, job=job, modes=modes, option=len(options), family=colour)
                tasks.append(task)
            options.append(Option(choice=job, name=f"{colour} in {len(sizes)}"))
        choices.append(Choice())
    return Shop(
        name="lots",
        tasks=tuple(tasks),
        resources=tuple(Resource(name=f"press {each}", setups=CHANGE) for each in range(presses)),
        jobs=tuple(Job(name=colour) for colour in pieces),
        choices=tuple(choices),
        options=tuple(options),
    )


def test_demands_are_split_over_presses_where_another_change_over_pays():
    shop = lots({"red": 40, "blue": 8}, presses=2)
    answer = solve(shop)
    assert (answer.outcome, answer.values) == (Outcome.PROVEN, (6 + 20 + 6 + 4,))
    chosen = zip(shop.options, answer.schedule.taken, strict=True)
    assert {option.name for option, yes in chosen if yes} == {"red in 2", "blue in 2"}


def test_demands_keep_to_a_press_each_where_it_does_not_pay():
    answer = solve(lots({"red": 40, "blue": 30}, presses=2))
    assert (answer.outcome, answer.values) == (Outcome.PROVEN, (6 + 40,))


def test_lots_of_a_colour_follow_each_other_where_changing_over_takes_time():
    shop = lots({"red": 12, "blue": 12}, presses=1)
    answer = solve(shop)
    assert (answer.outcome, answer.values) == (Outcome.PROVEN, (6 + 12 + 6 + 12,))


def test_an_oven_is_filled_before_it_is_heated_again():
    oven, hands = Resource(name="oven", batch_max=4), Resource(name="hands")
    tasks, arcs = [], []
    for tray in range(8):
        tasks.append(Task(name=f"shape {tray}", job=tray, modes=(Mode(ticks=1, uses=(Use(1),)),)))
        bake = (Mode(ticks=10, uses=(Use(0),)),)
        tasks.append(Task(name=f"bake {tray}", job=tray, modes=bake, batch="muffins"))
        arcs.append(Arc(before=2 * tray, after=2 * tray + 1))
    jobs = tuple(Job(name=f"{tray}") for tray in range(8))
    shop = Shop(
        name="bakery", tasks=tuple(tasks), resources=(oven, hands), jobs=jobs, arcs=tuple(arcs)
    )
    answer = solve(shop, effort=Effort(seconds=20.0))
    assert (answer.outcome, answer.values) == (Outcome.PROVEN, (4 + 10 + 10,))
    bakes = answer.schedule.starts[1::2]
    assert sorted(map(bakes.count, set(bakes))) == [4, 4]


def test_a_tool_a_person_and_a_machine_are_needed_together_and_within_the_shift():
    """Two machines share one tool; the person is away in the middle of the day."""
    machines = (Resource(name="m1"), Resource(name="m2"))
    tool, person = Resource(name="F7"), Resource(name="Anna", closed=(Span(5, 9),))
    tasks = tuple(
        Task(
            name=f"t{number}",
            job=0,
            modes=tuple(Mode(ticks=4, uses=(Use(at), Use(2), Use(3))) for at in range(2)),
        )
        for number in range(2)
    )
    shop = Shop(
        name="shift", tasks=tasks, resources=(*machines, tool, person), jobs=(Job(name="j"),)
    )
    answer = solve(shop)
    assert violations(shop, answer.schedule) == ()
    assert (answer.outcome, answer.values) == (Outcome.PROVEN, (13,))
    assert sorted(answer.schedule.starts)[1] == 9


def test_a_late_order_is_dearer_than_another_and_waits_where_it_weighs_less():
    machine = Resource(name="m")
    tasks = tuple(
        Task(name=f"t{job}", job=job, modes=(Mode(ticks=5, uses=(Use(0),)),)) for job in range(2)
    )
    jobs = (Job(name="plain", due=5), Job(name="rush", due=5, weight=3))
    shop = Shop(name="due", tasks=tasks, resources=(machine,), jobs=jobs)
    answer = solve(shop, (Objective.TARDINESS, Objective.MAKESPAN))
    assert (answer.outcome, answer.values) == (Outcome.PROVEN, (5, 10))
    assert answer.schedule.starts == (5, 0)


def test_the_examples_of_the_reference_run(capsys):
    shown = re.findall(r"```python\n(.*?)```", REFERENCE.read_text(), re.DOTALL)
    assert shown
    for each in shown:
        exec(compile(each, str(REFERENCE), "exec"), {})
    assert capsys.readouterr().out.count("proven") == len(shown)
