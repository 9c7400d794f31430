"""The classic text of flexible job shops (``.fjs``): a line of sizes, then a line per job."""

from fabloop.plan.shop.formats.lines import Numbers, fault, lines_of
from fabloop.plan.shop.model import (
    RESOURCES_MAX,
    TASKS_MAX,
    Arc,
    Job,
    Mode,
    Resource,
    Shop,
    Task,
    Use,
)


def read_fjs(text: str, source: str) -> Shop:
    """Return the problem of a text.

    The first line holds the numbers of jobs and machines (and a mean number of machines per
    operation, which is not used). The line of a job holds how many operations it has and, for
    each of them, how many machines can do it, then pairs of machine (from 1) and duration.

    Raises
    ------
    Invalid
        A line does not say this.
    """
    lines = list(lines_of(text))
    if not lines:
        raise fault(source, "line 1", "the numbers of jobs and machines", "no text")
    head = Numbers(source, *lines[0])
    jobs = head.next("number of jobs", 1, TASKS_MAX)
    machines = head.next("number of machines", 1, RESOURCES_MAX)
    if len(lines) - 1 < jobs:
        found = f"{len(lines) - 1}"
        raise fault(source, f"line {lines[-1][0]}", f"lines of {jobs} jobs", found)
    if len(lines) - 1 > jobs:
        number, words = lines[jobs + 1]
        raise fault(source, f"line {number}", f"no more than {jobs} jobs", " ".join(words[:8]))
    tasks: list[Task] = []
    arcs: list[Arc] = []
    for job, (number, words) in enumerate(lines[1:]):
        row = Numbers(source, number, words)
        count = row.next("number of operations", 0, TASKS_MAX)
        if len(tasks) + count > TASKS_MAX:
            found = f"{len(tasks) + count} up to here"
            raise fault(source, row.place(), f"at most {TASKS_MAX} operations of all jobs", found)
        for step in range(count):
            if step:
                arcs.append(Arc(before=len(tasks) - 1, after=len(tasks)))
            tasks.append(Task(name=f"{job + 1}.{step + 1}", job=job, modes=_modes(row, machines)))
        row.end()
    return Shop(
        name=source,
        tasks=tuple(tasks),
        resources=tuple(Resource(name=f"machine {each + 1}") for each in range(machines)),
        jobs=tuple(Job(name=f"job {each + 1}") for each in range(jobs)),
        arcs=tuple(arcs),
    )


def _modes(row: Numbers, machines: int) -> tuple[Mode, ...]:
    count = row.next("number of machines of an operation", 1, machines)
    modes: dict[int, Mode] = {}
    for _ in range(count):
        machine = row.next("machine", 1, machines) - 1
        if machine in modes:
            found = f"machine {machine + 1} twice"
            raise fault(row.source, row.place(), "each machine once per operation", found)
        modes[machine] = Mode(ticks=row.next("duration"), uses=(Use(machine),))
    return tuple(modes.values())
