"""Finds the class of an app: by entry point, in a module, or in a file that was deployed."""

import importlib
import importlib.util
import sys
from hashlib import sha256
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from fabloop.app.edge.app import HANDLERS, App, Manifest
from fabloop.app.edge.deployment import SOURCE, DeployedApp
from fabloop.base.errors import Fault, Invalid
from fabloop.base.names import did_you_mean

ENTRY_POINTS = "fabloop.edge_apps"
OWN = {
    "features": "fabloop.app.edge.apps.features:Features",
    "daily-test": "fabloop.app.edge.apps.daily_test:DailyTest",
}
"""Apps that come with the runtime."""


def digest_of(text: bytes) -> str:
    """Return the name under which the text of a file is kept."""
    return sha256(text).hexdigest()[:24]


def load(deployed: DeployedApp, code: Path) -> App:
    """Return the app, called with its settings.

    Parameters
    ----------
    code : folder of the files that were deployed

    Raises
    ------
    Invalid
        There is no such app, it is none, or it does not take its settings.
    """
    kind = _kind(deployed, code)
    try:
        made: Any = kind(deployed.settings)
    except Invalid:
        raise
    except Exception as error:  # whatever foreign code raises is a fault of the deployment
        raise _fault(
            deployed, "settings that the app takes", f"{type(error).__name__}: {error}"
        ) from error
    manifest = getattr(made, "manifest", None)
    if not isinstance(manifest, Manifest):
        raise _fault(deployed, "a class with a `manifest`", f"{type(manifest).__name__}")
    if not any(callable(getattr(made, each, None)) for each in HANDLERS):
        raise _fault(deployed, f"a class with one of {', '.join(HANDLERS)}", "none of them")
    found: App = made
    return found


def _kind(deployed: DeployedApp, code: Path) -> Any:
    where, _, name = deployed.app.rpartition(":")
    try:
        if deployed.code:
            module = _of_file(code / f"{deployed.code}.py")
        elif not where:
            return _by_name(deployed)
        elif where.endswith(".py"):
            raise _fault(
                deployed,
                "the text of the file with the deployment",
                "none",
                "Deploy by `fabloop edge deploy`, which sends it.",
            )
        else:
            module = importlib.import_module(where)
    except Invalid:
        raise
    except Exception as error:
        raise _fault(deployed, "an app", f"{type(error).__name__}: {error}") from error
    found = getattr(module, name, None)
    if found is None:
        raise _fault(deployed, f"a class in {where}", repr(name), did_you_mean(name, vars(module)))
    return found


def _by_name(deployed: DeployedApp) -> Any:
    found = {each.name: each for each in entry_points(group=ENTRY_POINTS)}
    if deployed.app in found:
        return found[deployed.app].load()
    if deployed.app in OWN:
        module, _, name = OWN[deployed.app].partition(":")
        return getattr(importlib.import_module(module), name)
    hint = did_you_mean(deployed.app, [*found, *OWN])
    raise _fault(deployed, "an entry point, module:Class or file.py:Class", deployed.app, hint)


def _of_file(path: Path) -> Any:
    name = f"fabloop_edge_app_{path.stem}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None, "a path that ends with .py has a loader"
    assert spec.loader is not None, "a path that ends with .py has a loader"
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _fault(deployed: DeployedApp, expected: str, found: str, hint: str = "") -> Invalid:
    path = f"app {deployed.name!r} ({deployed.app})"
    return Invalid(Fault(source=SOURCE, path=path, expected=expected, found=found, hint=hint))
