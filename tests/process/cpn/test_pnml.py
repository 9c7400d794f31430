"""Place/transition nets as PNML: round trips, pages and references, and what is refused where."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.base.errors import Invalid
from fabloop.base.xml import XML_BYTES_MAX, XML_DEPTH_MAX
from fabloop.process.cpn.document import compile_net
from fabloop.process.cpn.model import (
    InitialToken,
    NetDocument,
    PlaceSpec,
    Put,
    Take,
    TransitionSpec,
)
from fabloop.process.cpn.net import Net
from fabloop.process.cpn.pnml import read_pnml
from fabloop.process.cpn.pnml_write import write_pnml
from fabloop.process.verify.report import verify_net

NET = """<?xml version="1.0"?>
<pnml xmlns="http://www.pnml.org/version-2009/grammar/pnml">
<net id="n" type="http://www.pnml.org/version-2009/grammar/ptnet">
<name><text>cell</text></name>
{parts}
</net>
</pnml>"""
PAGE = """<page id="g">
<place id="p"><name><text>idle</text></name>
<initialMarking><text> 3 </text></initialMarking></place>
<place id="q"/>
<transition id="t"/>
<arc id="a" source="p" target="t"><inscription><text>2</text></inscription></arc>
<arc id="b" source="t" target="q"/>
{more}
</page>"""


def read(more="", parts=PAGE):
    return read_pnml(NET.format(parts=parts.format(more=more)).encode())


def faults(more="", parts=PAGE):
    with pytest.raises(Invalid) as refused:
        read(more, parts)
    return [fault.sentence() for fault in refused.value.faults]


words = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1).filter(
    lambda text: text == text.strip() and not set(text) & {"\ufffe", "\uffff"}
)


@st.composite
def plain_nets(draw):
    names = draw(st.lists(words, min_size=1, max_size=5, unique=True))
    places = tuple(
        PlaceSpec(
            name=name,
            colour="unit",
            initial=(InitialToken(count=count),) if (count := draw(st.integers(0, 3))) else (),
            capacity=draw(st.sampled_from([None, 3, 50])),
        )
        for name in names
    )
    pick, count = st.sampled_from(names), st.integers(1, 20)
    takes = st.builds(Take, place=pick, pattern=st.just("()"), count=count)
    puts = st.builds(Put, place=pick, value=st.just("()"), count=count.map(str))
    transitions = tuple(
        TransitionSpec(
            name=name,
            take=tuple(draw(st.lists(takes, min_size=1, max_size=4))),
            put=tuple(draw(st.lists(puts, max_size=4))),
        )
        for name in draw(st.lists(words, max_size=4, unique=True))
    )
    readable = [name for name in names if name.isidentifier() and name.isascii()]
    final = f"{readable[0]} == 1" if readable and readable[0] not in ("if", "in", "is") else ""
    return NetDocument(
        id=draw(words), name=draw(words), places=places, transitions=transitions, final=final
    )


@settings(max_examples=60, deadline=None)
@given(plain_nets())
def test_what_is_written_is_read_back_as_the_same_net(document):
    try:
        compile_net(document)
    except Invalid:
        return  # a name that happens to be a word of the inscription language
    assert read_pnml(write_pnml(document)) == document


def test_names_counts_and_weights_are_read():
    document = read()
    assert (document.id, document.name) == ("n", "cell")
    assert [place.name for place in document.places] == ["p", "q"]  # one place has no name
    assert document.places[0].initial == (InitialToken(count=3),)
    assert document.transitions == (
        TransitionSpec(
            name="t",
            take=(Take(place="p", pattern="()", count=2),),
            put=(Put(place="q", value="()"),),
        ),
    )
    assert verify_net(compile_net(document), reduced=False).markings == 2


def test_names_are_taken_where_they_tell_all_nodes_apart():
    named = PAGE.replace('<place id="q"/>', '<place id="q"><name><text>busy</text></name></place>')
    assert [place.name for place in read(parts=named).places] == ["idle", "busy"]
    twice = named.replace("busy", "idle")
    assert [place.name for place in read(parts=twice).places] == ["p", "q"]


def test_pages_within_pages_and_references_make_one_net():
    more = """<page id="h"><referencePlace id="r" ref="s"/><referencePlace id="s" ref="p"/>
    <transition id="u"/><arc id="c" source="r" target="u"/></page>"""
    assert read(more).transitions[1].take == (Take(place="p", pattern="()"),)


def test_every_fault_is_told_with_element_and_line():
    told = faults("""<transition id="u"/>
<arc id="c" source="p" target="q"/>
<arc id="d" source="p" target="u"><type value="inhibitor"/></arc>
<arc id="e" source="p" target="u"><inscription><text>0</text></inscription></arc>
<place id="p"/>
<place id="v"><initialMarking><text>many</text></initialMarking></place>
<referencePlace id="r" ref="r"/>
<arc id="f" source="r" target="u"/>
<gate id="w"/>""")
    assert len(told) == 7
    for element, line in [("c", 13), ("d", 14), ("e", 15), ("p", 16), ("v", 17), ("f", 19)]:
        assert any(f"element '{element}', line {line}:" in each for each in told)
    assert any("line 20: Expected a part of a net, but found <gate>" in each for each in told)


def test_a_transition_without_an_input_is_refused():
    [told] = faults('<transition id="u"/>')
    assert told.startswith(
        "PNML document element 'u', line 12: Expected a transition that takes from a place, but "
        "found none."
    )


def test_a_transition_with_too_many_inputs_is_refused():
    arcs = "".join(f'<arc id="x{n}" source="p" target="t"/>' for n in range(16))
    [told] = faults(arcs)
    assert "element 't', line 9: Expected at most 16 arcs into a transition, but found 17." in told


def test_other_kinds_of_nets_are_refused_by_their_type():
    data = NET.format(parts="").replace("ptnet", "timednet").encode()
    with pytest.raises(Invalid, match=r"'n', line 3: Expected a net of type .*timednet'"):
        read_pnml(data)
    with pytest.raises(Invalid, match="PNML with one net, but found <pnml> with 0 nets"):
        read_pnml(b'<pnml xmlns="http://www.pnml.org/version-2009/grammar/pnml"/>')


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<pnml",
        b"<pnml/>",
        b"\xff\xfe\x00",
        b'<!DOCTYPE pnml [<!ENTITY a "aaaa">]><pnml>&a;</pnml>',
        b'<!DOCTYPE pnml SYSTEM "file:///etc/passwd"><pnml/>',
        b"<pnml>" * (XML_DEPTH_MAX + 2) + b"</pnml>" * (XML_DEPTH_MAX + 2),
        b" " * (XML_BYTES_MAX + 1),
    ],
)
def test_hostile_documents_are_refused(data):
    with pytest.raises(Invalid):
        read_pnml(data, "net.pnml")


def test_what_a_net_without_colours_cannot_say_is_refused_all_at_once():
    net = Net("rich")
    todo = net.place("todo", fusion="shared", initial=[()])
    done = net.place("done", timed=True)
    net.transition("work", take={todo: "x"}, put={done: "()"}, when="x == ()", delay=5)
    assert not net.check()
    with pytest.raises(Invalid) as refused:
        write_pnml(net.document())
    paths = [fault.path for fault in refused.value.faults]
    assert paths == ["place todo", "place done", "transition work", "transition work"]


def test_a_text_that_xml_cannot_carry_is_refused():
    document = NetDocument(id="a\x00b", places=(PlaceSpec(name=" p", colour="unit"),))
    with pytest.raises(Invalid) as refused:
        write_pnml(document)
    assert len(refused.value.faults) == 2
