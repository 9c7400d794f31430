"""How every picture looks: grey is normal, colour means state; light and dark by preference."""

_LIGHT = """--ground:#ffffff;--ink:#1b1f24;--muted:#57606a;--faint:#d7dbe0;--band:#f3f4f6;
--shape:#e3e6ea;--edge:#79828d;--quiet:#eef0f2;--done:#136b2d;--running:#0a5fc2;
--waiting:#8a5a00;--failed:#c01c28;--moved:#0a5fc2;--added:#136b2d;--removed:#c01c28;
--onsign:#ffffff;--ship:#5f6974;--onship:#ffffff"""
_DARK = """--ground:#14171a;--ink:#e8ebee;--muted:#a3acb6;--faint:#363c43;--band:#1c2024;
--shape:#333a42;--edge:#8b949f;--quiet:#252a30;--done:#4cc46a;--running:#6cb2ff;
--waiting:#e3a93b;--failed:#ff8079;--moved:#6cb2ff;--added:#4cc46a;--removed:#ff8079;
--onsign:#14171a;--ship:#99a3ad;--onship:#14171a"""


def _one_line(text: str) -> str:
    return text.replace("\n", "")


TOKENS = (
    f".fab{{{_one_line(_LIGHT)}}}"
    f"@media (prefers-color-scheme:dark){{.fab{{{_one_line(_DARK)}}}}}"
    f"@media print{{.fab{{{_one_line(_LIGHT)}}}}}"
)
"""Colours as CSS variables of the class ``fab``; paper is always light."""

_STATES = ("done", "running", "waiting", "failed", "moved", "added", "removed")

STYLE = TOKENS + _one_line(
    """
.fab{font:12px system-ui,sans-serif;color:var(--ink)}
.fab text{fill:var(--ink);font-size:12px}
.fab text.small{font-size:11px}.fab text.muted{fill:var(--muted)}
.fab text.strong{font-weight:600}.fab text.title{font-size:15px;font-weight:600}
.fab text.halo{paint-order:stroke;stroke:var(--ground);stroke-width:4px;stroke-linejoin:round}
.fab .ground{fill:var(--ground)}.fab .band{fill:var(--band)}
.fab .shape{fill:var(--shape);stroke:var(--edge);stroke-width:1.2}
.fab .open{fill:var(--ground);stroke:var(--edge);stroke-width:1.2}
.fab .lane{fill:var(--ground);stroke:var(--faint)}.fab .lane.band{fill:var(--band)}
.fab .thick{stroke-width:3}
.fab .move{fill:var(--quiet);stroke:var(--edge);stroke-width:1}
.fab .ship{fill:var(--ship);stroke:var(--ship)}.fab text.onship{fill:var(--onship)}
.fab .ghost{fill:none;stroke:var(--muted);stroke-width:1.2;stroke-dasharray:4 3}
.fab .line{fill:none}.fab .grid{stroke:var(--faint);stroke-width:1}
.fab .flow{fill:none;stroke:var(--edge);stroke-width:1.2}
.fab .critical{fill:none;stroke:var(--failed);stroke-width:1.6}
.fab .head.critical{fill:var(--failed);stroke:none}
.fab path.flow{opacity:.75}.fab .head{fill:var(--edge)}
.fab .hatch{fill:none;stroke:var(--muted);stroke-width:1;opacity:.55}
.fab .icon{fill:none;stroke:var(--muted);stroke-width:1.3}
.fab .symbol{fill:none;stroke:var(--ink);stroke-width:2.5}
.fab .now{stroke:var(--ink);stroke-width:1.5;stroke-dasharray:2 3}
.fab .limit{stroke:var(--failed);stroke-width:2;stroke-dasharray:8 4}
.fab .value{stroke:var(--ink);stroke-width:2}.fab .dot{fill:var(--ink)}
.fab .spread{fill:var(--edge);opacity:.25}.fab .upper{stroke:var(--edge);stroke-width:1.2}
.fab .over{fill:var(--failed)}.fab text.over{font-weight:600}
.fab .bar{fill:var(--edge)}
.fab .badge .sign{fill:var(--muted)}.fab .shackle{fill:none;stroke:var(--muted);stroke-width:2}
.fab .mark{fill:none;stroke:var(--onsign);stroke-width:2}
"""
    + "".join(
        f".fab .badge.{each} .sign{{fill:var(--{each})}}"
        f".fab .shape.{each},.fab .open.{each}{{stroke:var(--{each});stroke-width:2.5}}"
        f".fab text.{each}{{fill:var(--{each});font-weight:600}}"
        for each in _STATES
    )
)
"""The style of every picture; scoped to the class ``fab``, so that pictures share a page."""
