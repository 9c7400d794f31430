"""What executors and simulated systems do on the command line."""

from pathlib import Path

from fabloop.app.choreography.posts import ExecutorPost, SystemPost, post_of, takes
from fabloop.base.errors import ExitCode
from fabloop.cli.cloud_words import say_where, teller, until_interrupted


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
    ended = until_interrupted()
    with ExecutorPost(post, services, choreographer, teller(as_json=as_json)) as served:
        say_where(post, served.url, "executor", as_json=as_json)
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
    ended = until_interrupted()
    with SystemPost(post, services, takes(takes_s), beat_s=beat_s) as served:
        say_where(post, served.url, "application system", as_json=as_json)
        ended.wait()
    return ExitCode.FINE
