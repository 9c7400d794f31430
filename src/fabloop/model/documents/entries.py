"""What all documents are made of: the common form of entries and headers, and offers."""

from typing import Annotated

import msgspec

from fabloop.model.disclosure import Disclosure
from fabloop.model.documents.texts import (
    ENTRIES_MAX,
    OPTIONS_MAX,
    ContextName,
    Id,
    Label,
    QuantityText,
    Remark,
    SkillName,
    ValueText,
    Word,
)

Entries = msgspec.Meta(max_length=ENTRIES_MAX, extra_json_schema={"x-limit": "ENTRIES_MAX"})
Options = msgspec.Meta(min_length=1, max_length=OPTIONS_MAX)


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Common form of all entries: a property that nobody reads is a fault."""


class Header(Entry, frozen=True, kw_only=True):
    """What every document says of itself."""

    version: Label
    context: ContextName = msgspec.field(name="@context")
    schema: str = msgspec.field(name="$schema", default="")
    description: Remark = ""


class SpanEntry(Entry, frozen=True, kw_only=True, tag_field="kind", tag="span"):
    """An offered range, both ends included; an end left out is open."""

    low: QuantityText | None = msgspec.field(name="from", default=None)
    high: QuantityText | None = msgspec.field(name="to", default=None)


class LiveEntry(Entry, frozen=True, kw_only=True, tag_field="kind", tag="live"):
    """An offered value that wears: the vendor's figure, and the KPI that tells it as it is."""

    kpi: Id
    vendor: QuantityText


OfferedEntry = ValueText | Annotated[tuple[Word, ...], Options] | SpanEntry | LiveEntry


class OfferEntry(Entry, frozen=True, kw_only=True):
    """A skill offered, with what it can do by parameter name."""

    skill: SkillName
    values: dict[str, OfferedEntry] = {}
    disclosure: Disclosure = Disclosure.FULL
