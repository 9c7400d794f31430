"""Every message of the checker: what is wrong with a document, and what is then said.

`document_faults.json` holds each case: changes to the small shop by place, and the sentences.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from fabloop.model.documents import check
from model.small_shop import REMOVE, TWICE, put, small_shop, written

CASES = json.loads(Path(__file__).with_name("document_faults.json").read_text("utf-8"))


def value_of(written_value: Any) -> Any:
    match written_value:
        case {"$": "remove"}:
            return REMOVE
        case {"$": "twice"}:
            return TWICE
        case {"$": "copy of", "of": name}:
            return small_shop()[name]
        case {"$": "repeat", "of": str() as text, "times": times}:
            return text * times
        case {"$": "repeat", "of": entry, "times": times}:
            return [entry] * times
        case _:
            return written_value


def faults_after(*names: str) -> list[str]:
    documents = small_shop()
    for name in names:
        for place, value in CASES[name]["change"].items():
            if "/" in place:
                put(documents, place, value_of(value))
            else:
                documents[place] = value_of(value)
    return [fault.sentence() for fault in check(written(documents))]


def test_the_unchanged_documents_have_no_fault():
    assert faults_after() == []


@pytest.mark.parametrize("name", CASES)
def test_the_fault_is_named_with_its_place_and_what_was_expected(name):
    assert faults_after(name) == CASES[name]["told"]


def test_the_faults_of_all_documents_are_told_at_once():
    names = ["an unknown shift", "negative co2", "a validity of zero", "an unknown product"]
    assert faults_after(*names) == [told for name in names for told in CASES[name]["told"]]


def test_a_structural_fault_of_one_document_does_not_hide_the_faults_of_the_others():
    told = faults_after("an empty label", "no value for an option")
    assert told == CASES["an empty label"]["told"] + CASES["no value for an option"]["told"]
