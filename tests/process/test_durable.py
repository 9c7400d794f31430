"""An engine whose rows went through a file is the engine that wrote them."""

import pytest

from fabloop.adapters.sqlite import SqliteJournal
from fabloop.base.errors import Invalid, NotFound
from fabloop.process.commands import CompleteJob, Deploy, PublishMessage, StartInstance
from fabloop.process.engine import Engine
from process.driver import both, flows, job, message, page, process, timer
from process.test_pages import station

BOTH = process(
    both("f"), page("w", "n"), job("a"), timer("t", "a", "PT9S"), message("m", "M", '"k"'),
    links=flows("start f w end", "f a end", "t end", "f m end"),
)  # fmt: skip


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.db"


def test_an_engine_rebuilt_from_a_file_goes_on_where_the_other_stood(path):
    journal, engine = SqliteJournal(path), Engine()
    commands = [Deploy(process=BOTH, nets=(station("n").document(),))]
    commands += [StartInstance(process="p", variables={"n": n}) for n in range(3)]
    for number, command in enumerate(commands):
        outcome = engine.handle(command, at=number + 1, request=f"r{number}")
        journal.wait(journal.append(outcome.rows))
    done = CompleteJob(job=engine.jobs(job_type="do-a")[0].key)
    sent = PublishMessage(name="M", correlation_key="k", time_to_live_ns=10)
    for request, command in (("done", done), ("sent", sent)):
        journal.append(engine.handle(command, at=9, request=request).rows)
    journal.close()

    again = SqliteJournal(path)
    rebuilt = Engine()
    rebuilt.replay(row for _, row in again.read())
    again.close()
    assert rebuilt.state == engine.state
    assert rebuilt.next_due() == engine.next_due()
    assert rebuilt.handle(sent, at=10, request="sent").rows == ()
    ends = [each.handle(StartInstance(process="p"), at=11) for each in (engine, rebuilt)]
    assert ends[0] == ends[1]


@pytest.mark.parametrize("name", ["a\0b", "line\nbreak", "\ud800", "x" * 501])
@pytest.mark.parametrize("where", ["request", "actor"])
def test_a_name_that_no_store_could_keep_is_refused_before_anything_is_decided(name, where):
    engine = Engine()
    with pytest.raises(Invalid, match=where):
        engine.handle(Deploy(process=BOTH), at=1, **{where: name})
    assert not engine.definitions()


def test_a_refused_command_costs_the_same_however_many_instances_wait():
    engine = Engine()
    engine.handle(Deploy(process=BOTH, nets=(station("n").document(),)), at=1)
    for _ in range(50):
        engine.handle(StartInstance(process="p", variables={"n": 1}), at=1)
    calendar, due = engine.state.calendar, engine.next_due()
    with pytest.raises(NotFound):
        engine.handle(CompleteJob(job=1), at=2)
    assert engine.state.calendar is calendar  # not made anew
    assert engine.next_due() == due
