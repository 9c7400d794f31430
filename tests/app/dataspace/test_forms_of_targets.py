"""Targets of many forms over the MyMuffin data space, each with what comes out."""

import pytest

from fabloop.app.dataspace import open_data_space
from fabloop.base.instant import Instant
from fabloop.dataspace.finish import Filled
from muffin_space import BATCHES, served, write_space, yellow_pages


@pytest.fixture(scope="module")
def space(tmp_path_factory):
    with served(yellow_pages) as url:
        found = open_data_space(
            write_space(tmp_path_factory.mktemp("space"), url), lambda: Instant(0)
        )
        found.take("batches", BATCHES)
        yield found
        found.close()


@pytest.mark.parametrize(
    ("target", "given", "names", "rows"),
    [
        (
            '("type 2", has ingredient, ?h), (?h, name, ?x)', {}, "x",
            [("carrot",), ("egg",), ("flour",), ("honey",)],
        ),
        (
            "(?o, courier, ?c), (?c, town, ?t), (?o, customer, ?n)", {}, "cnt",
            [("GoFast", "Ada", "Modena"), ("Pony", "Bo", "Bologna"), ("Pony", "Cy", "Bologna"),
             ("ViaVia", "Di", "Modena")],
        ),
        ("(?o, boxes, 2*num), (?o, customer, ?n)", {"num": 5}, "on", [("QR-1003", "Cy")]),
        ("(?o, customer, ?n), (?o, muffin type, type)", {"type": "type 1"}, "n",
         [("Ada",), ("Cy",)]),
        ("(?o, customer, ?n), (?o, boxes, ?b)", {}, "nb",
         [("Ada", 3), ("Bo", 2), ("Cy", 10), ("Di", 1)]),
        ("(?o, QR code, QRCode), (?o, customer, ?n)", {"QRCode": "QR-1003"}, "n", [("Cy",)]),
        ("(?m, ingredient, ?i), (?i, name, name), (?m, title, ?t)", {"name": "honey"}, "t",
         [("Carrot muffin",)]),
        ("(ingredient, quantity, ?q)", {"ingredient": "egg"}, "q", [(1,), (2,)]),
        (
            "(QRCode, has ingredient, ?h), (?h, name, ?x), (?h, quantity, ?q)",
            {"QRCode": "QR-1002"}, "xq",
            [("carrot", 60), ("egg", 1), ("flour", 0.12), ("honey", 10)],
        ),
    ],
)  # fmt: skip
def test_what_is_wanted_comes_out(space, target, given, names, rows):
    found = space.fill(target, given)
    assert isinstance(found, Filled), found
    assert sorted(tuple(row[name] for name in names) for row in found.rows) == sorted(rows)


def test_arithmetic_over_found_values(space):
    found = space.fill("(?o, customer, ?n), (?o, boxes, 4*?b+extra)", {"extra": 1})
    assert {row["n"]: row["4*?b+extra"] for row in found.rows} == {
        "Ada": 13, "Bo": 9, "Cy": 41, "Di": 5,
    }  # fmt: skip
