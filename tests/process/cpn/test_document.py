"""A document is data; compiling it tells every fault at once."""

import msgspec
import pytest

from fabloop.base.codec import to_json
from fabloop.base.errors import Invalid
from fabloop.process.cpn.document import compile_net, faults_of, read_net
from fabloop.process.cpn.model import (
    InitialToken,
    IntColour,
    ListColour,
    NetDocument,
    PlaceSpec,
    ProductColour,
    Put,
    RecordColour,
    Take,
    TransitionSpec,
)
from process.example_nets import EXAMPLES


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_document_survives_json(name):
    document = EXAMPLES[name]().document()
    assert read_net(to_json(document)) == document


def document(*transitions, **changes):
    known = {
        "id": "n",
        "colours": {"R": RecordColour(fields={"id": "int", "skill": "string"})},
        "places": (PlaceSpec(name="a", colour="R"), PlaceSpec(name="b", colour="int")),
        "transitions": transitions,
    }
    return NetDocument(**(known | changes))


def fault_texts(net):
    return [fault.sentence() for fault in faults_of(net)]


def test_every_fault_is_told_with_its_place():
    texts = fault_texts(
        document(
            TransitionSpec(
                name="t",
                take=(Take(place="a", pattern="r"), Take(place="c", pattern="x")),
            ),
            TransitionSpec(
                name="u",
                take=(Take(place="a", pattern="r"),),
                when="r.skil == 'W'",
                put=(Put(place="b", value="s"), Put(place="b", value="'text'")),
                delay="5",
            ),
            TransitionSpec(name="u"),
        )
    )
    expected = [
        ("transition u", "a name used once"),
        ("transition t, take 1", "'c'"),
        ("transition u, put 0", "'s'"),
        ("transition u, put 1", "an integer"),
        ("transition u, delay", "a timed output"),
        ("transition u", "r.skil"),
        ("transition u", "1 to 16 inputs"),
    ]
    for place, what in expected:
        assert any(place in text and what in text for text in texts), (place, what, texts)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"colours": {"L": ListColour(of="L")}}, "inside itself"),
        ({"colours": {"P": ProductColour(of=("int", "nt"))}}, "Did you mean 'int'"),
        ({"colours": {"I": IntColour(low=2, high=1)}}, "2 > 1"),
        ({"places": (PlaceSpec(name="a", colour="int", capacity=0),)}, "capacity"),
        (
            {"places": (PlaceSpec(name="a", colour="int", initial=(InitialToken(value="x"),)),)},
            "an integer",
        ),
        (
            {
                "places": (
                    PlaceSpec(
                        name="a",
                        colour="unit",
                        capacity=1,
                        initial=(InitialToken(count=2),),
                    ),
                )
            },
            "at most 1",
        ),
        ({"constants": {"len": 1}}, "a name of its own"),
        ({"final": "dne == 1"}, "dne"),
        ({"id": ""}, "an id"),
    ],
)
def test_a_wrong_part_is_named(changes, what):
    changes.setdefault("colours", {"R": RecordColour(fields={"id": "int"})})
    assert any(what in text for text in fault_texts(document(**changes)))


@pytest.mark.parametrize(
    "pattern", ["(x, y)", "[x]", "{'skil': s}", "{'id': {'x': y}}", "(x", "x.id", "[*a, *b]"]
)
def test_a_pattern_that_never_fits_is_a_fault(pattern):
    net = document(TransitionSpec(name="t", take=(Take(place="a", pattern=pattern),)))
    assert any("transition t" in text for text in fault_texts(net))


def test_only_work_has_a_result():
    put = (Put(place="b", value="result.n"),)
    net = document(TransitionSpec(name="t", take=(Take(place="a", pattern="r"),), put=put))
    assert "Only a transition with work" in fault_texts(net)[0]


def test_an_unknown_field_of_the_document_is_refused():
    data = msgspec.to_builtins(document()) | {"placs": []}
    with pytest.raises(Invalid, match="placs"):
        read_net(msgspec.json.encode(data))


def test_a_faulty_document_does_not_compile():
    with pytest.raises(Invalid):
        compile_net(document(final="x"))
