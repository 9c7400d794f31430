"""What all tests share: servers, started once and on demand, and no deadline for an example."""

import pytest
from hypothesis import settings

from postgres_server import binaries, postgres_server

# How long an example takes depends on the machine and on its neighbours. The gate says the same of
# the same code each time; new examples are looked for with ``--hypothesis-profile explore``.
settings.register_profile("house", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, derandomize=False, print_blob=True)
settings.load_profile("house")


@pytest.fixture(scope="session")
def postgres():
    """Return the URL of a real PostgreSQL server."""
    if binaries() is None:
        pytest.skip("PostgreSQL is not installed here: apt-get install postgresql")
    with postgres_server() as url:
        yield url
