"""Instances whose steps need persons on shift and set-ups that depend on what came before."""

import msgspec

from fabloop.base.instant import HOUR, MINUTE
from fabloop.model.calendar import Shift
from fabloop.model.ids import PersonId, SkillId
from fabloop.model.site import Person, SetupTime
from plan.instances import random_instance

EARLY = Shift(id="early", label="Early", start_ns=6 * HOUR, end_ns=14 * HOUR)
LATE = Shift(id="late", label="Late", start_ns=14 * HOUR, end_ns=22 * HOUR)
FAMILIES = ("red", "blue", "")


def staffed(site, *shifts, skill="assembler", name=""):
    """Return the site with one person more for each of the shifts, all of the same skills."""
    persons = tuple(
        Person(
            id=PersonId(f"{site.id}-{name}{number}"),
            label="x",
            site=site.id,
            skills=(SkillId(skill),),
            shift=shift,
        )
        for number, shift in enumerate(shifts)
    )
    return msgspec.structs.replace(site, shifts=(EARLY, LATE), persons=(*site.persons, *persons))


def with_sites(plant, change):
    sites = {key: change(site) for key, site in plant.sites.items()}
    return msgspec.structs.replace(plant, sites=sites)


def with_operations(order, change):
    operations = tuple(change(number, each) for number, each in enumerate(order.product.operations))
    product = msgspec.structs.replace(order.product, operations=operations)
    return msgspec.structs.replace(order, product=product)


def matrix(plain, **pairs):
    """Return set-up fields: minutes of a plain one, and of those between ``red_blue`` and so on."""
    setups = tuple(
        SetupTime(before=key.split("_")[0], after=key.split("_")[1], duration_ns=each * MINUTE)
        for key, each in pairs.items()
    )
    return {"setup_ns": plain * MINUTE, "setups": setups}


def set_up(site, **fields):
    units = tuple(msgspec.structs.replace(each, **fields) for each in site.work_units)
    return msgspec.structs.replace(site, work_units=units)


def random_crewed(seed, operations=5):
    """Return an instance with families, set-ups that differ, and too few persons at times."""
    order, plant, values = random_instance(seed, operations=operations)

    def change(number, each):
        family = FAMILIES[(seed // 7 + number * (1 + seed % 2)) % 3]
        person = SkillId("assembler") if (seed + number) % 2 else None
        return msgspec.structs.replace(each, setup_family=family, person_skill=person)

    plant = with_sites(
        plant,
        lambda site: staffed(
            set_up(site, **matrix(5, red_blue=20 + seed % 40, blue_red=10)),
            *(("early", "late", "early")[: 1 + seed % 3]),
        ),
    )
    return with_operations(order, change), plant, values
