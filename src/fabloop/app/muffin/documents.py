"""The documents of the bakery: what customers want, what devices do, and what goes wrong when."""

import random
from pathlib import Path
from typing import Annotated

import msgspec

from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import HOUR, MINUTE, Instant, instant_of
from fabloop.base.names import did_you_mean
from fabloop.model.documents.names import Names
from fabloop.model.documents.resolve import resolve_words
from fabloop.model.skill import SkillVocabulary
from fabloop.plan.batching import Policy
from fabloop.services.descriptions.read import Described, read
from fabloop.sim.bakery.customers import Demand, MuffinOrder, Taste, orders_of
from fabloop.sim.bakery.device import Mishap, Nature

FOLDER = Path(__file__).parent.parent / "demos" / "muffin"
STORY_FILE = "story.json"
SKILLS_FILE = "skills.json"
SERVICES_FOLDER = "services"
BOXES_MAX = 250
"""Boxes of one order: more would not go into one load of the oven."""

Ratio = Annotated[float, msgspec.Meta(ge=0, le=1)]
Between = tuple[float, float]


class _Known(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    customer: str
    city: str
    dough: str
    additions: tuple[str, ...]
    topping: str
    liner_colour: str
    box_colour: str
    boxes: Annotated[int, msgspec.Meta(ge=1, le=BOXES_MAX)]
    after_minutes: float
    courier: str


class _Device(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    kind: str
    hands: int = 1
    figures: dict[str, float] = {}


class _Mishap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    device: str
    load: tuple[int, int]
    share: Between
    repair_hours: Between
    reason: str
    later: tuple[float, float] | None = None


class _Delay(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    device: str
    after_hours: float
    ratio: float


class _Blackout(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    device: str
    operation: str
    call: Annotated[int, msgspec.Meta(ge=1)]
    after_minutes: Annotated[float, msgspec.Meta(ge=0)]
    hours: Annotated[float, msgspec.Meta(gt=0)]


class _Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    mishaps: tuple[_Mishap, ...] = ()
    delays: tuple[_Delay, ...] = ()
    blackouts: tuple[_Blackout, ...] = ()


class _Batching(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    capacity: int
    wait_hours: float


class Baking(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """At how many degrees Celsius and for how long muffins are baked."""

    temperature_c: float
    minutes: float


class _Story(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    begins_at: str
    zone: str
    days: int
    batching: _Batching
    baking: Baking
    orders: tuple[_Known, ...]
    taste: Taste
    demand: Demand
    devices: dict[str, _Device]
    scenarios: dict[str, _Scenario]


class Blackout(msgspec.Struct, frozen=True, kw_only=True):
    """The process of a service dies a while after a certain call of an operation has gone to it.

    Nobody starts it again for `lasts_ns`.
    """

    service: str
    operation: str
    call: int
    after_ns: int
    lasts_ns: int


class Bakery(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a story starts from, as the seed has it."""

    folder: Path
    scenario: str
    seed: int
    begins_at: Instant
    ends_at: Instant
    zone: str
    policy: Policy
    baking: Baking
    orders: tuple[MuffinOrder, ...]
    natures: tuple[Nature, ...]
    blackouts: tuple[Blackout, ...]
    vocabulary: SkillVocabulary
    documents: dict[str, bytes]
    """OpenAPI documents by service."""

    def described(self, service: str, data: bytes, url: str) -> Described:
        """Return a service as its document describes it."""
        names = Names(vocabulary=self.vocabulary)
        return read(f"{service}.json", data, names, base_url=url)


def read_bakery(folder: Path, scenario: str, seed: int) -> Bakery:
    """Read the documents of a bakery.

    Raises
    ------
    Invalid
        A document is missing or has faults, or there is no such scenario.
    """
    story = _story(folder / STORY_FILE)
    if scenario not in story.scenarios:
        raise _invalid("--scenario", "a scenario", repr(scenario),
                       did_you_mean(scenario, story.scenarios))  # fmt: skip
    begins = instant_of(story.begins_at)
    words = resolve_words({SKILLS_FILE: read_bytes(folder / SKILLS_FILE)})
    files = sorted((folder / SERVICES_FOLDER).glob("*.json"))
    documents = {each.stem: read_bytes(each) for each in files}
    for name in sorted(story.devices.keys() ^ documents.keys()):
        raise _invalid(name, "a device and an OpenAPI document of each service", "only one of them")
    for each in story.scenarios[scenario].blackouts:
        if each.device not in story.devices:
            raise _invalid(f"scenario '{scenario}', blackouts", "a device", repr(each.device),
                           did_you_mean(each.device, story.devices))  # fmt: skip
    chance = random.Random(f"{seed}/{scenario}/mishaps")  # noqa: S311  # a story, no secret
    plot = story.scenarios[scenario]
    mishaps = [(each.device, _mishap(each, chance)) for each in plot.mishaps]
    delays = [
        (each.device, (Instant(begins + round(each.after_hours * HOUR)), each.ratio))
        for each in plot.delays
    ]
    natures = tuple(
        Nature(
            name=name,
            kind=device.kind,
            seed=seed,
            hands=device.hands,
            figures=device.figures,
            mishaps=tuple(each for where, each in mishaps if where == name),
            delays=tuple(each for where, each in delays if where == name),
        )
        for name, device in story.devices.items()
    )
    return Bakery(
        folder=folder,
        scenario=scenario,
        seed=seed,
        begins_at=begins,
        ends_at=Instant(begins + story.days * 24 * HOUR),
        zone=story.zone,
        policy=Policy(
            capacity=story.batching.capacity, wait_ns=round(story.batching.wait_hours * HOUR)
        ),
        baking=story.baking,
        orders=orders_of(seed, begins, tuple(map(_known, story.orders)), story.taste, story.demand),
        natures=natures,
        blackouts=tuple(map(_blackout, plot.blackouts)),
        vocabulary=words.vocabulary,
        documents=documents,
    )


def _blackout(entry: _Blackout) -> Blackout:
    return Blackout(
        service=entry.device,
        operation=entry.operation,
        call=entry.call,
        after_ns=round(entry.after_minutes * MINUTE),
        lasts_ns=round(entry.hours * HOUR),
    )


def _known(entry: _Known) -> MuffinOrder:
    return MuffinOrder(
        id="",
        qr="",
        customer=entry.customer,
        city=entry.city,
        dough=entry.dough,
        additions=entry.additions,
        topping=entry.topping,
        liner_colour=entry.liner_colour,
        box_colour=entry.box_colour,
        boxes=entry.boxes,
        received_at=Instant(round(entry.after_minutes * MINUTE)),
        courier=entry.courier,
    )


def _mishap(entry: _Mishap, chance: random.Random) -> Mishap:
    return Mishap(
        load=chance.randint(*entry.load),
        share=chance.uniform(*entry.share),
        repair_hours=round(chance.uniform(*entry.repair_hours), 1),
        reason=entry.reason,
        later=entry.later,
    )


def _story(file: Path) -> _Story:
    try:
        return msgspec.json.decode(read_bytes(file), type=_Story)
    except msgspec.MsgspecError as error:
        raise _invalid(str(file), "the story of a bakery", str(error)) from error


def read_bytes(file: Path) -> bytes:
    """Return what a file has; raises Invalid where it cannot be read."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise _invalid(str(file), "a document", error.strerror or "no file") from error


def _invalid(place: str, expected: str, found: str, hint: str = "") -> Invalid:
    return Invalid(Fault(source=place, path="", expected=expected, found=found, hint=hint))
