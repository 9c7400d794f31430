"""Tables of an account as the terminal shows them."""

from collections.abc import Iterable

from rich.table import Table as Grid

from fabloop.app.pictures.report import Table

SHORT_NAME = 16
BETWEEN = 2
"""Blanks between columns."""
NARROW = 80


def grid_of(table: Table) -> Grid:
    """Return a table for the console; long cells are folded, numbers stand flush right.

    Numbers with their units, and short names in front, stay on one line where there is room for
    them on a narrow terminal.
    """
    grid = Grid(title=table.caption, title_justify="left", box=None, pad_edge=False)
    whole = _whole(table)
    for column, head in enumerate(table.heads):
        right = column in table.numeric
        grid.add_column(
            head,
            justify="right" if right else "left",
            overflow="fold",
            no_wrap=column in whole,
        )
    for row in table.rows:
        grid.add_row(*row)
    return grid


def _whole(table: Table) -> frozenset[int]:
    """Return the columns whose cells are not broken: as many as fit, short names first."""
    columns = list(zip(table.heads, *table.rows, strict=True))
    width = [max(map(len, cells)) for cells in columns]
    least = [min(_longest_word(cells), SHORT_NAME) for cells in columns]
    wanted = [0] if width[0] <= SHORT_NAME else []
    wanted += sorted((each for each in table.numeric if each not in wanted), key=width.__getitem__)
    room = NARROW - sum(least) - BETWEEN * (len(columns) - 1)
    whole: set[int] = set()
    for column in wanted:
        more = width[column] - least[column]
        if more <= room:
            whole.add(column)
            room -= more
    return frozenset(whole)


def _longest_word(cells: Iterable[str]) -> int:
    return max((len(word) for cell in cells for word in cell.split()), default=0)
