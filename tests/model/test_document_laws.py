"""Laws of documents: writing and reading are inverse, and nothing whatever breaks the reader."""

import json
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from msgspec import inspect

from fabloop.base.codec import to_json_pretty
from fabloop.base.errors import Fault, Invalid
from fabloop.model.documents import SCHEMA_NAMES, check, resolve, resolve_order, schema_of
from fabloop.model.documents.structs import KINDS
from fabloop.model.documents.structure import decode
from fabloop.model.features import FeatureModel
from fabloop.model.variant import variant
from model.rich_shop import rich_shop
from model.small_shop import small_shop, written

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(["15 µm", "0 s", "-1 EUR", "1e999 min", "graz", "hinge", "pin = ", "٣ mm"])
    | st.sampled_from(["= teeth", "= 1 [min]", "always", "or", "lot", "24:00", "3 min/lot"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=5,
)


def values_of(kind: inspect.Type) -> st.SearchStrategy[Any]:  # noqa: PLR0911  # one per type
    """Return a strategy for the built-in values from which msgspec makes this type."""
    match kind:
        case inspect.Metadata():
            return values_of(kind.type)
        case inspect.StructType():
            required = {f.encode_name: values_of(f.type) for f in kind.fields if f.required}
            optional = {f.encode_name: values_of(f.type) for f in kind.fields if not f.required}
            made = st.fixed_dictionaries(required, optional=optional)
            return made.map(lambda each: {**each, kind.tag_field: kind.tag} if kind.tag else each)
        case inspect.StrType():
            if kind.pattern is not None:
                return st.from_regex(r"\A[a-z][a-z0-9_]{0,20}\Z")
            return st.text(min_size=kind.min_length or 0, max_size=8)
        case inspect.FloatType():
            return st.floats(0.001, 1_000)
        case inspect.IntType():
            return st.integers(kind.ge or 0, kind.le or 1_000)
        case inspect.VarTupleType():
            return st.lists(values_of(kind.item_type), min_size=kind.min_length or 0, max_size=2)
        case inspect.DictType():
            return st.dictionaries(
                st.text(max_size=5),
                values_of(kind.value_type),
                min_size=kind.min_length or 0,
                max_size=2,
            )
        case inspect.UnionType():
            return st.one_of(*(values_of(each) for each in kind.types))
        case inspect.LiteralType():
            return st.sampled_from(kind.values)
        case inspect.EnumType():
            return st.sampled_from([each.value for each in kind.cls])
        case inspect.BoolType():
            return st.booleans()
        case inspect.NoneType():
            return st.none()
        case _:
            raise NotImplementedError(kind)


@pytest.mark.parametrize("name", SCHEMA_NAMES)
def test_reading_what_was_written_gives_the_same_document(name):
    kind = KINDS[name]

    @settings(max_examples=25, deadline=None)
    @given(values_of(inspect.type_info(kind)))
    def holds(value):
        document = msgspec.convert(value, kind)
        faults: list[Fault] = []
        assert decode("again", to_json_pretty(document), faults) == document
        assert faults == []

    holds()


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    match value:
        case dict():
            inner = value.items()
        case list():
            inner = enumerate(value)
        case _:
            return [path]
    found = [path] if path else []
    for key, each in inner:
        found += places(each, (*path, key))
    return found


SHOPS = {shop: places(shop()) for shop in (small_shop, rich_shop)}


def test_the_rich_shop_has_no_fault():
    assert check(written(rich_shop())) == ()


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a shop with one to three places removed, replaced or overgrown by another."""
    shop = draw(st.sampled_from(list(SHOPS)))
    documents, known = shop(), SHOPS[shop]
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(known))
        deed = draw(st.sampled_from(["replace", "remove", "graft"]))
        try:
            target = documents
            for step in place[:-1]:
                target = target[step]
            graft = documents
            for step in draw(st.sampled_from(known)):
                graft = graft[step]
            if deed == "remove":
                del target[place[-1]]
            elif deed == "graft":
                target[place[-1]] = json.loads(json.dumps(graft))
            else:
                target[place[-1]] = draw(JSON_VALUES)
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took the place away
    return documents


@settings(max_examples=200, deadline=None)
@given(mutated())
def test_a_mutated_document_yields_knowledge_or_faults_and_nothing_else(documents):
    files = written(documents)
    faults = check(files)
    assert all(fault.expected and fault.found for fault in faults)
    if faults:
        return
    knowledge = resolve(files)
    for family in knowledge.families.values():
        choices = FeatureModel(family.features, family.rules).choices()
        assert choices is not None
        assert variant(family, choices).final()


@settings(max_examples=60, deadline=None)
@given(mutated())
def test_what_is_read_without_fault_satisfies_the_published_schemas(documents):
    if check(written(documents)):
        return
    for document in documents.values():
        errors = Draft202012Validator(schema_of(document["document"])).iter_errors(document)
        assert list(errors) == []


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_damaged_bytes_yield_faults_and_nothing_else(data):
    files = written(small_shop())
    name = data.draw(st.sampled_from(sorted(files)))
    content = files[name]
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, min(len(content), start + 30)))
    files[name] = content[:start] + data.draw(st.binary(max_size=8)) + content[end:]
    check(files)
    with suppress(Invalid):
        resolve_order(name, files[name], {})
