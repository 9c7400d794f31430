"""``fabloop machine add mqtt://``: a mapping for the topics of a broker."""

import asyncio
import sys
from pathlib import Path

from fabloop.app.machines.add import Wish, proposed_id
from fabloop.app.machines.folder import Factory
from fabloop.app.machines.topics import TopicsAdded, add_topics, keep_mapping
from fabloop.base.codec import to_json_pretty
from fabloop.base.errors import ExitCode

UNMAPPED_SHOWN = 20


def add_broker(
    wish: Wish,
    factory: Factory,
    folder: Path,
    *,
    write: bool,
    replace: bool,
    listen_s: float,
    as_json: bool,
) -> ExitCode:
    """Listen to a broker, propose a mapping and write it beside the documents."""
    name = wish.id or proposed_id(wish.url)
    added = asyncio.run(
        add_topics(wish.url, name, set(factory.units), listen_s, secure=wish.secure)
    )
    nothing = not added.mapping.topics and added.mapping.sparkplug is None
    file = "" if nothing or not write else str(keep_mapping(folder, added, replace=replace))
    if as_json:
        sys.stdout.write(to_json_pretty({"file": file, "added": added}).decode())
    else:
        sys.stdout.writelines(f"{line}\n" for line in _lines(added, file, nothing=nothing))
    return ExitCode.NOT_PRODUCIBLE if nothing else ExitCode.FINE


def _lines(added: TopicsAdded, file: str, *, nothing: bool) -> list[str]:
    lines = [f"Heard {added.topics} topics."]
    lines += [f"  {each.topic}: {each.form.layout.value}" for each in added.mapping.topics]
    if added.mapping.sparkplug is not None:
        lines.append("  Sparkplug B: fabloop becomes a host application.")
    lines += [
        f"left out '{each.address}': {each.reason}" for each in added.unmapped[:UNMAPPED_SHOWN]
    ]
    more = len(added.unmapped) - UNMAPPED_SHOWN
    if more > 0:
        lines.append(f"left out {more} more; --json tells all.")
    if file:
        lines.append(f"Wrote the mapping to {file}. Add units and states of its series to it.")
    elif nothing:
        lines.append("Nothing could be mapped, so nothing was written. Listen longer: --listen.")
    return lines
