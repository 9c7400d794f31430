"""Tells a story in the terminal while it happens: scene by scene, fact by fact, with reasons."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import assert_never

from rich.console import Console

from fabloop.app.account import (
    comparison_table,
    exclusion_table,
    genealogy_lines,
    labels_in,
    local_text,
    plan_row,
    plan_table,
    recall_text,
    refusal_texts,
    term_table,
    verified_text,
    zone_of,
)
from fabloop.app.chronicle import Outcome, recalls_of, summary_of
from fabloop.app.demo import Demo
from fabloop.app.disturbance_texts import disturbance_text
from fabloop.app.pictures.report import Table
from fabloop.app.safety_texts import guarded_text
from fabloop.app.sentences import sentence
from fabloop.app.snapshot import OrderState
from fabloop.app.upkeep import MaintenanceFact
from fabloop.base.instant import Instant, instant_of, span_text
from fabloop.base.quantity import quantity_text
from fabloop.cli.answers import ask, is_yes, plan_number
from fabloop.cli.grid import grid_of
from fabloop.cli.order_place import SAID
from fabloop.model.disturbance import Reported
from fabloop.model.facts import (
    AdaptationApproved,
    AdaptationDeclined,
    AdaptationImpossible,
    AdaptationProposed,
    AdaptationUndone,
    AdaptationWithheld,
    DisturbanceEnded,
    DisturbanceReported,
    Fact,
    GoalEndangered,
    GoalMet,
    GoalRestored,
    GoalViolated,
    IncidentRaised,
    JobBound,
    JobFailed,
    JobKeptWaiting,
    KpiChanged,
    LotMade,
    MaintenanceAdvised,
    MaintenanceDeclined,
    MaintenancePlanned,
    MaintenanceReported,
    OrderFinished,
    OrderReceived,
    OrderRefused,
    PermissiveChanged,
    PlanAccepted,
    PlanEndangered,
    PlanRestored,
    PlanRevalidated,
    PlansFound,
    ProcessMigrated,
    ProcessReleased,
    ReleaseRefused,
    RiskForeseen,
    RungTried,
    TestMeasured,
    UndoRefused,
    WorkUnitBroke,
    WorkUnitRepaired,
)
from fabloop.model.maintenance import MaintenanceProposed
from fabloop.model.plan import Plan
from fabloop.model.product import NotConfigurable
from fabloop.plan.configure import configure
from fabloop.trace.genealogy import finished_products, tree_of

EXCLUSIONS_SHOWN = 6


class Narrator:
    """Writes to the terminal (standard error where standard output carries JSON), and asks there.

    Without a terminal nobody can be asked: every question is answered with yes, and said so.
    """

    def __init__(self, *, to_stderr: bool, asks: bool) -> None:
        self._console = Console(stderr=to_stderr, highlight=False, soft_wrap=True)
        self._asks = asks
        self._demo: Demo | None = None
        self._scene = ""

    # -- opening and closing ----------------------------------------------------------------------

    def opens(self, demo: Demo, folder: Path, *, kept: Path | None) -> None:
        """Tell what is known before anything happens, or where a resumed story stands."""
        self._demo = demo
        if kept is not None:
            self._say(f"Data in {folder}; after a crash go on with: fabloop demo --resume {folder}")
        if demo.house.history:
            self._say(f"Resumed at {self._clock(demo.house.snapshot.now)}: nothing is done twice.")
            return
        knowledge = demo.scenario.knowledge
        units = knowledge.network.work_units()
        self._scene_is("1 Knowledge, read from documents")
        self._say(
            f"{len(knowledge.vocabulary.skills)} skills, "
            f"{len(knowledge.equipment_types)} equipment types, "
            f"{len(knowledge.network.sites)} sites "
            f"({', '.join(site.label for site in knowledge.network.sites.values())}) with "
            f"{len(units)} work units, {len(knowledge.network.lanes)} shipping lanes."
        )
        self._say(guarded_text(knowledge.safety))
        self._scene_is("2 Configure and order")
        self._configuration(demo)

    def follows(self, demo: Demo) -> None:
        """Tell what happens from now on in a story that is not played."""
        self._demo = demo

    def shows(
        self, demo: Demo, reported: Iterable[Reported], proposals: Iterable[AdaptationProposed]
    ) -> None:
        """Tell what was reported and is not over, what is advised and what is proposed."""
        self._demo = demo
        for stop in demo.house.snapshot.upkeep.waiting():
            self._bad(sentence(stop.because, demo.house.snapshot.now, self._labels()))
        for each in reported:
            self._bad(disturbance_text(each, self._zone(), self._labels()))
        for proposal in proposals:
            for reason in proposal.reasons:
                self._bad(sentence(reason, demo.house.snapshot.now, self._labels()))
            self._tell_change(proposal, demo.house.snapshot.now)

    def _configuration(self, demo: Demo) -> None:
        family = demo.scenario.knowledge.families[demo.scenario.order.product]
        for feature in family.features:
            self._say(f"  {feature.label}: {' | '.join(feature.options)}")
        for rule in family.rules:
            if rule.kind == "excludes":
                tried = dict([rule.when, rule.other])
                answer = configure(family, tried)
                if isinstance(answer, NotConfigurable):
                    shown = ", ".join(f"{name}={option}" for name, option in tried.items())
                    reasons = "; ".join(each.reason for each in answer.conflicts)
                    self._say(f"  Not to be had: {shown} ({reasons})")
        if isinstance(demo.order, NotConfigurable):
            for conflict in demo.order.conflicts:
                allowed = f" Allowed: {', '.join(conflict.allowed)}." if conflict.allowed else ""
                reason = conflict.reason.rstrip(".")
                self._bad(f"{conflict.feature}={conflict.option}: {reason}.{allowed}")
            return
        product = demo.order.product
        chosen = ", ".join(f"{name}={option}" for name, option in product.choices.items())
        self._good(
            f"Chosen: {chosen}: {len(product.materials)} materials, "
            f"{len(product.operations)} operations."
        )

    def closes(
        self,
        demo: Demo,
        written: Sequence[tuple[Path, str]],
        wall_s: float,
        wired: Sequence[str] = (),
    ) -> None:
        """Tell how it ended, what is on the disk, and how long it took."""
        summary = summary_of(demo)
        if summary.outcome is Outcome.FINISHED:
            self._scene_is("8 Trace")
            records = demo.house.snapshot.records
            for product in finished_products(records):
                node = tree_of(records, product.lot)
                for text in genealogy_lines(node, demo.scenario.knowledge.network):
                    self._say(text)
            for answer in recalls_of(demo):
                self._say(recall_text(answer, self._labels()))
        self._scene_is("Summary")
        for name, plan in (("plan 1", summary.plan_1), ("plan 2", summary.plan_2)):
            if plan is not None:
                self._say(
                    f"  {name}: {', '.join(plan.sites)}, {plan.shipments} shipments, "
                    f"{span_text(plan.makespan_ns)}"
                )
        self._say(f"  outcome: {summary.outcome}, {summary.operations_done} operations done")
        if summary.finished_at:
            zone = self._zone()
            ended = local_text(instant_of(summary.finished_at), zone)
            due = local_text(instant_of(summary.due_at), zone) if summary.due_at else "–"
            self._say(f"  finished {ended}, due {due}")
        for each in wired:
            self._say(f"  {each}")
        for path, caption in written:
            self._say(f"  {path}: {caption}")
        self._say(f"  took {wall_s:.1f} s")

    @contextmanager
    def busy(self, what: str) -> Iterator[None]:
        """Show on a terminal that something is being done; elsewhere say nothing."""
        if self._console.is_terminal:
            with self._console.status(what):
                yield
        else:
            yield

    # -- questions --------------------------------------------------------------------------------

    def choose(self, state: OrderState) -> Plan | None:
        """Let a person choose a plan."""
        assert state.offered is not None, "asked only about plans that were found"
        plans = state.offered.plans
        if not self._asks:
            self._say(f"Plan {plans[0].id} is taken (answered automatically).")
            return plans[0]
        question = f"Which plan? 1 to {len(plans)}, n for none [1] "
        number = ask(
            lambda: self._console.input(question, markup=False),
            lambda text: plan_number(text, len(plans)),
            self._bad,
            at_end=None,
        )
        return None if number is None else plans[number - 1]

    def approve(self, proposal: AdaptationProposed) -> bool:
        """Let a person approve a change."""
        if not self._asks:
            self._say("The change is approved (answered automatically).")
            return True
        question = f"Change to plan {proposal.plan.id}? [Y/n] "
        return ask(
            lambda: self._console.input(question, markup=False), is_yes, self._bad, at_end=False
        )

    def maintain(self, proposal: MaintenanceProposed) -> bool:
        """Let a person decide on a stop."""
        if not self._asks:
            self._say("The stop is planned (answered automatically).")
            return True
        return ask(
            lambda: self._console.input(
                f"Keep {proposal.work_unit} free then? [Y/n] ", markup=False
            ),
            is_yes,
            self._bad,
            at_end=False,
        )

    # -- facts ------------------------------------------------------------------------------------

    def told(self, at: Instant, facts: Sequence[Fact]) -> None:
        """Tell what has just become durable."""
        for fact in facts:
            self._tell(fact, at)

    def _tell(self, fact: Fact, at: Instant) -> None:
        match fact:
            case (
                OrderReceived() | PlansFound() | OrderRefused() | PlanAccepted() | PlanRevalidated()
            ):
                self._tell_planning(fact, at)
            case ProcessReleased() | ReleaseRefused():
                self._scene_is("4 Recipe and process")
                markings = fact.markings if isinstance(fact, ProcessReleased) else 0
                self._say(verified_text(fact.properties, markings))
            case JobBound() | JobKeptWaiting() | JobFailed() | LotMade() | IncidentRaised():
                self._tell_work(fact, at)
            case TestMeasured() | KpiChanged():
                self._tell_condition(fact, at)
            case OrderFinished(passed=False):
                self._bad(f"{self._clock(at)}  the product of order {fact.order} was rejected")
            case OrderFinished():
                self._good(f"{self._clock(at)}  order {fact.order} is finished")
            case (
                WorkUnitBroke()
                | WorkUnitRepaired()
                | DisturbanceReported()
                | DisturbanceEnded()
                | PermissiveChanged()
                | PlanRestored()
                | PlanEndangered()
            ):
                self._tell_danger(fact, at)
            case GoalEndangered() | GoalViolated():
                self._bad(f"{self._clock(at)}  {sentence(fact.because, at, self._labels())}")
            case GoalMet() | GoalRestored():
                self._good(f"{self._clock(at)}  {sentence(fact.because, at, self._labels())}")
            case (
                RiskForeseen()
                | MaintenanceAdvised()
                | MaintenancePlanned()
                | MaintenanceDeclined()
                | MaintenanceReported()
            ):
                self._tell_upkeep(fact, at)
            case _:
                self._tell_change(fact, at)

    def _tell_planning(
        self,
        fact: OrderReceived | PlansFound | OrderRefused | PlanAccepted | PlanRevalidated,
        at: Instant,
    ) -> None:
        match fact:
            case OrderReceived():
                self._say(f"{self._clock(at)}  order {fact.order.id} is received")
            case PlansFound():
                self._scene_is("3 Producibility, against live condition")
                self._table(plan_table(fact.answer.plans, self._labels()))
                self._table(exclusion_table(fact.answer, at, self._labels(), EXCLUSIONS_SHOWN))
            case OrderRefused():
                self._scene_is("3 Producibility, against live condition")
                for text in refusal_texts(fact, at, self._labels()):
                    self._bad(text)
            case PlanAccepted():
                self._good(f"{self._clock(at)}  plan accepted: {', '.join(plan_row(fact.plan))}")
            case PlanRevalidated():
                self._say(f"{self._clock(at)}  {SAID[fact.found.verdict]}")
                for each in (*fact.found.changes, *fact.found.reasons):
                    self._say(f"  {sentence(each, at, self._labels())}")

    def _tell_work(
        self,
        fact: JobBound | JobKeptWaiting | JobFailed | LotMade | IncidentRaised,
        at: Instant,
    ) -> None:
        match fact:
            case JobBound() if fact.main or fact.lane is not None:
                self._scene_is("5 Run")
                labels = self._labels()
                who = labels.get(fact.work_unit or "", str(fact.work_unit or fact.lane))
                person = f" with {labels[fact.person]}" if fact.person else ""
                self._say(f"{self._clock(at)}  {fact.step}: {fact.skill} on {who}{person}")
            case JobFailed():
                self._bad(f"{self._clock(at)}  job {fact.job} failed: {fact.reason}")
            case IncidentRaised():
                self._bad(f"{self._clock(at)}  incident at {fact.node}: {fact.message}")
            case LotMade():
                done = fact.record
                self._good(f"{self._clock(at)}  {done.operation} done: lot {done.lot}")
            case _:
                return

    def _tell_condition(self, fact: TestMeasured | KpiChanged, at: Instant) -> None:
        match fact:
            case TestMeasured(value=None):
                self._bad(f"{self._clock(at)}  test of {fact.work_unit} rejected: {fact.rejected}")
            case TestMeasured():
                self._scene_is("6 Sense")
                assert fact.value is not None, "the case without a value stands above"
                shown = quantity_text(fact.value.upper, fact.value.dimension)
                self._say(
                    f"{self._clock(at)}  daily test of {fact.work_unit}: {fact.value.kpi} {shown} "
                    "(upper 95 % bound)"
                )
            case KpiChanged() if fact.value.doubt:
                shown = quantity_text(fact.value.upper, fact.value.dimension)
                self._bad(f"until a test counts again its {fact.value.kpi} is up to {shown}")
            case KpiChanged():
                self._table(term_table(fact.value))

    def _tell_danger(
        self,
        fact: WorkUnitBroke
        | WorkUnitRepaired
        | DisturbanceReported
        | DisturbanceEnded
        | PermissiveChanged
        | PlanRestored
        | PlanEndangered,
        at: Instant,
    ) -> None:
        match fact:
            case WorkUnitBroke():
                self._bad(f"{self._clock(at)}  {fact.work_unit} is broken")
            case WorkUnitRepaired():
                self._good(f"{self._clock(at)}  {fact.work_unit} works again")
            case DisturbanceReported():
                said = disturbance_text(fact.disturbance, self._zone(), self._labels())
                self._bad(f"{self._clock(at)}  {said}")
            case DisturbanceEnded():
                said = disturbance_text(fact.disturbance, self._zone(), self._labels())
                self._good(f"{self._clock(at)}  over: {said}")
            case PermissiveChanged(reasons=()):
                who = self._labels().get(fact.work_unit, fact.work_unit)
                self._good(f"{self._clock(at)}  {who} may be commanded")
            case PermissiveChanged():
                for reason in fact.reasons:
                    self._bad(f"{self._clock(at)}  {sentence(reason, at, self._labels())}")
            case PlanRestored():
                self._good(f"{self._clock(at)}  plan {fact.plan} holds again")
            case PlanEndangered():
                self._scene_is("7 Adapt")
                for reason in fact.reasons:
                    self._bad(f"{self._clock(at)}  {sentence(reason, at, self._labels())}")
            case _:
                assert_never(fact)

    def _tell_upkeep(self, fact: MaintenanceFact, at: Instant) -> None:
        match fact:
            case RiskForeseen():
                self._scene_is("6 Sense")
                self._say(f"{self._clock(at)}  {sentence(fact.because, at, self._labels())}")
            case MaintenanceAdvised():
                self._bad(
                    f"{self._clock(at)}  {sentence(fact.proposal.because, at, self._labels())}"
                )
            case MaintenancePlanned():
                self._good(f"{self._clock(at)}  {fact.job}: planned as advised, by {fact.by}")
            case MaintenanceDeclined():
                self._say(f"{self._clock(at)}  {fact.job}: declined by {fact.by}")
            case MaintenanceReported():
                self._good(f"{self._clock(at)}  {fact.done.work_unit}: {fact.done.job} is done")
            case _:
                assert_never(fact)

    def _tell_change(self, fact: Fact, at: Instant) -> None:
        match fact:
            case RungTried():
                self._tell_rung(fact, at)
            case AdaptationProposed():
                self._table(comparison_table(fact.comparison, self._zone(), self._labels()))
                changes = fact.changes
                self._say(
                    f"Process: {len(changes.added)} elements added, "
                    f"{len(changes.removed)} removed, {len(changes.changed)} changed. "
                    f"{verified_text(fact.properties, fact.markings)}"
                )
            case AdaptationWithheld():
                self._bad(f"{self._clock(at)}  plan {fact.plan} is approved, but not applied:")
                for reason in fact.reasons:
                    self._bad(f"  {sentence(reason, at, self._labels())}")
            case UndoRefused():
                self._bad(f"{self._clock(at)}  plan {fact.plan} stays:")
                for reason in fact.reasons:
                    self._bad(f"  {sentence(reason, at, self._labels())}")
            case AdaptationUndone():
                self._table(comparison_table(fact.comparison, self._zone(), self._labels()))
                self._good(f"{self._clock(at)}  undone by {fact.by}: {fact.plan.id} is followed")
            case AdaptationImpossible():
                for text in refusal_texts(fact, at, self._labels()):
                    self._bad(text)
            case AdaptationApproved() | AdaptationDeclined():
                word = "approved" if isinstance(fact, AdaptationApproved) else "declined"
                self._say(f"{self._clock(at)}  plan {fact.plan} {word} by {fact.by}")
            case ProcessMigrated():
                self._good(
                    f"{self._clock(at)}  instance {fact.instance} goes on as version "
                    f"{fact.to_version}: {fact.tokens_before} tokens before, "
                    f"{fact.tokens_after} after"
                )
            case _:
                return

    def _tell_rung(self, fact: RungTried, at: Instant) -> None:
        """Tell what a rung does, or in one sentence why it does not; all of it is in the JSON."""
        said = [sentence(each, at, self._labels()) for each in fact.why]
        if fact.helps:
            bad = "; ".join(sentence(each, at, self._labels()) for each in fact.at_stake)
            why = f" ({fact.severity}, {bad})" if bad else ""
            self._say(f"{self._clock(at)}  {fact.rung}: {' '.join(said)}{why}")
        else:
            self._say(f"{self._clock(at)}  {fact.rung}: no. {said[0]}")

    # -- the page ---------------------------------------------------------------------------------

    def _zone(self) -> str:
        return zone_of(self._demo) if self._demo is not None else "UTC"

    def _labels(self) -> dict[str, str]:
        return labels_in(self._demo) if self._demo is not None else {}

    def _clock(self, at: Instant) -> str:
        return local_text(at, self._zone())[5:]

    def _scene_is(self, scene: str) -> None:
        if scene != self._scene:
            self._scene = scene
            self._console.print()
            self._console.rule(scene, align="left", style="bold")

    def _say(self, text: str) -> None:
        self._console.print(text, markup=False)

    def _good(self, text: str) -> None:
        self._console.print(text, style="green", markup=False)

    def _bad(self, text: str) -> None:
        self._console.print(text, style="red", markup=False)

    def _table(self, table: Table) -> None:
        self._console.print(grid_of(table))
