"""What executors and simulated systems do on the command line."""

from fabloop.app.choreography.posts import ExecutorPost, Post, SystemPost, takes
from fabloop.base.errors import ExitCode
from fabloop.cli.cloud_words import say_where, teller, until_interrupted
from fabloop.cli.given import address_given


def be_executor(
    post: Post, services: tuple[str, ...], choreographer: str, *, as_json: bool
) -> ExitCode:
    """Be an executor until a signal comes."""
    address_given("--choreographer", choreographer)
    ended = until_interrupted()
    with ExecutorPost(post, services, choreographer, teller(as_json=as_json)) as served:
        say_where(post, served.url, "executor", as_json=as_json)
        ended.wait()
    return ExitCode.FINE


def be_system(
    post: Post, services: tuple[str, ...], takes_s: float, beat_s: float, *, as_json: bool
) -> ExitCode:
    """Be an application system until a signal comes."""
    ended = until_interrupted()
    with SystemPost(post, services, takes(takes_s), beat_s=beat_s) as served:
        say_where(post, served.url, "application system", as_json=as_json)
        ended.wait()
    return ExitCode.FINE
