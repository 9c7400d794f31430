"""Tasks: what happens when a token comes to one."""

from fabloop.process.acts import announce_job, open_act, outputs_of, pass_with
from fabloop.process.commands import Variables
from fabloop.process.definition import PERSON_TYPE, Job, Node, Person, Script
from fabloop.process.deltas import JobOffered
from fabloop.process.evaluate import inputs_of, text_of, texts_of, value_of
from fabloop.process.state import Frame
from fabloop.process.step import Step
from fabloop.process.watch import arm, watches_of


def do_nothing(step: Step, frame: Frame, node: Node) -> None:
    """Let a token run through a task that nobody reports."""
    local = inputs_of(node, step.state.visible(frame), step.at)
    pass_with(step, frame, node, outputs_of(step, frame, node, local, {}), local)


def run_script(step: Step, frame: Frame, node: Node, script: Script, _brought: Variables) -> None:
    """Evaluate an expression, and go on."""
    seen = step.state.visible(frame)
    local = inputs_of(node, seen, step.at) if node.inputs else {}
    value = value_of(script.formula, {**seen, **local} if local else seen, step.at)
    made = outputs_of(step, frame, node, local, {script.target: value})
    pass_with(step, frame, node, made, local)


def offer(step: Step, frame: Frame, node: Node, job: Job, _brought: Variables) -> None:
    """Offer work for machines and software."""
    seen = step.state.visible(frame)
    local = inputs_of(node, seen, step.at) if node.inputs else {}
    watches = watches_of(step, frame, node, {**seen, **local}) if node.watches else []
    act = open_act(step, frame, node, local)
    step.emit(JobOffered(act, job.type, person=False, retries=job.retries))
    announce_job(step, act)
    arm(step, act, watches)


def ask(step: Step, frame: Frame, node: Node, person: Person, _brought: Variables) -> None:
    """Offer work for a person."""
    seen = step.state.visible(frame)
    local = inputs_of(node, seen, step.at) if node.inputs else {}
    context = {**seen, **local} if local else seen
    assignee = text_of(person.assignee, context, step.at)
    candidates = texts_of(person.candidates, context, step.at)
    watches = watches_of(step, frame, node, context) if node.watches else []
    act = open_act(step, frame, node, local)
    step.emit(
        JobOffered(
            act, PERSON_TYPE, person=True, retries=1, assignee=assignee, candidates=candidates
        )
    )
    announce_job(step, act)
    arm(step, act, watches)
