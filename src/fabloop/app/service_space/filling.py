"""Needs of a composition filled from a data space: the first target that yields something."""

from collections.abc import Mapping
from typing import Any, assert_never

from fabloop.app.dataspace.space import Ask, DataSpace, NoMapping
from fabloop.dataspace.finish import Filled, NothingFound, TooMuch
from fabloop.dataspace.notation import parse
from fabloop.services.composition import DataNeed
from fabloop.services.composition.carry_out import Fill


def data_filler(space: DataSpace) -> Fill:
    """Return what fills needs from a data space.

    Targets are asked in their order; a doubtful mapping is not taken: a person has to choose it
    first (``fabloop data answer``), and the composition stops with that sentence.
    """

    def fill(need: DataNeed, given: Mapping[str, Any]) -> Mapping[str, Any] | str:
        whys: list[str] = []
        for target in need.targets:
            asked = parse(target)
            known = {name: given[name] for name in asked.givens() if name in given}
            if len(known) < len(asked.givens()):
                continue
            answer = space.fill(target, known, wanted=need.units)
            match answer:
                case Filled():
                    return _columns(answer, need)
                case NothingFound(at=at, why=why):
                    whys.append(f"{target}: nothing in {at}, {why}")
                case TooMuch(limit=limit):
                    whys.append(f"{target}: more than {limit} rows")
                case NoMapping(missing=missing):
                    whys.append(f"{target}: no source has {', '.join(missing) or 'it'}")
                case Ask(question=question):
                    whys.append(f"{question.target}: a person has to choose the mapping first")
                case _:
                    assert_never(answer)
        return "; ".join(whys) or "nothing is known to ask with"

    return fill


def _columns(filled: Filled, need: DataNeed) -> dict[str, Any]:
    """Return a value for each variable: a list of all rows, or the one value of a single need."""
    found: dict[str, Any] = {}
    for variable in need.variables:
        if any(each.name == variable for each in filled.columns):
            values = [row.get(variable) for row in filled.rows]
            found[variable] = values if need.many else values[0]
    return found
