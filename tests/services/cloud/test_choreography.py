from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.instant import SECOND, Instant
from fabloop.services.cloud.choreography import (
    EPOCH_BITS,
    Abort,
    Accepted,
    Complete,
    Executor,
    Extend,
    Fail,
    Held,
    Hold,
    NothingFree,
    Phase,
    Progress,
    Push,
    Release,
    Reported,
    SaidReady,
    Silence,
    Start,
    Status,
    Unheard,
    Withdrawn,
    answer,
    begin,
    executor_for,
    job_of,
    step_id,
)

NOW = Instant(1_000 * SECOND)
PATIENCE_NS = 5 * SECOND
LATER = Instant(NOW + PATIENCE_NS)


def after(*words, now=NOW):
    """Return the attempt and the deeds that follow from each word."""
    attempt, deeds = begin(70_000, "welding", NOW, PATIENCE_NS)
    told = [deeds]
    for word in words:
        attempt, deeds = answer(attempt, word, now)
        told.append(deeds)
    return attempt, told


HELD = Held(provider="RobotA", offer="RobotA|welding|1.0.0")
READY = (HELD, SaidReady(provider="RobotA"))
WORKING = (*READY, Accepted(executor="Cell7"))


def test_a_step_goes_through_all_messages_in_their_order():
    attempt, told = after(*WORKING, Progress(), Reported(status=Status.SUCCESS))
    assert told == [
        (Hold(service="welding", avoided=()),),
        (Push(provider="RobotA", offer=HELD.offer),),
        (Start(),),
        (Extend(),),
        (Extend(),),
        (Release(offer=HELD.offer), Complete(provider="RobotA")),
    ]
    assert attempt.phase is Phase.ENDED


def test_nobody_works_before_the_system_said_that_it_is_ready():
    attempt, told = after(HELD, Accepted(executor="Cell7"), Reported(status=Status.SUCCESS))
    assert told[2:] == [(), ()]
    assert attempt.phase is Phase.BOUND


def test_the_readiness_of_another_system_is_not_taken_for_ours():
    attempt, told = after(HELD, SaidReady(provider="RobotB"))
    assert attempt.phase is Phase.BOUND
    assert told[-1] == ()


def test_a_system_that_cannot_be_told_is_given_back_and_another_one_asked_for():
    attempt, told = after(HELD, Unheard(who="RobotA", reason="refused"))
    assert told[-1] == (
        Release(offer=HELD.offer),
        Hold(service="welding", avoided=("RobotA",)),
    )
    assert attempt.phase is Phase.WANTED


def test_silence_of_a_system_at_work_ends_the_attempt_and_puts_it_under_suspicion():
    attempt, _ = after(*WORKING)
    attempt, deeds = answer(attempt, Silence(), Instant(LATER - 1))
    assert deeds == ()
    attempt, deeds = answer(attempt, Silence(), LATER)
    release, abort, fail = deeds
    assert (release, abort) == (Release(offer=HELD.offer), Abort(executor="Cell7"))
    assert fail.again
    assert (fail.suspect, fail.silent) == ("RobotA", "Cell7")
    assert "within 5 s" in fail.message


def test_progress_begins_the_patience_anew():
    attempt, _ = after(*WORKING)
    attempt, _ = answer(attempt, Progress(), Instant(LATER - 1))
    _, deeds = answer(attempt, Silence(), LATER)
    assert deeds == ()


def test_an_error_is_tried_again_and_a_fatal_one_calls_a_person():
    for status, again in ((Status.ERROR, True), (Status.FATAL_ERROR, False)):
        _, told = after(*WORKING, Reported(status=status, message="burnt"))
        assert told[-1][-1] == Fail(message="burnt", again=again)


def test_a_provider_that_its_executor_cannot_reach_is_under_suspicion():
    word = Reported(status=Status.ERROR, message="refused", unreachable=True)
    _, told = after(*WORKING, word)
    assert told[-1][-1] == Fail(message="refused", again=True, suspect="RobotA")


def test_nothing_free_is_tried_again_later():
    _, told = after(NothingFree(reason="all in work"))
    assert told[-1] == (Fail(message="all in work", again=True, counts=False),)


def test_an_executor_that_cannot_be_told_uses_up_no_attempt():
    _, told = after(*READY, Unheard(who="Cell7", reason="refused"))
    assert told[-1][-1] == Fail(message="refused", again=True, counts=False)


def test_an_offer_that_comes_too_late_is_given_back():
    _, told = after(Withdrawn(), HELD)
    assert told[-1] == (Release(offer=HELD.offer),)


WORDS = st.one_of(
    st.builds(
        Held,
        provider=st.sampled_from(["RobotA", "RobotB"]),
        offer=st.integers(0, 10**9).map(lambda n: f"offer-{n}"),
    ),
    st.builds(NothingFree, reason=st.just("none")),
    st.builds(Unheard, who=st.sampled_from(["RobotA", "Cell7"]), reason=st.just("x")),
    st.builds(SaidReady, provider=st.sampled_from(["RobotA", "RobotB"])),
    st.builds(Accepted, executor=st.just("Cell7")),
    st.just(Progress()),
    st.builds(Reported, status=st.sampled_from(Status)),
    st.just(Silence()),
    st.just(Withdrawn()),
)


@given(st.lists(st.tuples(WORDS, st.integers(0, 3 * SECOND)), max_size=30))
def test_whatever_happens_each_offer_is_given_back_once_and_there_is_one_verdict(script):
    attempt, _ = begin(1, "welding", NOW, PATIENCE_NS)
    now, got, released, verdicts = NOW, Counter(), Counter(), []
    for word, waited_ns in script:
        now = Instant(now + waited_ns)
        if isinstance(word, Held):
            if got[word.offer]:
                continue
            got[word.offer] += 1
        attempt, deeds = answer(attempt, word, now)
        released.update(each.offer for each in deeds if isinstance(each, Release))
        verdicts += [each for each in deeds if isinstance(each, Complete | Fail)]
    attempt, deeds = answer(attempt, Withdrawn(), now)
    released.update(each.offer for each in deeds if isinstance(each, Release))
    assert released == got
    assert len(verdicts) <= 1


@given(st.integers(0, 2**40), st.integers(0, 2**EPOCH_BITS - 1))
def test_a_step_id_tells_job_and_attempt(job, epoch):
    assert job_of(step_id(job, epoch)) == (job, epoch)


def _executor(number, definition="welding"):
    return Executor(
        number=number, system=f"Cell{number}", address="127.0.0.1", port=number, base_uri="/",
        definition=definition, created_at=NOW, updated_at=NOW,
    )  # fmt: skip


def test_the_executor_with_the_least_work_that_answers_carries_out_a_step():
    one, two, painter = _executor(1), _executor(2), _executor(3, "painting")
    crew = (two, one, painter)
    assert executor_for("welding", crew, {}) == one
    assert executor_for("welding", crew, {one.key: 1}) == two
    assert executor_for("welding", crew, {}, suspects={one.key}) == two
    assert executor_for("welding", (one,), {}, suspects={one.key}) == one
    assert executor_for("drilling", crew, {}) is None
