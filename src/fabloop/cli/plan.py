"""``fabloop plan``: read what is wished, plan, and show plans as tables, pictures and JSON."""

import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

import msgspec
from rich.console import Console

from fabloop.app.account import (
    exclusion_table,
    optimality_text,
    plan_table,
    refusal_texts,
    undecided_text,
)
from fabloop.app.asked import Asked, asked_in, orders_in
from fabloop.app.caveats import readiness, stranger, unknown_name
from fabloop.app.dealings import dealings
from fabloop.app.labels import zone_in
from fabloop.app.pictures.report import Table
from fabloop.app.planning import exhibits_of, report_of
from fabloop.app.sentences import instant_text, labels_of, money_text
from fabloop.app.step_table import step_table
from fabloop.base.codec import to_json_pretty
from fabloop.base.errors import ExitCode, Fault, Invalid
from fabloop.base.instant import HOUR, Instant, span_text
from fabloop.base.money import minor_per_unit
from fabloop.base.names import did_you_mean
from fabloop.base.quantity import Dimension
from fabloop.cli.given import instant_given, money_given, note, quantity_given, writable_folder
from fabloop.cli.grid import grid_of
from fabloop.cli.plan_together import print_together
from fabloop.model.facts import OrderRefused
from fabloop.model.ids import OperationId, SiteId, WorkUnitId
from fabloop.model.plan import NotDecided, NotProducible, Plan, PlanAnswer, Producible
from fabloop.plan.critical import criticality
from fabloop.plan.engine import EFFORT
from fabloop.plan.producible import check
from fabloop.plan.terms.objectives import Aim, Measure, lexicographic, weighted
from fabloop.plan.terms.wishes import Wishes
from fabloop.plan.tradeoffs.front import Front, FrontPoint, front

NAMED = (
    Measure.COST,
    Measure.MAKESPAN,
    Measure.TARDINESS,
    Measure.ENERGY,
    Measure.CO2,
    Measure.SITES,
)
"""What can be asked for by name on the command line."""

SHOWN_PER = {
    Measure.MAKESPAN: float(HOUR),
    Measure.TARDINESS: float(HOUR),
    Measure.ENERGY: 3.6e6,
    Measure.CO2: 1.0,
    Measure.SITES: 1.0,
}
"""How much of a measure's own unit is in the one that weights are given for; money apart."""


WEIGHT_MIN, WEIGHT_MAX = 1e-6, 1e6
"""Weights beyond are no trade between measures: what counts first is an objective."""


class PlanRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for on the command line, as it was typed."""

    folder: Path
    objectives: tuple[str, ...] = ()
    weights: tuple[str, ...] = ()
    plans_max: int = 4
    front: bool = False
    budget: str = ""
    max_energy: str = ""
    max_co2: str = ""
    deadline: str = ""
    max_sites: int | None = None
    forbid: tuple[str, ...] = ()
    prefer: tuple[str, ...] = ()
    pin: tuple[str, ...] = ()
    effort: float = 0.0
    why: tuple[str, ...] = ()
    tenant: str = ""
    steps: bool = False


class PlanReply(msgspec.Struct, frozen=True, kw_only=True):
    """The answer as JSON: plans or reasons, and the critical operations of each plan."""

    answer: PlanAnswer | Front
    critical: dict[str, tuple[OperationId, ...]]


def print_plans(request: PlanRequest, out: Path | None, *, as_json: bool) -> ExitCode:
    """Print the plans or why there are none; with `out`, write pictures and a report too."""
    if out is not None:
        writable_folder("--out", out)
    together = orders_in(request.folder, request.tenant)
    if together is not None:
        _refuse_for_several(request)
        return print_together(
            together,
            request.objectives,
            request.effort,
            out,
            as_json=as_json,
            steps=request.steps,
        )
    _refuse_for_front(request)
    asked = asked_in(request.folder, request.tenant)
    note(stranger(request.tenant, asked.knowledge.network))
    if request.why:
        return _why(request, asked, out, as_json=as_json)
    aim, wishes = _aim(request, asked.knowledge.currency), _wishes(request, asked)
    answer = _answer(request, asked, aim, wishes, _progress(as_json))
    plans = _plans(answer)
    if as_json:
        reply = PlanReply(answer=answer, critical=_critical(plans, asked))
        sys.stdout.write(to_json_pretty(reply).decode())
    else:
        _show(answer, plans, asked, steps=request.steps)
    if out is not None:
        _write(out, answer, plans, asked)
    if isinstance(answer, NotDecided):
        return ExitCode.UNDECIDED
    return ExitCode.FINE if plans else ExitCode.NOT_PRODUCIBLE


def _refuse_for_several(request: PlanRequest) -> None:
    """Refuse what only makes sense for one order; nothing that was typed is silently left out."""
    heeded = {"folder", "objectives", "effort", "tenant", "steps"}
    typed = _typed_besides(request, heeded)
    if typed:
        expected = (
            "only --objective, --effort, --tenant, --steps, --out and --json for several orders"
        )
        raise _invalid("fabloop plan", expected, typed)


def _why(request: PlanRequest, asked: Asked, out: Path | None, *, as_json: bool) -> ExitCode:
    """Answer --why, beside wishes among the plans that keep them."""
    from fabloop.cli.why import print_why
    from fabloop.cli.why_wished import print_why_wished

    usual = PlanRequest(folder=request.folder)
    beside = {
        "--front": request.front,
        "--plans": request.plans_max != usual.plans_max,
        "--out": out is not None,
        "--steps": request.steps,
    }
    typed = [name for name, given in beside.items() if given]
    if typed:
        raise _invalid(
            "--why", "none of --front, --plans, --steps and --out beside it", ", ".join(typed)
        )
    if not _typed_besides(request, {"folder", "why", "tenant"}):
        return print_why(asked, request.why, as_json=as_json)
    aim, wishes = _aim(request, asked.knowledge.currency), _wishes(request, asked)
    effort = request.effort or EFFORT
    return print_why_wished(asked, request.why, aim, wishes, effort, as_json=as_json)


def _typed_besides(request: PlanRequest, heeded: AbstractSet[str]) -> str:
    """Return the options that were typed and are not heeded; an empty text without any."""
    usual = PlanRequest(folder=request.folder)
    return ", ".join(
        f"--{name.replace('_', '-').removesuffix('-max')}"
        for name in PlanRequest.__struct_fields__
        if name not in heeded and getattr(request, name) != getattr(usual, name)
    )


def _refuse_for_front(request: PlanRequest) -> None:
    """Refuse beside --front what a front does not heed: it is best in all respects at once."""
    beside = {
        "--objective": bool(request.objectives),
        "--weight": bool(request.weights),
        "--plans": request.plans_max != PlanRequest(folder=request.folder).plans_max,
    }
    typed = [name for name, given in beside.items() if given]
    if request.front and typed:
        raise _invalid(
            "--front",
            "none of --objective, --weight and --plans beside it",
            ", ".join(typed),
            "Leave them out, or leave --front out.",
        )


def _answer(
    request: PlanRequest,
    asked: Asked,
    aim: Aim,
    wishes: Wishes,
    tell: Callable[[Plan], object] | None,
) -> PlanAnswer | Front:
    knowledge, order = asked.knowledge, asked.order
    where = (order, knowledge.network, knowledge.vocabulary, asked.kpis, order.received_at)
    effort = request.effort or EFFORT
    if request.front:

        def point(found: FrontPoint) -> None:
            if tell is not None:
                tell(found.plan)

        return front(*where, wishes=wishes, effort=effort, on_point=point)
    return check(
        *where,
        plans_max=request.plans_max,
        objective=aim,
        wishes=wishes,
        effort=effort,
        on_incumbent=tell,
    )


def _progress(as_json: bool) -> Callable[[Plan], object] | None:
    """Return what tells each plan as it is found, where a person looks on."""
    if as_json or not sys.stderr.isatty():
        return None

    def tell(plan: Plan) -> None:
        totals = plan.totals
        best = ", ".join(optimality_text(each) for each in plan.optimality[:1])
        sys.stderr.write(
            f"found: {money_text(totals.cost_minor, totals.currency)}, "
            f"{span_text(totals.makespan_ns)} {best}\n"
        )

    return tell


def _plans(answer: PlanAnswer | Front) -> tuple[Plan, ...]:
    if isinstance(answer, Front):
        return tuple(each.plan for each in answer.points)
    return answer.plans if isinstance(answer, Producible) else ()


def _critical(plans: Sequence[Plan], asked: Asked) -> dict[str, tuple[OperationId, ...]]:
    paths = {each.id: criticality(each, asked.order.product).path for each in plans}
    return {
        key: tuple(link.key.operation for link in path if not link.key.taken_by)
        for key, path in paths.items()
    }


def _show(answer: PlanAnswer | Front, plans: Sequence[Plan], asked: Asked, *, steps: bool) -> None:
    order, now = asked.order, asked.order.received_at
    labels = labels_of(asked.knowledge.network, order.product)
    console = Console(highlight=False, markup=False)
    if plans:
        console.print(grid_of(plan_table(plans, labels)))
        for text in (
            *readiness(order, plans, asked.knowledge.network),
            *_critical_texts(plans[0], asked, labels),
        ):
            sys.stdout.write(text + "\n")
        if steps:
            console.print(grid_of(_steps(plans[0], asked, labels)))
        for table in dealings(plans[0], asked.knowledge.network, labels):
            console.print(grid_of(table))
    if isinstance(answer, Producible):
        left_out = exclusion_table(answer, now, labels, rest="; --json tells all")
        if left_out.rows:
            console.print(grid_of(left_out))
    elif isinstance(answer, NotProducible):
        for text in refusal_texts(OrderRefused(order=order.id, answer=answer), now, labels):
            sys.stdout.write(text + "\n")
    elif isinstance(answer, NotDecided):
        sys.stdout.write(undecided_text(answer) + "\n")


def _steps(plan: Plan, asked: Asked, labels: Mapping[str, str]) -> Table:
    product = asked.order.product
    found = criticality(plan, product)
    return step_table(plan, product, asked.knowledge.network, found, labels)


def _critical_texts(plan: Plan, asked: Asked, labels: Mapping[str, str]) -> Iterator[str]:
    path = criticality(plan, asked.order.product).path
    steps = [labels.get(each.key.operation, "") for each in path if not each.key.taken_by]
    yield f"What decides the finish of {plan.id}: {' → '.join(steps)}."


def _write(out: Path, answer: PlanAnswer | Front, plans: Sequence[Plan], asked: Asked) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        exhibits = tuple(exhibits_of(answer, plans, asked))
        for name, _, svg in exhibits:
            (out / name).write_text(svg, encoding="utf-8")
            sys.stderr.write(f"wrote {out / name}\n")
        text = report_of(answer, plans, asked, exhibits)
        (out / "report.html").write_text(text, encoding="utf-8")
        sys.stderr.write(f"wrote {out / 'report.html'}\n")
    except OSError as error:
        raise Invalid(
            Fault(
                source="--out",
                path=str(out),
                expected="a folder that can be written",
                found=error.strerror or type(error).__name__,
            )
        ) from error


# -- what was typed -----------------------------------------------------------------------------


def _aim(request: PlanRequest, currency: str) -> Aim:
    if request.objectives and request.weights:
        raise _invalid("--weight", "no --objective beside it", request.weights[0])
    if request.weights:
        weights = [_weight(each, currency) for each in request.weights]
        if len(dict(weights)) < len(weights):
            raise _invalid("--weight", "each measure once", ", ".join(request.weights))
        if not any(weight for _, weight in weights):
            raise _invalid("--weight", "at least one weight above zero", ", ".join(request.weights))
        label = " + ".join(" ".join(each.split("=")[::-1]) for each in request.weights)
        return weighted(dict(weights), label)
    names = request.objectives or (str(Measure.COST),)
    return lexicographic(*(_measure("--objective", each) for each in names))


def _weight(text: str, currency: str) -> tuple[Measure, float]:
    name, sign, number = text.partition("=")
    try:
        value = float(number)
    except ValueError:
        sign, value = "", 0.0
    if not sign or not 0 <= value < math.inf:
        raise _invalid("--weight", "NAME=NUMBER such as co2=0.5, of zero or more", text)
    if value and not WEIGHT_MIN <= value <= WEIGHT_MAX:
        expected = f"a weight of zero, or from {WEIGHT_MIN:g} to {WEIGHT_MAX:g}"
        raise _invalid("--weight", expected, text)
    measure = _measure("--weight", name)
    per = minor_per_unit(currency) if measure is Measure.COST else SHOWN_PER[measure]
    return measure, value / per


def _measure(option: str, name: str) -> Measure:
    known = {str(each): each for each in NAMED}
    if name not in known:
        raise _invalid(option, f"one of {', '.join(known)}", name, did_you_mean(name, known))
    return known[name]


def _wishes(request: PlanRequest, asked: Asked) -> Wishes:
    network, product = asked.knowledge.network, asked.order.product
    units, sites = network.work_units(), network.sites
    forbidden = [_named("--forbid", each, asked) for each in request.forbid]
    preferred = [_named("--prefer", each, asked) for each in request.prefer]
    operations = {each.id for each in product.operations}
    return Wishes(
        cost_max_minor=money_given("--budget", request.budget, asked.knowledge.currency),
        energy_max_j=quantity_given("--max-energy", request.max_energy, Dimension.ENERGY),
        co2_max_kg=quantity_given("--max-co2", request.max_co2, Dimension.MASS),
        deadline=_deadline(request.deadline, asked) if request.deadline else None,
        forbidden_sites=frozenset(SiteId(each) for each in forbidden if each in sites),
        forbidden_units=frozenset(WorkUnitId(each) for each in forbidden if each in units),
        preferred_sites=frozenset(SiteId(each) for each in preferred if each in sites),
        preferred_units=frozenset(WorkUnitId(each) for each in preferred if each in units),
        sites_max=request.max_sites,
        pinned=dict(_pinned(each, operations, asked) for each in request.pin),
    )


def _deadline(text: str, asked: Asked) -> Instant:
    """Return the instant that was typed; one that has passed is refused: nothing can keep it."""
    deadline, received_at = instant_given("--deadline", text), asked.order.received_at
    if deadline <= received_at:
        received = instant_text(received_at, zone_in(asked.knowledge.network))
        raise _invalid("--deadline", f"an instant after the order is received, {received}", text)
    return deadline


def _named(option: str, name: str, asked: Asked) -> str:
    network = asked.knowledge.network
    known = [*network.sites, *network.work_units()]
    if name not in known:
        hint = unknown_name(name, known, asked.hidden)
        raise _invalid(option, "the id of a site or work unit", name, hint)
    return name


def _pinned(
    text: str, operations: set[OperationId], asked: Asked
) -> tuple[OperationId, WorkUnitId]:
    operation, sign, unit = text.partition("=")
    units = asked.knowledge.network.work_units()
    if not sign:
        raise _invalid("--pin", "OPERATION=WORK-UNIT", text)
    if operation not in operations:
        hint = did_you_mean(operation, operations)
        raise _invalid("--pin", "an operation of the product", operation, hint)
    if unit not in units:
        hint = unknown_name(unit, units, asked.hidden)
        raise _invalid("--pin", "the id of a work unit", unit, hint)
    return OperationId(operation), WorkUnitId(unit)


def _invalid(option: str, expected: str, found: str, hint: str = "") -> Invalid:
    return Invalid(Fault(source=option, path="", expected=expected, found=repr(found), hint=hint))
