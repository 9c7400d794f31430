"""``fabloop check``: are the documents right, and can their order be produced?"""

import sys
from pathlib import Path

from rich.console import Console

from fabloop.app.account import exclusion_table, plan_table, refusal_texts
from fabloop.app.asked import Contradicted, contradictions, read_asked
from fabloop.app.caveats import readiness, stranger
from fabloop.app.sentences import labels_of
from fabloop.base.codec import to_json_pretty
from fabloop.base.errors import ExitCode
from fabloop.cli.given import note
from fabloop.cli.grid import grid_of
from fabloop.model.facts import OrderRefused
from fabloop.model.plan import NotDecided, Producible
from fabloop.plan.producible import check


def print_check(folder: Path, tenant: str, *, as_json: bool) -> ExitCode:
    """Print the plans of the folder's order, or why there is none and what would help.

    Live KPI values are those of the documents; one that is too old at the order's receipt does
    not count.
    """
    asked = read_asked(folder, tenant)
    if isinstance(asked, Contradicted):
        texts = [each.sentence() for each in contradictions(asked.source, asked.found)]
        _print(asked.found, as_json, texts)
        return ExitCode.BAD_INPUT
    knowledge, order = asked.knowledge, asked.order
    answer = check(order, knowledge.network, knowledge.vocabulary, asked.kpis, order.received_at)
    note(stranger(tenant, knowledge.network))
    labels = labels_of(knowledge.network, order.product)
    if isinstance(answer, Producible):
        _print(answer, as_json, [])
        if not as_json:
            console = Console(highlight=False, markup=False)
            console.print(grid_of(plan_table(answer.plans, labels)))
            for text in readiness(order, answer.plans, knowledge.network):
                sys.stdout.write(text + "\n")
            left_out = exclusion_table(answer, order.received_at, labels, rest="; --json tells all")
            if left_out.rows:
                console.print(grid_of(left_out))
        return ExitCode.FINE
    refused = OrderRefused(order=order.id, answer=answer)
    _print(answer, as_json, list(refusal_texts(refused, order.received_at, labels)))
    undecided = isinstance(answer, NotDecided)
    return ExitCode.UNDECIDED if undecided else ExitCode.NOT_PRODUCIBLE


def _print(answer: object, as_json: bool, texts: list[str]) -> None:
    """Print an answer as JSON, or else as sentences."""
    if as_json:
        sys.stdout.write(to_json_pretty(answer).decode())
        return
    for text in texts:
        sys.stdout.write(text + "\n")
