"""What compensation changed, as the journal keeps it; `process.deltas` holds the rest."""

import msgspec


class FrameKept(msgspec.Struct, frozen=True, array_like=True, tag=70):
    """A frame came to its end; its act keeps its variables and, if `whole`, what can be undone."""

    frame: int
    whole: bool


class Undoable(msgspec.Struct, frozen=True, array_like=True, tag=71):
    """A node was completed and can be undone; `act` was it (0: none), with what that has kept."""

    key: int
    frame: int
    node: int
    act: int
    values: dict[str, object]


class UndoBegan(msgspec.Struct, frozen=True, array_like=True, tag=72):
    """An act took over what it is to have undone: completed activities of its own frame or of one
    around it.
    """

    act: int
    done: tuple[int, ...]


class UndoOpened(msgspec.Struct, frozen=True, array_like=True, tag=73):
    """An act opened a frame of `scope` in which the last of what it took over is undone.

    `whole`: the activities inside that one are, each by its own means.
    """

    key: int
    act: int
    scope: int
    whole: bool


class RoundKept(msgspec.Struct, frozen=True, array_like=True, tag=74):
    """A round came to its end; its act keeps its variables and what can be undone."""

    key: int
    frame: int


UndoDelta = FrameKept | Undoable | UndoBegan | UndoOpened | RoundKept
