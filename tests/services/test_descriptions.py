import json

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.errors import Invalid
from fabloop.base.instant import MINUTE
from fabloop.base.quantity import Dimension
from fabloop.model.documents.names import Names
from fabloop.model.ids import SkillId
from fabloop.model.service import Literal, Relation, ValueKind
from fabloop.model.skill import ParameterDefinition, Rule, Skill, SkillVocabulary, Span
from fabloop.services.descriptions import literal_text, read
from service_documents import OVEN, PLAIN, described


def faults_of(document):
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    with pytest.raises(Invalid) as raised:
        read("oven.json", data)
    return {fault.path: fault for fault in raised.value.faults}


def document(**paths):
    return {"openapi": "3.1.0", "info": {"title": "Oven", "version": "1"}, "paths": paths}


def test_what_the_document_says_of_the_whole_service_is_read():
    oven = described(OVEN)
    assert (oven.id, oven.system, oven.context) == ("oven", "tunnel-oven", ("food", "cooking"))
    assert oven.place is not None
    assert oven.place.name == "Modena"
    assert oven.base_url == "http://127.0.0.1:9/north"
    assert [each.name for each in oven.operations] == ["slowdown", "bake", "discard"]


def test_inputs_have_their_place_concept_unit_and_dimension():
    bake = described(OVEN).operations[1]
    batch, temperature, pieces, program = bake.inputs
    assert (batch.place, batch.required) == ("path", True)
    assert temperature.place == "body"
    assert (temperature.concept, temperature.dimension) == ("temperature", Dimension.TEMPERATURE)
    assert (pieces.kind, pieces.unit, pieces.dimension) == (ValueKind.INTEGER, "pieces", None)
    assert (program.required, program.allowed) == (False, ("soft", "crisp"))


def test_outputs_come_from_the_answer_that_says_all_went_well():
    slowdown = described(OVEN).operations[0]
    (delay,) = slowdown.outputs
    assert (delay.name, delay.unit, delay.dimension) == ("delay", "%", Dimension.RATIO)
    assert slowdown.idempotent


def test_conditions_effects_costs_and_compensation_are_read():
    bake = described(OVEN).operations[1]
    assert bake.requires == (
        Literal(fluent="prepared", arguments=("?batch",)),
        Literal(fluent="overcooked", arguments=("?batch",), value=False),
    )
    assert bake.effects[1] == Literal(fluent="door", arguments=("oven",), value="closed")
    assert (bake.cost_minor, bake.currency) == (1250, "EUR")
    assert bake.duration_ns == 25 * MINUTE
    assert (bake.compensation, bake.idempotent, bake.certainty) == ("discard", False, 1.0)


def test_an_offer_is_read_in_the_terms_of_the_vocabulary():
    heat = ParameterDefinition(
        name="heat", label="Heat", rule=Rule.WITHIN, dimension=Dimension.TEMPERATURE
    )
    skill = Skill(id=SkillId("bake"), label="Bake", parameters=(heat,))
    names = Names(vocabulary=SkillVocabulary(skills={SkillId("bake"): skill}))
    values = {"heat": {"kind": "span", "to": "200 °C"}}
    offer = {"skill": "bake", "values": values}
    whole = document(**{"/bake": {"post": {"operationId": "b", "x-fabloop": {"offer": offer}}}})
    (operation,) = read("oven", json.dumps(whole).encode(), names).service.operations
    assert operation.offer is not None
    assert operation.offer.values["heat"] == Span(high=473.15)
    values["haet"] = {"kind": "span", "to": "200 K"}
    with pytest.raises(Invalid, match="Did you mean 'heat'"):
        read("oven", json.dumps(whole).encode(), names)


def test_without_a_vocabulary_an_offer_is_left_out_and_that_is_said():
    whole = document(**{"/b": {"post": {"x-fabloop": {"verb": "b", "offer": {"skill": "bake"}}}}})
    found = read("oven", json.dumps(whole).encode())
    assert found.service.operations[0].offer is None
    assert any("without a vocabulary" in each.said for each in found.remarks)


def test_a_document_without_annotations_is_usable_and_less_certain():
    found = read("parcels.json", PLAIN)
    (operation,) = found.service.operations
    assert operation.name == "get-shipments-tracking-number"
    assert operation.verb == "get"
    assert {"shipping", "shipments", "shipment"} <= set(operation.context)
    assert operation.certainty < 1.0
    assert any("guessed" in each.said for each in found.remarks)


def test_a_recursive_schema_is_read_and_its_answers_are_judged_to_any_depth():
    (operation,) = described(PLAIN).operations
    assert [each.name for each in operation.outputs] == ["name", "parts"]
    validator = jsonschema.Draft202012Validator(json.loads(operation.answer_schema))
    assert validator.is_valid({"name": None, "parts": [{"name": "a", "parts": []}]})
    assert not validator.is_valid({"name": "x", "parts": [{"name": "a", "parts": [{"name": 1}]}]})


def test_references_that_lead_round_are_refused_with_the_way_they_take():
    schemas = {"A": {"$ref": "#/components/schemas/B"}, "B": {"$ref": "#/components/schemas/A"}}
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}}
    whole = document(**{"/b": {"post": {"requestBody": {"content": content}}}})
    found = faults_of({**whole, "components": {"schemas": schemas}})
    (fault,) = found.values()
    assert "leads to a definition" in fault.expected
    assert "A → #/components/schemas/B → #/components/schemas/A" in fault.found


def test_a_schema_that_consists_of_itself_is_refused():
    schemas = {"A": {"allOf": [{"$ref": "#/components/schemas/A"}]}}
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}}
    whole = document(**{"/b": {"post": {"requestBody": {"content": content}}}})
    found = faults_of({**whole, "components": {"schemas": schemas}})
    assert any("does not consist of itself" in each.expected for each in found.values())


def test_schemas_that_anything_meets_are_schemas():
    body = {"type": "object", "properties": {"any": True, "list": {"type": "array", "items": True}}}
    content = {"application/json": {"schema": body}}
    whole = document(**{"/b": {"post": {"requestBody": {"content": content}}}})
    (operation,) = described(json.dumps(whole).encode()).operations
    assert [each.name for each in operation.inputs] == ["any", "list"]


def test_references_that_lead_nowhere_or_outside_are_refused_with_near_names():
    schemas = {"Order": {"type": "object"}}
    body = {
        "type": "object",
        "properties": {
            "a": {"$ref": "#/components/schemas/Odrer"},
            "b": {"$ref": "https://example.org/x.json#/Order"},
        },
    }
    content = {"application/json": {"schema": body}}
    whole = document(**{"/b": {"post": {"requestBody": {"content": content}}}})
    found = list(faults_of({**whole, "components": {"schemas": schemas}}).values())
    assert "Did you mean 'Order'" in found[0].hint
    assert "Bundle" in found[1].hint


def test_every_fault_of_a_document_is_found_with_its_place():
    parameter = {"name": "speed", "in": "queery", "schema": {"type": "number"}}
    annotation = {
        "verb": "stop",
        "compensaton": "start",
        "requires": ["at(?cart"],
        "cost": "12.505 EUR",
    }
    operation = {"operationId": "stop", "parameters": [parameter], "x-fabloop": annotation}
    other = {"operationId": "stop", "x-fabloop": {"effects": ["on(?belt)"], "duration": "4 kg"}}
    found = faults_of(document(**{"/stop/{id}": {"post": operation}, "/go": {"post": other}}))
    assert set(found) == {
        "$.paths['/stop/{id}'].post.parameters[0].in",
        "$.paths['/stop/{id}'].post.parameters",
        "$.paths['/stop/{id}'].post['x-fabloop'].compensaton",
        "$.paths['/stop/{id}'].post['x-fabloop'].requires[0]",
        "$.paths['/stop/{id}'].post['x-fabloop'].cost",
        "$.paths['/go'].post.operationId",
        "$.paths['/go'].post['x-fabloop'].effects[0]",
        "$.paths['/go'].post['x-fabloop'].duration",
    }
    assert "compensation" in found["$.paths['/stop/{id}'].post['x-fabloop'].compensaton"].hint


def test_units_nobody_knows_are_faults_and_counted_things_are_not():
    def at(unit):
        schema = {"type": "number", "x-fabloop": {"unit": unit}}
        parameter = {"name": "n", "in": "query", "schema": schema}
        return document(**{"/b": {"get": {"parameters": [parameter]}}})

    assert faults_of(at("parsnips")).popitem()[1].expected.startswith("a known unit")
    (operation,) = described(json.dumps(at("pieces")).encode()).operations
    assert operation.inputs[0].unit == "pieces"


def test_operations_that_cannot_be_called_are_left_out_by_name():
    upload = {
        "operationId": "upload",
        "requestBody": {"required": True, "content": {"multipart/form-data": {}}},
    }
    cookie = {"name": "session", "in": "cookie", "required": True, "schema": {"type": "string"}}
    status = {"operationId": "status", "parameters": [cookie]}
    whole = document(**{"/a": {"post": upload, "get": status}, "/b": {"get": {"operationId": "b"}}})
    found = read("oven", json.dumps(whole).encode())
    assert [each.name for each in found.service.operations] == ["b"]
    said = " ".join(each.said for each in found.remarks)
    assert "'upload' is left out" in said
    assert "'status' is left out" in said


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'{"openapi": "3.1.0",', "JSON"),
        (b"openapi: [3.1", "YAML"),
        (b"openapi: 3.1.0\nopenapi: 3.0.0", "each property of an object once"),
        (b'{"openapi": "3.1.0", "openapi": "3.1.0"}', "each property of an object once"),
        (b"a: &a [*a]", "YAML"),
        (b"[1]", "an OpenAPI document"),
        (b'{"swagger": "2.0"}', "'3.0.x' or '3.1.x'"),
        (b"\xff\xfe", "text in UTF-8"),
        (b'{"openapi": "3.0.1", "info": {"title": "x", "version": "1"}}', "an operation"),
    ],
)
def test_what_is_no_openapi_document_is_refused(data, expected):
    assert any(fault.expected.startswith(expected) for fault in faults_of(data).values())


def test_yaml_that_grows_when_it_is_read_is_refused():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    found = faults_of("\n".join(lines).encode())
    assert "values" in found["$"].expected


def test_yaml_reads_like_openapi_means_it():
    text = b"""
openapi: 3.0.0
info: {title: No, version: 2024-01-01}
paths:
  /on: {get: {operationId: on, responses: {200: {description: off}}}}
"""
    service = described(text)
    assert (service.title, service.version) == ("No", "2024-01-01")
    assert service.operations[0].name == "on"


NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,6}", fullmatch=True)


@given(
    fluent=NAMES.filter(lambda name: name != "not"),
    arguments=st.lists(NAMES, max_size=3),
    value=st.booleans()
    | st.integers(-999, 999)
    | NAMES.filter(lambda n: n not in ("true", "false")),
)
def test_a_statement_reads_as_it_is_written(fluent, arguments, value):
    literal = Literal(fluent=fluent, arguments=tuple(arguments), value=value)
    entry = {"effects": [literal_text(literal)]}
    whole = document(**{"/b": {"get": {"x-fabloop": entry}}})
    assert described(json.dumps(whole).encode()).operations[0].effects == (literal,)


@pytest.mark.parametrize(
    ("text", "relation"),
    [
        ("flour(silo) >= 40", Relation.AT_LEAST),
        ("flour(silo) <= 40", Relation.AT_MOST),
        ("flour(silo) += 40", Relation.MORE),
        ("flour(silo) -= 40", Relation.LESS),
    ],
)
def test_numbers_are_compared_and_counted(text, relation):
    literal = Literal(fluent="flour", arguments=("silo",), value=40, relation=relation)
    whole = document(**{"/b": {"get": {"x-fabloop": {"effects": [text]}}}})
    assert described(json.dumps(whole).encode()).operations[0].effects == (literal,)
    assert literal_text(literal) == text


def test_only_numbers_are_compared():
    found = faults_of(document(**{"/b": {"get": {"x-fabloop": {"effects": ["heat >= warm"]}}}}))
    (fault,) = found.values()
    assert fault.expected == "a number behind '>='"


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(max_size=5) | st.integers(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "parameters",
                        "requestBody",
                        "responses",
                        "200",
                        "content",
                        "schema",
                        "application/json",
                        "$ref",
                        "allOf",
                        "properties",
                        "x-fabloop",
                        "in",
                        "name",
                        "type",
                        "enum",
                        "required",
                        "offer",
                        "oneOf",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_whatever_stands_in_an_operation_is_read_or_refused_with_a_place(operation):
    faults = ()
    try:
        read("oven", json.dumps(document(**{"/b": {"post": operation}})).encode())
    except Invalid as invalid:
        faults = invalid.faults
    assert all(fault.path.startswith("$") for fault in faults)
