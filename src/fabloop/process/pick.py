"""Which version of a process or a decision is meant by what uses it."""

import msgspec

from fabloop.process.formula import Text


class Pick(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Which version of a process or decision is meant; the latest one where nothing is said.

    The latest with version tag `tag`, number `version`, or the one that was deployed `together`
    with the process that asks for it.
    """

    tag: str = ""
    version: Text | None = None
    together: bool = False
