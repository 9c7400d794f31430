"""``fabloop safety draft``: the beginning of a safety document for a folder."""

import sys
from pathlib import Path

from fabloop.adapters.documents import documents_in
from fabloop.app.safety.draft import draft_of
from fabloop.base.codec import to_json_pretty
from fabloop.base.errors import ExitCode
from fabloop.cli.service import services_of
from fabloop.model.documents import resolve
from fabloop.model.documents.structure import kind_in


def draft(folder: Path) -> ExitCode:
    """Print the beginning of a safety document."""
    documents = documents_in(folder) if any(folder.glob("*.json")) else {}
    sites = any(kind_in(data) == "site" for data in documents.values())
    units = resolve(documents).network.work_units() if sites else {}
    services = (each.service for each in services_of(folder).described())
    sys.stdout.write(to_json_pretty(draft_of(units, services)).decode())
    return ExitCode.FINE
