"""Draws the picture of the loop from the return annotations of `fabloop.app.loop.STEPS`.

Run ``python docs/_ext/loop_diagram.py`` to renew ``docs/loop.svg``; the build warns when it is
stale. What people, machines and the process engine do between the steps is no step, so it has no
annotation: it is written down in `OUTSIDE`.
"""  # noqa: INP001  # a Sphinx extension is found by path

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, get_args, get_type_hints
from xml.sax.saxutils import escape

from fabloop.app.loop import STEPS
from fabloop.model import facts

if TYPE_CHECKING:
    from sphinx.application import Sphinx

PICTURE = Path(__file__).parents[1] / "loop.svg"

OUTSIDE = (
    ("", "a customer orders", "OrderReceived"),
    ("PlansFound", "a person chooses", "PlanAccepted"),
    ("ProcessReleased", "the engine starts", "JobOffered"),
    ("JobBound", "the plant works", "JobAnswered"),
    ("JobBound", "the plant cannot", "JobFailed"),
    ("", "a machine runs its test", "TestMeasured"),
    ("", "somebody reports", "DisturbanceReported"),
    ("AdaptationProposed", "a person approves", "AdaptationApproved"),
    ("AdaptationApproved", "the engine migrates", "ProcessMigrated"),
)
"""What happens outside the steps: after which fact, who does what, and the fact it leads to."""

VERBS = ("plan", "run", "trace", "adapt", "sense")
"""The panels; a step stands in the one that its first sentence leads to (``Plan to run: ...``)."""

PANEL = 312.0
LEFT, RIGHT = 24.0, 664.0
LINE, HEAD, PAD, GAP = 15.0, 34.0, 12.0, 64.0
WIDTH = RIGHT + PANEL + 24.0
CHAR = 6.65
"""About the width of a character of 11 pixels."""


class Step(NamedTuple):
    """A step as its annotations tell it: facts heard, facts told."""

    name: str
    verb: str
    hears: tuple[str, ...]
    tells: tuple[str, ...]


class Panel(NamedTuple):
    """Where the steps of a verb stand."""

    verb: str
    x: float
    y: float
    height: float
    steps: tuple[Step, ...]

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return self.y + self.height


class Way(NamedTuple):
    """From a verb to another: facts, and what happens outside between them."""

    source: str
    target: str
    words: tuple[str, ...]


def step_of(function: Callable[..., Any]) -> Step:
    """Read a step off its annotations and the first sentence of its docstring."""
    hints = get_type_hints(function)
    said = (function.__doc__ or "").split(":")[0]
    verb = said.split(" to ")[-1].strip().lower()
    if verb not in VERBS:
        raise ValueError(f"Expected {function.__name__} to begin with one of {VERBS}: {said!r}.")
    told = get_args(hints["return"])[0]
    return Step(function.__name__, verb, _names(hints["fact"]), _names(told))


def _names(hint: Any) -> tuple[str, ...]:
    return tuple(each.__name__ for each in get_args(hint) or (hint,))


def ways(steps: Sequence[Step]) -> list[Way]:
    """Return how facts go from verb to verb, each way with its words, first ones first."""
    hearers: dict[str, list[Step]] = {}
    for step in steps:
        for fact in step.hears:
            hearers.setdefault(fact, []).append(step)
    found: dict[Way, None] = {}
    for step in steps:
        for fact in step.tells:
            for words, last in _chains(fact):
                for other in hearers.get(last, ()):
                    if other.verb != step.verb or len(words) > 1:
                        found[Way(step.verb, other.verb, words)] = None
    for before, who, fact in OUTSIDE:
        for other in hearers.get(fact, ()) if not before else ():
            found[Way("", other.verb, (who, fact))] = None
    return list(found)


def together(found: Sequence[Way]) -> list[Way]:
    """Return the ways with single facts between the same two verbs as one."""
    facts_on: dict[tuple[str, str], list[str]] = {}
    for way in found:
        if len(way.words) == 1:
            facts_on.setdefault((way.source, way.target), []).append(way.words[0])
    merged = [Way(*ends, (", ".join(words),)) for ends, words in facts_on.items()]
    return merged + [way for way in found if len(way.words) > 1]


def _chains(fact: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the fact itself, and every fact that people, plant or engine let follow from it."""
    yield (fact,), fact
    for before, who, after in OUTSIDE:
        if before == fact:
            for words, last in _chains(after):
                yield (fact, who, *words), last


def unknown_facts() -> set[str]:
    """Return names in `OUTSIDE` that are no facts."""
    known = {each.__name__ for each in get_args(facts.Fact)}
    return {name for before, _, after in OUTSIDE for name in (before, after) if name} - known


def wrapped(lead: str, words: Sequence[str], width: float) -> list[str]:
    """Return words behind a lead, separated by commas, in lines of at most this width."""
    lines = [lead]
    for number, word in enumerate(words):
        text = word + ("," if number < len(words) - 1 else "")
        if len(lines[-1]) > len(lead) and (len(lines[-1]) + len(text) + 1) * CHAR > width:
            lines.append(" " * 6)
        lines[-1] += f" {text}"
    return lines


def _lines(step: Step) -> list[tuple[str, str]]:
    room = PANEL - 2 * PAD - 16
    return [
        ("step", step.name),
        *(("fact", each) for each in wrapped("hears", step.hears, room)),
        *(("fact", each) for each in wrapped("tells", step.tells, room)),
    ]


def _height(steps: Sequence[Step]) -> float:
    return HEAD + sum(len(_lines(step)) * LINE + 10 for step in steps) + 4


def panels(steps: Sequence[Step]) -> dict[str, Panel]:
    """Place plan and run above adapt and sense, so that the loop runs clockwise."""
    of = {verb: tuple(step for step in steps if step.verb == verb) for verb in VERBS}
    size = {verb: _height(of[verb]) for verb in VERBS}
    top, plan_bottom = 84.0, 84.0 + size["plan"]
    inside = sum(way.source == way.target == "run" for way in ways(steps))
    run_height = max(size["run"] + inside * LINE + 6, plan_bottom - top + 172)
    below = top + run_height + GAP
    sense_height = max(size["sense"], size["adapt"])
    low = below + sense_height + GAP
    return {
        "plan": Panel("plan", LEFT, top, size["plan"], of["plan"]),
        "run": Panel("run", RIGHT, top, run_height, of["run"]),
        "adapt": Panel("adapt", LEFT, below, size["adapt"], of["adapt"]),
        "sense": Panel("sense", RIGHT, below, sense_height, of["sense"]),
        "trace": Panel("trace", LEFT, low, size["trace"], of["trace"]),
    }


def _points(way: Way, at: dict[str, Panel]) -> list[tuple[float, float]]:
    """Return the line of a way; a pair of verbs that has none yet needs one here."""
    plan, run, adapt, sense, trace = (
        at[verb] for verb in ("plan", "run", "adapt", "sense", "trace")
    )
    inner, far, between = LEFT + PANEL, RIGHT + PANEL, plan.bottom + 30
    middle, low = (inner + RIGHT) / 2 + 130, trace.y + HEAD + 20
    level = {"plan": plan.y + HEAD + 30, "sense": sense.y + HEAD + 30}
    lines = {
        ("", "plan"): [(LEFT + 60, 34), (LEFT + 60, plan.y)],
        ("", "sense"): [(far - 60, sense.bottom + 36), (far - 60, sense.bottom)],
        ("", "adapt"): [(LEFT + 60, adapt.bottom + 36), (LEFT + 60, adapt.bottom)],
        ("plan", "run"): [(inner, level["plan"]), (RIGHT, level["plan"])],
        ("plan", "adapt"): [(LEFT + 20, plan.bottom), (LEFT + 20, adapt.y)],
        ("run", "adapt"): [(RIGHT, between), (LEFT + 170, between), (LEFT + 170, adapt.y)],
        ("adapt", "run"): [
            (LEFT + 230, adapt.y),
            (LEFT + 230, run.bottom - 44),
            (RIGHT, run.bottom - 44),
        ],
        ("sense", "adapt"): [(RIGHT, level["sense"]), (inner, level["sense"])],
        ("sense", "run"): [(RIGHT + 60, sense.y), (RIGHT + 60, run.bottom)],
        ("run", "trace"): [
            (RIGHT, run.bottom - 14),
            (middle, run.bottom - 14),
            (middle, low),
            (inner, low),
        ],
    }
    if (way.source, way.target) not in lines:
        raise ValueError(f"Expected a line from {way.source!r} to {way.target!r}: draw it.")
    return lines[way.source, way.target]


def _label(way: Way, points: Sequence[tuple[float, float]], *, below: bool) -> str:
    """Return the words of a way: beside a vertical line, above a horizontal one or all below."""
    facts_known = {each.__name__ for each in get_args(facts.Fact)}
    (x0, y0), (x1, y1) = points[0], points[1]
    if way.target == "trace":
        (x0, y0), (x1, y1) = points[2], points[3]
    if way.source == "adapt":
        (x0, y0), (x1, y1) = points[1], points[2]
    vertical = x0 == x1
    x, anchor = (x0 + 8, "start") if vertical else ((x0 + x1) / 2, "middle")
    if way.target == "sense":
        x, anchor = x0 - 8, "end"
    if len(points) == 3 and not vertical:
        x = (LEFT + PANEL + RIGHT) / 2
    if len(points) == 4:
        x = (LEFT + PANEL + x0) / 2
    rows = way.words
    single = below or len(rows) < 3
    first = (y0 + y1) / 2 - LINE * (len(rows) - 1) / 2 + 4 if vertical else y0 - 8
    if below:
        first = y0 + LINE
    elif not vertical and not single:
        first = y0 - 8 - LINE * (len(rows) - 2)
    parts = []
    for number, word in enumerate(rows):
        y = (
            first
            + LINE * number
            + (9 if not vertical and number == len(rows) - 1 and not single else 0)
        )
        css = "fact strong" if facts_known.issuperset(word.split(", ")) else "who"
        parts.append(
            f'<text class="{css}" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(word)}</text>'
        )
    return "".join(parts)


def _arrow(points: Sequence[tuple[float, float]]) -> str:
    way = " ".join(f"{x:g},{y:g}" for x, y in points)
    (x0, y0), (x, y) = points[-2], points[-1]
    dx, dy = (x > x0) - (x < x0), (y > y0) - (y < y0)
    tip = (
        (x, y),
        (x - 9 * dx - 5 * dy, y - 9 * dy - 5 * dx),
        (x - 9 * dx + 5 * dy, y - 9 * dy + 5 * dx),
    )
    head = " ".join(f"{a:g},{b:g}" for a, b in tip)
    return f'<polyline class="way" points="{way}"/><polygon class="head" points="{head}"/>'


def _drawn(panel: Panel, inside: Sequence[Way]) -> str:
    place = f'x="{panel.x:g}" y="{panel.y:g}" width="{PANEL:g}" height="{panel.height:g}"'
    left, y = panel.x + PAD, panel.y + HEAD
    parts = [
        f'<rect class="panel" {place} rx="6"/>',
        f'<text class="verb" x="{left:g}" y="{panel.y + 23:g}">{panel.verb}</text>',
    ]
    for step in panel.steps:
        for css, words in _lines(step):
            y += LINE
            at = f'x="{left + (0 if css == "step" else 10):g}" y="{y:g}"'
            parts.append(f'<text class="{css}" {at} xml:space="preserve">{escape(words)}</text>')
        y += 10
    for way in inside:
        y += LINE
        parts.append(f'<text x="{left:g}" y="{y:g}">{_in_a_row(way.words)}</text>')
    return "".join(parts)


def _in_a_row(words: Sequence[str]) -> str:
    """Return facts and, between them, what happens outside."""
    return "".join(
        f'<tspan class="{"who" if n % 2 else "fact strong"}" dx="{6 if n else 0}">'
        f"{escape(word)}</tspan>"
        for n, word in enumerate(words)
    )


STYLE = """
svg{--ground:#fff;--ink:#1b1f24;--muted:#57606a;--panel:#f3f4f6;--edge:#79828d;--verb:#0a5fc2}
@media (prefers-color-scheme:dark){svg{--ground:#14171a;--ink:#e8ebee;--muted:#a3acb6;
--panel:#1f2429;--edge:#8b949f;--verb:#6cb2ff}}
text{font:11px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:var(--ink)}
.ground{fill:var(--ground)}.panel{fill:var(--panel);stroke:var(--edge)}
.verb{font:600 16px system-ui,sans-serif;fill:var(--verb)}.step{font-weight:700}
.fact{fill:var(--muted)}.fact.strong{fill:var(--ink)}
text.who,tspan.who{font:italic 12px system-ui,sans-serif;fill:var(--muted)}
.way{fill:none;stroke:var(--edge);stroke-width:1.6}.head{fill:var(--edge)}
"""


def picture() -> str:
    """Return the picture as an SVG document; the same steps give the same text."""
    steps = [step_of(each) for each in STEPS]
    at = panels(steps)
    height = at["trace"].bottom + 24
    found = ways(steps)
    lines = [(way, _points(way, at)) for way in together(found) if way.source != way.target]
    inside = {verb: [way for way in found if way.source == way.target == verb] for verb in VERBS}
    body = "\n".join(
        [
            *(_drawn(panel, inside[verb]) for verb, panel in at.items()),
            *(
                _arrow(points) + _label(way, points, below=way[:2] in {x[:2] for x, _ in lines[:n]})
                for n, (way, points) in enumerate(lines)
            ),
        ]
    )
    style = STYLE.replace("\n", "")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {WIDTH:g} {height:g}" '
        f'width="{WIDTH:g}" height="{height:g}">\n'
        "<title>The loop: which fact leads to which, over plan, run, sense and adapt</title>\n"
        f'<style>{style}</style>\n<rect class="ground" width="{WIDTH:g}" height="{height:g}"/>\n'
        f"{body}\n</svg>\n"
    )


def is_fresh() -> bool:
    """Tell whether the committed picture shows the steps as they are."""
    return PICTURE.is_file() and PICTURE.read_text(encoding="utf-8") == picture()


def setup(app: "Sphinx") -> dict[str, bool]:
    """Let the build warn when the picture is stale."""
    from sphinx.util import logging  # noqa: PLC0415  # the picture itself needs no Sphinx

    if not is_fresh():
        hint = "Run `python docs/_ext/loop_diagram.py`."
        logging.getLogger(__name__).warning("docs/loop.svg is not what the steps say. %s", hint)
    del app
    return {"parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
