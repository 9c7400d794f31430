"""Connect a broker: listen to its topics for a while, and propose a mapping of them."""

import asyncio
import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from fabloop.adapters.mqtt.broker import Broker, Tls
from fabloop.adapters.mqtt.link import opened
from fabloop.adapters.mqtt.mapping import Mapping, SparkplugHost, TopicRule
from fabloop.adapters.mqtt.packets import Publication
from fabloop.base.errors import Conflict, Fault, Invalid
from fabloop.sense.connections.propose import Unmapped
from fabloop.sense.readings.payloads.forms import Encoding, Fields, Form, Layout, TimeUnit

PORT, TLS_PORT = 1883, 8883
TOPICS_MAX = 5_000
"""Topics of which a first message is looked at."""
SPARKPLUG = "spBv1.0/"
_WORDS = {
    "time": ("ts", "t", "time", "timestamp"),
    "name": ("name", "n", "tag", "metric"),
    "value": ("value", "v", "val"),
    "quality": ("quality", "q"),
    "unit": ("unit", "u"),
}


class TopicsAdded(msgspec.Struct, frozen=True, kw_only=True):
    """The mapping that is proposed for a broker, and topics without a place in it."""

    mapping: Mapping
    topics: int
    unmapped: tuple[Unmapped, ...]


async def listen(broker: Broker, prefix: str, seconds: float) -> list[Publication]:
    """Return the first message of each topic that came in a while.

    Raises
    ------
    Unavailable, NotPermitted
        The broker does not answer, or does not let us read.
    """
    link = await opened(broker, anew=True)
    found: dict[bytes, Publication] = {}
    try:
        refused = await link.subscribe([(f"{prefix}/#" if prefix else "#", 0)])
        if refused:
            raise Invalid(
                Fault(source=broker.place, path="", expected="topics that may be read",
                    found="a refusal", hint=refused[0])
            )  # fmt: skip
        async with asyncio.timeout(seconds):
            while len(found) < TOPICS_MAX and not link.lost.done():
                await link.arrival()
                for each in link.rest():
                    found.setdefault(each.topic, each)
    except TimeoutError:
        pass
    finally:
        await link.close()
    return list(found.values())


async def add_topics(
    url: str, name: str, units: Collection[str], seconds: float, *, secure: bool
) -> TopicsAdded:
    """Return the mapping that is proposed for the broker of ``mqtt://HOST:PORT/PREFIX``.

    Raises
    ------
    Invalid
        The URL names no broker.
    Unavailable, NotPermitted
        The broker does not answer, or does not let us read.
    """
    broker, prefix = broker_of(url, name, secure=secure)
    messages = await listen(broker, prefix, seconds)
    return propose_topics(messages, name, broker, units)


def broker_of(url: str, name: str, *, secure: bool) -> tuple[Broker, str]:
    """Return the broker of a URL, and the levels before the topics of interest."""
    parts = urlsplit(url)
    if not parts.hostname:
        hint = "Write mqtts://broker.plant.example/hall-2, say."
        raise Invalid(
            Fault(source=url, path="", expected="mqtt://HOST:PORT/PREFIX or mqtts://...",
                found=repr(url), hint=hint)
        )  # fmt: skip
    encrypted = parts.scheme == "mqtts"
    if secure and not encrypted and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
        raise Invalid(
            Fault(source=url, path="", expected="mqtts, since mqtt is not encrypted",
                found="'mqtt'", hint="Turn on TLS at the broker, or give it up: --insecure.")
        )  # fmt: skip
    broker = Broker(
        host=parts.hostname, port=parts.port or (TLS_PORT if encrypted else PORT),
        client_id=f"fabloop-{name}", tls=Tls() if encrypted else None,
    )  # fmt: skip
    return broker, parts.path.strip("/")


def propose_topics(
    messages: Sequence[Publication], name: str, broker: Broker, units: Collection[str]
) -> TopicsAdded:
    """Return the rules for topics with the id of a work unit as one of their levels."""
    rules: dict[tuple[str, Form], TopicRule] = {}
    unmapped: list[Unmapped] = []
    sparkplug = False
    for each in messages:
        topic = each.topic.decode(errors="replace")
        if topic.startswith(SPARKPLUG):
            sparkplug = True
            continue
        found = _rule(topic, each.payload, units)
        if isinstance(found, TopicRule):
            rules.setdefault((found.topic, found.form), found)
        else:
            unmapped.append(Unmapped(address=topic, path=topic, reason=found))
    if sparkplug and not rules:
        host = SparkplugHost(host_id="fabloop")
        mapping = Mapping(source=name, broker=broker, sparkplug=host)
    else:
        mapping = Mapping(source=name, broker=broker, topics=tuple(rules.values()))
        if sparkplug:
            reason = "Sparkplug B wants a source of its own"
            unmapped.append(Unmapped(address=SPARKPLUG, path=SPARKPLUG, reason=reason))
    return TopicsAdded(mapping=mapping, topics=len(messages), unmapped=tuple(unmapped))


def _rule(topic: str, payload: bytes, units: Collection[str]) -> TopicRule | str:
    levels = topic.split("/")
    place = next((n for n, level in enumerate(levels) if level in units), None)
    if place is None:
        return "no level is the id of a work unit"
    form = form_of(payload)
    if form is None:
        return "its payload is neither JSON nor MessagePack of a known layout"
    deeper = len(levels) > place + 1
    named = not deeper
    if named and form.layout is Layout.SINGLE:
        return "neither the topic nor the payload says what is measured"
    rest = ["{name*}"] if deeper else []
    pattern = "/".join([*levels[:place], "{work_unit}", *rest])
    return TopicRule(topic=pattern, form=form)


def form_of(payload: bytes) -> Form | None:
    """Return how a payload is written, None where nothing is known that looks so."""
    for encoding, decode in (
        (Encoding.JSON, msgspec.json.decode), (Encoding.MSGPACK, msgspec.msgpack.decode),
    ):  # fmt: skip
        try:
            content = decode(payload)
        except msgspec.DecodeError:
            continue
        return _form(content, encoding)
    return None


def _form(content: Any, encoding: Encoding) -> Form | None:
    match content:
        case {"t": bytes(), "v": bytes()}:
            return Form(layout=Layout.BINARY, encoding=Encoding.MSGPACK)
        case bool() | int() | float() | str():
            return Form(layout=Layout.SINGLE, encoding=encoding)
        case list() if content and isinstance(content[0], list | dict):
            first = content[0]
            fields = _fields(first) if isinstance(first, dict) else Fields()
            time = first.get(fields.time) if isinstance(first, dict) else first[0]
            return Form(layout=Layout.ROWS, encoding=encoding, time_unit=_unit(time), fields=fields)
        case dict():
            fields = _fields(content)
            time = content.get(fields.time)
            if isinstance(time, list):
                unit = _unit(time[0] if time else None)
                return Form(layout=Layout.COLUMNS, encoding=encoding, time_unit=unit, fields=fields)
            if fields.value in content:
                return Form(
                    layout=Layout.SINGLE, encoding=encoding, time_unit=_unit(time), fields=fields
                )
            return None
        case _:
            return None


def _fields(content: dict[str, Any]) -> Fields:
    """Return how the sender calls the parts of a reading, by the words that are usual."""
    usual = msgspec.structs.asdict(Fields())
    found = {
        part: next((word for word in words if word in content), usual[part])
        for part, words in _WORDS.items()
    }
    return Fields(**found)


def _unit(time: Any) -> TimeUnit:
    """Return the unit of a number that stands for a time of these years."""
    if not isinstance(time, int | float):
        return TimeUnit.MILLISECONDS
    for unit, least in (
        (TimeUnit.NANOSECONDS, 1e17), (TimeUnit.MICROSECONDS, 1e14),
        (TimeUnit.MILLISECONDS, 1e11),
    ):  # fmt: skip
        if time >= least:
            return unit
    return TimeUnit.SECONDS


def keep_mapping(folder: Path, added: TopicsAdded, *, replace: bool) -> Path:
    """Write a mapping beside the documents of a factory; returns the file.

    Raises
    ------
    Conflict
        There is one of that name already, and it is not to be replaced.
    """
    file = folder / f"{re.sub(r'[^a-z0-9-]+', '-', added.mapping.source)}.mapping.yaml"
    if file.exists() and not replace:
        raise Conflict(
            f"Expected no mapping '{file}' yet, but found one. Choose another --id, or overwrite "
            "it: --replace."
        )
    file.write_bytes(msgspec.yaml.encode(_short(added.mapping)))
    return file


def _short(entry: Any) -> Any:
    """Return a struct as a person would write it: without what is so anyway."""
    if isinstance(entry, tuple):
        return [_short(each) for each in entry]
    if not isinstance(entry, msgspec.Struct):
        return msgspec.to_builtins(entry)
    return {
        field.encode_name: _short(getattr(entry, field.name))
        for field in msgspec.structs.fields(entry)
        if field.default is msgspec.NODEFAULT or getattr(entry, field.name) != field.default
    }
