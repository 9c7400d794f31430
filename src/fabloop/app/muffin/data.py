"""The data space of the bakery: loads as they are baked, orders, recipes, yellow pages."""

import shutil
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fabloop.adapters.sqlite import SqliteJournal
from fabloop.app.dataspace.account import expression_text, outcome_texts
from fabloop.app.dataspace.space import DataSpace
from fabloop.app.service_runtime.facts import LookedUp
from fabloop.app.service_runtime.log import FactLog
from fabloop.app.service_space.filling import data_filler
from fabloop.base.codec import to_json_pretty
from fabloop.base.errors import Unavailable
from fabloop.base.instant import Instant, iso_of
from fabloop.dataspace.finish import Filled
from fabloop.dataspace.mapping import Mapping as Mapped
from fabloop.services.composition import DataNeed
from fabloop.services.composition.carry_out import Fill
from fabloop.sim.bakery.customers import MuffinOrder

INGREDIENTS = "(type, has ingredient, ?h), (?h, name, ?x), (?h, qty, num*?y)"
"""What a dough of so many muffins of a type is made of (the second mapping of the story)."""

COURIER = "(QRCode, call, ?z)"
"""Where the courier of an order is called (the first one)."""

LOOKS_MAX = 10
"""How often sources are asked that do not tell, or not what they told before."""
PAGES_TIMEOUT = "2 s"
_TABLE = """CREATE TABLE IF NOT EXISTS orders (
  qr_code TEXT PRIMARY KEY, order_number TEXT, customer TEXT, muffin_type TEXT, boxes INTEGER,
  courier TEXT, received_at TEXT)"""


class BakeryData:
    """Answers what calls need and processes do not know, by mappings that are discovered.

    Parameters
    ----------
    folder : where its documents, databases and the book of mappings go
    pages : URL of the yellow pages
    again : called before a source that did not tell is asked once more
    """

    def __init__(
        self,
        folder: Path,
        recipes: Path,
        pages: str,
        log: FactLog,
        now: Instant,
        again: Callable[[], object] = lambda: None,
    ) -> None:
        from fabloop.adapters.dataspace import Sources  # noqa: PLC0415  # DuckDB is slow to import
        from fabloop.app.dataspace.open import read_space  # noqa: PLC0415

        folder.mkdir(exist_ok=True)
        self._now = now
        self._log = log
        self._again = again
        shutil.copyfile(recipes, folder / "recipes.json")
        (folder / "sources.json").write_bytes(to_json_pretty(_document(pages)))
        self._orders = sqlite3.connect(folder / "orders.db", isolation_level=None)
        self._orders.execute("PRAGMA journal_mode=WAL")  # orders come while others are read
        self._orders.execute(_TABLE)
        (folder / "space").mkdir(exist_ok=True)
        shutil.move(folder / "sources.json", folder / "space" / "sources.json")
        sources = Sources(read_space(folder / "space"), folder)
        book = SqliteJournal(folder / "mappings.db")
        self.space = DataSpace(sources, book, lambda: self._now)

    def received(self, order: MuffinOrder) -> None:
        """Keep an order as it came; once."""
        self._orders.execute(
            "INSERT OR IGNORE INTO orders VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                order.qr, order.id, order.customer, order.type, order.boxes, order.courier,
                iso_of(order.received_at),
            ),
        )  # fmt: skip

    def baked(self, lot: str, muffins: str, pieces: int, oven: str, at: Instant) -> None:
        """Tell of a load that came out of an oven."""
        row = {"batch": lot, "muffins": muffins, "pieces": pieces, "oven": oven, "at": iso_of(at)}
        self.space.take("batches", [row])

    def ingredients(
        self, about: str, kind: str, number: int, now: Instant
    ) -> tuple[list[str], list[float]]:
        """Return the ingredients of so many muffins and their mass in grams.

        Raises
        ------
        Unavailable
            Nothing in the data space tells them for certain.
        """
        filled = self._filled(about, INGREDIENTS, {"type": kind, "num": number}, now)
        rows = {str(row["x"]): float(str(row["num*?y"])) for row in filled.rows}
        self._tell(about, filled, rows, now)
        return list(rows), list(rows.values())

    def filler(self, about: str, now: Instant) -> Fill:
        """Return what fills the needs of a composed chain; what it finds is told."""
        fill = data_filler(self.space)

        def filled(need: DataNeed, given: Mapping[str, Any]) -> Mapping[str, Any] | str:
            self._now = now
            answer: Mapping[str, Any] | str = ""
            for _ in range(LOOKS_MAX):
                try:
                    answer = fill(need, given)
                except Unavailable as error:
                    answer = str(error)
                if not isinstance(answer, str):
                    self._told(about, need, answer, now)
                    return answer
                self._again()
            return answer

        return filled

    def _told(self, about: str, need: DataNeed, found: Mapping[str, Any], now: Instant) -> None:
        known = (self.space.book.valid(each) for each in need.targets)
        mapping = next((each for each in known if each is not None), None)
        columns = [found[each] for each in need.variables if each in found]
        if mapping is None or len(columns) < len(need.variables) or not need.many:
            return
        rows = list(zip(*columns, strict=True))
        values = {str(first): rest[0] if len(rest) == 1 else rest for first, *rest in rows}
        self._tell_mapping(about, mapping, values, len(rows), now)

    def courier_url(self, about: str, code: str, now: Instant) -> str:
        """Return where the courier of an order is called; raises Unavailable."""
        filled = self._filled(about, COURIER, {"QRCode": code}, now)
        return str(filled.rows[0]["z"])

    def told_courier(self, about: str, code: str, service: str, now: Instant) -> None:
        """Write down which service the URL of a courier stands for."""
        filled = self._filled(about, COURIER, {"QRCode": code}, now)
        self._tell(about, filled, {code: service}, now)

    def _filled(self, about: str, target: str, given: dict[str, str | int], now: Instant) -> Filled:
        self._now = now
        wanted = {"y": "g"} if target == INGREDIENTS else {}
        why = ""
        for _ in range(LOOKS_MAX):
            outcome = self.space.fill(target, given, wanted=wanted)
            if isinstance(outcome, Filled) and outcome.rows:
                return outcome
            why = " ".join(outcome_texts(outcome)) or "no row is whole"
            self._again()
        raise Unavailable(f"Expected the data space to tell {target} for {about}, but {why}")

    def _tell(self, about: str, filled: Filled, values: Mapping[str, object], now: Instant) -> None:
        mapping = self.space.book.valid(filled.target)
        assert mapping is not None, "what was filled was filled by a mapping"
        self._tell_mapping(about, mapping, values, len(filled.rows), now)

    def _tell_mapping(
        self, about: str, mapping: Mapped, values: Mapping[str, object], rows: int, now: Instant
    ) -> None:
        tables = sorted({each.table for each in mapping.expression.uses})
        self._log.tell(
            now,
            LookedUp(
                about=about,
                target=mapping.target,
                mapping=f"version {mapping.version}: {expression_text(mapping.expression)}",
                sources=tuple(tables),
                confidence=round(mapping.confidence, 4),
                rows=rows,
                values=dict(values),
            ),
        )

    def close(self) -> None:
        """Close the sources and the book."""
        self.space.close()
        self._orders.close()


def _document(pages: str) -> dict[str, object]:
    access: dict[str, dict[str, object]] = {
        "batches": {"kind": "stream", "table": "batches", "latest": 1_000},
        "orders": {"kind": "sqlite", "file": "orders.db"},
        "recipes": {"kind": "files", "path": "recipes.json"},
        "yellow-pages": {
            "kind": "http",
            "url": pages,
            "table": "companies",
            "rows": "/companies",
            "timeout": PAGES_TIMEOUT,
        },
    }
    return {
        "document": "data-sources",
        "version": "1",
        "@context": "urn:fabloop:context:1:data-sources",
        "sources": [{"id": name, "access": each} for name, each in access.items()],
        "synonyms": [["courier", "company"]],
    }
