"""A damaged model is refused, or evaluated with nulls; it never breaks the program."""

from hypothesis import given as given_any
from hypothesis import settings
from hypothesis import strategies as st
from lxml import etree

from fabloop.base.codec import to_json
from fabloop.base.errors import FabloopError
from fabloop.feel.dmn import read_dmn_in_part
from fabloop.feel.dmn.limits import WARNINGS_MAX
from feel.dmn.models import context, decision, definitions, given, item, knowledge, table, text

LOOP = (
    f'<for iteratorVariable="a"><in>{text("x")}</in>'
    f"<return>{text('a + count(partial)')}</return></for>"
)
FILTER = f"<filter><in>{text('x')}</in><match>{text('size > 1')}</match></filter>"
BINDING = f'<binding><parameter name="a"/>{text("1")}</binding>'
RULES = [[f'"{letter}"', f'"{letter}"', str(at)] for at, letter in enumerate("abcdefghi")]
OUTPUTS = [("first", '"a", "b"', ""), ("second", "", "0")]
MODEL = definitions(
    item("tSize", "", ("size", "number"), allowed="?.size > 0"),
    item("tSizes", "tSize", collection=True),
    given("x", "tSizes"),
    given("y"),
    knowledge("k", {"a": "number", "b": "tSize"}, text("a + b.size"), "!k"),
    decision("rows", table("OUTPUT ORDER", ["y"], OUTPUTS, RULES), "?y"),
    decision("sum", table("COLLECT", ["y"], [("", "", "")], [["-", "1"]], "SUM"), "?y", "rows"),
    decision("loop", context(("l", LOOP), ("f", FILTER), (text("l"),)), "?x", "sum"),
    decision("call", f"<invocation>{text('k')}{BINDING}</invocation>", "!k", kind="tSizes"),
    '<decisionService id="s" name="s"><outputDecision href="#loop"/><inputData href="#x"/>'
    '<inputDecision href="#sum"/></decisionService>',
)
TEXTS = ["-", "", "null", "x", "1/0", "[1..", "{size: 1}", "function(x) x", "?", "k(1)", "a.b"]
VALUES = ["", "number", "#loop", "#s", "FIRST", "PRIORITY", "MAX", "true", "x", "tSizes", "k"]
DAMAGE = st.lists(
    st.tuples(
        st.integers(0, 10_000),
        st.sampled_from(["remove", "repeat", "attribute", "text"]),
        st.integers(0, 10_000),
    ),
    min_size=1,
    max_size=4,
)
GIVEN = st.none() | st.integers(0, 3) | st.just([{"size": 2}, {"size": 0}]) | st.just("c")


def damage(root, at, how, which):
    elements = list(root.iter())
    element = elements[at % len(elements)]
    parent = element.getparent()
    if how == "remove" and parent is not None:
        parent.remove(element)
    elif how == "repeat" and parent is not None:
        parent.append(etree.fromstring(etree.tostring(element)))
    elif how == "attribute" and element.attrib:
        name = sorted(element.attrib)[which % len(element.attrib)]
        element.attrib[name] = VALUES[which % len(VALUES)]
    elif how == "text":
        texts = list(root.iter("{*}text"))
        texts[at % len(texts)].text = TEXTS[which % len(TEXTS)]


def test_the_model_is_sound_before_it_is_damaged():
    model = read_dmn_in_part(MODEL)
    assert model.faults == ()
    assert model.evaluate("loop", {"x": [], "y": "b"}).value == []
    assert model.evaluate("rows", {"y": "b"}).value == [{"first": "b", "second": 1}]


@settings(max_examples=150)
@given_any(damages=DAMAGE, x=GIVEN, y=GIVEN)
def test_a_damaged_model_is_refused_or_gives_an_outcome(damages, x, y):
    root = etree.fromstring(MODEL)
    for each in damages:
        damage(root, *each)
    try:
        model = read_dmn_in_part(etree.tostring(root))
    except FabloopError:
        return
    for name in (*model.decisions, *model.services):
        ask = model.evaluate_service if name in model.services else model.evaluate
        try:
            outcome = ask(name, {"x": x, "y": y})
            to_json(outcome.plain)
        except FabloopError:
            continue
        assert len(outcome.warnings) <= WARNINGS_MAX
