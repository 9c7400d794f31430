"""Process plans with alternatives (``.ipps``): a network of operations per job, with AND and OR.

After a line with the numbers of jobs, machines and nodes come three sections: ``out`` (a node and
its successors; of those in brackets exactly one follows), ``in`` (a node and, in brackets, the
alternatives that meet in it) and ``info`` (``start``, ``end``, ``supernode`` where branches only
meet or part, or how many machines there are and pairs of machine, from 1, and duration).
"""

import re

from fabloop.plan.shop.formats.lines import DIGITS_MAX, Numbers, fault, lines_of
from fabloop.plan.shop.formats.network import Network, shop_of
from fabloop.plan.shop.model import RESOURCES_MAX, TASKS_MAX, Mode, Shop, Use

SECTIONS = ("out", "in", "info")
_WORD = re.compile(r"\([^()]*\)|\S+")
JOINT = "supernode"
_PLAIN = ("start", "end", JOINT)


def read_ipps(text: str, source: str) -> Shop:
    """Return the problem of a text; the operations of a job do not overlap, it is one part.

    Raises
    ------
    Invalid
        A line is none of these, or alternatives have no common end.
    """
    lines = list(lines_of(text))
    if not lines:
        raise fault(source, "line 1", "the numbers of jobs, machines and nodes", "no text")
    head = Numbers(source, *lines[0])
    head.next("number of jobs", 1, TASKS_MAX)
    machines = head.next("number of machines", 1, RESOURCES_MAX)
    nodes = head.next("number of nodes", 1, TASKS_MAX)
    network = Network(source=source, machines=machines, nodes=nodes)
    section = ""
    for number, words in lines[1:]:
        if len(words) == 1 and words[0] in SECTIONS:
            section = words[0]
        elif section == "":
            expected = f"one of the sections {', '.join(SECTIONS)}"
            raise fault(source, f"line {number}", expected, repr(words[0]))
        elif section == "info":
            _read_info(network, number, words)
        else:
            _read_flow(network, section, number, " ".join(words))
    return shop_of(network)


def _read_info(network: Network, line: int, words: list[str]) -> None:
    if len(words) == 2 and words[1] in _PLAIN:
        node = Numbers(network.source, line, words[:1]).next("node", 0, network.nodes - 1)
        network.say(node, line, modes=(Mode(ticks=0),) if words[1] == JOINT else None)
        if words[1] == "start":
            network.starts.append(node)
        return
    row = Numbers(network.source, line, words)
    node = row.next("node", 0, network.nodes - 1)
    modes = []
    for _ in range(row.next("number of machines of an operation", 1, network.machines)):
        machine = row.next("machine", 1, network.machines) - 1
        modes.append(Mode(ticks=row.next("duration"), uses=(Use(machine),)))
    row.end()
    network.say(node, line, modes=tuple(modes))


def _read_flow(network: Network, section: str, line: int, text: str) -> None:
    first, *others = _WORD.findall(text)
    node = _node(network, line, first)
    for word in others:
        group = word[1:-1].split(",") if word.startswith("(") else [word]
        nodes = tuple(_node(network, line, each) for each in group)
        if section == "out":
            network.lead(node, nodes, line)
        else:
            network.meet(node, nodes, line)


def _node(network: Network, line: int, text: str) -> int:
    word = text.strip()
    if not (word.isascii() and word.isdigit() and len(word) <= DIGITS_MAX):
        expected = "a node, or several in brackets with commas between"
        raise fault(network.source, f"line {line}", expected, repr(text))
    return Numbers(network.source, line, [word]).next("node", 0, network.nodes - 1)
