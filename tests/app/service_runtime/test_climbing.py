"""Who decides about a repair: the policy up to a price, a person beyond it, and silence."""

import pytest
from msgspec.structs import replace

from fabloop.app.muffin.documents import FOLDER
from fabloop.app.service_runtime.climbing import Climber, read_policy
from fabloop.app.service_runtime.facts import (
    AlternativeTold,
    PersonAsked,
    RepairProposed,
    RungTried,
    StoryTold,
)
from fabloop.app.service_runtime.log import FactLog
from fabloop.base.errors import Invalid
from fabloop.base.instant import HOUR, MINUTE, Instant

CHEAP = AlternativeTold(
    id="r1.1", where="beside cook", steps=("bake again",), cost_minor=2_700, currency="EUR",
    duration_ns=4 * HOUR, delay_ns=4 * HOUR, late=False,
)  # fmt: skip
DEAR = replace(CHEAP, id="r1.2", cost_minor=90_000, steps=("hire a hall",))
PROPOSAL = RepairProposed(
    about="batch-001", instance=7, repair="r1", reasons=(), chosen=CHEAP, others=(DEAR,),
    added=(), removed=(), changed=(), properties={}, markings=1, proven=True, process="p",
)  # fmt: skip


@pytest.fixture
def log(tmp_path):
    log = FactLog(tmp_path / "facts.db")
    log.tell(Instant(HOUR), StoryTold(what="order received", about="order-1"))
    yield log
    log.close()


def climber(log, answer):
    found = Climber(read_policy(FOLDER / "adaptation-policy.json"), lambda _proposal: answer)
    found.log = log
    return found


def told(log, kind):
    return [fact for _, fact in log.history if isinstance(fact, kind)]


def test_what_the_policy_allows_is_done_unasked_and_the_rungs_before_are_told(log):
    assert climber(log, None)(PROPOSAL) == (0, "policy")
    assert [each.rung for each in told(log, RungTried)] == ["tolerate"]
    assert told(log, PersonAsked) == []


def test_what_costs_more_is_put_to_the_person_whom_the_policy_names(log):
    dear = replace(PROPOSAL, chosen=DEAR, others=())
    assert climber(log, 0)(dear) == (0, "shift lead")
    (asked,) = told(log, PersonAsked)
    assert asked.options == ("r1.2: hire a hall",)
    assert asked.expires_at == HOUR + 30 * MINUTE


def test_without_an_answer_the_safe_default_follows_and_is_told(log):
    dear = replace(PROPOSAL, chosen=DEAR, others=())
    assert climber(log, None)(dear) is None
    (asked,) = told(log, PersonAsked)
    assert asked.default == "cancel"


def test_a_policy_that_is_none_is_refused_by_file(tmp_path):
    with pytest.raises(Invalid, match="nowhere"):
        read_policy(tmp_path / "nowhere.json")
    with pytest.raises(Invalid, match="adaptation-policy"):
        read_policy(FOLDER / "skills.json")
