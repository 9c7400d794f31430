"""What throws an error or escalation, as the flat net sees it."""

import msgspec


class Thrower(msgspec.Struct, frozen=True, kw_only=True):
    """What an error takes with it: fields, and the shared tokens that its work gives back."""

    fields: tuple[int, ...] = ()
    elements: tuple[str, ...] = ()
    back: dict[int, int] = {}


NOBODY = Thrower()
