"""What was deployed to an edge, version by version, in files that survive anything."""

from pathlib import Path

import msgspec

from fabloop.app.durable import write_durably
from fabloop.app.edge.app import Manifest
from fabloop.app.edge.deployment import Deployment
from fabloop.app.edge.loading import digest_of
from fabloop.base.codec import from_json, to_json_pretty
from fabloop.base.errors import Broken, NotFound
from fabloop.base.instant import Instant

VERSIONS_KEPT = 100


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A deployment with its number.

    Attributes
    ----------
    reason : what was asked for, such as ``deploy`` or ``stop press/tpe``
    manifests : what the apps declared when they were deployed, by group and name
    """

    version: int
    at: Instant
    reason: str
    deployment: Deployment
    manifests: dict[str, dict[str, Manifest]]


class Configs:
    """The versions of a folder; the one with the greatest number is in force."""

    def __init__(self, folder: Path) -> None:
        self._versions = folder / "versions"
        self.code = folder / "code"
        for each in (self._versions, self.code):
            each.mkdir(parents=True, exist_ok=True, mode=0o700)

    def current(self) -> Version | None:
        """Return what is in force; None before the first deployment."""
        numbers = self.numbers()
        return self.version(numbers[-1]) if numbers else None

    def numbers(self) -> list[int]:
        """Return the versions that are kept, ascending."""
        return sorted(int(each.stem) for each in self._versions.glob("*.json"))

    def version(self, number: int) -> Version:
        """Return one of them.

        Raises
        ------
        NotFound
            It is not kept.
        Broken
            Its file was damaged.
        """
        path = self._versions / f"{number:08d}.json"
        try:
            return from_json(path.read_bytes(), Version)
        except FileNotFoundError:
            kept = ", ".join(map(str, self.numbers())) or "none"
            raise NotFound(
                f"Expected a version that is kept ({kept}), but found {number}. Name one of them."
            ) from None
        except msgspec.MsgspecError as error:
            raise Broken(f"Expected '{path}' as it was written, but {error}.") from error

    def put(self, version: Version) -> None:
        """Make a version the one in force, durably."""
        path = self._versions / f"{version.version:08d}.json"
        write_durably(path, to_json_pretty(version))
        for number in self.numbers()[:-VERSIONS_KEPT]:
            (self._versions / f"{number:08d}.json").unlink()

    def keep_code(self, text: bytes) -> str:
        """Keep the text of a file and return its digest."""
        digest = digest_of(text)
        path = self.code / f"{digest}.py"
        if not path.exists():
            write_durably(path, text)
        return digest
