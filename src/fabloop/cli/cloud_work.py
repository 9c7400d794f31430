"""What executors and simulated systems do on the command line."""

import threading
from collections.abc import Callable
from pathlib import Path

from fabloop.app.choreography.posts import Post, executor_post, system_post, takes
from fabloop.base.errors import ExitCode
from fabloop.cli.cloud_words import say_where, teller, until_interrupted
from fabloop.cli.gates import standing_gate
from fabloop.cli.given import address_given, note


def be_executor(
    post: Post,
    services: tuple[str, ...],
    choreographer: str,
    safety: Path | None,
    *,
    moves_nothing: bool,
    as_json: bool,
) -> ExitCode:
    """Be an executor until a signal comes; each task is judged by the safety documents."""
    address_given("--choreographer", choreographer)
    ended = until_interrupted()
    tell = teller(as_json=as_json)
    with (
        standing_gate(safety, moves_nothing=moves_nothing) as gate,
        executor_post(
            post, services, choreographer, tell, gate=gate, awaits=_waiting(choreographer, ended)
        ) as url,
    ):
        say_where(post, url, "executor", as_json=as_json)
        ended.wait()
    return ExitCode.FINE


def _waiting(choreographer: str, ended: threading.Event) -> Callable[[float], bool]:
    """Return what waits for a choreographer, which is told once, and ends with a signal."""
    told = False

    def wait(seconds: float) -> bool:
        nonlocal told
        if not told:
            told = True
            note(f"Waiting for the choreographer at {choreographer} to answer.")
        return ended.wait(seconds)

    return wait


def be_system(
    post: Post, services: tuple[str, ...], takes_s: float, beat_s: float, *, as_json: bool
) -> ExitCode:
    """Be an application system until a signal comes."""
    ended = until_interrupted()
    with system_post(post, services, takes(takes_s), beat_s=beat_s) as url:
        say_where(post, url, "application system", as_json=as_json)
        ended.wait()
    return ExitCode.FINE
