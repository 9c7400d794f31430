"""How well a column fits a word of a target: its name, values, kind and unit."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from fabloop.dataspace.links import short_name
from fabloop.dataspace.mapping import Evidence, Ground, Pin
from fabloop.dataspace.profile import text_of_value
from fabloop.dataspace.schema import Column, ColumnKind, Place, Scalar, Table
from fabloop.dataspace.shred import VALUE
from fabloop.dataspace.target import number_of
from fabloop.dataspace.thesaurus import GENERIC
from fabloop.dataspace.units import dimension_of_unit, unit_in_name
from fabloop.dataspace.words import Thesaurus, telling_words, words_of

NO_NUMBER = 0.2
"""What is left of a likeness where one has to calculate with texts."""
OTHER_DIMENSION = 0.15
NO_UNIT = 0.9
VALUE_FOUND = 0.55
"""How much a given value that stands in a column says, whatever the column is called."""
KEY_FOUND = 0.8
"""The same where the column is a key with a name that says nothing, such as ``id``."""
VALUE_NOT_FOUND = 0.45
"""What is left where all values of a column are known and the given one is not among them."""
_ADDRESS_WORDS = {"url", "uri", "call", "endpoint", "link", "website", "service", "web"}


class Likeness(msgspec.Struct, frozen=True, kw_only=True):
    """How well something fits, and what speaks for it."""

    score: float
    evidence: tuple[Evidence, ...] = ()


class Judge:
    """Weighs columns against words, with what persons said about them."""

    def __init__(self, thesaurus: Thesaurus, pins: Iterable[Pin] = ()) -> None:
        self.thesaurus = thesaurus
        self._pins = {(" ".join(words_of(p.phrase)), p.place): p.is_right for p in pins}

    def said(self, phrase: str, place: Place) -> bool | None:
        """Return what a person said about a word and a column; None for nothing."""
        return self._pins.get((" ".join(words_of(phrase)), place))

    def attribute(
        self, phrase: str, place: Place, column: Column, table: Table, *, entity: Sequence[str],
        hint: str = "",
    ) -> Likeness:  # fmt: skip
        """Weigh a column as what a predicate names; `entity` are words for whose attribute it is.

        `hint` is the name of the variable, which may say something.
        """
        said = self.said(phrase, place)
        if said is not None:
            ground = Evidence(
                about=phrase, place=str(place), ground=Ground.ANSWER, score=float(said)
            )
            return Likeness(score=float(said), evidence=(ground,))
        named = self._named(phrase, column, table, entity)
        if len(hint) > 2:
            named = max(named, 0.85 * self.thesaurus.alike(hint, unit_in_name(column.name)[0]))
        evidence = [
            Evidence(about=phrase, place=str(place), ground=Ground.NAME, score=round(named, 3))
        ]
        if named < 0.85 and _are_addresses(column) and _ADDRESS_WORDS & set(words_of(phrase)):
            named = 0.85
            evidence.append(
                Evidence(about=phrase, place=str(place), ground=Ground.VALUE, score=named,
                         found=column.values[0])
            )  # fmt: skip
        return Likeness(score=named * (0.7 + 0.3 * column.filled), evidence=tuple(evidence))

    def _named(self, phrase: str, column: Column, table: Table, entity: Sequence[str]) -> float:
        alike = self.thesaurus.alike
        name = unit_in_name(column.name)[0].replace(".", "_")
        around = {*words_of(short_name(table.name)), *entity}
        own = [each for each in words_of(name) if each not in around]
        scores = [alike(phrase, name), 0.97 * alike(phrase, f"{short_name(table.name)}_{name}")]
        if column.means:
            scores.append(alike(phrase, column.means))
        if own and len(own) < len(words_of(name)):
            scores.append(0.97 * alike(phrase, "_".join(own)))
        generic = set(telling_words(phrase)) <= GENERIC
        if generic and (not own or name == VALUE):
            scores.append(0.85)
        plain = {*telling_words(name)}
        if plain <= GENERIC or column.name in table.keys:
            scores.append(0.8 * alike(phrase, short_name(table.name)))
        return max(scores)

    def numeric(self, found: Likeness, phrase: str, place: Place, column: Column) -> Likeness:
        """Weigh a column that one has to calculate with."""
        if column.kind.is_numeric:
            ground = Evidence(
                about=phrase, place=str(place), ground=Ground.KIND, score=1.0, found=column.kind
            )
            return Likeness(score=found.score, evidence=(*found.evidence, ground))
        return Likeness(score=found.score * NO_NUMBER, evidence=found.evidence)

    def in_unit(
        self, found: Likeness, phrase: str, place: Place, column: Column, wanted: str
    ) -> Likeness:
        """Weigh a column of which values in a unit are wanted."""
        here, there = dimension_of_unit(column.unit), dimension_of_unit(wanted)
        if column.unit and here is not there:
            return Likeness(score=found.score * OTHER_DIMENSION, evidence=found.evidence)
        if not column.unit and not column.unit_from and column.kind is not ColumnKind.QUANTITY:
            return Likeness(score=found.score * NO_UNIT, evidence=found.evidence)
        ground = Evidence(
            about=phrase, place=str(place), ground=Ground.UNIT, score=1.0,
            found=column.unit or column.unit_from or "in the text",
        )  # fmt: skip
        return Likeness(score=found.score, evidence=(*found.evidence, ground))

    def given(
        self, name: str, values: Sequence[Scalar], place: Place, column: Column, table: Table,
        located: Mapping[Place, bool],
    ) -> Likeness:  # fmt: skip
        """Weigh a column as where a given value is found."""
        said = self.said(name, place)
        if said is not None:
            ground = Evidence(about=name, place=str(place), ground=Ground.ANSWER, score=float(said))
            return Likeness(score=float(said), evidence=(ground,))
        alike = self.thesaurus.alike
        named = max(
            alike(name, column.name),
            0.95 * alike(name, f"{short_name(table.name)}_{column.name}"),
            alike(name, column.means) if column.means else 0.0,
        )
        evidence = [
            Evidence(about=name, place=str(place), ground=Ground.NAME, score=round(named, 3))
        ]
        is_there = located.get(place, _contains(column, values)) if values else None
        score = 0.92 * named
        if is_there:
            least = KEY_FOUND if _is_plain_key(column, table, values) else VALUE_FOUND
            score = least + (1 - least) * named
        elif is_there is False:
            score = VALUE_NOT_FOUND * named
        if is_there is not None:
            evidence.append(
                Evidence(about=name, place=str(place), score=round(score, 3),
                         ground=Ground.VALUE if is_there else Ground.NO_VALUE,
                         found=", ".join(map(text_of_value, values))[:60])
            )  # fmt: skip
        return Likeness(score=score, evidence=tuple(evidence))


def _are_addresses(column: Column) -> bool:
    some = column.values[:20]
    return bool(some) and all(each.lower().startswith(("http://", "https://")) for each in some)


def _is_plain_key(column: Column, table: Table, values: Sequence[Scalar]) -> bool:
    """Tell whether a column tells rows apart by words, and is named as any such column is."""
    is_word = any(number_of(each) is None for each in values)
    return (
        is_word
        and column.name in table.keys
        and set(telling_words(column.name)) <= {"identifier", "key"}
    )


def _contains(column: Column, values: Sequence[Scalar]) -> bool | None:
    """Tell whether some of the values are in a column; None where that cannot be known."""
    texts = {text_of_value(each) for each in values}
    if texts & set(column.values):
        return True
    if column.kind.is_numeric and not any(number_of(each) is not None for each in values):
        return False
    return False if column.whole else None
