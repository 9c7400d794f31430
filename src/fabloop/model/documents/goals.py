"""Goal documents to goals: phrases are read, names looked up, parts put in their place."""

from collections.abc import Callable, Mapping

import msgspec

from fabloop.base.quantity import Dimension, quantity_of
from fabloop.model.documents.collect import Sheet, unique
from fabloop.model.documents.goal_phrases import feel, happens_of, limited_of, statement_of
from fabloop.model.documents.goal_structs import (
    EventEntry,
    GoalEntry,
    GoalsDocument,
    KpiGoalEntry,
    SubjectEntry,
)
from fabloop.model.documents.sites import note_time_zone
from fabloop.model.goal import (
    BUSINESS_KEY,
    INSTANCE,
    AtMost,
    By,
    Count,
    EventDefinition,
    Goal,
    GoalSet,
    HoldsAt,
    Kpi,
    MeanTime,
    NotBefore,
    Parts,
    Precedes,
    Share,
    Source,
    Statement,
    Subject,
    Within,
)
from fabloop.model.ids import GoalId

INSTANCE_OF = "instance of "
ALWAYS_KNOWN = {
    "received": Source.START,
    "started": Source.START,
    "done": Source.COMPLETION,
    "completed": Source.COMPLETION,
    "cancelled": Source.CANCELLATION,
}
"""Events that every subject has without being told: of the process instance that is its own."""

Place = Callable[[str, int], Sheet]
"""Gives where an entry stands: the list (``goals``) and its number in it."""


def goals_of(document: GoalsDocument, sheet: Sheet, place: Place | None = None) -> GoalSet:
    """Return what a document says; faults are noted on the sheet, and the result is then unfit."""
    return _Reader(document, sheet, place or sheet.at).read()


class _Reader:
    def __init__(self, document: GoalsDocument, sheet: Sheet, place: Place) -> None:
        self.document = document
        self.sheet = sheet
        self.place = place
        self.subjects: dict[str, Subject] = {}
        self.events: dict[str, EventDefinition] = {}

    def read(self) -> GoalSet:
        document = self.document
        note_time_zone(document.time_zone, self.sheet.at("time_zone"))
        self._note_twice()
        for number, subject in enumerate(document.subjects):
            self._subject(subject, self.place("subjects", number))
        for number, subject in enumerate(document.subjects):
            self._note_within(subject, self.place("subjects", number))
        for number, event in enumerate(document.events):
            self._event(event, self.place("events", number))
        goals = {
            GoalId(each.id): self._goal(each, self.place("goals", number))
            for number, each in enumerate(document.goals)
        }
        kpis: dict[GoalId, Kpi] = {}
        for number, entry in enumerate(document.kpis):
            kpi = self._kpi(entry, goals, self.place("kpis", number))
            if kpi is not None:
                kpis[kpi.id] = kpi
        self._note_parts(goals)
        return GoalSet(
            id=document.id,
            version=document.version,
            time_zone=document.time_zone,
            subjects=self.subjects,
            events=self.events,
            goals=goals,
            kpis=kpis,
        )

    def _note_twice(self) -> None:
        document, place = self.document, self.place
        subjects = enumerate(document.subjects)
        unique(((place("subjects", n), it.name) for n, it in subjects), "subject")
        events = enumerate(document.events)
        unique(((place("events", n), f"{it.name}({it.subject})") for n, it in events), "event")
        ids = [(place("goals", n), it.id) for n, it in enumerate(document.goals)]
        ids += [(place("kpis", n), it.id) for n, it in enumerate(document.kpis)]
        unique(ids, "goal")

    # -- subjects and events ------------------------------------------------------------------

    def _subject(self, entry: SubjectEntry, sheet: Sheet) -> None:
        key = " ".join(entry.key.split())
        if key not in (BUSINESS_KEY, INSTANCE):
            feel(key, sheet)
        self.subjects[entry.name] = Subject(
            name=entry.name, key=key, process=entry.process, within=entry.within or ""
        )

    def _note_within(self, entry: SubjectEntry, sheet: Sheet) -> None:
        if not entry.within:
            return
        self._known_subject(entry.within, sheet)
        seen, name = {entry.name}, entry.within
        while name and name in self.subjects:
            if name in seen:
                sheet.fault("subjects that are not within themselves", repr(entry.name))
                return
            seen.add(name)
            name = self.subjects[name].within

    def _known_subject(self, name: str, sheet: Sheet) -> str:
        """Return a subject's name; a plural is that of the singular, an instance is known."""
        if name.startswith(INSTANCE_OF):
            process = name.removeprefix(INSTANCE_OF).strip().strip('"')
            name = f"{INSTANCE_OF}{process}"
            own = Subject(name=name, key=INSTANCE, process=process)
            self.subjects.setdefault(name, own)
        if name not in self.subjects and name.removesuffix("s") in self.subjects:
            name = name.removesuffix("s")
        if name in ("order", "orders") and name not in self.subjects:
            name = "order"
            self.subjects[name] = Subject(name=name)
        sheet.known(name, self.subjects, "a subject of the document")
        return name

    def _event(self, entry: EventEntry, sheet: Sheet) -> None:
        happens = happens_of(entry.happens, sheet)
        if entry.when:
            feel(entry.when, sheet)
        subject = self._known_subject(entry.subject, sheet)
        name = f"{entry.name}({subject})"
        self.events[name] = EventDefinition(
            name=entry.name,
            subject=subject,
            source=happens.source,
            node=happens.node,
            process=happens.process,
            when=entry.when.strip(),
        )

    def _known_event(self, written: str, subject: str, sheet: Sheet) -> str:
        """Return an event as `GoalSet.events` has it; `subject` is meant where none is written."""
        word, _, rest = written.partition("(")
        name = f"{word}({self._known_subject(rest.rstrip(')'), sheet) if rest else subject})"
        if name in self.events:
            return name
        own = name[len(word) + 1 : -1]
        if word in ALWAYS_KNOWN and own in self.subjects:
            process = self.subjects[own].process
            source = ALWAYS_KNOWN[word]
            self.events[name] = EventDefinition(
                name=word, subject=own, source=source, process=process
            )
            return name
        known = dict.fromkeys((*self.events, *(f"{it}({own})" for it in ALWAYS_KNOWN)))
        sheet.known(name, known, "an event of the document")
        return name

    # -- goals and KPIs -----------------------------------------------------------------------

    def _goal(self, entry: GoalEntry, sheet: Sheet) -> Goal:
        statement = statement_of(entry.statement, sheet)
        subject = self._goal_subject(entry, statement, sheet)
        if entry.part_of and entry.needed_for:
            sheet.fault("either 'part_of' or 'needed_for'", "both", "'needed_for' says it all.")
        above = entry.needed_for or entry.part_of
        return Goal(
            id=GoalId(entry.id),
            title=entry.title or "",
            subject=subject,
            statement=self._with_events(statement, subject, sheet),
            part_of=GoalId(above) if above else None,
            needed=bool(entry.needed_for),
            warn_at=_risk(entry.warn_at, sheet),
            written=" ".join(entry.statement.split()),
        )

    def _goal_subject(self, entry: GoalEntry, statement: Statement, sheet: Sheet) -> str:
        if entry.each:
            return self._known_subject(" ".join(entry.each.split()), sheet)
        for written in _events_in(statement):
            _, _, rest = written.partition("(")
            if rest:
                return self._known_subject(rest.rstrip(")"), sheet)
        declared = [each.name for each in self.document.subjects]
        if len(declared) == 1:
            return declared[0]
        sheet.fault("a subject: 'for each SUBJECT'", "none", "Say for what the goal is to hold.")
        return ""

    def _with_events(self, statement: Statement, subject: str, sheet: Sheet) -> Statement:
        if subject not in self.subjects:
            return statement
        known = [self._known_event(each, subject, sheet) for each in _events_in(statement)]
        for each in known:
            if each in self.events and self.events[each].subject != subject:
                sheet.fault(
                    f"events of {subject!r}",
                    repr(each),
                    "Declare the event for the goal's subject too.",
                )
        return _replaced(statement, known)

    def _kpi(self, entry: KpiGoalEntry, goals: Mapping[GoalId, Goal], sheet: Sheet) -> Kpi | None:
        found = limited_of(entry.measure, sheet)
        if found is None:
            return None
        measure, subject = found.measure, ""
        match measure:
            case Share():
                subject = self._known_subject(found.plural, sheet)
                if sheet.known(measure.goal, goals, "a goal of the document"):
                    own = goals[measure.goal].subject
                    if own != subject:
                        sheet.fault(f"a goal for each {subject}", f"one for each {own}")
            case Count():
                measure = Count(event=self._measured(measure.event, sheet))
                subject = measure.event.partition("(")[2].rstrip(")")
            case MeanTime():
                measure = MeanTime(
                    after=self._measured(measure.after, sheet),
                    what=self._measured(measure.what, sheet),
                )
                subject = measure.what.partition("(")[2].rstrip(")")
                if self._subject_of(measure.after) != subject:
                    sheet.fault("two events of one subject", "events of two")
        return Kpi(
            id=GoalId(entry.id),
            title=entry.title or "",
            subject=subject,
            measure=measure,
            relation=found.relation,
            limit=found.limit,
            over=found.over,
            written=" ".join(entry.measure.split()),
        )

    def _subject_of(self, event: str) -> str:
        return event.partition("(")[2].rstrip(")")

    def _measured(self, written: str, sheet: Sheet) -> str:
        """Return the event of a measure; its subject must be told unless there is one only."""
        if "(" in written:
            return self._known_event(written, "", sheet)
        owners = [each.subject for each in self.events.values() if each.name == written]
        own = owners[0] if len(set(owners)) == 1 else next(iter(self.subjects), "")
        return self._known_event(written, own, sheet)

    def _note_count(self, goal: Goal, goals: Mapping[GoalId, Goal], sheet: Sheet) -> None:
        parts = [each.id for each in goals.values() if each.part_of == goal.id]
        least = goal.statement.least or 1 if isinstance(goal.statement, Parts) else 0
        if len(parts) < least:
            sheet.fault(
                f"at least {least} goals that are part of {goal.id!r}",
                f"{len(parts)}",
                f"Say 'part of {goal.id}' of the goals that serve it.",
            )

    def _note_parts(self, goals: Mapping[GoalId, Goal]) -> None:
        for number, entry in enumerate(self.document.goals):
            goal, sheet = goals[GoalId(entry.id)], self.place("goals", number)
            self._note_count(goal, goals, sheet)
            above = goal.part_of
            if above is None:
                continue
            if not sheet.known(above, goals, "a goal of the document"):
                continue
            if not self._serves(goal.subject, goals[above].subject):
                sheet.fault(
                    f"a goal for each {goals[above].subject}, or for what is within it",
                    f"one for each {goal.subject}",
                    f"Say within what {goal.subject!r} is: 'subject {goal.subject} within "
                    f"{goals[above].subject}'.",
                )
            seen: set[GoalId] = {goal.id}
            while above is not None and above in goals:
                if above in seen:
                    sheet.fault("goals that are no part of themselves", repr(goal.id))
                    break
                seen.add(above)
                above = goals[above].part_of

    def _serves(self, subject: str, above: str) -> bool:
        seen: set[str] = set()
        while subject and subject not in seen:
            if subject == above:
                return True
            seen.add(subject)
            subject = self.subjects[subject].within if subject in self.subjects else ""
        return False


def _events_in(statement: Statement) -> tuple[str, ...]:
    match statement:
        case Within() | NotBefore():
            return (statement.what, statement.after)
        case Precedes():
            return (statement.what, statement.before)
        case By() | AtMost() | HoldsAt():
            return (statement.what,)
        case _:
            return ()


def _replaced(statement: Statement, events: list[str]) -> Statement:
    match statement:
        case Within() | NotBefore():
            return msgspec.structs.replace(statement, what=events[0], after=events[1])
        case Precedes():
            return msgspec.structs.replace(statement, what=events[0], before=events[1])
        case By() | AtMost() | HoldsAt():
            return msgspec.structs.replace(statement, what=events[0])
        case _:
            return statement


def _risk(text: str, sheet: Sheet) -> float:
    try:
        value = quantity_of(text, Dimension.RATIO)
    except ValueError as error:
        sheet.fault(f"a risk ({error})", repr(text))
        return 0.5
    if not 0 < value < 1:
        sheet.fault("a risk above 0 % and below 100 %", repr(text))
        return 0.5
    return value
