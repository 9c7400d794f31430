"""The tree solved again and again with little changed: what nothing has changed for is kept."""

import numpy as np

from fabloop.plan.statement.layout import Floats
from fabloop.plan.tree import Found, Sent, Tables, best_maker, got_of, picked, send


class Repeated:
    """Solves trees of one shape, each the sooner the less it differs from the one before.

    Arrays are compared by identity, so what has not changed has to be the same array.
    """

    def __init__(self) -> None:
        self._before: Tables | None = None
        self._best: list[Floats] = []
        self._sent: Sent = {}
        self._picks: list[dict[tuple[int, int], int]] = []

    def optimum(self, tables: Tables) -> Found | None:
        """Return the best choice of all, or None where there is none."""
        if not tables.nodes:
            return Found(0.0, ())
        self._renew(tables)
        if not np.isfinite(self._best[-1].min(initial=np.inf)):
            return None

        def pick(maker: int, job: int, chosen: int) -> int:
            known = self._picks[maker]
            if (job, chosen) not in known:
                known[job, chosen] = best_maker(tables, self._best[maker], maker, job, chosen)
            return known[job, chosen]

        choice = picked(tables, self._best, self._sent, pick)
        return Found(float(self._best[-1].min()), choice)

    def _renew(self, tables: Tables) -> None:
        """Bring values and messages up to date, makers first."""
        old = self._before
        if old is None or old.moves is not tables.moves:
            self._best, self._sent = [], {}
            self._picks = [{} for _ in tables.nodes]
        moved = [True] * len(tables.nodes)
        turned = [True] * len(tables.nodes)
        for job, node in enumerate(tables.nodes):
            known = bool(old and job < len(self._best))
            moved[job] = not (known and old and old.spots[job] is tables.spots[job])
            stale = moved[job] or not (old and old.nodes[job] is node)
            for maker in tables.inputs[job]:
                if turned[maker] or moved[job]:
                    self._sent[maker, job] = send(tables, self._best[maker], maker, job)
                    stale = True
            if stale:
                turned[job] = self._put(tables, job, known=known and not moved[job])
            else:
                turned[job] = False
            if moved[job]:
                for maker in tables.inputs[job]:
                    self._picks[maker].clear()
        self._before = tables

    def _put(self, tables: Tables, job: int, *, known: bool) -> bool:
        """Write the values of a job; return whether they differ from those before."""
        arrival = tables.ready[job]
        for makers in tables.feeds(job):
            got = got_of(self._sent, makers, job)
            arrival = arrival + got if tables.adds else np.maximum(arrival, got)
        value = tables.nodes[job] + arrival
        if known and np.array_equal(value, self._best[job]):
            return False
        self._picks[job].clear()
        if job < len(self._best):
            self._best[job] = value
        else:
            self._best.append(value)
        return True
