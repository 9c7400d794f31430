"""What is said where the libraries of a local cloud are not installed."""

from collections.abc import Iterator
from contextlib import contextmanager

from fabloop.base.errors import Unavailable


@contextmanager
def cloud_extra() -> Iterator[None]:
    """Import what needs the extra ``cloud``; raises Unavailable with how to get it."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise Unavailable(
            f"Expected the extra 'cloud', but found that {error.name} is not installed. "
            "Run: pip install 'fabloop[cloud]'"
        ) from error
