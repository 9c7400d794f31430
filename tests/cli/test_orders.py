"""``fabloop order``: quotations, a contract as two files, and what becomes of its promises."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from fabloop.app.demo import documents_of
from fabloop.app.sentences import instant_text
from fabloop.base.codec import from_json, to_json
from fabloop.base.instant import iso_of
from fabloop.model.market import Contract, Delivery, Reached
from fabloop.plan.market.offer import offer_name

FABLOOP = Path(sys.executable).with_name("fabloop")
FOLDER = documents_of("wavegear")


def order(*arguments, cwd):
    return subprocess.run(
        [str(FABLOOP), "order", *map(str, arguments)],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture(scope="module")
def offers(tmp_path_factory):
    done = order("quote", FOLDER, "--json", cwd=tmp_path_factory.mktemp("offers"))
    return json.loads(done.stdout)["standings"]


@pytest.fixture(scope="module")
def accepted(tmp_path_factory, offers):
    folder = tmp_path_factory.mktemp("accepted")
    offer = offers[1]["offer"]
    done = order("accept", FOLDER, "--offer", offer, "--out", "contract.json", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder, from_json((folder / "contract.json").read_bytes(), Contract), done


def test_bids_are_told_as_a_table_and_as_json_best_first(tmp_path):
    shown = order("quote", FOLDER, cwd=tmp_path)
    assert shown.returncode == 0
    assert "Best at" in shown.stdout
    told = json.loads(order("quote", FOLDER, "--json", "--most", 2, cwd=tmp_path).stdout)
    scores = [each["score"] for each in told["standings"]]
    assert len(scores) == 2
    assert scores == sorted(scores)


def test_a_contract_says_who_makes_what_by_when_and_what_is_promised(accepted):
    folder, contract, done = accepted
    text = (folder / "contract.md").read_text()
    assert text == done.stdout
    assert "## vienna, at vienna" in text
    assert "Ream the stabilizer: position tolerance at most 15 µm" in text
    assert instant_text(contract.bid.ready_at, "Europe/Vienna") in text


def test_a_contract_is_never_overwritten(accepted, offers):
    folder, *_ = accepted
    again = order(
        "accept", FOLDER, "--offer", offers[1]["offer"], "--out", "contract.json", cwd=folder
    )
    assert again.returncode == 2
    assert "does not exist yet" in again.stderr


def test_an_offer_that_is_not_made_cannot_be_accepted(tmp_path):
    done = order("accept", FOLDER, "--offer", "00000000", cwd=tmp_path)
    assert done.returncode == 1
    assert "'00000000' is none of them" in done.stderr
    assert not list(tmp_path.iterdir())


def test_an_offer_whose_price_changed_since_it_was_read_is_not_accepted(offers, tmp_path):
    shutil.copytree(FOLDER, tmp_path / "factory")
    shipping = tmp_path / "factory/shipping.json"
    shipping.write_text(shipping.read_text().replace("45.00 EUR", "46.00 EUR"))
    assert "46.00 EUR" in shipping.read_text()
    done = order("accept", "factory", "--offer", offers[0]["offer"], cwd=tmp_path)
    assert done.returncode == 1
    assert "has changed since it was read" in done.stderr
    assert not list(tmp_path.glob("contract*"))


def test_the_offer_that_was_read_is_accepted_and_no_other(accepted, offers):
    _, contract, _ = accepted
    assert contract.bid.price_minor == offers[1]["bid"]["price_minor"]
    assert offer_name(contract.bid) == offers[1]["offer"]


def test_a_broken_promise_and_a_late_part_are_told_and_end_with_1(accepted, tmp_path):
    folder, contract, _ = accepted
    quiet = order("watch", folder / "contract.json", "--at", "2026-01-01T00:00:00Z", cwd=tmp_path)
    assert (quiet.returncode, quiet.stdout) == (0, "Everything is as promised so far.\n")
    part = next(each for each in contract.bid.parts if each.quotation.site == "vienna")
    (promise,) = part.quotation.promises
    ready = part.quotation.ready_at
    bad = Reached(
        step=promise.step, parameter=promise.parameter, value=16e-6, at=ready, source="tpe/1"
    )
    delivery = Delivery(quotation=part.quotation.id, at=ready, handed_over=True, reached=(bad,))
    (tmp_path / "report.json").write_bytes(to_json(delivery))
    told = order(
        "watch", folder / "contract.json", "--delivery", "report.json", "--at", iso_of(ready),
        cwd=tmp_path,
    )  # fmt: skip
    assert told.returncode == 1
    assert "vienna did not keep its promise" in told.stdout
    assert "graz is" in told.stdout
    strange = msgspec.structs.replace(delivery, quotation="nobody")
    (tmp_path / "report.json").write_bytes(to_json(strange))
    told = order("watch", folder / "contract.json", "--delivery", "report.json", cwd=tmp_path)
    assert told.returncode == 2
    assert "a quotation of the contract" in told.stderr


def test_a_file_that_is_no_contract_is_named(tmp_path):
    (tmp_path / "x.json").write_text("{}")
    told = order("watch", "x.json", cwd=tmp_path)
    assert told.returncode == 2
    assert "x.json" in told.stderr
