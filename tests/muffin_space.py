"""The data space of MyMuffin: batches, orders, recipes and yellow pages, each of another kind."""

import json
import sqlite3
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

RECIPES = [
    {
        "type": "type 1",
        "title": "Blueberry muffin with yoghurt",
        "ingredients": [
            {"name": "yoghurt", "qty": "75 gr"},
            {"name": "blueberry", "qty": "30 gr"},
            {"name": "egg", "qty": "2"},
            {"name": "flour", "qty": "110 gr"},
        ],
    },
    {
        "type": "type 2",
        "title": "Carrot muffin",
        "ingredients": [
            {"name": "carrot", "qty": "60 gr"},
            {"name": "egg", "qty": "1"},
            {"name": "flour", "qty": "0.12 kg"},
            {"name": "honey", "qty": "10 gr"},
        ],
    },
    {
        "type": "type 3",
        "title": "Chocolate muffin",
        "ingredients": [
            {"name": "chocolate chips", "qty": "45 gr"},
            {"name": "egg", "qty": "2"},
            {"name": "flour", "qty": "100 gr"},
        ],
    },
]
ORDERS = [
    ("QR-1001", "Ada", "type 1", 3, "GoFast", "2026-11-20T09:00:00+01:00"),
    ("QR-1002", "Bo", "type 2", 2, "Pony", "2026-11-20T09:10:00+01:00"),
    ("QR-1003", "Cy", "type 1", 10, "Pony", "2026-11-20T10:00:00+01:00"),
    ("QR-1004", "Di", "type 3", 1, "ViaVia", "2026-11-20T10:30:00+01:00"),
]
COURIERS = [
    {
        "company": "GoFast",
        "trade": "courier",
        "town": "Modena",
        "call": "http://gofast.example/api",
    },
    {"company": "Pony", "trade": "courier", "town": "Bologna", "call": "http://pony.example/ship"},
    {"company": "ViaVia", "trade": "courier", "town": "Modena", "call": "http://viavia.example/v2"},
    {"company": "Forno Rosa", "trade": "bakery", "town": "Modena", "call": "http://rosa.example/"},
]
BATCHES = [
    {"batch": "B-1", "type": "type 1", "pieces": 1000, "oven": "oven-1", "state": "cooked"},
    {"batch": "B-2", "type": "type 2", "pieces": 800, "oven": "oven-1", "state": "cooking"},
]
INGREDIENTS = "(type, has ingredient, ?h), (?h, name, ?x), (?h, qty, num*?y)"
COURIER = "(QRCode, call, ?z)"


def write_space(folder, yellow_pages, **changes):
    """Write documents, files and databases into a folder; `yellow_pages` is a URL."""
    sources = {
        "batches": {"kind": "stream", "table": "batches"},
        "orders": {"kind": "sqlite", "file": "orders.db"},
        "recipes": {"kind": "files", "path": "recipes.json"},
        "yellow-pages": {"kind": "http", "url": yellow_pages, "table": "companies"},
    } | changes
    document = {
        "document": "data-sources",
        "version": "1",
        "@context": "urn:fabloop:context:1:data-sources",
        "sources": [{"id": name, "access": access} for name, access in sources.items() if access],
    }
    (folder / "sources.json").write_text(json.dumps(document))
    data = folder / "recipes.json"
    data.write_text(json.dumps(RECIPES))
    write_orders(folder / "orders.db")
    return folder


def write_orders(file, orders=ORDERS):
    """Write the orders into an SQLite file."""
    connection = sqlite3.connect(file)
    connection.execute(
        "CREATE TABLE orders (qr_code TEXT PRIMARY KEY, customer TEXT, muffin_type TEXT, "
        "boxes INTEGER, courier TEXT, received_at TEXT)"
    )
    connection.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?)", orders)
    connection.commit()
    connection.close()


class Pages(BaseHTTPRequestHandler):
    """Answers with what the server's `answer` gives for a path."""

    def do_GET(self):
        status, body = self.server.answer(self.path)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if status == 302:
            self.send_header("Location", body.decode())
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@contextmanager
def served(answer):
    """Yield the URL of a server on the loopback that answers as the function says."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    server.answer = answer
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def yellow_pages(_path):
    """Answer with the couriers."""
    return 200, json.dumps(COURIERS).encode()
