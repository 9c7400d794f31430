"""From documents to knowledge: what is read, what is merged, which bytes are refused."""

import json

import pytest

from fabloop.base.errors import Invalid
from fabloop.base.instant import HOUR, MINUTE, instant_of
from fabloop.base.quantity import Dimension
from fabloop.model.documents import check, resolve, resolve_order
from fabloop.model.documents.collect import FAULTS_MAX
from fabloop.model.documents.texts import DOCUMENTS_MAX, FILE_BYTES_MAX
from fabloop.model.product import ByFeature
from fabloop.model.skill import Choices, LiveRating, Span
from model.small_shop import REMOVE, put, small_shop, written


def told(documents: dict[str, bytes]) -> list[str]:
    return [fault.sentence() for fault in check(documents)]


def test_units_become_si_values():
    knowledge = resolve(written(small_shop()))
    graz = knowledge.network.sites["graz"]
    mill = knowledge.network.work_units()["mill-1"]
    assert mill.power_w == 9_000.0
    assert mill.setup_ns == 10 * MINUTE
    assert mill.cost_per_hour_minor == 5_800
    assert graz.transport[0].duration_ns == 3 * MINUTE
    assert graz.transport[0].cost_minor == 60
    assert graz.transport[0].energy_j == pytest.approx(0.03 * 3.6e6)
    assert graz.tariff.energy_minor_per_j == pytest.approx(18 / 3.6e6)
    assert graz.tariff.co2_kg_per_j == pytest.approx(0.120 / 3.6e6)
    assert knowledge.network.lanes[0].co2_kg == 37.0
    assert knowledge.currency == graz.tariff.currency == "EUR"


def test_offered_values_take_the_form_that_their_rule_compares():
    units = resolve(written(small_shop())).network.work_units()
    ream = units["mill-1"].offers[0].values
    assert ream["diameter"] == Span(low=0.003, high=0.032)
    assert units["store-1"].offers[0].values["item"] == Choices(values=("bar", "pin"))


def test_a_live_value_is_monitored_only_where_the_work_unit_says_so():
    documents = put(small_shop(), "graz.json/work_units/1/equipment_type", "mill")
    put(documents, "graz.json/work_units/1/id", "mill-2")
    put(documents, "graz.json/transport/0/by", "mill-2")
    units = resolve(written(documents)).network.work_units()
    ratings = [units[name].offers[0].values["position-tolerance"] for name in ("mill-1", "mill-2")]
    assert ratings == [
        LiveRating(kpi="total-position-error", vendor=8e-6, monitored=True),
        LiveRating(kpi="total-position-error", vendor=8e-6, monitored=False),
    ]


def test_a_work_unit_replaces_single_values_of_its_type_and_adds_offers():
    documents = put(
        small_shop(),
        "graz.json/work_units/0/offers",
        [
            {"skill": "ream", "values": {"diameter": {"kind": "span", "to": "20 mm"}}},
            {"skill": "transport"},
        ],
    )
    offers = resolve(written(documents)).network.work_units()["mill-1"].offers
    assert [offer.skill for offer in offers] == ["ream", "fit", "transport"]
    assert offers[0].values["diameter"] == Span(high=0.020)
    assert isinstance(offers[0].values["position-tolerance"], LiveRating)


def test_a_work_unit_may_differ_from_its_type_in_speed_power_and_set_up():
    documents = put(small_shop(), "graz.json/work_units/0/speed", 1.25)
    put(documents, "graz.json/work_units/0/power", "12 kW")
    put(documents, "graz.json/work_units/0/setup", "0 s")
    unit = resolve(written(documents)).network.work_units()["mill-1"]
    assert (unit.speed, unit.power_w, unit.setup_ns) == (1.25, 12_000.0, 0)


def test_a_shift_over_midnight_ends_on_the_next_day():
    night = resolve(written(small_shop())).network.sites["graz"].shifts[1]
    assert (night.start_ns, night.end_ns) == (22 * HOUR, 30 * HOUR)


def test_values_that_a_feature_decides_are_kept_by_option():
    operation = resolve(written(small_shop())).families["hinge"].operations[1]
    assert operation.duration_ns == ByFeature(
        feature="load", of={"standard": 12 * MINUTE, "heavy": 20 * MINUTE}
    )
    assert operation.constraints["diameter"] == ByFeature(
        feature="load", of={"standard": 0.012, "heavy": 0.016}
    )


def test_a_kpi_value_keeps_its_instant_even_where_it_is_long_past_or_still_to_come():
    for text in ("1999-01-01T00:00:00Z", "2099-01-01T00:00:00Z"):
        documents = put(small_shop(), "kpi.json/values/0/measured_at", text)
        del documents["order.json"]  # whose receipt would tell what is still to come
        value = resolve(written(documents)).kpis[0]
        assert value.at == instant_of(text)
        assert not value.is_valid(instant_of("2026-11-23T12:30:00+01:00"))


def test_a_kpi_value_may_not_be_younger_than_now_nor_than_the_last_receipt_of_an_order():
    documents = put(small_shop(), "kpi.json/values/0/measured_at", "2026-11-23T13:00:00+01:00")
    assert "not after the receipt of the order" in told(written(documents))[0]
    assert resolve(written(documents), now=instant_of("2026-11-23T13:00:00+01:00")).kpis
    with pytest.raises(Invalid, match="not after now at 2026-11-23T11:59:59Z"):
        resolve(written(documents), now=instant_of("2026-11-23T12:59:59+01:00"))
    documents["later.json"] = {
        **documents["order.json"], "id": "o-2",
        "received_at": "2026-11-23T14:00:00+01:00",
    }  # fmt: skip
    assert told(written(documents)) == []


def test_a_kpi_value_without_upper_end_is_its_own_upper_end():
    documents = put(small_shop(), "kpi.json/values/0/upper", REMOVE)
    value = resolve(written(documents)).kpis[0]
    assert value.upper == value.value == 9e-6
    assert value.dimension is Dimension.LENGTH


def test_currencies_without_cents_are_read_in_whole_units():
    text = json.dumps(small_shop()).replace("EUR", "JPY").replace(".00 JPY", " JPY")
    text = text.replace("4.50 JPY", "4 JPY").replace("1.50 JPY", "1 JPY")
    documents = written(json.loads(text.replace("0.60 JPY", "60 JPY").replace("0.50 JPY", "5 JPY")))
    knowledge = resolve(documents)
    assert knowledge.currency == "JPY"
    assert knowledge.network.sites["graz"].transport[0].cost_minor == 60


def test_several_documents_of_a_kind_are_read_together():
    documents = small_shop()
    documents["more.json"] = {**documents["skills.json"], "kpis": []}
    documents["more.json"]["skills"] = [documents["skills.json"]["skills"].pop()]
    assert "fit" in resolve(written(documents)).vocabulary.skills


def test_an_order_is_read_against_the_families():
    documents = written(small_shop())
    order = resolve_order("order.json", documents["order.json"], resolve(documents).families)
    assert order.choices == {"load": "heavy"}
    assert order.due_at - order.received_at == 36 * HOUR
    assert order.priority == 1


def test_another_document_is_no_order():
    documents = written(small_shop())
    with pytest.raises(Invalid, match=r"\$\.document: Expected 'order', but found 'site'\."):
        resolve_order("graz.json", documents["graz.json"], {})


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (
            b'{\n  "document": "site",\n  "id": graz\n}',
            "bad.json line 3, column 9: Expected JSON, but found 'graz' (expecting value).",
        ),
        (
            b'{"document": "site"',
            (
                "bad.json line 1, column 20: Expected JSON, but found the end of the line "
                "(expecting ',' delimiter)."
            ),
        ),
        (
            b'{"document": "site",\n',
            (
                "bad.json line 2, column 1: Expected JSON, but found the end of the line "
                "(expecting property name enclosed in double quotes)."
            ),
        ),
        (
            b"",
            (
                "bad.json line 1, column 1: Expected JSON, but found the end of the line "
                "(expecting value)."
            ),
        ),
        (
            b'{"document": "site", "id": "gr\xffz"}',
            "bad.json $: Expected text in UTF-8, but found the byte 0xff at offset 30.",
        ),
        (
            b'{"document": "site", "version": NaN}',
            (
                "bad.json $: Expected JSON of finite numbers and moderate depth, "
                "but found the number NaN."
            ),
        ),
        (
            b'{"document": "site", "id": "a", "id": "b"}',
            (
                "bad.json $: Expected each property of an object once, "
                "but found 'id' again in the object with id 'b'."
            ),
        ),
        (
            b"[]",
            "bad.json $: Expected an object with the property 'document', but found a list of 0.",
        ),
    ],
)
def test_bytes_that_are_no_document_are_told_with_their_place(data, sentence):
    assert told({**written(small_shop()), "bad.json": data}) == [sentence]


def test_a_document_nested_without_end_is_refused():
    (sentence,) = told({**written(small_shop()), "bad.json": b"[" * 200_000})
    assert "moderate depth" in sentence


def test_a_document_beyond_the_size_limit_is_refused():
    large = b'{"document": "%s"' + b" " * FILE_BYTES_MAX + b"}"
    for kind, help_ in (
        (b"kpi-values", "Split it into several documents of the same kind."),
        (b"site", "A site is one document: describe halls as sites of their own"),
        (b"product", "A product is one document: make groups of operations products of their own"),
    ):
        (sentence,) = told({**written(small_shop()), "large.json": large % kind})
        assert sentence.startswith(
            "large.json $: Expected a document of at most 16384 KiB, but found 16385 KiB. "
        )
        assert help_ in sentence
        assert sentence.endswith(" The limit is FILE_BYTES_MAX.")


def test_too_many_documents_are_refused_at_once():
    documents = {f"{number}.json": b"" for number in range(DOCUMENTS_MAX + 1)}
    (sentence,) = told(documents)
    assert sentence == (
        f"documents: Expected at most {DOCUMENTS_MAX} documents, "
        f"but found {DOCUMENTS_MAX + 1}. The limit is DOCUMENTS_MAX."
    )


def test_the_faults_told_are_limited_and_the_rest_is_counted():
    documents = small_shop()
    person = {**documents["graz.json"]["persons"][0], "skills": ["fitt"] * (FAULTS_MAX + 7)}
    documents["graz.json"]["persons"] = [person]
    sentences = told(written(documents))
    assert len(sentences) == FAULTS_MAX + 1
    assert sentences[-1] == (
        f"documents: Expected at most {FAULTS_MAX} faults, but found 7 more. "
        "Correct those above first."
    )


@pytest.mark.parametrize(
    ("without", "what"),
    [
        (("graz.json", "vienna.json"), "a site: without a factory nothing can be made"),
        (("skills.json",), "a skill vocabulary"),
        (("equipment.json",), "an equipment types document"),
    ],
)
def test_knowledge_without_an_indispensable_document_is_refused(without, what):
    documents = {name: each for name, each in small_shop().items() if name not in without}
    assert (
        f"documents: Expected at least one document that describes {what}, but found none among"
        in ("\n".join(told(written(documents))))
    )


def test_no_factory_is_the_only_fault_told_where_all_sites_are_missing():
    documents = small_shop()
    for name in ("graz.json", "vienna.json"):
        del documents[name]
    assert len(told(written(documents))) == 1


def test_what_refers_to_an_unreadable_document_is_not_judged():
    documents = written(small_shop())
    documents["skills.json"] = b'{"document": "skill-vocabulary", '
    assert [each.partition(" ")[0] for each in told(documents)] == ["skills.json"]
    documents = written(small_shop())
    documents["graz.json"] = documents["graz.json"][:-1]
    assert [each.partition(" ")[0] for each in told(documents)] == ["graz.json"]


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("graz.json/transport/0/cost", f"{'9' * 40} EUR"),
        ("graz.json/work_units/0/cost_per_hour", f"{'9' * 40} EUR/h"),
        ("graz.json/tariff/energy_price", f"{'9' * 40} EUR/kWh"),
    ],
)
def test_money_that_no_machine_word_holds_is_refused(place, text):
    (sentence,) = told(written(put(small_shop(), place, text)))
    assert "Expected at most 1e+12 minor units, but found" in sentence


def test_a_large_product_with_many_variants_is_still_judged_in_bounded_work():
    documents = small_shop()
    hinge = documents["hinge.json"]
    hinge["features"] += [
        {"id": f"f{n}", "label": f"F{n}", "options": ["a", "b"], "default": "a"} for n in range(40)
    ]
    hinge["materials"] += [
        {"id": f"m{n}", "label": f"M{n}", "when": f'f{n % 40} = "a"'} for n in range(400)
    ]
    added = [{**hinge["operations"][0], "id": f"o{n}", "output": f"m{n}"} for n in range(400)]
    hinge["operations"][-1]["inputs"] += [each["id"] for each in added]
    hinge["operations"] += added
    assert told(written(documents)) == []
