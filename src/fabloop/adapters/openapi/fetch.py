"""Fetches the document of a service from where it is published."""

import httpx

from fabloop.base.errors import Fault, Invalid, Unavailable
from fabloop.services.descriptions.syntax import DOCUMENT_BYTES_MAX

TIMEOUT_S = 10.0


def fetch(url: str) -> bytes:
    """Return what is published at a URL.

    Raises
    ------
    Unavailable
        Nobody answers there, or not with a document.
    Invalid
        It is larger than a document may be.
    """
    try:
        with httpx.stream("GET", url, timeout=TIMEOUT_S, trust_env=False) as response:
            if not response.is_success:
                raise Unavailable(
                    f"Expected a document at {url}, but found status {response.status_code}. "
                    "Services often publish it as /openapi.json."
                )
            found = bytearray()
            for chunk in response.iter_bytes():
                found += chunk
                if len(found) > DOCUMENT_BYTES_MAX:
                    raise Invalid(
                        Fault(
                            source=url,
                            path="",
                            expected=f"at most {DOCUMENT_BYTES_MAX // 1024} KiB",
                            found="more",
                        )
                    )
            return bytes(found)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unavailable(
            f"Expected a document at {url}, but found: {error}. Is the service running?"
        ) from error
