"""What is left of work that was completed and may have to be undone."""

import msgspec

from fabloop.process.commands import Variables


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """What is left of a frame that completed: what its activities may need to be undone.

    Attributes
    ----------
    scope : the scope it was an activation of
    variables : its own variables when it completed
    done : its completed activities that can be undone, by key
    """

    scope: int
    variables: Variables
    done: "dict[int, Completed]"


class Completed(msgspec.Struct, frozen=True, array_like=True):
    """An activity that was completed and can be undone; keys grow in the order of completion.

    Attributes
    ----------
    node : number of the activity
    values : what it saw by its inputs and what it handed out
    kept : what is left of its frame, if it had one
    """

    node: int
    values: Variables
    kept: Kept | None = None
