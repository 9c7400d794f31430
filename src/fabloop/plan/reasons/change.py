"""Changes to product or factory as data, what they are worth against each other, and the world."""

from typing import TypeAlias

import msgspec

from fabloop.base.quantity import Dimension
from fabloop.model.explanation import Option, OptionCode
from fabloop.model.product import ConfiguredProduct
from fabloop.plan.statement.problem import Setting

Value: TypeAlias = float | str | None
Key: TypeAlias = tuple[str, str, str, str]


class Change(msgspec.Struct, frozen=True, gc=False):
    """One change; `price` says how hard it is, `context` the skill or site it is about.

    `subject` is the operation of a product change, else the work unit or the site. `side` tells
    changes of one parameter apart that do not serve each other (the skill, the end of a span).
    Of two amounts that do, the one of the greater `level` serves both. `minor` is the price in
    minor currency units where a document says it; else `price` is assumed.
    """

    code: OptionCode
    subject: str
    parameter: str
    before: Value = None
    after: Value = None
    dimension: Dimension | None = None
    price: float = 0.0
    context: str = ""
    side: str = ""
    level: float = 0.0
    minor: int | None = None
    key: Key = ("", "", "", "")

    def __post_init__(self) -> None:
        """Say what the change is about, whatever its amount; other texts are other changes."""
        text = self.after if isinstance(self.after, str) else ""
        key = self.code.value, self.subject, self.parameter, text + self.side
        msgspec.structs.force_setattr(self, "key", key)

    def option(self) -> Option:
        """Return the change as an option, nothing known of its effect yet."""
        return Option(
            code=self.code,
            subject=self.subject,
            parameter=self.parameter,
            before=self.before,
            after=self.after,
            dimension=self.dimension,
            price_minor=self.minor,
            assumed=self.minor is None and self.code not in OF_PRODUCT,
        )


OF_PRODUCT = (OptionCode.LOOSEN, OptionCode.CHOOSE_OTHER, OptionCode.SPLIT_LOT)
"""Changes of what is ordered; the others are of factories and are paid for."""

ASSUMED_UNIT_MINOR = 100_000
"""What a price of 1 stands for, minor currency units (1,000.00 of most currencies)."""

BASE_PRICE = {
    OptionCode.LOOSEN: 1.0,
    OptionCode.CHOOSE_OTHER: 2.0,
    OptionCode.MEASURE_KPI: 1.0,
    OptionCode.RESTORE_KPI: 2.0,
    OptionCode.SPLIT_LOT: 1.0,
    OptionCode.OPEN_LONGER: 2.0,
    OptionCode.EXTRA_SHIFT: 2.0,
    OptionCode.RELEASE_UNIT: 3.0,
    OptionCode.TRAIN_PERSON: 3.0,
    OptionCode.ADD_TOOL: 4.0,
    OptionCode.UPGRADE_OFFER: 5.0,
    OptionCode.ADD_PERSON: 6.0,
    OptionCode.ADD_SKILL: 8.0,
    OptionCode.ADD_LINK: 10.0,
    OptionCode.ADD_LANE: 12.0,
}
"""How hard changes are against each other; the relative amount of a change is added."""


class World(msgspec.Struct, frozen=True):
    """What a recommendation may change: the product, and everything around it."""

    product: ConfiguredProduct
    setting: Setting
