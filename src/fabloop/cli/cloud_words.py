"""What those who work in a cloud say: where they are, and each message, as lines or JSON."""

import signal
import sys
import threading
from collections.abc import Callable

import msgspec

from fabloop.app.choreography.ports import Message
from fabloop.app.choreography.posts import Post, post_of
from fabloop.base.instant import SECOND, Instant, iso_of
from fabloop.cli.cloud_place import Place
from fabloop.cli.given import address_given
from fabloop.cli.processes.plain import named, print_lines

STEP_FAILED = "stepFailed"
FAILED_AGAIN_NS = 30 * SECOND
"""A step that fails again as it did is told once in this time."""


def where(place: Place) -> Post:
    """Return where a system stands, as the options tell it."""
    address_given("--cloud", place.cloud)
    return post_of(
        place.cloud, place.certificate, place.trust, name=place.name, host=place.host,
        port=place.port, generation=place.generation, cores=place.core,
    )  # fmt: skip


def print_line(value: object) -> None:
    """Print a value as one line of JSON."""
    sys.stdout.write(msgspec.json.encode(named(value)).decode() + "\n")


def say_where(post: Post, url: str, what: str, *, as_json: bool) -> None:
    """Tell who is asked where."""
    if as_json:
        print_line({"name": post.name, "url": url})
    else:
        print_lines([f"{post.name}, {what}, is asked at {url}. Ctrl-C ends it."])
    sys.stdout.flush()


def teller(*, as_json: bool) -> Callable[[Message], None]:
    """Return what tells messages as they come, from whatever thread."""
    lock = threading.Lock()
    failed: dict[str, Instant] = {}

    def tell(message: Message) -> None:
        with lock:
            if as_json:
                print_line(message)
            elif not _is_repeated(message, failed):
                about = f" step {message.step}" if message.step else ""
                print_lines(
                    [
                        f"{iso_of(message.at)} {message.name}: {message.sender} -> "
                        f"{message.receiver}{about} {message.text}".rstrip()
                    ]
                )
            sys.stdout.flush()

    return tell


def _is_repeated(message: Message, failed: dict[str, Instant]) -> bool:
    """Tell whether a failure was told just before; a step is tried every second."""
    if message.name != STEP_FAILED:
        failed.clear()
        return False
    before = failed.get(message.text)
    if before is not None and message.at - before < FAILED_AGAIN_NS:
        return True
    failed[message.text] = message.at
    return False


def until_interrupted() -> threading.Event:
    """Return what is set when a signal asks to end."""
    ended = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: ended.set())
    return ended
