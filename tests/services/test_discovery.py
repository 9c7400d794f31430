import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.instant import HOUR, MINUTE, instant_of
from fabloop.base.quantity import Dimension
from fabloop.model.ids import OperationName, ServiceId, SkillId, SystemName
from fabloop.model.service import (
    Parameter,
    Place,
    ServiceDescription,
    ServiceOperation,
)
from fabloop.model.skill import (
    Offer,
    ParameterDefinition,
    Rating,
    Rule,
    Skill,
    SkillVocabulary,
    Span,
)
from fabloop.services.discovery import (
    Circumstances,
    Dictionary,
    Index,
    Intent,
    Likeness,
    Wanted,
    find,
    of_trade,
    of_vocabulary,
    rank,
    understood,
)
from fabloop.services.discovery.conditions import distance_m
from fabloop.services.discovery.meaning import learnt
from fabloop.services.discovery.thesaurus import Thesaurus
from fabloop.services.words import stem

NOW = instant_of("2026-11-23T08:00:00+01:00")
MODENA = Place(name="Modena", latitude=44.647, longitude=10.925)
CARPI = Place(name="Carpi", latitude=44.783, longitude=10.885)
ROME = Place(name="Roma", latitude=41.894, longitude=12.483)
PLACES = {each.name.lower(): each for each in (MODENA, CARPI, ROME)}

BAKE = SkillId("bake")
VOCABULARY = SkillVocabulary(
    skills={
        BAKE: Skill(
            id=BAKE,
            label="Bake",
            synonyms=("roast",),
            parameters=(
                ParameterDefinition(
                    name="temperature",
                    label="Temperature",
                    rule=Rule.WITHIN,
                    dimension=Dimension.TEMPERATURE,
                ),
                ParameterDefinition(
                    name="pieces", label="Pieces", rule=Rule.AT_LEAST, dimension=Dimension.RATIO
                ),
            ),
        )
    }
)


def oven(name, *, hottest=500.0, pieces=1000.0, place=MODENA, takes=HOUR, offer=True, **more):
    values = {"temperature": Span(high=hottest), "pieces": Rating(value=pieces)}
    fields = {"verb": "bake", "equipment": ("oven",), "context": ("food",), **more}
    operation = ServiceOperation(
        name=OperationName("bake"),
        method="POST",
        path="/bake",
        offer=Offer(skill=BAKE, values=values) if offer else None,
        duration_ns=takes,
        **fields,
    )
    return service(name, operation, place=place)


def service(name, *operations, place=None):
    return ServiceDescription(
        id=ServiceId(name),
        system=SystemName(name),
        title=name,
        version="1",
        base_url="http://127.0.0.1:9",
        operations=operations,
        place=place,
    )


def operation(name, inputs=(), outputs=(), **fields):
    return ServiceOperation(
        name=OperationName(name),
        method="POST",
        path=f"/{name}",
        inputs=tuple(Parameter(name=each, concept=each) for each in inputs),
        outputs=tuple(Parameter(name=each, concept=each) for each in outputs),
        **fields,
    )


def index(*services, own=None, meanings=None):
    return Index(services, Likeness(Dictionary(own=own or of_trade()), meanings))


def wish(text):
    return understood(text, now=NOW, places=PLACES, time_zone="Europe/Rome")


AT = Circumstances(now=NOW, vocabulary=VOCABULARY)
WISH = "something that can bake 500 pieces at 180 °C near Modena before 14:00"


def test_a_sentence_is_understood_with_units_place_and_deadline():
    intent = wish(WISH)
    assert intent.keywords == ("bake",)
    assert [(each.value, each.unit) for each in intent.amounts] == [
        (500.0, "pieces"),
        (453.15, "°C"),
    ]
    assert intent.amounts[1].dimension is Dimension.TEMPERATURE
    assert intent.place == MODENA
    assert intent.deadline == instant_of("2026-11-23T14:00:00+01:00")
    assert intent.remarks == ()


@pytest.mark.parametrize(
    ("text", "deadline"),
    [
        ("bake by 07:30", "2026-11-24T07:30:00+01:00"),
        ("bake before 9:00 tomorrow", "2026-11-24T09:00:00+01:00"),
        ("bake within 2 h", "2026-11-23T10:00:00+01:00"),
        ("bake in 90 minutes", "2026-11-23T09:30:00+01:00"),
        ("bake until 2026-11-25T12:00Z", "2026-11-25T13:00:00+01:00"),
        ("bake", None),
    ],
)
def test_deadlines_are_read_as_people_say_them(text, deadline):
    assert wish(text).deadline == (None if deadline is None else instant_of(deadline))


@given(
    st.lists(
        st.sampled_from(
            ["bake", "500", "pieces", "at", "180", "°C", "near", "Modena", "before", "14:00",
             "25:99", "10:75", "within", "20", "km", "of", "h", "999999999999999", "9" * 400, "by",
             "2026-13-45T99:99Z", "9999-01-01T00:00Z", "0001-01-01T00:00Z", "%", "-3", "tomorrow"]
        )
        | st.text(max_size=6),
        max_size=12,
    )
)  # fmt: skip
def test_whatever_is_said_is_understood_or_remarked(words):
    intent = wish(" ".join(words))
    assert intent.deadline is None or intent.deadline < NOW + 3_661 * 24 * HOUR
    find(index(oven("a")), intent, AT)


def test_distances_are_read_and_unknown_places_are_told():
    assert wish("oven within 20 km of Carpi").within_m == 20_000.0
    assert wish("oven within 20 km of Carpi").place == CARPI
    unknown = wish("an oven near Atlantis")
    assert unknown.place is None
    assert "found 'Atlantis'" in unknown.remarks[0]


def test_a_number_before_a_little_word_is_a_number_and_no_unit():
    (amount, heat) = wish("bake 500 at 180 °C").amounts
    assert (amount.value, amount.unit, amount.dimension) == (500.0, "", None)
    assert heat.dimension is Dimension.TEMPERATURE


def test_what_fails_a_hard_condition_is_left_out_with_its_reason_however_alike_it_is():
    found = find(
        index(
            oven("good"),
            oven("cold", hottest=440.0),
            oven("small", pieces=400.0),
            oven("far", place=ROME),
            oven("slow", takes=7 * HOUR),
        ),
        wish(WISH),
        AT,
    )
    assert [each.entry.service.id for each in found.hits] == ["good"]
    assert found.hits[0].certain
    codes = {each.entry.service.id: each.because[-1].code for each in found.excluded}
    reasons = {
        each.entry.service.id: {reason.code for reason in each.because} for each in found.excluded
    }
    assert "out-of-span" in reasons["cold"]
    assert "too-low" in reasons["small"]
    assert "too-far" in reasons["far"]
    assert codes["slow"] == "answers-too-late"


def test_who_is_busy_until_too_late_is_left_out():
    at = Circumstances(
        now=NOW, vocabulary=VOCABULARY, free_from={ServiceId("good"): NOW + 6 * HOUR}
    )
    assert find(index(oven("good")), wish(WISH), at).hits == ()


def test_what_is_not_stated_is_kept_and_is_not_certain():
    silent = oven("silent", place=None, takes=None, offer=False)
    found = find(index(silent), wish(WISH), AT)
    (hit,) = found.hits
    assert not hit.certain
    codes = {each.code for each in hit.because}
    assert {"capability-unknown", "place-unknown", "duration-unknown"} <= codes


@pytest.mark.parametrize("at", [Circumstances(now=NOW), AT])
def test_amounts_that_no_skill_explains_are_told_and_make_nothing_certain(at):
    found = find(
        index(oven("hot", verb="varnish", offer=False)), wish("something to varnish at 60 °C"), at
    )
    assert [each.entry.name for each in found.hits] == ["hot.bake"]
    assert not found.hits[0].certain
    assert [each.details["amount"] for each in found.unjudged] == ["60 °C"]


def test_likeness_never_lets_pass_what_fails_and_never_drops_what_meets():
    odd = oven("zzz", verb="qqq", equipment=(), context=())
    found = find(index(odd, oven("cold", hottest=300.0)), wish(WISH), AT)
    assert [each.entry.service.id for each in found.hits] == ["zzz"]


def test_synonyms_of_the_trade_and_of_the_vocabulary_find_what_names_do_not():
    courier = service("fleet", operation("o1", verb="haul", equipment=("carrier",)))
    printer = service("print", operation("o2", verb="print", equipment=("printer",)))
    found = find(index(printer, courier), Intent(text="courier", keywords=("courier",)), AT)
    assert found.hits[0].entry.service.id == "fleet"
    reason = found.hits[0].because[0]
    assert (reason.details["given"], reason.details["how"]) == ("carrier", "a synonym")
    roast = find(index(printer, oven("a"), own=of_vocabulary(VOCABULARY)), wish("roast"), AT)
    assert roast.hits[0].entry.service.id == "a"


def test_a_kind_of_what_is_wanted_comes_before_what_is_not():
    tree = Thesaurus(
        senses={"vehicle": ("v",), "lorry": ("l",), "soup": ("s",)},
        broader={"l": ("v",), "v": ("t",), "s": ("t",)},
        depth={"t": 1, "v": 8, "l": 9, "s": 8},
    )
    lorry = service("a", operation("x", outputs=("lorry",)))
    soup = service("b", operation("y", outputs=("soup",)))
    found = find(index(soup, lorry, own=tree), Intent(text="", outputs=("vehicle",)), AT)
    assert [each.entry.service.id for each in found.hits] == ["a", "b"]
    assert found.hits[0].because[0].details["how"] == "a kind of it"


def test_signatures_that_agree_come_first():
    services = [
        service("back", operation("a", inputs=("price",), outputs=("book",))),
        service("forth", operation("b", inputs=("book",), outputs=("price",))),
        service("half", operation("c", inputs=("book",), outputs=("author",))),
    ]
    wanted = Wanted(text="", inputs=("book",), outputs=("price",))
    scores = rank(index(*services), wanted).total
    assert np.argmax(scores) == 1


def test_words_misspelt_a_little_still_find():
    services = [
        service("a", operation("x", verb="thermometer", context=("thermometer",))),
        service("b", operation("y", verb="conveyor", context=("conveyor",))),
    ]
    found = find(index(*services), Intent(text="termometer", keywords=("termometer",)), AT)
    assert found.hits[0].entry.service.id == "a"


def test_guessed_words_count_less_and_are_told():
    sure, guess = oven("sure"), oven("guess", certainty=0.6)
    found = find(index(guess, sure), wish("oven"), AT)
    assert [each.entry.service.id for each in found.hits] == ["sure", "guess"]
    assert "words-guessed" in {each.code for each in found.hits[1].because}


def test_directions_learnt_from_definitions_bring_words_together_that_share_their_context():
    lines = [
        "oven bake bread heat", "oven heat bake cake", "stove heat cook bread", "stove cook cake",
        "lorry road drive load", "truck road drive load", "lorry load haul", "truck haul road",
        "oven bake cake heat", "truck load drive", "stove bake heat", "lorry drive haul",
    ]  # fmt: skip
    definitions = [{stem(word): 1.0 for word in line.split()} for line in lines]
    vectors = learnt(definitions, "test")
    oven_, stove, lorry = vectors.vectors(["oven", "stove", "lorry"])
    assert oven_ @ stove > oven_ @ lorry
    assert np.allclose(np.linalg.norm(vectors.vectors(["oven stove"]), axis=1), 1.0)
    assert not vectors.vectors(["xylophone"]).any()


WORDS = st.sampled_from(["oven", "mixer", "courier", "price", "QRCode", "setOfIngredients", "num"])


@given(WORDS, WORDS)
def test_likeness_is_a_share_symmetric_and_whole_only_for_what_means_the_same(one, other):
    likeness = Likeness(Dictionary(own=of_trade()))
    there, back = likeness.of(one, other), likeness.of(other, one)
    assert 0.0 <= there <= 1.0
    assert there == pytest.approx(back)
    assert likeness.of(one, one) == 1.0


def test_distances_on_the_globe_are_those_of_the_map():
    assert distance_m(MODENA, CARPI) == pytest.approx(15_500, rel=0.02)
    assert distance_m(MODENA, MODENA) == 0.0


def test_an_empty_collection_finds_nothing():
    assert find(index(), wish(WISH), AT).hits == ()


def test_duration_that_just_fits_is_in_time():
    found = find(
        index(oven("just", takes=6 * HOUR), oven("over", takes=6 * HOUR + MINUTE)), wish(WISH), AT
    )
    assert [each.entry.service.id for each in found.hits] == ["just"]
