"""Pictures and documents of the bakery's week, and one page that tells all of it."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from fabloop.app.muffin.bindings import bindings_section
from fabloop.app.muffin.kpis import SHARE_MIN, WeekFigures, courses_of, figures_of
from fabloop.app.muffin.pictures import orders_picture, repair_picture, week_picture
from fabloop.app.muffin.play import Week
from fabloop.app.muffin.story import BATCH, ORDER
from fabloop.app.muffin.telling import bad_text, told_in
from fabloop.app.pictures.process import process_picture
from fabloop.app.pictures.report import Figure, Note, Section, Table, report
from fabloop.app.processes.questions import AskDefinitions
from fabloop.app.sentences import sentence
from fabloop.app.service_runtime.facts import (
    AlternativeTold,
    ChainComposed,
    Deviated,
    GoalMoved,
    LookedUp,
    MachinesSlowed,
    OvenScheduled,
    RepairEnacted,
    RepairProposed,
    RungTried,
    RuntimeFact,
    ServicesDiscovered,
)
from fabloop.app.value_texts import in_zone, short_text
from fabloop.base.instant import Instant, span_text
from fabloop.process.bpmn.model import BpmnProcess
from fabloop.process.bpmn.write import write

Exhibit = tuple[str, str, bytes]
"""File name, what it shows, content."""

_Named = Callable[[str], tuple[Figure, ...]]
"""Returns the pictures whose file name begins with a text."""

REPAIRS_SHOWN = 20
LADDERS_SHOWN = 100


def write_exhibits(week: Week, folder: Path) -> tuple[tuple[Path, str], ...]:
    """Write every picture and document of the week so far; return the files and their captions."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, caption, content in exhibits(week):
        path = folder / name
        path.write_bytes(content)
        written.append((path, caption))
    return tuple(written)


def exhibits(week: Week) -> Iterator[Exhibit]:
    """Yield every picture and document of the week, the report last."""
    pictures: list[tuple[str, str, str]] = []
    for name, caption, content in (*_of_processes(week), *_of_repairs(week), *_of_week(week)):
        if name.endswith(".svg"):
            pictures.append((name, caption, content.decode()))
        yield name, caption, content
    figures = figures_of(week.log.history, week.bakery)
    text = report(
        "The bakery's week",
        _sections(week, figures, pictures),
        subtitle=f"Story '{week.settings.story}', {week.settings.scenario}, "
        f"seed {week.settings.seed}. All times are those of {week.bakery.zone}.",
    )
    yield "report.html", "the whole week as one page that needs no network", text.encode()


def _process(week: Week, name: str) -> BpmnProcess:
    return week.host.ask(lambda engine: engine.deployment(name).process)


def _of_processes(week: Week) -> Iterator[Exhibit]:
    for name, words in ((ORDER, "an order"), (BATCH, "a batch")):
        process = _process(week, name)
        shown = process_picture(process, title=f"Process of {words}")
        yield f"{name}.svg", f"the process of {words}", shown.encode()


def _of_repairs(week: Week) -> Iterator[Exhibit]:
    """Yield each changed process beside the one that the instance had followed before."""
    known = {each.id for each in week.host.query(AskDefinitions())}
    enacted = [f for _, f in week.log.history if isinstance(f, RepairEnacted)]
    for fact in enacted[:REPAIRS_SHOWN]:
        former = fact.process.rpartition(f".{fact.repair}")[0]
        before = _process(week, former if former in known else BATCH)
        after = _process(week, fact.process)
        title = f"{fact.about} repaired by {fact.repair}"
        drawn = repair_picture(before, after, title)
        yield f"repair-{fact.repair}.svg", f"{title}: before and after", drawn.encode()
        yield f"repair-{fact.repair}.bpmn", f"{title}: the process as BPMN 2.0", write(after)


def _of_week(week: Week) -> Iterator[Exhibit]:
    history, zone = week.log.history, week.bakery.zone
    shown = week_picture(history, zone)
    yield "week.svg", "who did what when, with deviations and repairs", shown.encode()
    courses = courses_of(history, week.bakery)
    drawn = orders_picture(courses, zone)
    yield "orders.svg", "every order from receipt to delivery", drawn.encode()


# -- the page -------------------------------------------------------------------------------------


def _sections(
    week: Week, figures: WeekFigures, pictures: Sequence[tuple[str, str, str]]
) -> list[Section]:
    history, zone = week.log.history, week.bakery.zone

    def figures_named(prefix: str) -> tuple[Figure, ...]:
        return tuple(
            Figure(svg=svg, caption=caption[0].upper() + caption[1:] + ".")
            for name, caption, svg in pictures
            if name.startswith(prefix)
        )

    return [
        Section(
            title="The week in figures",
            notes=(week_note(figures),),
            tables=(figures_table(figures),),
            pictures=figures_named("orders"),
        ),
        Section(
            title="What happened",
            tables=(_happened(history, zone),),
            pictures=figures_named("week"),
        ),
        Section(title="The ladder", tables=tuple(_ladders(history, zone))),
        bindings_section(history, zone),
        *_chain_sections(history, zone),
        *_repair_sections(history, zone, figures_named),
        Section(title="The processes", pictures=figures_named("muffin-")),
    ]


def _ladders(history: Sequence[tuple[Instant, RuntimeFact]], zone: str) -> Iterator[Table]:
    """Yield for each deviation the rungs that were tried: what came of each, and why."""
    climbs: dict[str, list[tuple[Instant, RungTried]]] = {}
    for at, fact in history:
        if isinstance(fact, RungTried):
            climbs.setdefault(fact.repair, []).append((at, fact))
    for rungs in list(climbs.values())[:LADDERS_SHOWN]:
        began, first = rungs[0]
        rows = tuple(
            (
                fact.rung,
                "taken" if fact.helps else "no way out",
                in_zone(fact.why, zone),
                str(fact.attempts),
                span_text(fact.budget_ns) if fact.budget_ns else "–",
            )
            for _, fact in rungs
        )
        heads = ("Rung", "What came of it", "Why", "Tries", "Budget")
        bad = f": {in_zone(bad_text(first), zone)}" if first.severity else ""
        caption = f"{first.about}, {short_text(began, zone)}{bad}"
        yield Table(caption=caption, heads=heads, rows=rows, numeric=(3,))


def _chain_sections(history: Sequence[tuple[Instant, RuntimeFact]], zone: str) -> Iterator[Section]:
    """Yield what the composed chains that repairs draw on consist of, and why."""
    chains = [(at, e) for at, e in history if isinstance(e, ChainComposed) and e.links]
    if chains:
        tables = tuple(_chain(at, fact, zone) for at, fact in chains[:LADDERS_SHOWN])
        yield Section(title="Composed chains", tables=tables)


def _chain(at: Instant, fact: ChainComposed, zone: str) -> Table:
    rows = tuple(
        (
            link.step,
            "; ".join(f"{name}: {source}" for name, source in link.inputs.items()),
            str(len(link.calls) or "made"),
            " ".join(sentence(each, at) for each in link.because),
        )
        for link in fact.links
    )
    ended = f" Stopped: {fact.stopped}" if fact.stopped else ""
    caption = f"{fact.about}, {short_text(at, zone)}: to {fact.goal}, for {fact.lot}.{ended}"
    heads = ("Service", "Its inputs", "Calls", "Why it is in the chain")
    return Table(caption=caption, heads=heads, rows=rows, numeric=(2,))


def _repair_sections(
    history: Sequence[tuple[Instant, RuntimeFact]],
    zone: str,
    figures_named: Callable[[str], tuple[Figure, ...]],
) -> Iterator[Section]:
    """Yield a section for each repair: why, what was proposed at which price, before and after."""
    for at, fact in history:
        if not isinstance(fact, RepairProposed):
            continue
        ways = (fact.chosen, *fact.others)
        properties = ", ".join(f"{name}: {value}" for name, value in fact.properties.items())
        yield Section(
            title=f"{fact.about}, {short_text(at, zone)}",
            paragraphs=(
                *(in_zone(sentence(each, at), zone) for each in fact.reasons),
                f"Verified in {fact.markings} markings: {properties}.",
            ),
            tables=(_ways(ways),),
            pictures=figures_named(f"repair-{fact.repair}"),
        )


def _ways(ways: Sequence[AlternativeTold]) -> Table:
    rows = tuple(
        (
            each.where,
            "; ".join(each.steps),
            f"{each.cost_minor / 100:.2f} {each.currency}",
            span_text(each.delay_ns),
            "no" if each.late else "yes",
            "learnt" if each.pattern else "planned",
        )
        for each in ways
    )
    heads = ("Where", "Steps", "Cost", "Later by", "Goals kept", "From")
    return Table(caption="Ways out", heads=heads, rows=rows, numeric=(2, 3))


def figures_table(figures: WeekFigures) -> Table:
    """Return the KPIs of a week as a table."""
    f = figures
    rows = (
        ("Orders", f"{f.orders}, {f.delivered} delivered, {f.refused} refused"),
        ("Muffins", f"{f.pieces} in {f.batches} batches, {f.burnt_pieces} burnt"),
        ("G1 fulfilled within 36 h", percent(f.g1)),
        ("G2 delivered within 72 h", percent(f.g2)),
        ("G1.1 not overcooked", percent(f.g1_1)),
        ("Pick-up to delivery below 24 h", percent(f.carried)),
        (f"At least {percent(SHARE_MIN)} of the orders", _KEPT[f.kept]),
        ("Adaptations", f"{f.adaptations}"),
        ("Calls", f"{f.calls}, {f.troubles} with trouble"),
        ("Services restarted", f"{f.restarts}"),
        ("Cost", f"{f.cost_minor / 100:.2f} EUR"),
    )
    return Table(caption="KPIs of the week", heads=("KPI", "Value"), rows=rows)


def week_note(figures: WeekFigures) -> Note:
    """Return how the week's goals were met, by the shares and by what was wanted."""
    if figures.kept is None:
        return Note(kind="attention", text="No order has come, so nothing is known of the goals.")
    text = (
        f"{percent(figures.g1)} of the orders were fulfilled and {percent(figures.g2)} delivered "
        f"in time; at least {percent(SHARE_MIN)} of both are wanted."
    )
    return Note(kind="good" if figures.kept else "bad", text=text)


_KEPT = {True: "kept", False: "missed", None: "–"}


def percent(share: float | None) -> str:
    """Return a share for people."""
    return "–" if share is None else f"{share:.1%}".replace("%", " %")


_HAPPENED = (
    Deviated
    | ServicesDiscovered
    | ChainComposed
    | LookedUp
    | OvenScheduled
    | RepairEnacted
    | MachinesSlowed
    | GoalMoved
)


def _happened(history: Sequence[tuple[Instant, RuntimeFact]], zone: str) -> Table:
    """Return what happened, each once: what was looked up for several orders reads the same."""
    rows = dict.fromkeys(
        (short_text(at, zone), words)
        for at, fact in history
        if isinstance(fact, _HAPPENED) and (words := told_in(fact, zone))
    )
    return Table(caption="Deviations and what was done", heads=("When", "What"), rows=tuple(rows))
