"""Improve a timetable of one order by placing parts of it anew."""

from fabloop.plan.floors.floor import Floor, Work
from fabloop.plan.floors.orders_search import OrdersObjective, Placed, Search
from fabloop.plan.floors.placing import place_again
from fabloop.plan.statement.crews import NEVER
from fabloop.plan.statement.problem import Problem
from fabloop.plan.timetable.schedule import Timetable


def polished(problem: Problem, table: Timetable, bound: int, effort: float) -> Timetable:
    """Return a timetable that finishes earlier, if the effort finds one; else the same one."""
    work = Work(problem, Floor(problem.roads, problem.busy))
    place_again(work, table.choice, table.starts)
    search = Search([Placed(work, NEVER, 1)], OrdersObjective.MAKESPAN, effort)
    search.improve(bound, lambda _: None)
    better = work.floor.is_sound and work.finish < table.finish(problem)
    return work.timetable() if better else table
