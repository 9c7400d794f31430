"""Words with their senses, and what each sense is a kind of: what WordNet or a vocabulary says."""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from fabloop.model.skill import SkillVocabulary
from fabloop.services.words import words_of

STEPS_UP_MAX = 24
BELOW_ROOT = 4
"""How deep the most general skill lies: two skills of a kind are more alike than two things."""


class Thesaurus(msgspec.Struct, frozen=True, kw_only=True):
    """Senses of words; a sense is any text that names it.

    Attributes
    ----------
    senses : by word (several words joined by blanks), the most usual sense first
    broader : by sense, what it is a kind of
    depth : by sense, how many steps it is below the most general one, at least 1
    source : where this comes from, for people
    """

    senses: Mapping[str, tuple[str, ...]] = {}
    broader: Mapping[str, tuple[str, ...]] = {}
    depth: Mapping[str, int] = {}
    source: str = ""

    def above(self, sense: str) -> dict[str, int]:
        """Return the sense and all that it is a kind of, with the steps up to each."""
        found = {sense: 0}
        edge = [sense]
        for steps in range(1, STEPS_UP_MAX + 1):
            edge = [up for each in edge for up in self.broader.get(each, ()) if up not in found]
            if not edge:
                break
            found.update(dict.fromkeys(edge, steps))
        return found

    def joined(self, other: "Thesaurus") -> "Thesaurus":
        """Return what both say; of a word that both know, our own senses come first."""
        senses = dict(other.senses)
        for word, own in self.senses.items():
            senses[word] = tuple(dict.fromkeys((*own, *other.senses.get(word, ()))))
        sources = dict.fromkeys((self.source, other.source))
        return Thesaurus(
            senses=senses,
            broader={**other.broader, **self.broader},
            depth={**other.depth, **self.depth},
            source=", ".join(each for each in sources if each),
        )


Lookup = Callable[[Iterable[str]], Thesaurus]
"""Returns what a dictionary says of words; reading it is the business of whoever hands it in."""


def no_words(_: Iterable[str]) -> Thesaurus:
    """Return nothing: there is no dictionary."""
    return Thesaurus()


def of_vocabulary(vocabulary: SkillVocabulary) -> Thesaurus:
    """Return the words of the skills: labels and synonyms, and what is a kind of what."""
    senses: dict[str, tuple[str, ...]] = {}
    for skill in vocabulary.skills.values():
        for name in (skill.id, skill.label, *skill.synonyms):
            key = " ".join(words_of(name))
            senses[key] = tuple(dict.fromkeys((*senses.get(key, ()), f"skill:{skill.id}")))
    return Thesaurus(
        senses=senses,
        broader={
            f"skill:{each.id}": (f"skill:{each.broader}",)
            for each in vocabulary.skills.values()
            if each.broader is not None
        },
        depth={
            f"skill:{each.id}": BELOW_ROOT + sum(1 for _ in vocabulary.lineage(each.id))
            for each in vocabulary.skills.values()
        },
        source="skill vocabulary",
    )


_TRADE = """
slow down, decelerate, reduce speed, brake, slow
speed up, accelerate, increase speed, faster
turn on, switch on, start, power on
turn off, switch off, stop, shut down, power off, halt
heat, warm, preheat
cool, chill, refrigerate
bake, cook
overcook, burn, overbake, scorch
dose, dispense, meter, portion, dosing
mix, blend, knead, stir
courier, carrier, haulier, forwarder, shipper, parcel service
ship, deliver, dispatch, send, shipment, delivery, consignment
move, carry, transport, haul, transfer
order, purchase order, sales order
batch, lot, charge
recipe, formula, formulation
ingredient, component
quantity, amount, number, count, num, qty
mass, weight
delay, lateness, lag
duration, time, period
temperature, heat setting, set point
speed, velocity, rate, pace
price, cost, fee, charge
identifier, id, code
qr code, qrcode, barcode, tag
url, web address, link, endpoint
type, kind, variety, sort
machine, device, equipment, unit
"""


def of_trade() -> Thesaurus:
    """Return words of the shop floor that mean the same, which no general dictionary tells."""
    senses: dict[str, tuple[str, ...]] = {}
    depth: dict[str, int] = {}
    for line in _TRADE.strip().splitlines():
        names = [each.strip() for each in line.split(",")]
        sense = f"trade:{names[0]}"
        depth[sense] = 2 * BELOW_ROOT
        for name in names:
            senses[name] = (*senses.get(name, ()), sense)
    return Thesaurus(senses=senses, depth=depth, source="words of the trade")
