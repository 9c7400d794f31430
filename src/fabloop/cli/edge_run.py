"""What ``fabloop edge run`` does."""

import signal
import sys
import threading
from pathlib import Path

from fabloop.app.edge.control import Control
from fabloop.app.edge.folder import held
from fabloop.app.edge.node import Node
from fabloop.app.edge.results import RESULTS_FILE, Results
from fabloop.base.errors import ExitCode
from fabloop.cli.processes.plain import print_json, print_lines


def run_edge(folder: Path, port: int, *, as_json: bool) -> ExitCode:
    """Run an edge until a signal comes."""
    ended = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: ended.set())
    with held(folder):
        results = Results(folder / RESULTS_FILE)
        node = Node(folder, results)
        control = Control(node, folder, port)
        try:
            url = control.address.url
            if as_json:
                print_json({"folder": str(folder), "url": url})
            else:
                print_lines([f"Edge of '{folder}' is asked at {url}. Ctrl-C ends it."])
            sys.stdout.flush()
            while not ended.wait(1.0):
                pass
        finally:
            control.close()
            node.close()
            results.close()
    return ExitCode.FINE
