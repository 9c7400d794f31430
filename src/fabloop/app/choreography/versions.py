"""The interfaces of 4.6.2 beside those of 5.2.1, around a cloud that is served."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette

from fabloop.adapters.arrowhead.certificates import read_chain, read_key, told_by
from fabloop.adapters.arrowhead.five.facade import Facade
from fabloop.adapters.arrowhead.four.application import four_routes
from fabloop.adapters.arrowhead.four.authorization import Issuer
from fabloop.adapters.arrowhead.four.event_handler import Courier
from fabloop.adapters.arrowhead.mtls import Identity
from fabloop.adapters.arrowhead.profiles import subject_of
from fabloop.adapters.arrowhead.versions import BothVersions
from fabloop.app.cloud.host import CloudHost

_ID_BYTES = 16


@contextmanager
def with_four(identity: Identity | None) -> Iterator[Callable[[CloudHost, Facade], Any]]:
    """Give what adds 4.6.2 to an application of 5.2.1; events are delivered until the block ends.

    Without an identity there are no tokens, as in a cloud of 4.6.2 without security.
    """
    courier = Courier(identity)
    issuer = _issuer(identity) if identity is not None else None

    def wrap(host: CloudHost, facade: Facade) -> BothVersions:
        four = Starlette(routes=four_routes(host, issuer, courier))
        return BothVersions(facade, facade.operations(), four)

    try:
        yield wrap
    finally:
        courier.close()


def _issuer(identity: Identity) -> Issuer | None:
    """Return who makes tokens: the key of the cloud, in the cloud that its certificate names."""
    told = told_by(read_chain(Path(identity.certificate))[0])
    subject = subject_of(told.common_name, told.profile)
    if subject is None:
        return None
    key = read_key(Path(identity.key))
    return Issuer(key, subject.cloud, lambda: secrets.token_hex(_ID_BYTES))
