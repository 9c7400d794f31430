"""Servers that tests share: started once, on demand."""

import pytest

from postgres_server import binaries, postgres_server


@pytest.fixture(scope="session")
def postgres():
    """Return the URL of a real PostgreSQL server."""
    if binaries() is None:
        pytest.skip("PostgreSQL is not installed here: apt-get install postgresql")
    with postgres_server() as url:
        yield url
