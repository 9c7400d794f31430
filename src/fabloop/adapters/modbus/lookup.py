"""Looks up the address of a host without making anybody wait for a resolver that hangs."""

import asyncio
import contextlib
import ipaddress
import socket
import threading


class Lookup:
    """The address of one host; asked in a thread that nobody has to end or wait for.

    An event loop's own look-up ends with the resolver's patience, tens of seconds for a name
    server that is away, and the program does not end before.
    """

    def __init__(self, host: str) -> None:
        self._host = host
        self._pending: asyncio.Future[str] | None = None

    async def address(self, patience_s: float) -> str:
        """Return the address of the host.

        Raises
        ------
        OSError
            The name is not known, or nobody told in time. A question that stands is not asked
            a second time.
        """
        if _is_address(self._host):
            return self._host
        if self._pending is None:
            self._pending = self._asked()
        try:
            async with asyncio.timeout(patience_s):
                found = await asyncio.shield(self._pending)
        except TimeoutError as error:
            raise OSError(f"no address for '{self._host}' within {patience_s:g} s") from error
        except OSError:
            self._pending = None
            raise
        self._pending = None
        return found

    def _asked(self) -> asyncio.Future[str]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[str] = loop.create_future()
        future.add_done_callback(_seen)

        def tell(found: str | OSError) -> None:
            if future.done():
                return
            if isinstance(found, str):
                future.set_result(found)
            else:
                future.set_exception(found)

        def ask() -> None:
            try:
                address = socket.getaddrinfo(self._host, None, type=socket.SOCK_STREAM)[0][4][0]
                found: str | OSError = str(address)
            except OSError as error:
                found = OSError(f"no address for '{self._host}': {error.strerror or error}")
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody wants it any more
                loop.call_soon_threadsafe(tell, found)

        threading.Thread(target=ask, name=f"look up {self._host}", daemon=True).start()
        return future


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _seen(future: asyncio.Future[str]) -> None:
    """Look at what went wrong, so that nobody warns that nobody did."""
    if not future.cancelled():
        future.exception()
