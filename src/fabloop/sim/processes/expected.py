"""How long the nodes of a process take by what its model says for simulations."""

from random import Random

from fabloop.adapt.goals.reach import Durations
from fabloop.adapt.goals.risk import Remaining
from fabloop.process.definition import Definition, Job, Person
from fabloop.sim.processes.load import DURATION_HEADER
from fabloop.sim.processes.spread import draw_of

DRAWS = 99
"""Spans drawn of a distribution to know its median and what it hardly ever exceeds."""


def durations_of(definition: Definition, *, certain: bool) -> Durations:
    """Return how long the nodes of a process take by their headers, as simulations read them.

    The least time of a distribution is taken for `certain` where a model is judged by itself; of
    work that is going on nobody can say that it will not be quicker.

    Raises
    ------
    Invalid
        A header names no distribution of spans.
    """
    found: dict[str, Remaining] = {}
    for node in definition.nodes:
        if isinstance(node.action, Job | Person):
            text = node.action.headers.get(DURATION_HEADER)
            if text is not None:
                found[node.id] = _span(text, node.id, certain=certain)
    return found


def _span(text: str, node: str, *, certain: bool) -> Remaining:
    draw, chance = draw_of(text, f"header '{DURATION_HEADER}' of {node}"), Random(text)
    spans = sorted(draw(chance) for _ in range(DRAWS))
    return Remaining(
        least_ns=draw(_Lowest()) if certain else 0,
        likely_ns=spans[DRAWS // 2],
        most_ns=spans[DRAWS * 95 // 100],
    )


class _Lowest(Random):
    """Draws the least that a distribution has: zero where it has no least."""

    def uniform(self, a: float, b: float) -> float:
        """Return the lower end."""
        return min(a, b)

    def triangular(self, low: float = 0.0, high: float = 1.0, mode: float | None = None) -> float:
        """Return the lower end."""
        del high, mode
        return low

    def gauss(self, mu: float = 0.0, sigma: float = 1.0) -> float:
        """Return zero, or the mean where nothing spreads."""
        return 0.0 if sigma else mu

    def expovariate(self, lambd: float = 1.0) -> float:
        """Return zero."""
        del lambd
        return 0.0

    def lognormvariate(self, mu: float = 0.0, sigma: float = 1.0) -> float:
        """Return zero."""
        del mu, sigma
        return 0.0
