"""Filling targets: the mapping in force, drift, discovery, questions to persons, remembered."""

import threading
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Mapping as Read
from typing import Any

import msgspec

from fabloop.adapters.dataspace import Found, NothingAt, Over, Sources
from fabloop.base.codec import from_msgpack, to_msgpack
from fabloop.base.errors import Conflict, Fault, Invalid, NotFound
from fabloop.base.instant import MINUTE, Instant
from fabloop.base.journal import Journal, Row
from fabloop.base.names import did_you_mean
from fabloop.dataspace.anchors import Wish
from fabloop.dataspace.book import (
    Adopted,
    Asked,
    Book,
    Entry,
    Invalidated,
    Question,
    Told,
    Withdrawn,
    write,
)
from fabloop.dataspace.discover import discover
from fabloop.dataspace.drift import drift, footing_of, with_units_of
from fabloop.dataspace.finish import Filled, NothingFound, TooMuch, finish
from fabloop.dataspace.likeness import Judge
from fabloop.dataspace.mapping import (
    Certain,
    Discovery,
    Doubtful,
    Expression,
    Mapping,
    Pin,
    Proposal,
    Unmapped,
)
from fabloop.dataspace.notation import parse
from fabloop.dataspace.schema import Place, Scalar, Schema
from fabloop.dataspace.target import Target, names

STREAM = "data-space"
KIND = "mapping-book"
VERSION = 1
ROWS_MAX = 10_000
"""Rows of one answer, unless less is asked for."""
GIVEN_MAX = 1_000
"""Values of one given name."""

RECONSIDERED_NS = MINUTE
"""How often a mapping is looked at again that was found while a source did not answer."""

Values = Scalar | Sequence[Scalar]


class Ask(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A person has to choose first: the shortlist, with evidence.

    `reasons` tell why the mapping before holds no more, where there was one.
    """

    question: Question
    reasons: tuple[str, ...] = ()


class NoMapping(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """No source has what is wanted; `silent` sources might, but do not answer."""

    target: str
    missing: tuple[str, ...]
    near: tuple[str, ...]
    silent: dict[str, str] = {}


Outcome = Filled | NothingFound | TooMuch | Ask | NoMapping


class DataSpace:
    """Sources of data with a book of mappings; any thread may ask, one is served at a time."""

    def __init__(self, sources: Sources, journal: Journal, clock: Callable[[], Instant]) -> None:
        self._sources = sources
        self._journal = journal
        self._clock = clock
        self._lock = threading.RLock()
        self._looked_at: dict[str, Instant] = {}
        self._book = Book()
        for _, row in journal.read():
            if row.kind == KIND:
                entry: Entry = from_msgpack(row.body, Entry)  # type: ignore[arg-type]  # a union
                self._book = write(self._book, entry)

    @property
    def book(self) -> Book:
        """Mappings, open questions and answers as they are now."""
        return self._book

    def schema(self) -> Schema:
        """Return tables, columns and links of all sources as they are now."""
        with self._lock:
            return self._sources.schema()

    def take(self, source: str, rows: Sequence[dict[str, Any]]) -> None:
        """Hand rows to a stream, the newest last."""
        with self._lock:
            self._sources.take(source, rows)

    def discover(
        self, target: str, given: Read[str, Values] | None = None,
        wanted: Read[str, str] | None = None,
    ) -> Discovery:  # fmt: skip
        """Return how a target could be filled, without remembering anything."""
        with self._lock:
            parsed = parse(target)
            wish = _wish(parsed, _given(parsed, given or {}, is_whole=False), wanted or {})
            return self._discovered(wish, self._sources.schema())

    def fill(
        self,
        target: str,
        given: Read[str, Values] | None = None,
        *,
        wanted: Read[str, str] | None = None,
        limit: int = ROWS_MAX,
    ) -> Outcome:
        """Fill a target from the sources: rows, or why there are none.

        `wanted` are units by variable. The mapping in force is used while its sources are as they
        were; else one is discovered, and adopted where it is certain.

        Raises
        ------
        Invalid
            The target cannot be read, or a given value is missing.
        Unavailable
            A source of the mapping does not answer, or vanished in the middle.
        """
        with self._lock:
            parsed = parse(target)
            handed = _given(parsed, given or {}, is_whole=True)
            wish = _wish(parsed, handed, wanted or {})
            found = self._mapping(wish)
            if not isinstance(found, Mapping):
                return found
            return self._filled(parsed, found, handed, wish.wanted, limit)

    def answer(
        self,
        target: str,
        *,
        by: str,
        choose: int | None = None,
        pins: Sequence[Pin] = (),
        no_joins: Sequence[tuple[Place, Place]] = (),
    ) -> Mapping | None:
        """Remember what a person says to the open question of a target.

        `choose` is the number of a proposal, from 1; without one, none of them is right. `pins`
        and `no_joins` are what words mean, and what are no joins: with these, discovery goes on
        at the next `fill`.

        Raises
        ------
        NotFound
            No question is open for the target, or it has no such proposal.
        """
        with self._lock:
            text = parse(target).text
            question = self._book.questions.get(text)
            if question is None and choose is not None:
                near = did_you_mean(text, self._book.questions) if self._book.questions else ""
                hint = f"{near} A target that is filled and has no certain way opens one.".strip()
                raise NotFound(f"Expected an open question for '{text}', but found none. {hint}")
            if pins or no_joins:
                self._remember(Told(by=by, at=self._clock(), pins=tuple(pins),
                                    no_joins=tuple(no_joins)))  # fmt: skip
            if choose is None:
                if question is not None:
                    self._remember(Withdrawn(target=text, by=by, at=self._clock()))
                return None
            assert question is not None, "asked for above"
            if not 1 <= choose <= len(question.proposals):
                raise NotFound(
                    f"Expected a proposal from 1 to {len(question.proposals)}, but found {choose}."
                )
            return self._chosen(question, question.proposals[choose - 1], by)

    def refuse(self, target: str, *, by: str, why: str) -> Mapping:
        """Take a mapping in force back: it is discovered anew, and a person is asked.

        Raises
        ------
        Conflict
            No mapping of the target is in force.
        """
        with self._lock:
            text = parse(target).text
            mapping = self._book.valid(text)
            if mapping is None:
                raise Conflict(f"Expected a mapping in force for '{text}', but found none.")
            reason = f"{by} took it back: {why}"
            self._invalidate(mapping, (reason,), by=by)
            return msgspec.structs.replace(mapping, invalid=(reason,), refused_by=by)

    def close(self) -> None:
        """Close sources and book."""
        with self._lock:
            self._sources.close()
            self._journal.close()

    def _mapping(self, wish: Wish) -> Mapping | Ask | NoMapping:
        """Return the mapping in force, or a new one that is certain, or what stands against it."""
        text = wish.target.text
        mapping = self._book.valid(text)
        reasons: tuple[str, ...] = ()
        if mapping is not None:
            schema = self._glance(mapping.expression)
            reasons = drift(mapping, schema, self._sources.thesaurus)
            if not reasons and mapping.without and not mapping.by:
                mapping = self._reconsidered(wish, mapping)
            if not reasons:
                expression = with_units_of(mapping.expression, schema)
                return msgspec.structs.replace(mapping, expression=expression)
            self._invalidate(mapping, reasons)
        versions = self._book.mappings.get(text, ())
        by_person = bool(versions) and bool(versions[-1].by or versions[-1].refused_by)
        schema = self._sources.schema()
        discovery = self._discovered(wish, schema)
        match discovery:
            case Certain() if not by_person:
                return self._adopt(text, discovery.best, by="", without=schema.silent)
            case Certain():
                return self._ask(text, (discovery.best, *discovery.others), "replaced", reasons)
            case Doubtful():
                return self._ask(text, discovery.proposals, discovery.why, reasons)
            case Unmapped():
                return NoMapping(target=text, missing=discovery.missing, near=discovery.near,
                                 silent=schema.silent)  # fmt: skip

    def _reconsidered(self, wish: Wish, mapping: Mapping) -> Mapping:
        """Return the mapping to use, once sources may answer that did not when it was found."""
        text, now = wish.target.text, self._clock()
        if now < self._looked_at.get(text, mapping.at) + RECONSIDERED_NS:
            return mapping
        self._looked_at[text] = now
        schema = self._sources.schema()
        if set(mapping.without) <= set(schema.silent):
            return mapping
        found = self._discovered(wish, schema)
        if not isinstance(found, Certain):
            return mapping
        if found.best.expression != mapping.expression:
            names = ", ".join(sorted(set(mapping.without) - set(schema.silent)))
            self._invalidate(mapping, (f"Found a better one since {names} answers.",))
        return self._adopt(text, found.best, by="", without=schema.silent)

    def _discovered(self, wish: Wish, schema: Schema) -> Discovery:
        located = self._sources.locate(schema, wish.given)
        judge = Judge(self._sources.thesaurus, self._book.known_pins())
        wish = msgspec.structs.replace(wish, located=located)
        return discover(wish, schema, judge, self._book.no_joins)

    def _filled(
        self, target: Target, mapping: Mapping, given: Read[str, tuple[Scalar, ...]],
        wanted: Read[str, str], limit: int,
    ) -> Outcome:  # fmt: skip
        found = self._sources.run(mapping.expression, given, limit)
        text, version = target.text, mapping.version
        match found:
            case Found(rows=rows):
                return _whole(finish(target, mapping, rows, given, wanted))
            case NothingAt(at=at):
                handed = ", ".join(f"{name} = {_shown(values)}" for name, values in given.items())
                why = f"no row of '{at}' fits {handed or 'the target'}"
                return NothingFound(target=text, version=version, at=at, why=why)
            case Over():
                return TooMuch(target=text, version=version, limit=found.limit, what=found.what)

    def _glance(self, expression: Expression) -> Schema:
        return self._sources.glance(use.table for use in expression.uses)

    def _ask(
        self, text: str, proposals: tuple[Proposal, ...], why: str, reasons: tuple[str, ...]
    ) -> Ask:
        known = self._book.questions.get(text)
        if known is None or _expressions(known.proposals) != _expressions(proposals):
            known = Question(target=text, proposals=proposals, why=why, at=self._clock())
            self._remember(Asked(question=known))
        return Ask(question=known, reasons=reasons)

    def _chosen(self, question: Question, proposal: Proposal, by: str) -> Mapping:
        self._remember(Told(by=by, at=self._clock(), pins=proposal.pins))
        return self._adopt(question.target, proposal, by=by)

    def _adopt(
        self, text: str, proposal: Proposal, *, by: str, without: Iterable[str] = ()
    ) -> Mapping:
        seen = self._glance(proposal.expression)
        places = [
            Place(table=table, column=column)
            for table, columns in proposal.expression.columns().items()
            for column in columns
        ]
        gone = [each for each in places if seen.column(each) is None]
        if gone:
            raise Conflict(
                f"Expected '{gone[0]}' of the proposal, but it is gone since, or does not answer. "
                "Ask for the mapping anew."
            )
        mapping = Mapping(
            target=text,
            version=self._book.next_version(text),
            expression=proposal.expression,
            confidence=proposal.confidence,
            evidence=proposal.evidence,
            footing=footing_of(proposal.expression, seen),
            at=self._clock(),
            by=by,
            without=tuple(sorted(without)),
        )
        self._remember(Adopted(mapping=mapping))
        return mapping

    def _invalidate(self, mapping: Mapping, reasons: tuple[str, ...], by: str = "") -> None:
        self._remember(
            Invalidated(
                target=mapping.target,
                version=mapping.version,
                reasons=reasons,
                at=self._clock(),
                by=by,
            )
        )

    def _remember(self, entry: Entry) -> None:
        """Write an entry; it holds once it is on the disk."""
        row = Row(stream=STREAM, kind=KIND, body=to_msgpack(entry), version=VERSION,
                  at=self._clock(), actor=getattr(entry, "by", ""))  # fmt: skip
        self._journal.wait(self._journal.append([row]))
        self._book = write(self._book, entry)


def _expressions(proposals: Iterable[Proposal]) -> list[Expression]:
    return [each.expression for each in proposals]


def _whole(filled: Filled) -> Filled | NothingFound:
    """Return an answer; one of which no row can be used is none."""
    if filled.rows or not filled.faulty:
        return filled
    first = filled.faulty[0]
    what = f"{first.column} was {first.found}, {first.why}"
    why = f"none of {filled.faulty_count} rows can be used: {what}"
    return NothingFound(target=filled.target, version=filled.version, at="", why=why)


def _wish(target: Target, given: Read[str, tuple[Scalar, ...]], wanted: Read[str, str]) -> Wish:
    """Return what is looked for; a unit of what is calculated is that of its variable."""
    units: dict[str, str] = {}
    calculated = target.calculated()
    plain = target.variables()
    for name, unit in wanted.items():
        key = name.removeprefix("?")
        if key in plain:
            units[key] = unit
        elif name in calculated:
            units |= {each: unit for each in names(calculated[name]) if each not in units}
        else:
            raise Invalid(
                Fault(
                    source="unit",
                    path=name,
                    expected="a variable of the target",
                    found=repr(name),
                    hint=did_you_mean(key, [*plain, *calculated]),
                )
            )
    return Wish(target=target, given=given, wanted=units)


def _given(
    target: Target, given: Read[str, Values], *, is_whole: bool
) -> dict[str, tuple[Scalar, ...]]:
    """Return what is handed in, each name with its values."""
    wanted = target.givens()
    faults = [
        _fault(name, f"a value for '{name}'", "nothing", f"It names: {', '.join(wanted)}.")
        for name in wanted
        if is_whole and name not in given
    ]
    found: dict[str, tuple[Scalar, ...]] = {}
    for name, values in given.items():
        several = (values,) if isinstance(values, str | int | float) or values is None else values
        if name not in wanted:
            hint = did_you_mean(name, wanted)
            faults.append(_fault(name, "a name that stands in the target", repr(name), hint))
        elif len(several) > GIVEN_MAX:
            found_text = str(len(several))
            faults.append(_fault(name, f"at most {GIVEN_MAX} values", found_text, "Ask in parts."))
        found[name] = tuple(several)
    if faults:
        raise Invalid(faults)
    return found


def _fault(path: str, expected: str, found: str, hint: str) -> Fault:
    return Fault(source="given", path=path, expected=expected, found=found, hint=hint)


def _shown(values: Sequence[Scalar]) -> str:
    text = ", ".join(repr(each) for each in values[:3])
    return f"{text} ..." if len(values) > 3 else text
