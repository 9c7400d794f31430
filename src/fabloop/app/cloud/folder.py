"""A folder with a local cloud: its journal, its snapshots and its secret."""

from pathlib import Path
from typing import TYPE_CHECKING

from fabloop.adapters.arrowhead.crypto import KeyedCrypto, secret_in
from fabloop.adapters.sqlite import SqliteJournal, SqliteSnapshots
from fabloop.app.cloud.host import CloudHost, host_of
from fabloop.app.processes.clocks import WallClock
from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import Clock

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

JOURNAL_FILE = "cloud.db"
SNAPSHOTS_FILE = "cloud-snapshots.db"
SECRET_FILE = "cloud.key"  # noqa: S105  # a file's name


def open_cloud(
    folder: Path | str, clock: Clock | None = None, key: "RSAPrivateKey | None" = None
) -> CloudHost:
    """Return the host of a folder, as its journal says; a new folder begins empty.

    Parameters
    ----------
    key : with which tokens are signed

    Raises
    ------
    Conflict
        Another process has it open.
    Broken
        The journal cannot be read.
    """
    path = Path(folder)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Invalid(
            Fault(source=str(path), path="", expected="a folder",
                found=error.strerror or "something else")
        ) from error  # fmt: skip
    journal = SqliteJournal(path / JOURNAL_FILE)
    try:
        snapshots = SqliteSnapshots(path / SNAPSHOTS_FILE)
        crypto = KeyedCrypto(secret_in(path / SECRET_FILE), key)
        return host_of(journal, clock or WallClock(), crypto, snapshots)
    except BaseException:
        journal.close()
        raise
