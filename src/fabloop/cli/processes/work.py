"""``fabloop process serve`` and ``fabloop process work``: until somebody ends them."""

import importlib
import importlib.util
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, ModuleType

from fabloop.app.processes.crew import Worker
from fabloop.app.processes.remote import Remote
from fabloop.app.processes.store import Serving, connect, reach
from fabloop.base.errors import ExitCode, Fault, Invalid
from fabloop.cli.processes.plain import print_json, print_lines


def serve(store: Path, *, keep_ns: int | None, as_json: bool) -> ExitCode:
    """Hold a store open for others on this machine until a signal comes."""
    ended = threading.Event()
    with _signals(ended.set), Serving(store, keep_ns=keep_ns) as serving:
        _say(
            {"store": str(store), "address": serving.address},
            f"Serving '{store}' at {serving.address}. Ctrl-C ends it.",
            as_json=as_json,
        )
        while not ended.wait(1.0):
            if serving.host.failure is not None:
                raise serving.host.failure
            while serving.host.troubles:
                sys.stderr.write(f"{serving.host.troubles.popleft()}\n")
    return ExitCode.FINE


def work(module: str, store: Path, *, concurrency: int, name: str, as_json: bool) -> ExitCode:
    """Do jobs with the marked functions of a module until a signal comes."""
    functions = _loaded(module)
    service = connect(store, make=True)
    again = (lambda: reach(store)) if isinstance(service, Remote) else None
    try:
        crew = Worker(service, functions, name=name, concurrency=concurrency, connect=again)
        _say(
            {"worker": crew.name, "types": list(crew.types)},
            f"Worker '{crew.name}' does: {', '.join(crew.types)}. Ctrl-C ends it.",
            as_json=as_json,
        )
        with _signals(crew.ask_to_stop):
            crew.run()
    finally:
        service.close()
    return ExitCode.FINE


def _say(told: dict[str, object], text: str, *, as_json: bool) -> None:
    if as_json:
        print_json(told)
    else:
        print_lines([text])
    sys.stdout.flush()


@contextmanager
def _signals(end: Callable[[], None]) -> Iterator[None]:
    """Call `end` at the first Ctrl-C or SIGTERM; the second one ends the program at once."""

    def first(number: int, _: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        end()

    before = {each: signal.signal(each, first) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _loaded(name: str) -> ModuleType:
    """Return a module by its dotted name, or by the path of its file."""
    path = Path(name)
    try:
        if path.suffix == ".py":
            if not path.is_file():
                raise _no_module(name, "no such file")
            spec = importlib.util.spec_from_file_location(path.stem, path)
            assert spec is not None, "a file of Python has a place"
            assert spec.loader is not None, "a file of Python can be loaded"
            module = importlib.util.module_from_spec(spec)
            sys.modules[path.stem] = module
            spec.loader.exec_module(module)
            return module
        sys.path.insert(0, str(Path.cwd()))
        return importlib.import_module(name)
    except Invalid:
        raise
    except Exception as error:  # whatever a module of somebody raises while it is loaded
        raise _no_module(name, f"{type(error).__name__}: {error}") from error


def _no_module(name: str, found: str) -> Invalid:
    expected = "a Python module or file that can be loaded"
    return Invalid(Fault(source=name, path="", expected=expected, found=found))
