"""Finds operations for an intent: conditions decide who is left, likeness who comes first."""

from collections.abc import Sequence

import msgspec
import numpy as np

from fabloop.model.explanation import DiscoveryCode, Explanation
from fabloop.model.skill import Requirement
from fabloop.services.discovery.conditions import (
    Circumstances,
    Judged,
    Verdict,
    judge,
    requirement_of,
    unjudged_amounts,
)
from fabloop.services.discovery.index import Entry, Index
from fabloop.services.discovery.intent import Intent
from fabloop.services.discovery.rank import Wanted, rank
from fabloop.services.words import stem, words_of

HITS_MAX = 1_000
TELLING_MIN = 0.5
"""Concepts less alike than this are no reason for anything."""
GUESSED_SHARE = 0.9
"""How much of its score an operation keeps whose words were guessed altogether."""


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """An operation that was looked at.

    Attributes
    ----------
    score : for comparing hits of the same intent; higher is better
    likeness : how well its signature or keywords alone cover what is wanted, 0 to 1
    certain : all conditions are met by what is stated; where not, something is not stated
    because : what it has in common with the intent, then each condition as it stands
    """

    entry: Entry
    score: float
    likeness: float
    certain: bool
    because: tuple[Explanation, ...] = ()


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """Who can do it, the best first, and who was left out for which reason.

    `remarks` holds what could not be judged for anyone; `excluded` is in order of likeness too.
    """

    intent: Intent
    hits: tuple[Hit, ...]
    excluded: tuple[Hit, ...] = ()
    remarks: tuple[str, ...] = ()
    unjudged: tuple[Explanation, ...] = ()


def find(index: Index, intent: Intent, at: Circumstances, most: int = 20) -> Findings:
    """Return operations for an intent: at most `most` that may do it, and as many that may not.

    What fails a condition is excluded, however alike it is; what says nothing of a condition is
    kept and is not certain.
    """
    requirement: Requirement | None = None
    unjudged: tuple[Explanation, ...] = ()
    if at.vocabulary is not None:
        requirement, unjudged = requirement_of(intent, at.vocabulary, index.likeness)
    if requirement is None:
        unjudged = unjudged_amounts(intent)
    wanted = Wanted(
        text=intent.text,
        keywords=intent.keywords,
        inputs=intent.inputs,
        outputs=intent.outputs,
    )
    ranked = rank(index, wanted)
    scores = ranked.total * _trusted(index.entries)
    hits: list[Hit] = []
    excluded: list[Hit] = []
    for number in np.argsort(-scores, kind="stable")[:HITS_MAX].tolist():
        if len(hits) >= most:
            break
        entry = index.entries[number]
        judged = judge(entry, intent, requirement, at)
        hit = _hit(entry, float(scores[number]), float(ranked.signature[number]), judged)
        if requirement is None and unjudged:  # what was wanted of the skill nobody has looked at
            hit = msgspec.structs.replace(hit, certain=False)
        if any(each.verdict is Verdict.FAILED for each in judged):
            excluded.append(hit)
        else:
            reasons = _in_common(index, number, wanted)
            hits.append(msgspec.structs.replace(hit, because=(*reasons, *hit.because)))
    return Findings(
        intent=intent,
        hits=tuple(hits),
        excluded=tuple(excluded[:most]),
        remarks=intent.remarks,
        unjudged=unjudged,
    )


def _trusted(entries: Sequence[Entry]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    certainty = np.array([each.operation.certainty for each in entries], dtype=np.float64)
    trusted: np.ndarray[tuple[int], np.dtype[np.float64]] = (
        GUESSED_SHARE + (1.0 - GUESSED_SHARE) * certainty
    )
    return trusted


def _hit(entry: Entry, score: float, likeness: float, judged: tuple[Judged, ...]) -> Hit:
    return Hit(
        entry=entry,
        score=score,
        likeness=likeness,
        certain=all(each.verdict is Verdict.MET for each in judged),
        because=tuple(reason for each in judged for reason in each.because),
    )


def _in_common(index: Index, number: int, wanted: Wanted) -> tuple[Explanation, ...]:
    """Return what each wanted concept means here, and whether the words were guessed."""
    entry = index.entries[number]
    found: list[Explanation] = []
    if wanted.inputs or wanted.outputs:
        sides = (
            (wanted.outputs, index.outputs[number]),
            (wanted.inputs, index.inputs[number]),
        )
    else:
        named = (*index.keywords[number], *index.inputs[number], *index.outputs[number])
        sides = ((wanted.keywords, named), ((), ()))
    for concepts, given in sides:
        for concept in concepts:
            meant = _nearest(index, concept, given)
            if meant is not None:
                found.append(_meant(entry, concept, *meant, index))
    if entry.operation.certainty < 1.0:
        found.append(Explanation(code=DiscoveryCode.WORDS_GUESSED, subject=entry.name))
    return tuple(found)


def _nearest(index: Index, concept: str, given: Sequence[str]) -> tuple[str, float] | None:
    if not given:
        return None
    row = index.likeness.table([concept], given)[0]
    best = int(np.argmax(row))
    like = float(row[best])
    return (given[best], like) if like >= TELLING_MIN else None


def _meant(entry: Entry, wanted: str, given: str, like: float, index: Index) -> Explanation:
    dictionary = index.likeness.dictionary
    one, other = " ".join(words_of(wanted)), " ".join(words_of(given))
    if [stem(each) for each in words_of(wanted)] == [stem(each) for each in words_of(given)]:
        how = "the same word"
    elif set(dictionary.senses(one)) & set(dictionary.senses(other)):
        how = "a synonym"
    elif dictionary.is_kind_of(other, one):
        how = "a kind of it"
    elif dictionary.is_kind_of(one, other):
        how = "broader"
    else:
        how = "alike"
    return Explanation(
        code=DiscoveryCode.MEANT_BY,
        subject=entry.name,
        details={"wanted": wanted, "given": given, "how": how, "likeness": f"{like:.2f}"},
    )
