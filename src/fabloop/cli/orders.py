"""``fabloop order``: put an order to the market, accept a bid, watch what was promised."""

import secrets
import sys
from pathlib import Path
from typing import TypeVar

import msgspec
from rich.console import Console

from fabloop.app.asked import asked_in
from fabloop.app.market import (
    Outcome,
    Terms,
    bid_table,
    contract_sentences,
    contract_text,
    not_offered,
    refusals,
    trade,
)
from fabloop.app.sentences import sentence
from fabloop.base.codec import from_json_once, to_json_pretty
from fabloop.base.errors import ExitCode, Fault, Invalid
from fabloop.base.instant import Instant
from fabloop.cli.given import read_bytes
from fabloop.cli.grid import grid_of
from fabloop.model.market import Contract, Delivery
from fabloop.model.order import ProductionOrder
from fabloop.model.site import Network
from fabloop.plan.market.blinding import SECRET_BYTES_MIN
from fabloop.plan.market.contract import accept, watch
from fabloop.plan.market.tenant import PricePolicy

T = TypeVar("T", Contract, Delivery)


class MarketRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for on the command line."""

    folder: Path
    buyer: str
    margin: float
    valid_for_ns: int
    most: int


def print_quotations(request: MarketRequest, *, as_json: bool) -> ExitCode:
    """Print the bids that the tenants of a folder make for its order, or why there are none."""
    order, outcome, network = _traded(request)
    if as_json:
        sys.stdout.write(to_json_pretty(outcome).decode())
    else:
        if outcome.standings:
            Console(highlight=False, markup=False).print(
                grid_of(bid_table(outcome, order, network))
            )
        for text in refusals(outcome, order):
            sys.stdout.write(text + "\n")
    return ExitCode.FINE if outcome.standings else ExitCode.NOT_PRODUCIBLE


def write_contract(request: MarketRequest, offer: str, out: Path, *, as_json: bool) -> ExitCode:
    """Accept an offer by its name; write the contract as JSON and Markdown, and print it."""
    order, outcome, network = _traded(request)
    if not outcome.standings:
        for text in refusals(outcome, order):
            sys.stderr.write(text + "\n")
        return ExitCode.NOT_PRODUCIBLE
    bid = next((each.bid for each in outcome.standings if each.offer == offer), None)
    if bid is None:
        sys.stderr.write(not_offered(offer, outcome) + "\n")
        return ExitCode.NOT_PRODUCIBLE
    contract = accept(bid, order, request.buyer, order.received_at)
    _write_new(out, to_json_pretty(contract))
    text = contract_text(contract, order, network)
    _write_new(out.with_suffix(".md"), text.encode())
    sys.stdout.write(to_json_pretty(contract).decode() if as_json else text)
    return ExitCode.FINE


def print_watch(
    contract_file: Path, delivery_files: tuple[Path, ...], now: Instant, *, as_json: bool
) -> ExitCode:
    """Print what of a contract is late, broken, in danger or unproven; exit 1 with any."""
    contract = _decoded(contract_file, Contract)
    deliveries = [_decoded(each, Delivery) for each in delivery_files]
    known = {each.quotation.id for each in contract.bid.parts}
    strays = [
        Fault(
            source=str(file),
            path="$.quotation",
            expected=f"a quotation of the contract ({', '.join(sorted(known))})",
            found=repr(each.quotation),
        )
        for file, each in zip(delivery_files, deliveries, strict=True)
        if each.quotation not in known
    ]
    if strays:
        raise Invalid(strays)
    found = watch(contract, deliveries, now)
    if as_json:
        sys.stdout.write(to_json_pretty(found).decode())
    else:
        for text in contract_sentences(sentence(each, now) for each in found):
            sys.stdout.write(text + "\n")
    return ExitCode.NOT_PRODUCIBLE if found else ExitCode.FINE


def _traded(request: MarketRequest) -> tuple[ProductionOrder, Outcome, Network]:
    asked = asked_in(request.folder)
    order = asked.order
    terms = Terms(
        buyer=request.buyer,
        secret=secrets.token_bytes(2 * SECRET_BYTES_MIN),
        now=order.received_at,
        valid_for_ns=request.valid_for_ns,
        policy=PricePolicy(margin=request.margin),
        most=request.most,
    )
    return order, trade(asked.knowledge, order, terms), asked.knowledge.network


def _decoded(file: Path, kind: type[T]) -> T:
    try:
        return from_json_once(read_bytes(file), kind)
    except msgspec.DecodeError as error:
        fault = Fault(
            source=str(file), path="", expected=f"a {kind.__name__.lower()}", found=str(error)
        )
        raise Invalid(fault) from error


def _write_new(file: Path, data: bytes) -> None:
    """Write a file that must not exist yet: a contract is not overwritten."""
    try:
        with file.open("xb") as out:
            out.write(data)
    except FileExistsError as error:
        raise Invalid(
            Fault(
                source=str(file),
                path="",
                expected="a file that does not exist yet",
                found="one that does",
                hint="Name another file with --out.",
            )
        ) from error
    except OSError as error:
        raise Invalid(
            Fault(source=str(file), path="", expected="a writable place", found=str(error.strerror))
        ) from error
