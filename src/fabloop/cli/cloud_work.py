"""What choreographer, executor and simulated system do on the command line."""

import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from fabloop.adapters.arrowhead.four.steps import SessionStatus
from fabloop.app.choreography.conduct import Patience
from fabloop.app.choreography.ledger import Session
from fabloop.app.choreography.ports import Message
from fabloop.app.choreography.posts import (
    ChoreographerPost,
    ExecutorPost,
    Post,
    SystemPost,
    post_of,
    takes,
)
from fabloop.base.errors import ExitCode
from fabloop.base.instant import iso_of
from fabloop.cli.given import read_bytes
from fabloop.cli.processes.plain import named, print_lines
from fabloop.run.recipe_document import read_recipe

LOOK_S = 0.1


def choreograph(
    cloud: str,
    certificate: Path | None,
    trust: Path | None,
    name: str,
    store: Path,
    host: str,
    port: int,
    patience_s: float,
    *,
    as_json: bool,
) -> ExitCode:
    """Be the choreographer until a signal comes."""
    post = post_of(cloud, certificate, trust, name=name, host=host, port=port)
    ended = _until_interrupted()
    patience = Patience(patience_s=patience_s)
    with ChoreographerPost(post, store, _teller(as_json=as_json), patience) as served:
        _say_where(post, served.url, "choreographer", as_json=as_json)
        ended.wait()
    return ExitCode.FINE


def run(
    recipe: Path,
    order: str,
    cloud: str,
    certificate: Path | None,
    trust: Path | None,
    name: str,
    store: Path,
    host: str,
    port: int,
    patience_s: float,
    *,
    as_json: bool,
) -> ExitCode:
    """Carry out a recipe, or go on with it where it was begun before."""
    asked = read_recipe(read_bytes(recipe), source=str(recipe))
    post = post_of(cloud, certificate, trust, name=name, host=host, port=port)
    ended = _until_interrupted()
    patience = Patience(patience_s=patience_s)
    with ChoreographerPost(post, store, _teller(as_json=as_json), patience) as served:
        _say_where(post, served.url, "choreographer", as_json=as_json)
        session = served.desk.resume(asked, recipe.stem, order)
        while not ended.wait(LOOK_S):
            found = served.desk.session(session.number)
            if found is not None and not found.runs:
                return _told(found, as_json=as_json)
    print_lines(["Interrupted. The same command goes on where it was."])
    return ExitCode.NOT_PRODUCIBLE


def be_executor(
    services: tuple[str, ...],
    choreographer: str,
    cloud: str,
    certificate: Path | None,
    trust: Path | None,
    name: str,
    host: str,
    port: int,
    *,
    as_json: bool,
) -> ExitCode:
    """Be an executor until a signal comes."""
    post = post_of(cloud, certificate, trust, name=name, host=host, port=port)
    ended = _until_interrupted()
    with ExecutorPost(post, services, choreographer, _teller(as_json=as_json)) as served:
        _say_where(post, served.url, "executor", as_json=as_json)
        ended.wait()
    return ExitCode.FINE


def be_system(
    services: tuple[str, ...],
    takes_s: float,
    beat_s: float,
    cloud: str,
    certificate: Path | None,
    trust: Path | None,
    name: str,
    host: str,
    port: int,
    *,
    as_json: bool,
) -> ExitCode:
    """Be an application system until a signal comes."""
    post = post_of(cloud, certificate, trust, name=name, host=host, port=port)
    ended = _until_interrupted()
    with SystemPost(post, services, takes(takes_s), beat_s=beat_s) as served:
        _say_where(post, served.url, "application system", as_json=as_json)
        ended.wait()
    return ExitCode.FINE


def _print_line(value: object) -> None:
    sys.stdout.write(msgspec.json.encode(named(value)).decode() + "\n")


def _told(session: Session, *, as_json: bool) -> ExitCode:
    done = session.status is SessionStatus.DONE
    if as_json:
        _print_line({"session": session.number, "status": session.status.value})
    else:
        print_lines([f"Session {session.number} of '{session.name}': {session.status.value}."])
    return ExitCode.FINE if done else ExitCode.NOT_PRODUCIBLE


def _say_where(post: Post, url: str, what: str, *, as_json: bool) -> None:
    if as_json:
        _print_line({"name": post.name, "url": url})
    else:
        print_lines([f"{post.name}, {what}, is asked at {url}. Ctrl-C ends it."])
    sys.stdout.flush()


def _teller(*, as_json: bool) -> Callable[[Message], None]:
    """Return what tells messages as they come, from whatever thread."""
    lock = threading.Lock()

    def tell(message: Message) -> None:
        with lock:
            if as_json:
                _print_line(message)
            else:
                about = f" step {message.step}" if message.step else ""
                print_lines(
                    [
                        f"{iso_of(message.at)} {message.name}: {message.sender} -> "
                        f"{message.receiver}{about} {message.text}".rstrip()
                    ]
                )
            sys.stdout.flush()

    return tell


def _until_interrupted() -> threading.Event:
    ended = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: ended.set())
    return ended
