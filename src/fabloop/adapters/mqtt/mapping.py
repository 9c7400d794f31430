"""Mapping documents: which topics are read, how their payloads are written, what they mean."""

import re
from pathlib import Path
from string import Formatter

import msgspec

from fabloop.adapters.mqtt.broker import Broker
from fabloop.base.errors import Fault, Invalid, Refused
from fabloop.sense.readings.described import SeriesRule
from fabloop.sense.readings.intake import AHEAD_MAX_S
from fabloop.sense.readings.payloads.forms import Form, Layout

MAPPING_BYTES_MAX = 2**20
TOPICS_MAX = 1_000
"""Topic rules of one mapping."""
SERIES_RULES_MAX = 10_000


_VARIABLE = re.compile(r"\{([a-z_]+)(\*?)\}")


class TopicRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Topics of one pattern.

    Attributes
    ----------
    topic : levels that are texts or ``{variable}``; the last may be ``{variable*}``
    work_unit, name : made from the variables; ``{name}`` may also stand in the payload
    qos : 1: every message is kept before it is acknowledged; 0: what is lost on the way is lost
    """

    topic: str
    work_unit: str = "{work_unit}"
    name: str = "{name}"
    qos: int = 1
    form: Form = Form()

    @property
    def filter(self) -> str:
        """The topic filter to subscribe to."""
        return _VARIABLE.sub(lambda found: "#" if found[2] else "+", self.topic)

    @property
    def named(self) -> bool:
        """Whether the payload must name its series, since the topic does not."""
        return "name" not in self.variables and "{name}" in self.name

    @property
    def variables(self) -> set[str]:
        """The variables of the topic."""
        return {found[1] for found in _VARIABLE.finditer(self.topic)}

    def pattern(self) -> re.Pattern[str]:
        """Return what topics look like, with a group for each variable."""
        parts, at = [], 0
        for found in _VARIABLE.finditer(self.topic):
            parts.append(re.escape(self.topic[at : found.start()]))
            parts.append(f"(?P<{found[1]}>{'.+' if found[2] else '[^/]+'})")
            at = found.end()
        return re.compile("".join(parts) + re.escape(self.topic[at:]), re.DOTALL)


class SparkplugHost(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Our part as a host application of Sparkplug B 3.0.

    Attributes
    ----------
    host_id : our name in ``spBv1.0/STATE/<host_id>``
    groups : whose edge nodes are read; empty: all
    primary : edge nodes may wait for us: our state is published, and our will
    work_unit, name : made from ``{group}``, ``{node}``, ``{device}`` and ``{metric}``
    rebirth_every_s : least time between two rebirths asked of one edge node
    """

    host_id: str
    groups: tuple[str, ...] = ()
    primary: bool = True
    work_unit: str = "{node}/{device}"
    name: str = "{metric}"
    rebirth_every_s: float = 5.0


class Mapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one MQTT source reads.

    Attributes
    ----------
    source : the name under which it is configured, `Series.source` of all that it tells
    series : what is known of series; the first rule that matches counts
    ahead_max_s : how far the clock of a sender may be ahead of ours; beyond, the time of arrival
        counts instead and the reading is uncertain
    """

    source: str
    broker: Broker
    topics: tuple[TopicRule, ...] = ()
    sparkplug: SparkplugHost | None = None
    series: tuple[SeriesRule, ...] = ()
    ahead_max_s: float = AHEAD_MAX_S


def read_mapping(file: Path) -> Mapping:
    """Return the mapping in a file, YAML or JSON.

    Raises
    ------
    Invalid
        The file cannot be read, or every fault of the document.
    """
    try:
        with file.open("rb") as opened:
            document = opened.read(MAPPING_BYTES_MAX + 1)
    except OSError as error:
        raise _invalid(
            file.name, "", "a file that can be read", error.strerror or "none"
        ) from error
    return mapping_of(document, file.name)


def mapping_of(document: bytes, source: str = "mapping") -> Mapping:
    """Return the mapping that a document of YAML (or JSON, which is YAML) states.

    Raises
    ------
    Invalid
        Every fault of the document.
    Refused
        PyYAML is not installed.
    """
    if len(document) > MAPPING_BYTES_MAX:
        raise _invalid(source, "", f"at most {MAPPING_BYTES_MAX} bytes", "more")
    try:
        mapping = msgspec.yaml.decode(document, type=Mapping)
    except msgspec.ValidationError as error:
        said, _, path = str(error).partition(" - at `")
        raise _invalid(source, path.rstrip("`"), "a mapping as documented", said) from error
    except ImportError as error:
        raise lacking("mappings in YAML") from error
    except msgspec.DecodeError as error:
        raise _invalid(source, "", "YAML", " ".join(str(error).split())) from error
    faults = list(_faults(mapping, source))
    if faults:
        raise Invalid(faults)
    return mapping


def lacking(what: str) -> Refused:
    """Return the refusal of what needs an extra that is not installed."""
    return Refused(
        f"Expected the extra 'mqtt' for {what}, but found that it is not installed. "
        "Run: pip install 'fabloop[mqtt]'"
    )


def _faults(mapping: Mapping, source: str) -> list[Fault]:
    found = mapping.broker.faults(source, "$.broker")
    if not mapping.source:
        found.append(_fault(source, "$.source", "a name for the source", "nothing"))
    if not mapping.topics and mapping.sparkplug is None:
        found.append(_fault(source, "$.topics", "topics, or a part 'sparkplug'", "none"))
    if mapping.topics and mapping.sparkplug is not None:
        found.append(_fault(source, "$.sparkplug", "either topics or sparkplug", "both",
            "Make two sources: a host application begins each session anew."))  # fmt: skip
    for name, count, most in (
        ("topics", len(mapping.topics), TOPICS_MAX),
        ("series", len(mapping.series), SERIES_RULES_MAX),
    ):
        if count > most:
            found.append(_fault(source, f"$.{name}", f"at most {most}", str(count)))
    for number, rule in enumerate(mapping.topics):
        found += _topic_faults(rule, source, f"$.topics[{number}]")
    for number, each in enumerate(mapping.series):
        found += each.faults(source, f"$.series[{number}]")
    if mapping.sparkplug:
        found += _sparkplug_faults(mapping.sparkplug, source)
    if mapping.ahead_max_s <= 0:
        found.append(_fault(source, "$.ahead_max_s", "more than 0 s", str(mapping.ahead_max_s)))
    return found


def _topic_faults(rule: TopicRule, source: str, path: str) -> list[Fault]:
    found = []
    levels = rule.topic.split("/")
    for level in levels:
        whole = _VARIABLE.fullmatch(level)
        if whole is None and (not level or any(sign in level for sign in "+#{}\0")):
            found.append(_fault(source, f"{path}.topic",
                "levels that are texts or one {variable} each", f"'{level}' in '{rule.topic}'",
                "Write '{line}/{work_unit}/{name}', say; '+' and '#' follow from it."))  # fmt: skip
        elif whole and whole[2] and level is not levels[-1]:
            found.append(_fault(source, f"{path}.topic", "{variable*} as the last level only",
                f"'{rule.topic}'"))  # fmt: skip
    names = [each[1] for each in _VARIABLE.finditer(rule.topic)]
    if len(names) != len(set(names)):
        found.append(_fault(source, f"{path}.topic", "each variable once", f"'{rule.topic}'"))
    if rule.qos not in (0, 1):
        found.append(_fault(source, f"{path}.qos", "0 or 1", str(rule.qos),
            "What QoS 2 adds, restating readings of the same time gives too."))  # fmt: skip
    known = rule.variables
    found += _template_faults(rule.work_unit, known, source, f"{path}.work_unit")
    found += _template_faults(rule.name, known | {"name"}, source, f"{path}.name")
    if rule.named and rule.form.layout is Layout.SINGLE:
        found.append(_fault(source, f"{path}.topic", "{name} in the topic of a single reading",
            f"'{rule.topic}'", "Or choose rows, columns or binary."))  # fmt: skip
    return found


def _sparkplug_faults(host: SparkplugHost, source: str) -> list[Fault]:
    found, path = [], "$.sparkplug"
    if not host.host_id or any(sign in host.host_id for sign in "+#/"):
        found.append(_fault(source, f"{path}.host_id", "a name without +, # and /",
            f"'{host.host_id}'"))  # fmt: skip
    known = {"group", "node", "device", "metric"}
    found += _template_faults(host.work_unit, known, source, f"{path}.work_unit")
    found += _template_faults(host.name, known, source, f"{path}.name")
    return found


def _template_faults(template: str, known: set[str], source: str, path: str) -> list[Fault]:
    try:
        used = {name for _, name, _, _ in Formatter().parse(template) if name is not None}
    except ValueError as error:
        return [_fault(source, path, "a text with {variables}", f"'{template}' ({error})")]
    return [
        _fault(source, path, f"one of {', '.join(sorted(known)) or 'none'}", f"{{{name}}}",
            "Put the variable into the topic, or take another.")
        for name in sorted(used - known)
    ]  # fmt: skip


def _fault(source: str, path: str, expected: str, found: str, hint: str = "") -> Fault:
    return Fault(source=source, path=path, expected=expected, found=found, hint=hint)


def _invalid(source: str, path: str, expected: str, found: str) -> Invalid:
    return Invalid(_fault(source, path, expected, found))
