"""Tables of an account as the terminal shows them."""

from rich.table import Table as Grid

from fabloop.app.pictures.report import Table

SHORT_NAME = 16
WORDS_LEAST = 10
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
    """Return the columns whose cells are not broken: all that are short, or none."""
    width = [
        max(len(cell) for cell in cells) for cells in zip(table.heads, *table.rows, strict=True)
    ]
    whole = set(table.numeric) | ({0} if width[0] <= SHORT_NAME else set())
    needed = sum(size if n in whole else min(size, WORDS_LEAST) for n, size in enumerate(width))
    return frozenset(whole if needed + len(width) <= NARROW else ())
