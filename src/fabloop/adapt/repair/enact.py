"""What the engine is asked for so that an instance is repaired, and so that this is undone."""

from collections.abc import Collection

import msgspec

from fabloop.adapt.repair.course import Course, course_of
from fabloop.adapt.repair.domain import Binder, Domain, Step
from fabloop.adapt.repair.fragment import fragment_of, task_id
from fabloop.adapt.repair.proposal import RepairOption, Situation
from fabloop.adapt.repair.weave import How, Spot, Woven, weave
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
    lasting: tuple[Step, ...]


def undo(
    option: RepairOption, situation: Situation, done: Collection[str], at: str = ""
) -> WayBack:
    """Return how an instance leaves a repair again, with what it has done compensated.

    `done` are ids of nodes of the repair that were completed; `at` is the node at which the
    instance stands once the repair is over. While it goes on, what is left of it is cancelled, and
    the instance goes on at the node at which it was interrupted. The last step done is the first
    to be compensated.
    """
    completed = [
        step
        for number, step in enumerate(option.course.steps)
        if task_id(option.id, number) in done
    ]
    course, lasting = compensation(completed, situation.domain)
    back = _way_back(option, situation, course, at)
    return WayBack(
        enactment=_enactment(f"{option.id}.back", situation.instance, back, situation.nets),
        process=back.process,
        course=course,
        lasting=lasting,
    )


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


def compensation(done: Collection[Step], domain: Domain) -> tuple[Course, tuple[Step, ...]]:
    """Return what takes steps back, the last one first, and those that nothing takes back.

    A compensation has the parameters of what it takes back, by name.
    """
    binder = Binder(domain)
    steps, lasting = list[Step](), list[Step]()
    for step in reversed(list(done)):
        name = binder.actions[step.action].compensation
        known = binder.actions.get(name)
        if known is None or not {each.name for each in known.parameters} <= step.values.keys():
            lasting.append(step)
            continue
        values = {each.name: step.values[each.name] for each in known.parameters}
        steps.append(Step(action=name, values=values))
    return course_of([binder(each) for each in steps]), tuple(lasting)
