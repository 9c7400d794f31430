"""Pictures and documents of a story: plans, processes, recipes, genealogy, and one report."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from fabloop.app.account import sections_of
from fabloop.app.chronicle import Summary, recalls_of, summary_of
from fabloop.app.demo import Demo
from fabloop.app.pictures.change import Version, change_picture
from fabloop.app.pictures.genealogy import genealogy_picture
from fabloop.app.pictures.kpi import kpi_picture
from fabloop.app.pictures.plan import plan_picture
from fabloop.app.pictures.process import process_picture
from fabloop.app.pictures.report import report
from fabloop.app.snapshot import OrderState
from fabloop.base.codec import to_json_pretty
from fabloop.model.facts import TestMeasured
from fabloop.model.ids import LotId
from fabloop.model.plan import Plan
from fabloop.model.product import NotConfigurable
from fabloop.process.bpmn.write import write
from fabloop.run.compose import Composition, node_id
from fabloop.run.recipe import operation_step_id, recipe_of
from fabloop.run.recipe_document import write_recipe
from fabloop.run.release import composed

Exhibit = tuple[str, str, bytes]
"""File name, what it shows, content."""


def write_exhibits(demo: Demo, folder: Path) -> tuple[tuple[Path, str], ...]:
    """Write every picture and document of the story so far; return the files and their captions."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, caption, content in exhibits(demo):
        path = folder / name
        path.write_bytes(content)
        written.append((path, caption))
    return tuple(written)


def exhibits(demo: Demo) -> Iterator[Exhibit]:
    """Yield every picture and document of the story, the report last."""
    if isinstance(demo.order, NotConfigurable):
        return
    state = demo.house.snapshot.orders.get(demo.order.id)
    if state is None:
        return
    pictures: dict[str, tuple[str, str]] = {}
    for name, caption, content in (*_of_plans(demo, state), *_of_changes(demo, state)):
        if name.endswith(".svg"):
            pictures[name] = (caption, content.decode())
        yield name, caption, content
    for name, caption, content in _of_condition_and_lots(demo):
        pictures[name] = (caption, content.decode())
        yield name, caption, content
    summary = summary_of(demo)
    text = report(
        _title(summary, state),
        sections_of(demo, state, summary, pictures),
        subtitle=f"Story '{demo.settings.story}', seed {demo.settings.seed}",
    )
    yield "report.html", "the whole story as one page that needs no network", text.encode()


def _title(summary: Summary, state: OrderState) -> str:
    return f"Order {state.order.id}: {state.order.product.label}, {summary.outcome}"


def composition_of(demo: Demo, state: OrderState, plan: Plan) -> Composition:
    """Return the process of a plan with its pages, as it was deployed."""
    knowledge = demo.scenario.knowledge
    recipe = recipe_of(plan, state.order.product, knowledge.network, priority=state.order.priority)
    return composed(recipe, knowledge.network, knowledge.vocabulary, state.process_id)


def states_at(plan: Plan) -> dict[str, str]:
    """Return which nodes were done or running when a plan was made, by node id."""
    return {
        node_id(operation_step_id(step.operation)): "done"
        if step.end <= plan.made_at
        else "running"
        for step in plan.steps
        if step.frozen
    }


def _of_plans(demo: Demo, state: OrderState) -> Iterator[Exhibit]:
    """Yield picture, process, BPMN and recipe of every plan that was followed."""
    network = demo.scenario.knowledge.network
    product = state.order.product
    before: Plan | None = None
    for number, plan in enumerate(state.followed, start=1):
        composition = composition_of(demo, state, plan)
        process = composition.process
        recipe = recipe_of(plan, product, network, priority=state.order.priority)
        svg = plan_picture(plan, product, network, before=before, title=f"Plan {plan.id}")
        yield f"plan-{number}.svg", f"plan {number}: who does what when", svg.encode()
        shown = process_picture(process, states=states_at(plan), title=f"Process of {plan.id}")
        yield f"process-{number}.svg", f"process version {number}", shown.encode()
        yield f"process-{number}.bpmn", f"process version {number} as BPMN 2.0", write(process)
        nets = to_json_pretty(composition.nets)
        yield f"process-{number}.nets.json", f"the nets below process version {number}", nets
        yield f"recipe-{number}.json", f"production recipe of plan {number}", write_recipe(recipe)
        before = plan


def _of_changes(demo: Demo, state: OrderState) -> Iterator[Exhibit]:
    network = demo.scenario.knowledge.network
    for number, (before, after) in enumerate(pairwise(state.followed), start=1):
        old, new = (
            Version(plan=plan, process=composition_of(demo, state, plan).process)
            for plan in (before, after)
        )
        svg = change_picture(
            old, new, state.order.product, network, states=states_at(after), now=after.made_at
        )
        yield f"change-{number}.svg", f"adaptation {number}: before and after", svg.encode()


def _of_condition_and_lots(demo: Demo) -> Iterator[Exhibit]:
    """Yield the course of each measured KPI, and the genealogy of what was made."""
    network = demo.scenario.knowledge.network
    units = network.work_units()
    limits = {each.value.work_unit: each.limit for each in summary_of(demo).breaches}
    measured = [
        fact.value
        for _, fact in demo.house.history
        if isinstance(fact, TestMeasured) and fact.value is not None
    ]
    for unit in dict.fromkeys(value.work_unit for value in measured):
        values = [value for value in measured if value.work_unit == unit]
        zone = network.sites[units[unit].site].time_zone
        svg = kpi_picture(values, limits.get(unit), zone=zone)
        yield f"kpi-{unit}.svg", f"measured condition of {units[unit].label}", svg.encode()
    records = demo.house.snapshot.records
    if records:
        marked: set[LotId] = {
            lot for answer in recalls_of(demo) for hit in answer.hits for lot in hit.because
        }
        zones = {str(site.id): site.time_zone for site in network.sites.values()}
        svg = genealogy_picture(records, marked=marked, zones=zones)
        caption = "what was made of what, where and by whom, in the time of each site"
        yield "genealogy.svg", caption, svg.encode()
