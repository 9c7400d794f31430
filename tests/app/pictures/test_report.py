import re
from html.parser import HTMLParser

from app.pictures.kpi_course import LIMIT_M, course, lots
from fabloop.app.pictures import (
    Figure,
    Note,
    Section,
    Table,
    genealogy_picture,
    kpi_picture,
    report,
)
from fabloop.app.pictures.look import TOKENS

VOID = {"meta", "rect", "path", "circle", "polyline", "polygon", "br"}


class Reader(HTMLParser):
    """Checks that elements nest, and keeps what was met."""

    def __init__(self):
        super().__init__()
        self.open, self.met, self.faults, self.ids = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.met.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.met.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(tag)


def made():
    return report(
        "Order 1042 <gear>",
        [
            Section(
                title="KPI",
                notes=(Note(kind="bad", text="Over 15 µm & rising."),),
                paragraphs=("One.", "Two."),
                tables=(
                    Table(caption="Plans", heads=("Plan", "Cost"), rows=(("a", "1"), ("b", "2")),
                          numeric=(1,)),
                ),
                pictures=(Figure(svg=kpi_picture(course(), LIMIT_M), caption="TPE"),),
            ),
            Section(
                title="Lots", pictures=(Figure(svg=genealogy_picture(lots()), caption="Lots"),)
            ),
        ],
    )  # fmt: skip


def read(html):
    reader = Reader()
    reader.feed(html)
    return reader


def test_elements_nest_and_ids_are_unique():
    reader = read(made())
    assert reader.faults == []
    assert reader.open == []
    assert len(set(reader.ids)) == len(reader.ids)


def test_it_needs_neither_network_nor_script():
    html = made()
    assert "<script" not in html
    assert not re.search(r"""(?:src|href)\s*=\s*["'](?!#)""", html)
    assert not re.search(r"@import|url\(", html)


def test_landmarks_headings_and_language_are_there():
    reader = read(made())
    tags = [tag for tag, _ in reader.met]
    assert tags.count("h1") == 1
    assert tags.count("h2") == 2
    assert {"header", "nav", "main", "footer"} <= set(tags)
    assert dict(reader.met)["html"]["lang"] == "en"
    labels = [attrs["aria-labelledby"] for tag, attrs in reader.met if tag == "section"]
    assert set(labels) <= set(reader.ids)


def test_contents_lead_to_their_sections():
    reader = read(made())
    targets = [attrs["href"][1:] for tag, attrs in reader.met if tag == "a"]
    assert targets == ["part-1", "part-2"]
    assert set(targets) <= set(reader.ids)


def test_tables_say_what_heads_what():
    reader = read(made())
    heads = [attrs["scope"] for tag, attrs in reader.met if tag == "th"]
    assert heads == ["col", "col", "row", "row"]
    assert "<caption>Plans</caption>" in made()


def test_text_is_escaped_and_notes_are_told_in_words():
    html = made()
    assert "Order 1042 &lt;gear&gt;" in html
    assert "Problem:" in html
    assert "Over 15 µm &amp; rising." in html


def _light(hexed):
    parts = [int(hexed[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one, other):
    high, low = sorted((_light(one), _light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _themes():
    light, dark = re.findall(r"\.fab\{([^}]*)\}", TOKENS)[:2]
    return [dict(re.findall(r"--(\w+):(#\w{6})", each)) for each in (light, dark)]


def test_text_can_be_read_on_every_ground_in_both_themes():
    for theme in _themes():
        grounds = [theme[each] for each in ("ground", "band", "shape")]
        for ink in ("ink", "done", "running", "waiting", "failed", "moved", "added", "removed"):
            assert all(_contrast(theme[ink], ground) >= 4.5 for ground in grounds), ink
        assert all(_contrast(theme["muted"], ground) >= 4.5 for ground in grounds)
        assert _contrast(theme["onship"], theme["ship"]) >= 4.5
        assert _contrast(theme["edge"], theme["ground"]) >= 3.0


def test_both_themes_name_the_same_colours():
    light, dark = _themes()
    assert light.keys() == dark.keys()


def test_no_window_shrinks_a_picture_below_what_can_be_read():
    """The smallest letters are drawn with 11 pixels; 9 can be read."""
    found = re.findall(r"min-width:calc\(var\(--drawn\)\*(\.\d+)px", made())
    assert found
    assert all(11 * float(scale) >= 9 for scale in found)
