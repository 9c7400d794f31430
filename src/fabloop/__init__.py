"""fabloop closes the loop of a digital factory: plan, run, sense, adapt."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fabloop.app.processes.crew import Worker
    from fabloop.app.processes.store import connect, open_host
    from fabloop.app.processes.worker import BusinessError, Job, NoRetry, worker

__version__ = "0.1.0"

_HOMES = {
    "BusinessError": "worker",
    "Job": "worker",
    "NoRetry": "worker",
    "Worker": "crew",
    "connect": "store",
    "open_host": "store",
    "worker": "worker",
}

__all__ = [
    "BusinessError",
    "Job",
    "NoRetry",
    "Worker",
    "__version__",
    "connect",
    "open_host",
    "worker",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for: `import fabloop` itself costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'fabloop' has no attribute '{name}'")
    return getattr(import_module(f"fabloop.app.processes.{_HOMES[name]}"), name)
