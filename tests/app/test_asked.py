"""Choices that do not fit are told with the document, the place and what is possible."""

import json
import shutil

import pytest

from fabloop.app.asked import Contradicted, asked_in, contradictions, read_asked
from fabloop.app.demo import documents_of
from fabloop.base.errors import Invalid
from fabloop.plan.configure import configure
from plan.test_configure import gear
from plan.test_feature_rules import pigeons


def test_a_choice_that_is_missing_is_told_with_what_is_possible():
    (fault,) = contradictions("order.json", configure(gear(), {}))
    assert fault.sentence() == (
        "order.json $.choices.motor: Expected choices that fit together, but found no choice. "
        "Motor has to be chosen. Possible: 'none'."
    )


def test_a_product_without_any_variant_is_told_first():
    fault, *others = contradictions("order.json", configure(pigeons(3, 2), {}))
    assert fault.sentence().startswith(
        "order.json $.product: Expected a product of which something can be chosen, but found none."
        " No choices at all satisfy these rules of product 'gear': $.rules[0], $.rules[1], "
    )
    assert {each.path for each in others} == {f"$.choices.p{each}" for each in range(3)}


def test_the_order_of_a_folder_is_named_where_its_choices_do_not_fit(tmp_path):
    folder = tmp_path / "gear"
    shutil.copytree(documents_of("wavegear"), folder)
    path = folder / "order.json"
    written = json.loads(path.read_text())
    contradicting = {**written["choices"], "load": "heavy", "ratio": "50"}
    path.write_text(json.dumps({**written, "choices": contradicting}))
    found = read_asked(folder)
    assert isinstance(found, Contradicted)
    assert found.source == "order.json"
    with pytest.raises(Invalid, match=r"order.json \$\.choices\."):
        asked_in(folder)
