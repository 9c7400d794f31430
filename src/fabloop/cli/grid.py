"""Tables of an account as the terminal shows them."""

from rich.table import Table as Grid

from fabloop.app.pictures.report import Table


def grid_of(table: Table) -> Grid:
    """Return a table for the console; long cells are folded, numbers stand flush right."""
    grid = Grid(title=table.caption, title_justify="left", box=None, pad_edge=False)
    for column, head in enumerate(table.heads):
        right = column in table.numeric
        grid.add_column(head, justify="right" if right else "left", overflow="fold")
    for row in table.rows:
        grid.add_row(*row)
    return grid
