"""Tables of an account as the terminal shows them."""

from collections.abc import Iterable, Sequence

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table as Grid
from rich.text import Text

from fabloop.app.pictures.report import Table

SHORT_NAME = 16
"""Words up to this are not broken where there is room for all of them."""
BETWEEN = 2
"""Blanks between columns."""


class Fitted:
    """A table that takes its widths from the terminal on which it is shown."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the table, its columns as wide as the terminal lets them be."""
        table = self._table
        widths = _widths(table, options.max_width)
        title = Text(table.caption) if table.caption else None
        grid = Grid(title=title, title_justify="left", box=None, pad_edge=False)
        for column, head in enumerate(table.heads):
            grid.add_column(
                Text(head),
                justify="right" if column in table.numeric else "left",
                overflow="fold",
                width=widths[column] if widths else None,
            )
        for row in table.rows:
            grid.add_row(*map(Text, row))
        yield grid


def grid_of(table: Table) -> Fitted:
    """Return a table for the console; long cells are folded, numbers stand flush right.

    Short names in front, and numbers with their units, stay on one line where there is room for
    them, and words and dates are not broken.
    """
    return Fitted(table)


def _widths(table: Table, width: int) -> list[int]:
    """Return how wide columns are; none where not even their words find room."""
    columns = list(zip(table.heads, *table.rows, strict=True))
    whole = [max(map(cell_len, cells)) for cells in columns]
    found = [min(_longest_word(cells), SHORT_NAME) for cells in columns]
    room = width - BETWEEN * (len(columns) - 1) - sum(found)
    if room < 0:
        return []
    names = [0] if columns and whole[0] <= SHORT_NAME else []
    first = names + sorted(set(table.numeric) - set(names), key=whole.__getitem__)
    for column in first:
        more = whole[column] - found[column]
        if more <= room:
            found[column] = whole[column]
            room -= more
    _share(found, whole, room)
    return found


def _share(found: list[int], whole: Sequence[int], room: int) -> None:
    """Give what is left to the columns that want more, the same to each as far as it needs it."""
    wanting = sorted(
        (each for each in range(len(found)) if found[each] < whole[each]),
        key=lambda each: whole[each] - found[each],
    )
    for place, column in enumerate(wanting):
        more = min(whole[column] - found[column], room // (len(wanting) - place))
        found[column] += more
        room -= more


def _longest_word(cells: Iterable[str]) -> int:
    return max((cell_len(word) for cell in cells for word in cell.split()), default=0)
