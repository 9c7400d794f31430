"""Tables of numbers as people keep them: CSV, TSV or columns with blanks between, one header."""

import csv
import re
from collections.abc import Sequence
from math import nan
from pathlib import Path

import msgspec

from fabloop.base.errors import Fault, Invalid
from fabloop.base.names import did_you_mean
from fabloop.cli.given import read_bytes

ROWS_MAX = 1_000_000
FAULTS_MAX = 20
_MISSING = frozenset({"", "na", "nan", "null", "-"})


class Columns(msgspec.Struct, frozen=True, kw_only=True):
    """A table: texts by column, all of one length; `lines` are where the rows stand in the file."""

    source: str
    texts: dict[str, list[str]]
    lines: list[int]
    decimal_comma: bool = False

    def text(self, name: str, option: str) -> list[str]:
        """Return a column as it is written; Invalid where there is none of that name."""
        if name not in self.texts:
            raise Invalid(
                Fault(
                    source=self.source,
                    path=option,
                    expected=f"one of the columns {', '.join(self.texts)}",
                    found=f"'{name}'",
                    hint=did_you_mean(name, self.texts),
                )
            )
        return self.texts[name]

    def numbers(self, name: str, option: str) -> list[float]:
        """Return a column of numbers; what is empty or NA is NaN.

        Raises
        ------
        Invalid
            There is no such column, or texts in it are no numbers: each by its line.
        """
        found, faults = [], []
        for line, text in zip(self.lines, self.text(name, option), strict=True):
            plain = text.replace(",", ".") if self.decimal_comma else text
            try:
                found.append(nan if plain.lower() in _MISSING else float(plain))
            except ValueError:
                fault = Fault(
                    source=self.source,
                    path=f"line {line}, column '{name}'",
                    expected="a number, or nothing",
                    found=f"'{text}'",
                )
                faults.append(fault)
        if faults:
            raise Invalid(tuple(faults[:FAULTS_MAX]))
        return found


def read_columns(file: Path) -> Columns:
    """Read a table; the sign between columns is told from the header.

    Raises
    ------
    Invalid
        The file cannot be read, is no table, or a row has not as many cells as the header.
    """
    try:
        text = read_bytes(file).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        fault = Fault(
            source=str(file), path=f"byte {error.start}", expected="text in UTF-8", found="bytes"
        )
        raise Invalid(fault) from error
    rows = [(n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
    if len(rows) < 2 or len(rows) > ROWS_MAX + 1:
        raise Invalid(
            Fault(
                source=str(file),
                path="",
                expected=f"a header and 1 to {ROWS_MAX} rows",
                found=f"{len(rows)} lines",
            )
        )
    sign = next((each for each in (";", "\t", ",") if each in rows[0][1]), None)
    try:
        cells = [_cells(line, sign) for _, line in rows]
    except csv.Error as error:
        expected = f"cells between '{sign}'"
        fault = Fault(source=str(file), path="", expected=expected, found=str(error))
        raise Invalid(fault) from error
    faults = [
        Fault(
            source=str(file),
            path=f"line {number}",
            expected=f"{len(cells[0])} cells, as in the header",
            found=str(len(row)),
        )
        for (number, _), row in zip(rows[1:], cells[1:], strict=True)
        if len(row) != len(cells[0])
    ]
    if faults:
        raise Invalid(tuple(faults[:FAULTS_MAX]))
    return Columns(
        source=str(file),
        texts={name: [row[at] for row in cells[1:]] for at, name in enumerate(cells[0])},
        lines=[number for number, _ in rows[1:]],
        decimal_comma=sign == ";",
    )


def _cells(line: str, sign: str | None) -> Sequence[str]:
    if sign is None:
        return [part.strip('"') for part in re.split(r"\s+", line.strip())]
    parts = next(csv.reader([line], delimiter=sign, skipinitialspace=True))
    return [part.strip() for part in parts]
