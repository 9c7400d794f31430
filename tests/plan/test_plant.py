"""The plant's columns say what the nouns say: efforts, candidates, rejections, with and without."""

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.base.instant import Instant
from fabloop.model.ids import SkillId, WorkUnitId
from fabloop.model.product import Per
from fabloop.model.site import Network
from fabloop.plan.producible import check
from fabloop.plan.statement.plant import Plant
from fabloop.plan.statement.problem import Setting, effort, problem_of
from fabloop.services.matching import Match, Mismatch, match_unit
from plan.instances import NOW, gear, graz_and_vienna, operation, random_instance, tpe, vocabulary

SEEDS = st.integers(0, 1_000_000)


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_every_work_unit_with_the_skill_is_a_candidate_or_rejected_as_matching_says(seed):
    order, network, kpis = random_instance(seed)
    words = vocabulary()
    problem = problem_of(order.product, Setting(network, words, kpis, NOW, NOW))
    for job in problem.jobs:
        operation = job.operation
        answers = {
            unit.id: match_unit(operation.requirement, unit, words, kpis, NOW)
            for unit in network.work_units().values()
        }
        able = [name for name, answer in answers.items() if isinstance(answer, Match)]
        unable = [
            name
            for name, answer in answers.items()
            if isinstance(answer, Mismatch) and answer.has_skill
        ]
        assert [each.unit.id for each in job.candidates] == able
        assert [each.unit.id for each in job.rejected] == unable
        for each in job.candidates:
            assert each.kpis == answers[each.unit.id].kpis
        for each in job.rejected:
            assert each.reasons == answers[each.unit.id].reasons
        for each in (*job.candidates, *job.rejected):
            assert each.takes == effort(operation, each.unit, network.sites[each.unit.site])


def test_a_plant_at_hand_follows_the_values_that_it_is_asked_with():
    network, kpis = graz_and_vienna()
    words = vocabulary()
    plant = Plant(network, words, kpis)
    worn = {**kpis, (WorkUnitId("g-ream"), tpe("g-ream", 0).kpi): tpe("g-ream", 30e-6)}

    def reamers(values, now=NOW):
        setting = Setting(network, words, values, now, now, plant=plant)
        jobs = problem_of(gear().product, setting).jobs
        ream = next(job for job in jobs if job.operation.id == "ream-a")
        return [each.unit.id for each in ream.candidates]

    assert reamers(kpis) == ["g-ream", "v-ream"]
    assert reamers(worn) == ["v-ream"]
    assert reamers(kpis) == ["g-ream", "v-ream"]
    assert reamers(kpis, Instant(NOW + 10**18)) == []


def test_planning_with_a_plant_at_hand_gives_the_same_answer():
    network, kpis = graz_and_vienna()
    words = vocabulary()
    plant = Plant(network, words, {})
    for values in (kpis, {**kpis, **graz_and_vienna(40e-6, 40e-6)[1]}, kpis):
        alone = check(gear(), network, words, values, NOW)
        assert check(gear(), network, words, values, NOW, plant=plant) == alone


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1_000_000))
def test_a_plant_for_a_network_that_has_changed_plans_as_a_new_one(seed):
    order, network, kpis = random_instance(seed)
    words, roll = vocabulary(), np.random.default_rng(seed)
    plant = Plant(network, words, kpis)
    check(order, network, words, kpis, NOW, plant=plant)
    for _ in range(3):
        network = changed(network, roll)
        plant = plant.of(network)
        assert plant.is_of(network, words)
        answer = check(order, network, words, kpis, NOW, plant=plant)
        assert answer == check(order, network, words, kpis, NOW)


def changed(network, roll):
    """Return a network with a lane, a link, a person or a work unit less."""
    replace = msgspec.structs.replace
    key = roll.choice(list(network.sites))
    site = network.sites[key]
    kind = roll.choice(["lane", "link", "person", "unit", "nothing"])
    if kind == "lane" and network.lanes:
        return replace(network, lanes=network.lanes[1:])
    if kind == "link":
        site = replace(site, transport=site.transport[1:])
    if kind == "person":
        site = replace(site, persons=site.persons[1:])
    if kind == "unit" and len(site.work_units) > 1:
        site = replace(site, work_units=site.work_units[1:])
    return replace(network, sites={**network.sites, key: site})


def test_a_plant_of_another_network_is_not_used():
    network, kpis = graz_and_vienna()
    other, _ = graz_and_vienna()
    words = vocabulary()
    setting = Setting(network, words, kpis, NOW, NOW, plant=Plant(other, words, kpis))
    assert setting.planted().network is network


def test_a_broken_or_unstaffed_work_unit_is_rejected_with_every_reason():
    network, kpis = graz_and_vienna()
    broken = frozenset([WorkUnitId("g-wash")])
    setting = Setting(network, vocabulary(), kpis, NOW, NOW, unavailable=broken)
    clean = problem_of(gear().product, setting).jobs[-1]
    assert not clean.candidates
    assert clean.rejected[0].failing == {"availability"}
    assert clean.rejected[:1] == (clean.rejected[0],)
    assert clean.rejected[-1] is clean.rejected[0]


@settings(max_examples=80, deadline=None)
@given(
    quantity=st.integers(1, 500),
    per=st.sampled_from(Per),
    batch_family=st.sampled_from(["", "oven"]),
    person=st.sampled_from([None, SkillId("assembler")]),
    duration=st.integers(0, 10**14),
    units=st.lists(
        st.tuples(
            st.floats(0.1, 10.0), st.integers(0, 10**12), st.integers(1, 20), st.integers(0, 10**5)
        ),
        min_size=1,
        max_size=4,
    ),
)
def test_columns_of_efforts_equal_single_ones(quantity, per, batch_family, person, duration, units):
    network, _ = graz_and_vienna()
    graz = network.sites["graz"]
    machines = tuple(
        msgspec.structs.replace(
            graz.work_units[0],
            id=WorkUnitId(f"u{number}"),
            speed=speed,
            setup_ns=setup,
            batch_max=batch,
            cost_per_hour_minor=rate,
        )
        for number, (speed, setup, batch, rate) in enumerate(units)
    )
    site = msgspec.structs.replace(graz, work_units=machines, transport=())
    it = msgspec.structs.replace(
        operation("o", "mill"),
        duration_ns=duration,
        per=per,
        batch_family=batch_family,
        person_skill=person,
    )
    plant = Plant(Network(sites={site.id: site}), vocabulary(), {})
    columns = plant.efforts(it, np.arange(len(machines)), quantity)
    for number, unit in enumerate(machines):
        assert columns.row(number) == effort(it, unit, site, quantity)
