"""Published schemas and contexts: they agree with what is read, and leave no word unexplained."""

import json

import pytest
from jsonschema import Draft202012Validator

from fabloop.base.errors import NotFound
from fabloop.base.quantity import Dimension, quantity_of
from fabloop.model.documents import (
    NAMESPACE,
    SCHEMA_NAMES,
    context_iri,
    context_of,
    schema_iri,
    schema_of,
)
from model.small_shop import small_shop


def properties_of(name):
    schema = schema_of(name)
    return [
        (word, part)
        for node in (schema, *schema["$defs"].values())
        for word, part in node.get("properties", {}).items()
    ]


@pytest.mark.parametrize("name", SCHEMA_NAMES)
def test_each_schema_is_a_valid_schema_of_2020_12(name):
    schema = schema_of(name)
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == schema_iri(name) == f"urn:fabloop:schema:1:{name}"
    assert schema["title"]
    assert schema["description"]


@pytest.mark.parametrize("document", small_shop().values(), ids=small_shop())
def test_a_document_that_is_read_satisfies_its_schema(document):
    assert list(Draft202012Validator(schema_of(document["document"])).iter_errors(document)) == []


@pytest.mark.parametrize("name", SCHEMA_NAMES)
def test_every_form_of_a_schema_is_described_and_closed(name):
    for form in schema_of(name)["$defs"].values():
        if form.get("type") == "object":
            assert form["description"]
            assert form["additionalProperties"] is False


def test_examples_of_units_can_be_read():
    duration = next(part for word, part in properties_of("site") if word == "duration")
    assert quantity_of(duration["examples"][0], Dimension.TIME) > 0


def test_a_schema_refuses_a_quantity_that_is_no_number_with_a_unit():
    document = small_shop()["shipping.json"]
    document["lanes"][0]["duration"] = "soon"
    (error,) = Draft202012Validator(schema_of("shipping")).iter_errors(document)
    assert error.json_path == "$.lanes[0].duration"


@pytest.mark.parametrize("name", SCHEMA_NAMES)
def test_a_context_explains_every_word_of_its_schema(name):
    terms = context_of(name)["@context"]
    for word, _ in properties_of(name):
        assert word in terms or word == "@context"


@pytest.mark.parametrize("name", SCHEMA_NAMES)
def test_every_prefix_that_a_context_uses_is_declared(name):
    terms = context_of(name)["@context"]
    for word, term in terms.items():
        iri = term["@id"] if isinstance(term, dict) else term
        if isinstance(iri, str) and ":" in iri and not iri.startswith(("http", "urn:")):
            assert iri.partition(":")[0] in terms, word


def test_the_contexts_lead_to_our_namespace_and_to_those_of_others():
    terms = context_of("product")["@context"]
    assert terms["@vocab"] == NAMESPACE == "urn:fabloop:ns:1#"
    assert terms["skill"] == {"@id": "css:requiresCapability", "@type": "@id"}
    assert terms["operations"] == {"@id": "isa95:OperationsSegment"}
    assert terms["product"] == "isa95:OperationsDefinition"
    assert context_iri("product") == "urn:fabloop:context:1:product"


@pytest.mark.parametrize("of", [schema_of, context_of])
def test_an_unknown_kind_of_document_is_told_with_near_names(of):
    with pytest.raises(NotFound, match="Did you mean 'shipping'"):
        of("shiping")


@pytest.mark.parametrize("of", [schema_of, context_of])
def test_changing_what_one_was_given_changes_nothing_for_the_next(of):
    before = json.dumps(of("site"))
    of("site").clear()
    assert json.dumps(of("site")) == before
