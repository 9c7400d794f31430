"""A BPMN drawing as data: what flows where, of every pool, whatever carries it out."""

import msgspec

ACTIVITIES = frozenset(
    {"task", "serviceTask", "userTask", "scriptTask", "manualTask", "businessRuleTask"}
    | {"sendTask", "receiveTask", "callActivity", "subProcess", "transaction", "adHocSubProcess"}
)
"""Elements that do something: they must be able to happen."""


class Trigger(msgspec.Struct, frozen=True):
    """What an event waits for or throws: ``message``, ``timer``, ``link`` ...; and which one."""

    kind: str
    ref: str = ""


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """A flow node.

    Attributes
    ----------
    kind : name of its element, such as ``userTask``
    inner : number of the scope that it opens, or -1
    host : id of the activity that a boundary event is attached to
    handles : whether it is an event sub-process
    """

    number: int
    id: str
    kind: str
    line: int
    scope: int
    inner: int = -1
    triggers: tuple[Trigger, ...] = ()
    host: str = ""
    interrupting: bool = True
    handles: bool = False
    instantiates: bool = False
    compensates: bool = False
    default: str = ""
    incoming: tuple[int, ...] = ()
    outgoing: tuple[int, ...] = ()

    @property
    def trigger(self) -> Trigger:
        """The one thing that it waits for or throws; of kind ``none`` where there is nothing."""
        return self.triggers[0] if self.triggers else Trigger("none")


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """A sequence flow between two nodes of one scope."""

    number: int
    id: str
    source: int
    target: int
    conditional: bool


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """A process, or the content of a sub-process: `owner` opens it (-1 for a process)."""

    number: int
    id: str
    owner: int
    nodes: tuple[int, ...]
    flows: tuple[int, ...]


class MessageFlow(msgspec.Struct, frozen=True, kw_only=True):
    """A message from one node to another; a pool without content is no node and never sends."""

    id: str
    source: int
    target: int


class Drawing(msgspec.Struct, frozen=True, kw_only=True):
    """All processes of one document."""

    nodes: tuple[Node, ...]
    flows: tuple[Flow, ...]
    scopes: tuple[Scope, ...]
    messages: tuple[MessageFlow, ...]
