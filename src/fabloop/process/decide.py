"""Business rule tasks: a token has a decision made, and goes on with what it gives."""

from collections.abc import Iterator

from fabloop.base.errors import Invalid, Refused
from fabloop.base.names import did_you_mean
from fabloop.feel.dmn import Model
from fabloop.process.acts import outputs_of, pass_with
from fabloop.process.commands import Variables
from fabloop.process.decision_model import DecisionModel
from fabloop.process.definition import Decide, Node
from fabloop.process.evaluate import Stuck, inputs_of, number_of, text_of
from fabloop.process.pick import Pick
from fabloop.process.state import Frame, State
from fabloop.process.step import Step
from fabloop.process.variables import plain_value


def decide(step: Step, frame: Frame, node: Node, action: Decide) -> None:
    """Evaluate a decision into a variable, and go on."""
    seen = step.state.visible(frame)
    local = inputs_of(node, seen, step.at)
    context = {**seen, **local}
    decision = text_of(action.decision, context, step.at)
    version = action.pick.version
    number = None if version is None else number_of(version, context, step.at)
    model = _model(step.state, frame, decision, action.pick, number)
    value = _value(step, model, decision, context)
    made = outputs_of(step, frame, node, local, {action.target: value})
    pass_with(step, frame, node, made, local)


def _model(state: State, frame: Frame, decision: str, pick: Pick, number: int | None) -> Model:
    found = next(_candidates(state, frame, decision, pick, number), None)
    if found is not None:
        return state.models[found.key]
    how = f" with version tag '{pick.tag}'" if pick.tag else ""
    how = f" in version {number}" if number is not None else how
    how = " deployed with the process" if pick.together else how
    known = state.decision_versions
    hint = "" if decision in known else did_you_mean(decision, known)
    text = f"Expected a decision '{decision}'{how}, but there is none. {hint}"
    raise Stuck("decision", text.strip())


def _candidates(
    state: State, frame: Frame, decision: str, pick: Pick, number: int | None
) -> Iterator[DecisionModel]:
    """Yield the models that hold a decision and may be meant, the best first."""
    if pick.together:
        deployment = state.deployments[state.definition_of(frame).key]
        models = (state.decision_models[key] for key in deployment.decisions)
        yield from (each for each in models if decision in each.decisions)
        return
    latest = state.decision_versions.get(decision, 0)
    for version in range(latest, 0, -1) if number is None else (number,):
        key = state.decisions.get((decision, version))
        model = None if key is None else state.decision_models[key]
        if model is not None and (not pick.tag or model.tag == pick.tag):
            yield model


def _value(step: Step, model: Model, decision: str, context: Variables) -> object:
    """Return what a decision gives; null with a warning is a fault that a person looks at."""
    try:
        name = model.decision_ids[decision]
        outcome = model.evaluate(name, context, now=step.at)
        value = plain_value(outcome.plain, f"decision '{decision}'")
    except (Invalid, Refused) as error:
        raise Stuck("decision", f"Decision '{decision}': {error}") from error
    if value is None and outcome.warnings:
        text = f"Expected decision '{decision}' to give a value, but found null."
        raise Stuck("decision", " ".join([text, *outcome.warnings]))
    return value
