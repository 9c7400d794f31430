"""A process compiled for execution and for checking: numbered nodes, flows and scopes.

Numbers are positions in document order (depth first, a sub-process before its content), so they
follow from the source alone. The journal refers to them: they are part of its format.
"""

from enum import StrEnum

import msgspec

from fabloop.process.cpn.compiled import CompiledNet
from fabloop.process.formula import Assign, Formula, Text
from fabloop.process.pick import Pick
from fabloop.process.trigger import Span, Trigger

NOWHERE = -1
"""The number of a node, flow or scope that does not exist."""


class ScopeKind(StrEnum):
    """What a frame of the scope is an activation of."""

    PROCESS = "process"
    SUBPROCESS = "subprocess"
    PAGE = "page"
    AD_HOC = "ad hoc"
    TRANSACTION = "transaction"
    EVENT = "event"
    ROUND = "round"


# -- what a node does when a token reaches it -------------------------------------------------


class Start(msgspec.Struct, frozen=True):
    """Where the token of a new frame appears; passes it on."""


class StartOn(msgspec.Struct, frozen=True, eq=False):
    """Where the token of an instance appears that `trigger` has started; passes it on."""

    trigger: Trigger


class Jump(msgspec.Struct, frozen=True):
    """Goes on at node `target` (a number), the link of the same scope."""

    target: int


class Pass(msgspec.Struct, frozen=True):
    """Passes the token on: a link that is gone on at, an event that throws nothing."""


class SendMessage(msgspec.Struct, frozen=True, eq=False):
    """Publishes a message with its inputs, or all variables that are seen, and goes on."""

    name: Text
    correlation_key: Formula | None
    time_to_live: Span | None


class SendSignal(msgspec.Struct, frozen=True, eq=False):
    """Broadcasts a signal with its inputs, or all variables that are seen, and goes on."""

    name: Text


class End(msgspec.Struct, frozen=True):
    """Consumes the token."""


class ErrorEnd(msgspec.Struct, frozen=True):
    """Consumes the token and throws an error to the activity that encloses the scope."""

    code: str


class Terminate(msgspec.Struct, frozen=True):
    """Consumes the token and ends everything else in its scope, which then completes."""


class Escalate(msgspec.Struct, frozen=True):
    """Tells escalation `code` to the sub-processes around it; goes on if not interrupted."""

    code: str


class Compensate(msgspec.Struct, frozen=True):
    """Undoes what was completed of node `activity` (NOWHERE: of all) in its scope, then goes on.

    In an event sub-process the scope around it counts, too.
    """

    activity: int = NOWHERE


class CancelEnd(msgspec.Struct, frozen=True):
    """Ends what is in progress in its transaction, undoes what was completed, and leaves it."""


class Respond(msgspec.Struct, frozen=True):
    """Runs event sub-process `scope` within the frame that it belongs to.

    An interrupting one ends everything else in that frame first.
    """

    scope: int
    interrupting: bool


class Listen(msgspec.Struct, frozen=True, eq=False):
    """Where the token of event sub-process `response` appears when its trigger has happened."""

    response: int
    trigger: Trigger


class Exclusive(msgspec.Struct, frozen=True):
    """Takes the first flow whose condition is true, else flow `default` (NOWHERE: an incident)."""

    default: int = NOWHERE


class Parallel(msgspec.Struct, frozen=True):
    """Waits for one token per incoming flow, then puts one on every outgoing flow."""


class Inclusive(msgspec.Struct, frozen=True):
    """Takes every flow whose condition is true, else flow `default` (NOWHERE: an incident)."""

    default: int = NOWHERE


class EventBased(msgspec.Struct, frozen=True):
    """Waits for catch events `events` (numbers); the first that happens is passed."""

    events: tuple[int, ...]


class Decide(msgspec.Struct, frozen=True, eq=False):
    """Evaluates a decision into variable `target` and passes.

    The latest version of it, or the one that `pick` says.
    """

    decision: Text
    target: str
    pick: Pick


class Nothing(msgspec.Struct, frozen=True):
    """Evaluates its mappings and passes."""


class Script(msgspec.Struct, frozen=True, eq=False):
    """Evaluates into variable `target` and passes."""

    formula: Formula
    target: str


class Job(msgspec.Struct, frozen=True):
    """Waits until a worker has carried out a job of this type."""

    type: str
    retries: int
    headers: dict[str, str]


class Person(msgspec.Struct, frozen=True, eq=False):
    """Waits until a person has completed the task: a job of type `PERSON_TYPE`."""

    assignee: Text
    candidates: tuple[Text, ...]
    headers: dict[str, str]


class Enter(msgspec.Struct, frozen=True):
    """Opens a frame of sub-process or page `scope` and waits until it completes.

    `headers` are handed to every job of a page.
    """

    scope: int
    headers: dict[str, str] = {}


class Call(msgspec.Struct, frozen=True, eq=False):
    """Starts an instance of `process` and waits for its end.

    `hands_in`: it gets every variable that is seen; `hands_back`: without outputs it gives back
    all of its own. `key` is its business key, None that of its caller.
    """

    process: Text
    pick: Pick
    hands_in: bool
    hands_back: bool
    key: Text | None = None


COUNTER = "loopCounter"
"""The variable that tells a round its number, from 1."""


class Rounds(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Carries out what stands in `scope` once per item of a list, or a number of times.

    Attributes
    ----------
    collection, cardinality : yields the items, or how often; exactly one is given
    element : the variable that a round sees its item as, or ""
    output : the variable that gets the list of what `yields` gives at the end of each round, or ""
    own : variables of every round, null at first: what `yields` reads, where that is a name, and
        the inputs of the activity that expressions of the loop read
    until : no further round begins, and the others end, once it is true after a round
    """

    scope: int
    sequential: bool
    collection: Formula | None = None
    cardinality: Formula | None = None
    element: str = ""
    output: str = ""
    yields: Formula | None = None
    own: tuple[str, ...] = ()
    until: Formula | None = None


class Again(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Carries out what stands in `scope` again while `condition` (if any) is true.

    It is read after each round, and before the first one if `before`; there are at most `maximum`
    rounds. `own` are variables of every round, as of `Rounds`.
    """

    scope: int
    condition: Formula | None = None
    before: bool = False
    maximum: Formula | None = None
    own: tuple[str, ...] = ()


class Await(msgspec.Struct, frozen=True, eq=False):
    """Waits until its trigger happens."""

    trigger: Trigger


class Receive(msgspec.Struct, frozen=True, eq=False):
    """Waits for a message, as an activity with inputs and boundary events."""

    trigger: Trigger


class Boundary(msgspec.Struct, frozen=True, eq=False):
    """Armed when `host` is entered; an interrupting one ends `host` when it happens."""

    host: int
    trigger: Trigger
    interrupting: bool


class BoundaryError(msgspec.Struct, frozen=True):
    """Catches error `code` (empty: any) thrown by or inside `host`; always interrupts it."""

    host: int
    code: str


class BoundaryEscalation(msgspec.Struct, frozen=True):
    """Catches escalation `code` (empty: any) thrown inside sub-process `host`."""

    host: int
    code: str
    interrupting: bool


class BoundaryUndo(msgspec.Struct, frozen=True):
    """Says that activity `handler` undoes `host`; no token ever comes here."""

    host: int
    handler: int


class BoundaryCancel(msgspec.Struct, frozen=True):
    """Where the token goes on when transaction `host` was cancelled."""

    host: int


Action = (
    Start
    | StartOn
    | Jump
    | Pass
    | SendMessage
    | SendSignal
    | End
    | ErrorEnd
    | Terminate
    | Escalate
    | Exclusive
    | Parallel
    | Inclusive
    | EventBased
    | Nothing
    | Decide
    | Script
    | Job
    | Person
    | Enter
    | Call
    | Rounds
    | Again
    | Await
    | Receive
    | Boundary
    | BoundaryError
    | BoundaryEscalation
    | Respond
    | Listen
    | Compensate
    | CancelEnd
    | BoundaryUndo
    | BoundaryCancel
)

BUSINESS_KEY = "businessKey"
"""The variable with the business key of its instance, in processes that read it."""

PERSON_TYPE = "fabloop:person"
"""The job type of tasks for people."""


class Node(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A compiled flow node.

    Attributes
    ----------
    scope : number of the scope it stands in
    incoming, outgoing : numbers of flows in document order; a token leaves on every outgoing flow,
        except behind `Exclusive`
    joins : tokens wait on its incoming flows (a `Parallel` or `Inclusive` with two or more)
    boundary : numbers of the boundary events attached to it, in document order
    watches : numbers of the events that are armed while it waits: those on its boundary that have
        a `Trigger`, those behind an `EventBased`, an `Await` or `Receive` itself, the start of a
        `Respond`
    catches : error code -> number of the boundary event that catches it; "" catches the rest
    escalations : the same for escalations
    handler : number of the activity that undoes it (NOWHERE: none)
    cancelled : number of the event at which a transaction goes on when it was cancelled
    decides : whether conditions say on which flows a token leaves an activity
    default : number of the flow that it leaves on when no condition holds (NOWHERE: none)
    keeps : inputs that stay with its round when it is done, for the expressions of the loop
    """

    number: int
    id: str
    name: str
    scope: int
    action: Action
    incoming: tuple[int, ...] = ()
    outgoing: tuple[int, ...] = ()
    joins: bool = False
    inputs: tuple[Assign, ...] = ()
    outputs: tuple[Assign, ...] = ()
    boundary: tuple[int, ...] = ()
    watches: tuple[int, ...] = ()
    catches: dict[str, int] = {}
    escalations: dict[str, int] = {}
    handler: int = NOWHERE
    cancelled: int = NOWHERE
    keeps: tuple[str, ...] = ()
    decides: bool = False
    default: int = NOWHERE


class Flow(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A sequence flow; when its target joins, it is also the place where a token waits."""

    number: int
    id: str
    source: int
    target: int
    condition: Formula | None = None
    waits: bool = False


class Merge(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """An inclusive gateway that tokens wait at.

    `reach` gives per incoming flow a mask of node numbers: bit n is set where a token at node n
    can come to that flow without passing the gateway.
    """

    node: int
    reach: dict[int, int]


class Choice(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Which activities of an ad-hoc sub-process may begin (numbers), and when it is done.

    `activities` yields the ids of those it begins with; `until` completes it, with all that still
    runs if `cancels`. `sequential`: one runs at a time.
    """

    choosable: tuple[int, ...]
    sequential: bool
    activities: Formula | None
    until: Formula | None
    cancels: bool


class Scope(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What a frame activates: the process, an embedded sub-process, a page, or a round.

    Attributes
    ----------
    owner : number of the node that opens it (NOWHERE for the process)
    parent : number of the scope the owner stands in (NOWHERE for the process)
    choice : what may be chosen in an ad-hoc sub-process
    data : names of its data objects: variables that are null at first; that of the process holds
        `BUSINESS_KEY` where an expression reads it
    start : number of the node it begins at (NOWHERE: a page, an ad-hoc one, or a process that only
        events begin)
    starts : numbers of the start events of a process that have a trigger
    nodes, flows : numbers of what stands directly in it
    joins : flows on which tokens may wait
    merges : its inclusive gateways with two or more incoming flows
    net : the compiled net of a page
    entry, exit : place numbers of the page's ports
    fusion : per place of the page, the number of the instance's shared place (NOWHERE: its own)
    catches : error code -> number of the event sub-process it begins; "" catches the rest
    escalations : the same for escalations
    undo : number of the event sub-process that undoes the scope when it was complete
    listens : numbers of the event sub-processes whose trigger is armed while the scope runs
    """

    number: int
    kind: ScopeKind
    owner: int = NOWHERE
    parent: int = NOWHERE
    start: int = NOWHERE
    starts: tuple[int, ...] = ()
    nodes: tuple[int, ...] = ()
    flows: tuple[int, ...] = ()
    joins: tuple[int, ...] = ()
    merges: tuple[Merge, ...] = ()
    net: CompiledNet | None = None
    entry: int = NOWHERE
    exit: int = NOWHERE
    fusion: tuple[int, ...] = ()
    data: tuple[str, ...] = ()
    choice: Choice | None = None
    catches: dict[str, int] = {}
    escalations: dict[str, int] = {}
    undo: int = NOWHERE
    listens: tuple[int, ...] = ()


class SharedPlace(msgspec.Struct, frozen=True, kw_only=True):
    """A fusion place: one bag per instance, shared by every page that names it.

    `page` and `place` are the first scope and the place in it that declare colour and initial
    tokens; all others agree.
    """

    name: str
    page: int
    place: int


class DefinitionKey(msgspec.Struct, frozen=True, order=True, array_like=True):
    """Names one deployed version of a process."""

    id: str
    version: int


class Definition(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One deployed version of a process; `scopes[0]` is the process itself."""

    id: str
    version: int
    nodes: tuple[Node, ...]
    flows: tuple[Flow, ...]
    scopes: tuple[Scope, ...]
    shared: tuple[SharedPlace, ...] = ()
    number_of: dict[str, int]

    @property
    def key(self) -> DefinitionKey:
        """Its id and version."""
        return DefinitionKey(self.id, self.version)
