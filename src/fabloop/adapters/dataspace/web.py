"""HTTP APIs and context brokers as sources: one GET, its JSON as rows."""

import os
import time
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from fabloop.adapters.dataspace.access import BYTES_MAX, held_raws, silent
from fabloop.adapters.dataspace.files import bytes_of, fault, json_of, tables_in
from fabloop.base.errors import Invalid
from fabloop.base.instant import SECOND
from fabloop.dataspace.ngsi import OBSERVED, UNIT, rows_by_type
from fabloop.dataspace.schema import Raw
from fabloop.dataspace.shred import shred

CHUNK = 64 * 1024


class _SameHost(HTTPRedirectHandler):
    """Goes where a server redirects to only on the same host: a token is for nobody else."""

    def redirect_request(
        self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Request | None:
        """Return the request to the new place, None for another host: then the answer stands."""
        if urlsplit(newurl)[:2] != urlsplit(req.full_url)[:2]:
            return None
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def http_tables(
    source: str, url: str, *, table: str, pointer: str, token_from: str, timeout_ns: int
) -> tuple[Raw, ...]:
    """Return the rows of what an HTTP API answers to GET."""
    data = fetched(source, url, token_from, timeout_ns / SECOND, "application/json")
    content = _at(source, json_of(source, url, data), pointer)
    named = table if pointer or isinstance(content, list) else ""
    return held_raws(shred(source, tables_in(content, named or table)))


def ngsi_tables(
    source: str, *, url: str | None, file: Path | None, token_from: str, timeout_ns: int
) -> tuple[Raw, ...]:
    """Return the entities of a context broker, or of a file, by their types."""
    if url is not None:
        accept = "application/ld+json, application/json"
        data, name = fetched(source, url, token_from, timeout_ns / SECOND, accept), url
    else:
        assert file is not None, "one of the two is there"
        data, name = bytes_of(source, file), file.name
    content = json_of(source, name, data)
    entities = content if isinstance(content, list) else [content]
    raws = held_raws(shred(source, rows_by_type(source, entities)))
    return tuple(_with_units(each) for each in raws)


def _with_units(raw: Raw) -> Raw:
    """Return a table that says which column holds the units of which."""
    beside = {
        name.removesuffix(UNIT): name
        for name in raw.columns
        if name.endswith(UNIT) and name.removesuffix(UNIT) in raw.columns
    }
    times = {name: "timestamp" for name in raw.columns if name.endswith(OBSERVED)}
    return Raw(
        name=raw.name,
        columns=raw.columns,
        rows=raw.rows,
        count=raw.count,
        types=times,
        keys=(*raw.keys, *(["id"] if "id" in raw.columns and not raw.parent else [])),
        refers=raw.refers,
        units_from=beside,
        parent=raw.parent,
    )


def fetched(source: str, url: str, token_from: str, timeout_s: float, accept: str) -> bytes:
    """Return what a server answers to GET, within a time and a size.

    Raises
    ------
    Unavailable
        It does not answer in time, or with an error.
    Invalid
        The answer is too large, or the variable with the token is not set.
    """
    headers = {"Accept": accept}
    if token_from:
        headers["Authorization"] = f"Bearer {_token(source, token_from)}"
    until = time.monotonic() + timeout_s
    hint = "Check that it runs and that it may be reached from here."
    try:
        request = Request(url, headers=headers)  # noqa: S310  # documents allow http and https only
        with build_opener(_SameHost).open(request, timeout=timeout_s) as answer:
            parts: list[bytes] = []
            size = 0
            while part := answer.read(CHUNK):
                parts.append(part)
                size += len(part)
                if size > BYTES_MAX:
                    raise fault(source, url, f"at most {BYTES_MAX} bytes", "more")
                if time.monotonic() > until:
                    raise silent(source, f"it was not done after {timeout_s:g} s", hint)
    except HTTPError as error:
        error.close()
        raise silent(source, f"'{url}' answers {error.code} {error.reason}", hint) from error
    except (URLError, TimeoutError, ConnectionError, OSError) as error:
        why = getattr(error, "reason", error)
        raise silent(source, f"'{url}' cannot be reached: {why}", hint) from error
    return b"".join(parts)


def _token(source: str, variable: str) -> str:
    token = os.environ.get(variable)
    if token is None:
        expected = f"the environment variable {variable}"
        raise fault(source, "token_from", expected, "nothing in it", "Set it to the token.")
    return token


def _at(source: str, content: Any, pointer: str) -> Any:
    """Return what a JSON pointer leads to."""
    here = content
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(here, dict) and key in here:
            here = here[key]
        elif isinstance(here, list) and key.isdigit() and int(key) < len(here):
            here = here[int(key)]
        else:
            raise _lost(source, pointer, key)
    return here


def _lost(source: str, pointer: str, key: str) -> Invalid:
    return fault(source, pointer, "rows where the pointer leads", f"no '{key}' there",
                 "Correct 'rows' of the source.")  # fmt: skip
