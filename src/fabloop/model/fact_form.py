"""The common form of facts."""

import msgspec


class FactForm(msgspec.Struct, frozen=True, kw_only=True, tag_field="fact", tag=True):
    """Base of all facts: one tagged union, told apart by the class name."""
