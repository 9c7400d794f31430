"""Services kept in a folder, composed, and fed by a real data space."""

import json

import pytest

from fabloop.app.dataspace import open_data_space
from fabloop.app.service_space import ServiceFolder, data_filler
from fabloop.base.errors import Conflict, Invalid, NotFound
from fabloop.base.instant import Instant
from fabloop.services.composition import Answer, Done, Goal, carry_out, compose
from fabloop.services.descriptions import read
from fabloop.services.discovery import (
    Circumstances,
    Dictionary,
    Index,
    Intent,
    Likeness,
    of_trade,
)
from muffin_space import BATCHES, served, write_space, yellow_pages
from service_documents import OVEN, PLAIN

NOW = Instant(1_795_000_000_000_000_000)

OVERCOOK = """
openapi: 3.1.0
info: {title: oven, version: "1"}
x-fabloop: {context: [food, cooking]}
paths:
  /overcook:
    get:
      operationId: overcook
      x-fabloop: {equipment: [oven], verb: inspect}
      responses:
        "200":
          content:
            application/json:
              schema:
                type: object
                properties:
                  QRCode: {type: string, x-fabloop: {concept: order code}}
                  type: {type: string, x-fabloop: {concept: type of muffin}}
                  num: {type: integer, x-fabloop: {concept: number of muffins}}
"""
SHIPMENT = """
openapi: 3.1.0
info: {title: shipping, version: "1"}
paths:
  /shipment:
    post:
      operationId: shipment
      x-fabloop: {context: [shipping], equipment: [courier], verb: change}
      requestBody:
        content:
          application/json:
            schema:
              type: object
              required: [URL]
              properties: {URL: {type: string, x-fabloop: {concept: call}}}
      responses: {"200": {description: told}}
"""
DOSING = """
openapi: 3.1.0
info: {title: dosing, version: "1"}
paths:
  /dose:
    post:
      operationId: dosing_machine
      x-fabloop: {context: [food], equipment: [dosing machine], verb: dose}
      requestBody:
        content:
          application/json:
            schema:
              type: object
              required: [setOfIngredients, setOfQuantities]
              properties:
                setOfIngredients: {type: array, items: {type: string}}
                setOfQuantities: {type: array, items: {type: number}}
      responses: {"200": {description: dosed}}
"""


def test_overcooked_muffins_reach_courier_and_dosing_machine_with_what_the_data_say(tmp_path):
    services = [read("s", text.encode()).service for text in (OVERCOOK, SHIPMENT, DOSING)]
    index = Index(services, Likeness(Dictionary(own=of_trade())))
    first = next(each for each in index.entries if each.operation.name == "overcook")
    wishes = (
        Intent(text="change the shipment", keywords=("courier", "change")),
        Intent(text="dose the ingredients", keywords=("dosing", "machine")),
    )
    composed = compose(index, Goal(wanted=wishes, first=first), Circumstances(now=NOW))
    made = {}

    def invoke(service, operation, values, key):
        made[operation.name] = values
        told = {"QRCode": "QR-1001", "type": "type 1", "num": 12}
        return told if operation.name == "overcook" else {}

    with served(yellow_pages) as pages:
        space = open_data_space(write_space(tmp_path, pages), lambda: NOW)
        space.take("batches", BATCHES)
        ended = carry_out(composed.alternatives[0], {}, invoke, data_filler(space), "run")
        space.close()
    assert isinstance(ended, Done)
    assert made["shipment"] == {"URL": "http://gofast.example/api"}
    assert made["dosing_machine"] == {
        "setOfIngredients": ["yoghurt", "blueberry", "egg", "flour"],
        "setOfQuantities": [900, 360, 24, 1320],
    }


def test_a_service_is_kept_as_its_document_says_and_read_again(tmp_path):
    folder = ServiceFolder(tmp_path)
    added = folder.add("oven.yaml", OVEN, at=NOW, base_url="http://127.0.0.1:1")
    assert ServiceFolder(tmp_path).services() == (added.service,)
    assert added.service.base_url == "http://127.0.0.1:1"
    service, operation = folder.operation("oven.bake")
    assert (service.id, operation.name) == ("oven", "bake")
    with pytest.raises(NotFound, match="Did you mean 'oven"):
        folder.operation("oven.bakes")


def test_a_service_that_is_there_is_replaced_only_when_that_is_said(tmp_path):
    folder = ServiceFolder(tmp_path)
    folder.add("oven.yaml", OVEN, at=NOW)
    with pytest.raises(Conflict, match="--replace"):
        folder.add("oven.yaml", OVEN, at=NOW)
    folder.add("oven.yaml", OVEN, at=NOW, base_url="http://127.0.0.1:2", replace=True)
    assert folder.services()[0].base_url == "http://127.0.0.1:2"


def test_every_damaged_file_is_told(tmp_path):
    folder = ServiceFolder(tmp_path)
    folder.add("oven.yaml", OVEN, at=NOW)
    folder.add("parcels.json", PLAIN, at=NOW)
    for file in (tmp_path / "services").glob("*.service.json"):
        file.write_bytes(b"{")
    with pytest.raises(Invalid) as raised:
        folder.services()
    assert len(raised.value.faults) == 2


def answer(chosen):
    return Answer(key="k", goal="g", chosen=(chosen,), by="anna", at=NOW)


def test_answers_outlive_the_process_and_a_half_written_line_is_none(tmp_path):
    folder = ServiceFolder(tmp_path)
    folder.remember(answer("a"))
    file = tmp_path / "services" / "answers.jsonl"
    with file.open("ab") as stream:
        stream.write(b'{"key": "k", "go')
    assert ServiceFolder(tmp_path).answers() == (answer("a"),)
    ServiceFolder(tmp_path).remember(answer("b"))
    assert ServiceFolder(tmp_path).answers() == (answer("a"), answer("b"))


def test_a_damaged_answer_in_the_middle_is_told(tmp_path):
    folder = ServiceFolder(tmp_path)
    folder.remember(answer("a"))
    file = tmp_path / "services" / "answers.jsonl"
    file.write_bytes(b"nonsense\n" + file.read_bytes())
    with pytest.raises(Invalid, match="line 1"):
        folder.answers()


def test_the_kept_file_is_plain_json(tmp_path):
    ServiceFolder(tmp_path).add("oven.yaml", OVEN, at=NOW)
    kept = json.loads((tmp_path / "services" / "oven.service.json").read_text())
    assert kept["source"] == "oven.yaml"
