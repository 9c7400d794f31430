"""Whatever happens to systems, time and fabloop: an offer is one errand's, told as it is."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.service_runtime.print_shop import WANTED, Shop, printer
from fabloop.app.chaos.judge import shared
from fabloop.app.service_runtime.binding import Choice, Lease
from fabloop.app.service_runtime.errands import Errand, Phase, Task
from fabloop.app.service_runtime.facts import LeaseEnd, LeaseEnded
from fabloop.app.service_runtime.leases import Leases, held_offers, still_bound
from fabloop.app.service_runtime.log import FactLog
from fabloop.app.service_runtime.naming import bound_fact
from fabloop.base.errors import Unavailable
from fabloop.base.instant import MINUTE, Instant
from fabloop.services.cloud.records import Lock

PRINTERS = {each.id: each for each in (printer("cheap", 600), printer("near", 700))}
JOBS = 3


class Floor:
    """Errands that want something printed, by printers that fall silent, of a fabloop that dies."""

    def __init__(self, folder: Path) -> None:
        self.shop = Shop(*PRINTERS.values())
        self.log = FactLog(folder / "facts.db")
        self.dead: set[str] = set()
        self.jobs = 0
        self.errands: dict[int, Errand] = {}
        self.leases = self._leases()
        for _ in range(JOBS):
            self._new()

    @property
    def now(self) -> Instant:
        return self.shop.clock.now()

    def close(self) -> None:
        self.log.close()
        self.shop.cloud.close()

    def errand(self, number: int) -> Errand:
        return list(self.errands.values())[number]

    def _leases(self) -> Leases:
        return Leases(self.shop.binder, self.log, self.errands, self._described)

    def _described(self, service):
        if service in self.dead:
            raise Unavailable(f"Expected {service} to answer, but it is silent.")
        return PRINTERS[service]

    def _new(self, job: int | None = None) -> Errand:
        self.jobs += job is None
        key = job or self.jobs
        task = Task(
            key=key, epoch=1, type="service", instance=key, node="print", headers={}, variables={},
            about=f"batch-{key}",
        )  # fmt: skip
        self.errands[key] = Errand(task=task)
        return self.errands[key]

    # -- what may happen

    def binds(self, number: int) -> None:
        errand = self.errand(number)
        if errand.candidate is not None:
            return
        choice = self.shop.asks(errand.task.about, WANTED)
        if isinstance(choice, Choice):
            errand.candidate, errand.due = choice.candidate, self.now
            ended = self.leases.given(errand, choice.lease)
            self.log.tell(self.now, *ended, bound_fact(errand, choice))

    def is_asked(self, number: int) -> None:
        """An errand that was bound is on its way, or its system is silent."""
        errand = self.errand(number)
        if errand.candidate is None:
            return
        if errand.candidate.service.id not in self.dead:
            errand.due, errand.phase = Instant(self.now + 5 * MINUTE), Phase.TAKEN_ON
            self.leases.heard(errand, errand.due, self.now)
            self.leases.renew(errand, self.now)
        elif errand.lease is None or self.leases.is_over(errand, self.now):
            self.leases.lose(errand, LeaseEnd.SILENT, self.now)

    def is_taken_over(self, number: int) -> None:
        errand = self.errand(number)
        if errand.candidate is not None and errand.candidate.service.id in self.dead:
            self.leases.lose(errand, LeaseEnd.TAKEN_OVER, self.now)
            errand.candidate, errand.phase = None, Phase.NEW

    def ends(self, number: int) -> None:
        errand = self.errand(number)
        if errand.candidate is not None:
            self.leases.end((errand,), LeaseEnd.DONE, self.now)
            del self.errands[errand.task.key]
            self._new()

    def fails(self, number: int) -> None:
        name = sorted(PRINTERS)[number % len(PRINTERS)]
        self.dead ^= {name}

    def waits(self, number: int) -> None:
        self.shop.after((1, 7, 20)[number] * MINUTE)
        self.leases.look_again(self.now)

    def is_changed(self, number: int) -> None:
        """A printer takes its offer back and makes it again, by itself."""
        name = sorted(PRINTERS)[number % len(PRINTERS)]
        self.shop.binder.withdraw(name)
        self.shop.binder.add(PRINTERS[name])

    def crashes(self, number: int) -> None:
        """Fabloop is killed: in any state, with a lock untold, or with an end told too early."""
        errand = self.errand(number)
        if number == 1:
            self.shop.asks("nobody's", WANTED)
        if number == 2:
            self.log.tell(self.now, *self.leases.ending(errand, LeaseEnd.DONE))
            del self.errands[errand.task.key]
            self._new()
        bound = still_bound(self.log.history)
        old, self.errands = tuple(self.errands), {}
        for each in PRINTERS.values():
            if each.id not in self.dead:
                self.shop.binder.add(each)
        for key in old:
            errand = self._new(key)
            if key in bound:
                known = bound[key]
                errand.candidate = self.shop.binder.directory.operation(
                    known.service, known.operation
                )
        self.leases = self._leases()
        self.leases.recover(held_offers(self.log.history), self.now)

    # -- what has to hold

    def check(self) -> None:
        told = held_offers(self.log.history)
        held = {k: e.lease.offer for k, e in self.errands.items() if e.lease is not None}
        assert {job: fact.offer for job, fact in told.items()} == held
        assert [each for each in shared(self.log.history) if "still held" not in each] == []
        valid = {
            e.lease.offer for e in self.errands.values() if e.lease and e.lease.until > self.now
        }
        locks = self.shop.cloud.query(
            lambda state, at: {k for k, lock in state.table(Lock).items() if lock.holds(at)}
        )
        assert locks <= set(held.values())
        if not self.changed:
            assert locks == valid

    changed = False


DEEDS = ("binds", "is_asked", "is_taken_over", "ends", "fails", "waits", "crashes", "is_changed")


@settings(max_examples=20)
@given(
    st.lists(
        st.tuples(st.sampled_from(("binds", *DEEDS)), st.integers(0, JOBS - 1)),
        min_size=5,
        max_size=30,
    )
)
def test_an_offer_is_held_by_one_errand_and_the_log_the_cloud_and_it_agree(deeds):
    with tempfile.TemporaryDirectory() as folder:
        floor = Floor(Path(folder))
        try:
            for deed, number in deeds:
                floor.changed = floor.changed or deed == "is_changed"
                getattr(floor, deed)(number)
                floor.check()
        finally:
            floor.close()


@pytest.fixture
def floor(tmp_path):
    it = Floor(tmp_path)
    yield it
    it.close()


def ended(floor: Floor) -> list[tuple[int, str]]:
    return [(f.job, f.why) for _, f in floor.log.history if isinstance(f, LeaseEnded)]


def test_who_loses_a_silent_system_tells_of_all_that_is_held_of_it(floor):
    floor.binds(0)
    floor.dead = {"cheap"}
    floor.shop.after(15 * MINUTE)
    floor.is_asked(0)
    assert ended(floor) == [(1, LeaseEnd.SILENT)], "it stays with its system, without a lease"
    floor.dead = set()
    floor.shop.after(90 * MINUTE)
    floor.leases.look_again(floor.now)
    floor.binds(1)
    assert floor.errand(1).candidate.service.id == "cheap"
    floor.dead = {"cheap"}
    floor.is_asked(0)
    assert ended(floor)[1:] == [(2, LeaseEnd.SILENT)], "told, since the cloud holds it no more"
    assert floor.errand(1).lease is None
    floor.check()


def test_a_lease_that_cannot_be_renewed_is_told_as_ended(floor):
    floor.binds(0)
    floor.is_changed(0)
    floor.binds(1)
    assert ended(floor) == [(1, LeaseEnd.RAN_OUT)], "the cloud has given it to another errand"
    floor.shop.binder.withdraw("cheap")
    floor.is_asked(1)
    assert ended(floor)[1:] == [(2, LeaseEnd.RAN_OUT)]
    floor.check()


def test_a_system_that_is_late_but_heard_keeps_its_lease(floor):
    floor.binds(0)
    floor.shop.after(15 * MINUTE)
    floor.is_asked(0)
    assert ended(floor) == []
    assert floor.errand(0).lease == Lease(
        offer="Cheap|print|1.0.0", until=Instant(floor.now + 15 * MINUTE)
    )
    floor.check()


def test_what_was_held_for_a_job_that_is_not_ours_any_more_is_told_as_ended_after_a_crash(floor):
    floor.binds(0)
    floor.errands.clear()  # killed after the job had been handed to a person
    floor.leases.recover(held_offers(floor.log.history), floor.now)
    assert ended(floor) == [(1, LeaseEnd.DROPPED)]
    floor.check()
