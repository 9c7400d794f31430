"""A report as one HTML file: text, tables and pictures; no script, no network, fit for paper.

A picture shrinks with the window to what can still be read, and scrolls below that.
"""

import re
from collections.abc import Sequence
from html import escape
from typing import Literal

import msgspec

from fabloop.app.pictures.look import TOKENS


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """Rows below headings; `numeric` are the columns to be set flush right."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[int, ...] = ()


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A picture (an SVG document of this package) and the sentence below it."""

    svg: str
    caption: str


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """A sentence that stands out; its kind is told by word and sign, not by colour alone."""

    kind: Literal["good", "attention", "bad"]
    text: str


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a report, in this order: notes, paragraphs, tables, pictures."""

    title: str
    notes: tuple[Note, ...] = ()
    paragraphs: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    pictures: tuple[Figure, ...] = ()


_DATE = re.compile(r"\d{4}-\d\d-\d\d[ T0-9:+Z-]{0,24}$")

_KINDS = {"good": ("✓", "Fine"), "attention": ("!", "Attention"), "bad": ("✕", "Problem")}

_STYLE = (
    TOKENS
    + """
:root{color-scheme:light dark}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
header,main,nav,footer{max-width:1280px;margin:0 auto;padding:0 1.25rem}
header{padding-top:1.5rem}h1{font-size:1.7rem;line-height:1.25;margin:0 0 .25rem}
h2{font-size:1.25rem;margin:2.5rem 0 .5rem;padding-top:.75rem;border-top:1px solid var(--faint)}
.subtitle{color:var(--muted);margin:0}p{max-width:75ch;margin:.5rem 0}
nav ol{display:flex;flex-wrap:wrap;gap:.25rem 1.5rem;list-style:none;padding:0;margin:1rem 0 0}
nav a{color:var(--running)}nav a,summary{display:inline-block;padding:.25rem 0}
.scroll{overflow-x:auto;margin:1rem 0}
table{border-collapse:collapse;min-width:min(100%,36rem);font-variant-numeric:tabular-nums}
caption{text-align:left;font-weight:600;padding:.25rem 0}
th,td{text-align:left;vertical-align:top;padding:.4rem .9rem .4rem 0}
thead th{border-bottom:2px solid var(--edge)}tbody tr{border-bottom:1px solid var(--faint)}
tbody th{font-weight:600}.n{text-align:right}.n,.whole{white-space:nowrap}
figure{margin:1rem 0}figcaption{color:var(--muted);font-size:.9rem}
figure svg{display:block;height:auto;width:100%;max-width:calc(var(--drawn)*1px);
min-width:calc(var(--drawn)*.85px)}
@media(max-width:1000px){figure svg{min-width:calc(var(--drawn)*.95px)}}
.note{border-left:4px solid var(--kind);padding:.4rem .9rem;background:var(--band);max-width:75ch}
.note b{color:var(--kind)}.good{--kind:var(--done)}.attention{--kind:var(--waiting)}
.bad{--kind:var(--failed)}
:focus-visible{outline:3px solid var(--running);outline-offset:2px}
footer{color:var(--muted);font-size:.9rem;padding-top:2rem;padding-bottom:2rem}
@media print{body{font-size:11pt}nav{display:none}.scroll{overflow:visible}
figure,table,.note{break-inside:avoid}h2{break-after:avoid}
figure svg{min-width:0}}
"""
)


def report(
    title: str, sections: Sequence[Section], *, subtitle: str = "", language: str = "en"
) -> str:
    """Return one self-contained HTML document."""
    parts = [
        f'<!doctype html>\n<html lang="{escape(language)}" class="fab">\n<head>',
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>",
        f"<header>\n<h1>{escape(title)}</h1>",
    ]
    if subtitle:
        parts.append(f'<p class="subtitle">{escape(subtitle)}</p>')
    parts.append("</header>")
    if len(sections) > 1:
        parts.append(_contents(sections))
    parts.append("<main>")
    parts += [_section(number, each) for number, each in enumerate(sections, start=1)]
    parts.append("</main>\n<footer>Made by fabloop.</footer>\n</body>\n</html>\n")
    return "\n".join(parts)


def _contents(sections: Sequence[Section]) -> str:
    items = "".join(
        f'<li><a href="#part-{number}">{escape(each.title)}</a></li>'
        for number, each in enumerate(sections, start=1)
    )
    return f'<nav aria-label="Contents"><ol>{items}</ol></nav>'


def _section(number: int, section: Section) -> str:
    parts = [f'<section aria-labelledby="part-{number}">']
    parts.append(f'<h2 id="part-{number}">{escape(section.title)}</h2>')
    parts += [_note(each) for each in section.notes]
    parts += [f"<p>{escape(each)}</p>" for each in section.paragraphs]
    parts += [_table(each) for each in section.tables]
    parts += [_figure(each) for each in section.pictures]
    return "\n".join([*parts, "</section>"])


def _note(note: Note) -> str:
    sign, word = _KINDS[note.kind]
    mark = f'<b><span aria-hidden="true">{sign}</span> {word}:</b>'
    return f'<p class="note {note.kind}">{mark} {escape(note.text)}</p>'


def _table(table: Table) -> str:
    heads = "".join(
        f'<th scope="col"{_side(table, column)}>{escape(each)}</th>'
        for column, each in enumerate(table.heads)
    )
    rows = "\n".join(
        "<tr>" + "".join(_cell(table, column, each) for column, each in enumerate(row)) + "</tr>"
        for row in table.rows
    )
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(table.caption)}">'
        f"<table><caption>{escape(table.caption)}</caption>"
        f"<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>"
    )


def _cell(table: Table, column: int, words: str) -> str:
    side = _side(table, column)
    if not side and _DATE.match(words):
        side = ' class="whole"'
    if column == 0:
        return f'<th scope="row"{side}>{escape(words)}</th>'
    return f"<td{side}>{escape(words)}</td>"


def _side(table: Table, column: int) -> str:
    return ' class="n"' if column in table.numeric else ""


def _figure(figure: Figure) -> str:
    svg = figure.svg.replace("<svg ", f'<svg style="--drawn:{_width(figure.svg):g}" ', 1)
    caption = escape(figure.caption)
    return (
        f'<figure><div class="scroll" role="region" tabindex="0" aria-label="{caption}">{svg}</div>'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _width(svg: str) -> float:
    """Return the width that the picture was drawn for."""
    return float(svg.partition(' width="')[2].partition('"')[0])
