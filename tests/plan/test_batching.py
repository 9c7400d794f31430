import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.errors import Invalid
from fabloop.base.instant import HOUR, Instant
from fabloop.plan.batching import Policy, Request, batches, closing

POLICY = Policy(capacity=1_000, wait_ns=3 * HOUR)


def wanted(name, recipe, size, hour):
    return Request(id=name, recipe=recipe, size=size, since=Instant(hour * HOUR))


def test_the_two_orders_of_the_bakery_share_one_dough():
    found = batches([wanted("a", "carrot", 12, 0), wanted("b", "carrot", 8, 1)], POLICY)
    assert [(each.recipe, each.size, len(each.requests)) for each in found] == [("carrot", 20, 2)]


def test_a_batch_waits_for_its_first_request_and_no_longer():
    found = batches([wanted("a", "carrot", 12, 0), wanted("b", "plain", 8, 1)], POLICY)
    assert [e.recipe for e in closing(found, Instant(3 * HOUR))] == ["carrot"]


def test_a_batch_begins_at_once_when_it_is_full():
    found = batches([wanted("a", "carrot", 600, 0), wanted("b", "carrot", 400, 0)], POLICY)
    assert len(closing(found, Instant(0))) == 1


def test_what_does_not_fit_opens_a_new_batch_and_the_old_one_begins():
    found = batches([wanted("a", "carrot", 600, 0), wanted("b", "carrot", 600, 0)], POLICY)
    assert [each.size for each in closing(found, Instant(0))] == [600]


def test_a_request_that_is_larger_than_a_batch_is_refused_by_name():
    with pytest.raises(Invalid, match="request 'a'"):
        batches([wanted("a", "carrot", 1_001, 0)], POLICY)


@given(
    st.lists(
        st.tuples(st.sampled_from("xyz"), st.integers(1, 1_000), st.integers(0, 9)), max_size=40
    )
)
def test_every_request_is_in_one_batch_of_its_recipe_within_the_capacity(rows):
    asked = [wanted(f"r{n}", *row) for n, row in enumerate(rows)]
    found = batches(asked, POLICY)
    assert sorted(r.id for b in found for r in b.requests) == sorted(r.id for r in asked)
    assert all(b.size <= POLICY.capacity for b in found)
    assert all(r.recipe == b.recipe for b in found for r in b.requests)
