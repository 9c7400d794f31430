"""Both versions in one application: 5.2.1 answers what it knows, 4.6.2 the rest.

Only below ``/serviceregistry`` have both something to say; no request there is known to both but
``POST /serviceregistry/mgmt/systems``, which is 5.2.1's.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

Scope = dict[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]

FIVE_ROOTS = ("serviceorchestration", "consumerauthorization", "authentication", "blacklist")


class BothVersions:
    """Hands requests to the version that they are for.

    Parameters
    ----------
    operations : what 5.2.1 answers, as method and path; one that ends in ``...`` is a beginning
    """

    def __init__(self, five: App, operations: Iterable[str], four: App) -> None:
        self._five = five
        self._four = four
        known = list(operations)
        self._exact = frozenset(each for each in known if not each.endswith("..."))
        self._begins = tuple(each.removesuffix("...") for each in known if each.endswith("..."))

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Answer one request."""
        app = self._five if self._is_for_five(scope) else self._four
        await app(scope, receive, send)

    def _is_for_five(self, scope: Scope) -> bool:
        path: str = scope.get("path", "")
        root = path.strip("/").partition("/")[0]
        if root in FIVE_ROOTS:
            return True
        asked = f"{scope.get('method', '')} {path.rstrip('/')}"
        return asked in self._exact or asked.startswith(self._begins)
