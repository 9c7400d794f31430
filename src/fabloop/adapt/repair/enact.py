"""What the engine is asked for so that an instance is repaired, and so that this is undone."""

from collections.abc import Collection

import msgspec

from fabloop.adapt.repair.course import Course, course_of
from fabloop.adapt.repair.domain import Binder, Domain, Step
from fabloop.adapt.repair.fragment import fragment_of, task_id
from fabloop.adapt.repair.proposal import RepairOption, Situation
from fabloop.adapt.repair.reality import Reality, after, unmet
from fabloop.adapt.repair.weave import How, Spot, Woven, weave
from fabloop.model.service import Literal
from fabloop.process.bpmn.layout import layout
from fabloop.process.bpmn.model import BpmnProcess
from fabloop.process.commands import ActAt, Activate, Command, Deploy, Migrate, Modify, Move
from fabloop.process.cpn.document import NetDocument
from fabloop.process.definition import DefinitionKey


class Enactment(msgspec.Struct, frozen=True, kw_only=True):
    """Commands that bring an instance into a repair: deploy first, then the rest.

    `deploy` answers with the definition that the others name. Request ids are stable, so that
    what a crash cut short can be asked for again as a whole.
    """

    repair: str
    instance: int
    deploy: Deploy
    restart: dict[str, str] = {}
    move: tuple[int, str] | None = None
    activate: str = ""

    def commands(self, target: DefinitionKey) -> tuple[tuple[str, Command], ...]:
        """Return the commands after the deployment, each with its request id."""
        found: list[tuple[str, Command]] = [
            (
                f"{self.repair}/migrate/{self.instance}",
                Migrate(instance=self.instance, target=target, restart=self.restart),
            )
        ]
        if self.move is not None:
            act, node = self.move
            moved = (Move(spot=ActAt(key=act), node=node),)
            entered = Modify(instance=self.instance, move=moved)
            found.append((f"{self.repair}/enter/{self.instance}", entered))
        elif self.activate:
            entered = Modify(instance=self.instance, activate=(Activate(node=self.activate),))
            found.append((f"{self.repair}/enter/{self.instance}", entered))
        return tuple(found)


def enact(option: RepairOption, situation: Situation) -> Enactment:
    """Return how an option is carried out by the instance of its situation."""
    return _enactment(option.id, situation.instance, option.woven, situation.nets)


def _enactment(
    repair: str, instance: int, woven: Woven, nets: tuple[NetDocument, ...]
) -> Enactment:
    return Enactment(
        repair=repair,
        instance=instance,
        deploy=Deploy(process=woven.process, nets=nets),
        restart=woven.restart,
        move=woven.move,
        activate=woven.activate,
    )


class Lasting(msgspec.Struct, frozen=True, kw_only=True):
    """A step that is not taken back.

    Attributes
    ----------
    named : the action that would take it back; empty where its description names none
    unmet : what that would require and is not so
    """

    step: Step
    named: str = ""
    unmet: tuple[Literal, ...] = ()


class WayBack(msgspec.Struct, frozen=True, kw_only=True):
    """How a repair is taken back.

    Attributes
    ----------
    course : what compensates the steps that were done, in reverse order
    lasting : steps that were done and that nothing takes back
    """

    enactment: Enactment
    process: BpmnProcess
    course: Course
    lasting: tuple[Lasting, ...]


class Afterwards(msgspec.Struct, frozen=True, kw_only=True):
    """How a repair is compensated that is over: by a process of its own; None: nothing can be."""

    process: BpmnProcess | None
    course: Course
    lasting: tuple[Lasting, ...]


def undo(
    option: RepairOption,
    situation: Situation,
    done: Collection[str],
    at: str = "",
    physical: Reality | None = None,
) -> WayBack:
    """Return how an instance leaves a repair again, with what it has done compensated.

    `done` are ids of nodes of the repair that were completed or begun; `at` is the node at which
    the instance stands once the repair is over; `physical` is what is so now, if it is known.
    While it goes on, what is left of it is cancelled, and
    the instance goes on at the node at which it was interrupted. The last step done is the first
    to be compensated.
    """
    course, lasting = compensation(_completed(option, done), situation.domain, physical)
    back = _way_back(option, situation, course, at)
    return WayBack(
        enactment=_enactment(f"{option.id}.back", situation.instance, back, situation.nets),
        process=back.process,
        course=course,
        lasting=lasting,
    )


def afterwards(
    option: RepairOption, situation: Situation, done: Collection[str], physical: Reality
) -> Afterwards:
    """Return how what a repair has done is compensated once it is over, whatever came after it."""
    course, lasting = compensation(_completed(option, done), situation.domain, physical)
    id_ = f"{option.id}.back"
    if not course.steps:
        return Afterwards(process=None, course=course, lasting=lasting)
    fragment = fragment_of(course, situation.domain, id_, f"Take back {option.id}")
    made = BpmnProcess(
        id=f"{situation.process.id}.{id_}",
        name=fragment.name,
        nodes=fragment.nodes,
        flows=fragment.flows,
    )
    drawn = msgspec.structs.replace(made, diagram=layout(made))
    return Afterwards(process=drawn, course=course, lasting=lasting)


def _completed(option: RepairOption, done: Collection[str]) -> list[Step]:
    return [
        step
        for number, step in enumerate(option.course.steps)
        if task_id(option.id, number) in done
    ]


def _way_back(option: RepairOption, situation: Situation, course: Course, at: str) -> Woven:
    id_ = f"{option.id}.back"
    fragment = fragment_of(course, situation.domain, id_, f"Take back {option.id}")
    if at:
        return weave(option.woven.process, fragment, Spot(how=How.BEFORE, nodes=(at,)))
    if option.spot.how is How.BESIDE:  # what it stands beside goes on, and is waited for
        return weave(option.woven.process, fragment, Spot(how=How.INSTEAD, nodes=(option.id,)))
    first = option.spot.first
    if not course.steps:
        return Woven(process=situation.process, restart={option.id: first})
    back = weave(situation.process, fragment, Spot(how=How.BEFORE, nodes=(first,)))
    return msgspec.structs.replace(back, restart={option.id: id_})


def compensation(
    done: Collection[Step], domain: Domain, physical: Reality | None = None
) -> tuple[Course, tuple[Lasting, ...]]:
    """Return what takes steps back, the last one first, and those that nothing takes back.

    A compensation has the parameters of what it takes back, by name. Where it is known what is so
    now, what it requires has to be so by then.
    """
    binder = Binder(domain)
    steps, lasting = list[Step](), list[Lasting]()
    now = physical
    for step in reversed(list(done)):
        name = binder.actions[step.action].compensation
        known = binder.actions.get(name)
        if known is None or not {each.name for each in known.parameters} <= step.values.keys():
            lasting.append(Lasting(step=step))
            continue
        values = {each.name: step.values[each.name] for each in known.parameters}
        back = Step(action=name, values=values)
        if now is not None:
            bound = binder(back)
            missing = unmet(bound.requires, now)
            if missing:
                lasting.append(Lasting(step=step, named=name, unmet=missing))
                continue
            now = after(now, bound.effects)
        steps.append(back)
    return course_of([binder(each) for each in steps]), tuple(lasting)
