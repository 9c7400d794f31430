"""The variables and constraints of a scheduling problem."""

from collections.abc import Callable, Iterable

import msgspec
from ortools.sat.python import cp_model

from fabloop.plan.shop.cpsat.sequence import Holding, Literal, Sequencer
from fabloop.plan.shop.graph import least_lag
from fabloop.plan.shop.horizon import horizon_of
from fabloop.plan.shop.measure import value_of
from fabloop.plan.shop.model import Arc, Mode, Objective, Schedule
from fabloop.plan.shop.recipe import Ground
from fabloop.plan.shop.rows import rows_of


class Search(msgspec.Struct, frozen=True):
    """What to search for.

    Attributes
    ----------
    hint : a complete answer to begin with; no worse one is returned
    bound : a value that is known to be the least possible
    kept : values of other objectives that may not be exceeded
    effort : deterministic seconds; None: until it is stopped
    relaxed : leave out that holdings do not overlap; what is found is a bound and no schedule
    """

    ground: Ground
    objective: Objective
    hint: Schedule | None
    bound: int
    kept: tuple[tuple[Objective, int], ...]
    workers: int
    effort: float | None
    relaxed: bool = False


class Model:
    """The constraint model of a search."""

    def __init__(self, search: Search) -> None:
        self.search, self.ground = search, search.ground
        self.shop = search.ground.shop
        self.model = cp_model.CpModel()
        self.span = search.objective is Objective.MAKESPAN or any(
            kept is Objective.MAKESPAN for kept, _ in search.kept
        )
        self.horizon = self._horizon()
        self.options: list[cp_model.IntVar] = [
            self.model.new_bool_var("") for _ in self.shop.options
        ]
        self._choose()
        tasks = range(len(self.shop.tasks))
        self.chosen: list[list[Literal]] = [self._modes(task) for task in tasks]
        self.starts = [self._start(task) for task in tasks]
        self.finish = self.model.new_int_var(0, self.horizon, "finish")
        self.late: dict[int, cp_model.IntVar] = {}
        for task in tasks:
            self._between(task)
        for arc in self.shop.arcs:
            self._arc(arc)
        self.sequencer = Sequencer(self.model, self.shop)
        if not search.relaxed:
            self._hold()
        if self.span:
            self._rows()

    def _horizon(self) -> int:
        search = self.search
        if search.objective is Objective.MAKESPAN and search.hint is not None:
            return value_of(self.shop, search.hint, Objective.MAKESPAN)
        for kept, value in search.kept:
            if kept is Objective.MAKESPAN:
                return value
        return horizon_of(self.shop)

    def _choose(self) -> None:
        """Take one option of each choice that is met."""
        below: list[list[cp_model.IntVar]] = [[] for _ in self.shop.choices]
        for option, literal in zip(self.shop.options, self.options, strict=True):
            below[option.choice].append(literal)
        for choice, literals in zip(self.shop.choices, below, strict=True):
            if choice.within is None:
                self.model.add_exactly_one(literals)
            else:
                self.model.add(sum(literals) == self.options[choice.within])

    def present(self, task: int) -> Literal:
        """Return whether a task is done."""
        option = self.shop.tasks[task].option
        return 1 if option is None else self.options[option]

    def _modes(self, task: int) -> list[Literal]:
        modes = self.shop.tasks[task].modes
        if len(modes) == 1:
            return [self.present(task)]
        literals = [self.model.new_bool_var("") for _ in modes]
        self.model.add(sum(literals) == self.present(task))
        return list(literals)

    def _start(self, task: int) -> cp_model.IntVar:
        least = 0
        if self.shop.tasks[task].option is None:
            least = self.ground.heads.head[task]
        return self.model.new_int_var(min(least, self.horizon), self.horizon, "")

    def end(self, task: int) -> cp_model.LinearExpr:
        """Return when a task ends; when it starts, where it is not done."""
        modes = self.shop.tasks[task].modes
        ticks = (
            mode.ticks * literal
            for mode, literal in zip(modes, self.chosen[task], strict=True)
            if mode.ticks
        )
        return summed([self.starts[task], *ticks])

    def _between(self, task: int) -> None:
        """Keep a task between its head and its tail, and its job's lateness above its end."""
        here, present = self.shop.tasks[task], self.present(task)
        head, tail = self.ground.heads.head[task], self.ground.heads.tail[task]
        if here.option is not None:
            self.model.add(self.starts[task] >= head * present)
        self.model.add(self.end(task) + tail * present <= self.finish)
        job = self.shop.jobs[here.job]
        if job.due is not None:
            late = self.late.get(here.job)
            if late is None:
                late = self.late[here.job] = self.model.new_int_var(0, self.horizon, "")
            lateness = self.model.add(late >= self.end(task) - job.due)
            if here.option is not None:
                lateness.only_enforce_if(self.options[here.option])

    def _arc(self, arc: Arc) -> None:
        options = [self.shop.tasks[each].option for each in (arc.before, arc.after)]
        unsure = {option for option in options if option is not None}
        apart = len(set(options)) > 1 and not self.ground.heads.passes_on
        only = [self.options[option] for option in sorted(unsure)] if apart else []
        lag = least_lag(arc)
        both = self.present(arc.before) if unsure and not apart else 1
        ordered = self.model.add(self.starts[arc.after] >= self.end(arc.before) + lag * both)
        if only:
            ordered.only_enforce_if(only)
        if not arc.pairs:
            return
        told = {(pair.before_mode, pair.after_mode): pair.ticks for pair in arc.pairs}
        before, after = self.shop.tasks[arc.before], self.shop.tasks[arc.after]
        for first, mode in enumerate(before.modes):
            for second in range(len(after.modes)):
                ticks = told.get((first, second), arc.lag)
                literals = (self.chosen[arc.before][first], self.chosen[arc.after][second])
                unsure_ones = [each for each in literals if not isinstance(each, int)]
                if ticks is None:
                    self.model.add_bool_or([~each for each in unsure_ones])
                elif ticks > lag:
                    ready = self.starts[arc.before] + mode.ticks + ticks
                    paired = self.model.add(self.starts[arc.after] >= ready)
                    paired.only_enforce_if(unsure_ones)

    def _hold(self) -> None:
        """Let tasks take their resources, and their job's one work piece."""
        for task in range(len(self.shop.tasks)):
            here = self.shop.tasks[task]
            for number, mode in enumerate(here.modes):
                if mode.ticks and (mode.uses or self.shop.jobs[here.job].serial):
                    self.sequencer.hold(self._holding(task, number, mode))
        self.sequencer.close()

    def _holding(self, task: int, number: int, mode: Mode) -> Holding:
        start, literal = self.starts[task], self.chosen[task][number]
        if isinstance(literal, int):
            interval = self.model.new_fixed_size_interval_var(start, mode.ticks, "")
        else:
            interval = self.model.new_optional_fixed_size_interval_var(
                start, mode.ticks, literal, ""
            )
        return Holding(task, number, mode, literal, start, interval)

    def _rows(self) -> None:
        """No resource gets its work done in less than the work takes."""
        least = self.search.bound if self.search.objective is Objective.MAKESPAN else 0
        for row in rows_of(self.shop, self.ground.heads, least):
            load = summed(part.load * self.chosen[part.task][part.mode] for part in row.parts)
            options = {self.shop.tasks[part.task].option for part in row.parts}
            around = (row.head + row.tail) * row.capacity + row.shut
            if None in options:
                self.model.add(load + around <= row.capacity * self.finish)
            elif len(options) == 1:  # heads and tails are those of what is done
                present = self.present(row.parts[0].task)
                self.model.add(load + around * present <= row.capacity * self.finish)
            else:
                self.model.add(load <= row.capacity * self.finish)

    def measure(self, objective: Objective) -> cp_model.LinearExpr:
        """Return what an objective minimises."""
        match objective:
            case Objective.MAKESPAN:
                return summed([self.finish])
            case Objective.TARDINESS:
                return summed(
                    self.shop.jobs[job].weight * late for job, late in sorted(self.late.items())
                )
            case Objective.COST:
                return summed(
                    mode.cost * literal
                    for task, literals in zip(self.shop.tasks, self.chosen, strict=True)
                    for mode, literal in zip(task.modes, literals, strict=True)
                )

    def hint(self, schedule: Schedule) -> None:
        """Give every variable its value in a schedule."""
        add, shop = self.model.add_hint, self.shop
        for option, yes in zip(self.options, schedule.taken, strict=True):
            add(option, yes)
        ends = [0] * len(shop.tasks)
        for task in self.ground.graph.order:
            mode, tick = schedule.modes[task], schedule.starts[task]
            if mode is None:
                arcs = self.ground.graph.before[task]
                tick = max([0, *(ends[arc.before] for arc in arcs)])
            ends[task] = tick + (0 if mode is None else shop.tasks[task].modes[mode].ticks)
            add(self.starts[task], tick)
            if len(shop.tasks[task].modes) > 1:
                for number, literal in enumerate(self.chosen[task]):
                    assert not isinstance(literal, int), "one of several modes has a literal"
                    add(literal, number == mode)
        add(self.finish, max(ends, default=0))
        for job, late in self.late.items():
            due = shop.jobs[job].due
            assert due is not None, "only what is due can be late"
            last = (
                ends[task]
                for task, mode in enumerate(schedule.modes)
                if mode is not None and shop.tasks[task].job == job
            )
            add(late, max(0, max(last, default=0) - due))
        self.sequencer.hint(schedule)

    def read(self, value: Callable[[cp_model.LinearExprT], int]) -> Schedule:
        """Return the schedule of an answer."""
        modes = tuple(
            next((number for number, literal in enumerate(each) if value(literal)), None)
            for each in self.chosen
        )
        starts = tuple(
            0 if mode is None else value(start)
            for mode, start in zip(modes, self.starts, strict=True)
        )
        return Schedule(modes, starts, tuple(bool(value(each)) for each in self.options))


def summed(terms: Iterable[cp_model.LinearExprT]) -> cp_model.LinearExpr:
    """Return the sum as an expression, also where there is nothing to add."""
    return cp_model.LinearExpr.sum(list(terms))
