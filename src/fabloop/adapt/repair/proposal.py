"""What a repair is asked with and what it answers."""

from collections.abc import Mapping

import msgspec

from fabloop.adapt.repair.course import Course
from fabloop.adapt.repair.domain import Domain, Step
from fabloop.adapt.repair.ground import CHEAP, Wish
from fabloop.adapt.repair.reality import Difference, Reality
from fabloop.adapt.repair.remaining import Place
from fabloop.adapt.repair.weave import Spot, Woven
from fabloop.model.explanation import Explanation
from fabloop.model.facts import ProcessChanges, PropertyChecked
from fabloop.model.service import Literal
from fabloop.process.bpmn.model import BpmnProcess
from fabloop.process.cpn.document import NetDocument


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """A running instance that is not where it was expected to be.

    Attributes
    ----------
    repair : id of this repair, a name fit for an XML id; unique among the repairs of the process
    process, nets : as deployed for the instance
    places : where the instance stands; the first one is where it was interrupted
    work : the step that each node carries out, for those that have to do with the shop floor
    expected, physical : what should be so now, and what is
    goals : what has to be so at the end, beyond what the process itself needs
    time_left_ns : until the order is late by what is planned; None where nothing is due
    tokens : interchangeable things, each of which is to be recovered in the same way
    drawn : actions that were composed for this by inputs and outputs; told where they are taken
    """

    repair: str
    instance: int
    process: BpmnProcess
    nets: tuple[NetDocument, ...] = ()
    places: tuple[Place, ...]
    work: Mapping[str, Step]
    expected: Reality
    physical: Reality
    goals: tuple[Literal, ...] = ()
    domain: Domain
    wish: Wish = CHEAP
    time_left_ns: int | None = None
    tokens: tuple[str, ...] = ()
    drawn: tuple[str, ...] = ()


class RepairOption(msgspec.Struct, frozen=True, kw_only=True):
    """One way out, tried out and verified.

    Attributes
    ----------
    cost_minor : of its steps, less `saved_minor` for the work that it stands in for
    delay_ns : by how much the instance goes on later than without the deviation, as planned
    late : the delay is more than the time that is left
    unknown : actions of which cost or duration are not known; the dearest and slowest are assumed
    pattern : id of the learned pattern that it comes from; empty for a new plan
    """

    id: str
    course: Course
    spot: Spot
    woven: Woven
    changes: ProcessChanges
    properties: tuple[PropertyChecked, ...]
    markings: int
    cost_minor: int
    saved_minor: int = 0
    currency: str
    delay_ns: int
    late: bool = False
    unknown: tuple[str, ...] = ()
    pattern: str = ""
    reasons: tuple[Explanation, ...] = ()


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """A way out that was found and is not offered."""

    spot: Spot
    steps: tuple[str, ...]
    why: str


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """Ways out, the best by the wish first; `proven` where no cheaper plan exists for the first.

    `differences` are what is otherwise than expected, whether it matters or not.
    """

    repair: str
    instance: int
    reasons: tuple[Explanation, ...]
    options: tuple[RepairOption, ...]
    rejected: tuple[Rejected, ...] = ()
    proven: bool = False
    differences: tuple[Difference, ...] = ()


class NoRepair(msgspec.Struct, frozen=True, kw_only=True):
    """No way out was found: the next rung of the ladder; `proven` where there is none."""

    repair: str
    instance: int
    reasons: tuple[Explanation, ...]
    why: str
    rejected: tuple[Rejected, ...] = ()
    proven: bool = False
    differences: tuple[Difference, ...] = ()


class NotNeeded(msgspec.Struct, frozen=True, kw_only=True):
    """What is otherwise than expected does not matter for the rest of the process."""

    repair: str
    instance: int
    differences: tuple[Difference, ...] = ()


RepairAnswer = Proposal | NoRepair | NotNeeded
