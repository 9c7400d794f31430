"""Who orders which muffins when: the two orders everybody knows, and others from a seed."""

import random

import msgspec

from fabloop.base.instant import DAY, HOUR, MINUTE, Instant

BOX = 4
"""Muffins in a box."""

ORDERS_PER_DAY_MAX = 40


class MuffinOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What a customer wants: boxes of four, of one kind.

    `dough` names the recipe: all that is baked in. `qr` is printed on every liner.
    """

    id: str
    qr: str
    customer: str
    city: str
    dough: str
    additions: tuple[str, ...]
    topping: str
    liner_colour: str
    box_colour: str
    boxes: int
    received_at: Instant
    courier: str

    @property
    def pieces(self) -> int:
        """Muffins."""
        return BOX * self.boxes

    @property
    def type(self) -> str:
        """The dough recipe that it shares with others."""
        return "-".join((self.dough, *self.additions))


class Taste(msgspec.Struct, frozen=True, kw_only=True):
    """What customers choose from."""

    doughs: tuple[tuple[str, tuple[str, ...]], ...]
    toppings: tuple[str, ...]
    liner_colours: tuple[str, ...]
    box_colours: tuple[str, ...]
    customers: tuple[tuple[str, str], ...]
    couriers: tuple[str, ...]


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """How many orders come on each day, between which hours, and how large they are."""

    orders_per_day: tuple[int, ...]
    opens_hour: float
    closes_hour: float
    boxes_small: tuple[int, int]
    boxes_large: tuple[int, int]
    large_share: float


def id_of(number: int) -> str:
    """Return what an order is called."""
    return f"order-{number:04d}"


def qr_of(number: int, seed: int) -> str:
    """Return the code on the liners of an order: the number, and a check that follows from both."""
    signs = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
    check = (number * 7_919 + seed * 104_729) % (len(signs) ** 3)
    text = ""
    for _ in range(3):
        check, rest = divmod(check, len(signs))
        text += signs[rest]
    return f"MM-{number:04d}-{text}"


def orders_of(
    seed: int, begins_at: Instant, known: tuple[MuffinOrder, ...], taste: Taste, demand: Demand
) -> tuple[MuffinOrder, ...]:
    """Return the orders of all days in the order of their arrival, the known ones first."""
    chance = random.Random(f"{seed}/customers")
    found = [
        msgspec.structs.replace(
            each,
            id=id_of(n),
            qr=qr_of(n, seed),
            received_at=Instant(begins_at + each.received_at),
        )
        for n, each in enumerate(known, start=1)
    ]
    number = len(found)
    opens, closes = demand.opens_hour * HOUR, demand.closes_hour * HOUR
    for day, count in enumerate(demand.orders_per_day):
        times = sorted(chance.uniform(opens, closes) for _ in range(min(count, ORDERS_PER_DAY_MAX)))
        for time in times:
            number += 1
            at = begins_at - begins_at % DAY + day * DAY + round(time) // MINUTE * MINUTE
            found.append(_order(number, seed, Instant(at), chance, taste, demand))
    late = [each for each in found if each.received_at < begins_at]
    assert not late, "nobody orders before the story begins"
    return tuple(sorted(found, key=lambda each: (each.received_at, each.id)))


def _order(
    number: int, seed: int, at: Instant, chance: random.Random, taste: Taste, demand: Demand
) -> MuffinOrder:
    dough, additions = chance.choice(taste.doughs)
    customer, city = chance.choice(taste.customers)
    size = demand.boxes_large if chance.random() < demand.large_share else demand.boxes_small
    return MuffinOrder(
        id=id_of(number),
        qr=qr_of(number, seed),
        customer=customer,
        city=city,
        dough=dough,
        additions=additions,
        topping=chance.choice(taste.toppings),
        liner_colour=chance.choice(taste.liner_colours),
        box_colour=chance.choice(taste.box_colours),
        boxes=chance.randint(*size),
        received_at=at,
        courier=chance.choice(taste.couriers),
    )
