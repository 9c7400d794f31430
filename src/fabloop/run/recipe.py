"""A plan as a production recipe: one step per operation, one per shipment between sites."""

import msgspec

from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import iso_of, iso_of_duration
from fabloop.model.ids import OperationId
from fabloop.model.plan import Movement, MovementKind, Plan
from fabloop.model.product import ConfiguredProduct, Operation
from fabloop.model.recipe import ProductionRecipe, RecipeStep
from fabloop.model.routing import as_planned
from fabloop.model.site import Network

TRANSPORT = "Transport"
"""Service name of a movement inside a site."""
SHIPPING = "Shipping"
"""Service name of a movement between sites."""
SERVICE_TASK = "servicetask"
USER_TASK = "usertask"

_SERVICE_OF = {MovementKind.TRANSPORT: TRANSPORT, MovementKind.SHIPPING: SHIPPING}


def operation_step_id(operation: OperationId) -> str:
    """Return the step id of an operation; the same in every plan."""
    return f"op-{operation}"


def shipment_step_id(made_by: OperationId, taken_by: OperationId) -> str:
    """Return the step id of a shipment; the same in every plan that ships between these two."""
    return f"ship-{made_by}-{taken_by}"


def recipe_of(
    plan: Plan, product: ConfiguredProduct, network: Network, *, priority: int = 1
) -> ProductionRecipe:
    """Return what has to be executed for the plan; inputs stand before what takes them.

    Of alternatives, only what the plan has chosen is executed.

    Step ids depend on the product only, so that a running process can be moved to another plan.

    Parameters of a step, all text: ``operation``, ``skill``, ``person_skill``, ``work_unit`` (the
    planned one: a preference, binding is decided live), ``site``, ``output``, ``constraints``
    (JSON object of the requirement, SI), ``planned_start``, ``planned_end`` (ISO 8601 UTC), and per
    service ``n`` counted from 1 ``duration_n`` (ISO 8601) and for movements ``by_n``, ``from_n``,
    ``to_n``, ``from_operation_n`` (between sites also ``lane_n``). A shipment has ``made_by``,
    ``taken_by``, ``lane``, ``carrier``, ``destination_site`` instead of what concerns a work unit;
    the last three are those of its last lane. What does not apply is left out.

    Raises
    ------
    Invalid
        Two steps would get the same id (operations named ``a-b``, ``c`` and ``a``, ``b-c``).
    """
    product = as_planned(product, [step.operation for step in plan.steps])
    ways = _ways(plan)
    steps: list[RecipeStep] = []
    for operation in _inputs_first(product):
        arrivals = {made: ways.get((made, operation.id), ()) for made in operation.inputs}
        shipped = {made: legs for made, legs in arrivals.items() if _is_shipment(legs)}
        steps += [_shipment_step(product, network, legs) for legs in shipped.values()]
        inside = tuple(leg for made in arrivals if made not in shipped for leg in arrivals[made])
        previous = tuple(
            shipment_step_id(made, operation.id) if made in shipped else operation_step_id(made)
            for made in operation.inputs
        )
        steps.append(_operation_step(plan, operation, inside, previous))
    _refuse_twins(steps, plan)
    return ProductionRecipe(
        plant=", ".join(plan.totals.sites), priority_id=priority, steps=_with_next(steps)
    )


def _ways(plan: Plan) -> dict[tuple[OperationId, OperationId], tuple[Movement, ...]]:
    """Return the legs from each operation to the one that takes its output, in their order."""
    ways: dict[tuple[OperationId, OperationId], tuple[Movement, ...]] = {}
    for leg in sorted(plan.movements, key=lambda leg: leg.leg):
        way = (leg.made_by, leg.taken_by)
        ways[way] = (*ways.get(way, ()), leg)
    return ways


def _is_shipment(legs: tuple[Movement, ...]) -> bool:
    return any(leg.kind is MovementKind.SHIPPING for leg in legs)


def _inputs_first(product: ConfiguredProduct) -> list[Operation]:
    """Return the operations so that each stands behind its inputs, in the product's order."""
    waiting, ordered, done = list(product.operations), list[Operation](), set[OperationId]()
    while waiting:
        ready = [each for each in waiting if done.issuperset(each.inputs)]
        assert ready, "operations of a configured product form a tree"
        ordered += ready
        done.update(each.id for each in ready)
        waiting = [each for each in waiting if each.id not in done]
    return ordered


def _operation_step(
    plan: Plan, operation: Operation, arrivals: tuple[Movement, ...], previous: tuple[str, ...]
) -> RecipeStep:
    planned = plan.step(operation.id)
    requirement = operation.requirement
    services = (*(_SERVICE_OF[leg.kind] for leg in arrivals), str(requirement.skill))
    parameters = {
        "operation": str(operation.id),
        "skill": str(requirement.skill),
        "work_unit": str(planned.work_unit),
        "site": str(planned.site),
        "output": str(operation.output),
        "planned_start": iso_of(planned.start),
        "planned_end": iso_of(planned.end),
        f"duration_{len(services)}": iso_of_duration(planned.end - planned.start),
        **_leg_parameters(arrivals),
    }
    if requirement.constraints:
        parameters["constraints"] = msgspec.json.encode(
            requirement.constraints, order="sorted"
        ).decode()
    if operation.person_skill is not None:
        parameters["person_skill"] = str(operation.person_skill)
    return RecipeStep(
        flow_id=operation_step_id(operation.id),
        production_step=operation.label,
        bpmn_type=SERVICE_TASK,
        previous=previous,
        next=(),
        services=services,
        parameters=parameters,
    )


def _shipment_step(
    product: ConfiguredProduct, network: Network, legs: tuple[Movement, ...]
) -> RecipeStep:
    ship = [leg for leg in legs if leg.kind is MovementKind.SHIPPING][-1]
    output = product.operation(ship.made_by).output
    label = next((each.label for each in product.materials if each.id == output), str(output))
    to = network.sites[ship.destination_site].label
    parameters = {
        "made_by": str(ship.made_by),
        "taken_by": str(ship.taken_by),
        "site": str(ship.origin_site),
        "destination_site": str(ship.destination_site),
        "carrier": ship.by,
        "output": str(output),
        "planned_start": iso_of(legs[0].start),
        "planned_end": iso_of(legs[-1].end),
        **_leg_parameters(legs),
    }
    if ship.lane is not None:
        parameters["lane"] = str(ship.lane)
    return RecipeStep(
        flow_id=shipment_step_id(ship.made_by, ship.taken_by),
        production_step=f"Ship {label} to {to}",
        bpmn_type=SERVICE_TASK,
        previous=(operation_step_id(ship.made_by),),
        next=(),
        services=tuple(_SERVICE_OF[leg.kind] for leg in legs),
        parameters=parameters,
    )


def _leg_parameters(legs: tuple[Movement, ...]) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for number, leg in enumerate(legs, start=1):
        parameters[f"duration_{number}"] = iso_of_duration(leg.end - leg.start)
        parameters[f"by_{number}"] = leg.by
        parameters[f"from_{number}"] = leg.origin
        parameters[f"to_{number}"] = leg.destination
        parameters[f"from_operation_{number}"] = str(leg.made_by)
        if leg.lane is not None:
            parameters[f"lane_{number}"] = str(leg.lane)
    return parameters


def _with_next(steps: list[RecipeStep]) -> tuple[RecipeStep, ...]:
    followers: dict[str, tuple[str, ...]] = {}
    for step in steps:
        for each in step.previous:
            followers[each] = (*followers.get(each, ()), step.flow_id)
    return tuple(
        msgspec.structs.replace(step, next=followers.get(step.flow_id, ())) for step in steps
    )


def _refuse_twins(steps: list[RecipeStep], plan: Plan) -> None:
    ids = [step.flow_id for step in steps]
    twins = sorted({each for each in ids if ids.count(each) > 1})
    if twins:
        raise Invalid(
            Fault(
                source=f"plan {plan.id}",
                path="",
                expected="step ids that differ",
                found=f"{each!r} twice",
                hint="Rename one of the operations.",
            )
            for each in twins
        )
