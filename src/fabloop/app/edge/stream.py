"""The stream of one machine in a group: announced, followed, kept in a ring, handed to its apps."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from fabloop.adapters.bulks import Announcement, BulkFrame, names_hash
from fabloop.app.edge.hosted import Hosted
from fabloop.app.edge.link import StreamReport
from fabloop.base.instant import Instant
from fabloop.sense.streams.follow import Position, Verdict, follow
from fabloop.sense.streams.ring import MirroredRing


class Stream:
    """What is known of a machine's samples; `sender` is the connection that may send them."""

    def __init__(self, machine: str) -> None:
        self.machine = machine
        self.sender: object | None = None
        self.apps: tuple[Hosted, ...] = ()
        self._announcement: Announcement | None = None
        self._hash = b""
        self._units: dict[str, str] = {}
        self._unit_changes = 0
        self._position = Position()
        self._ring: MirroredRing | None = None
        self._unknown = 0
        self._refused: Counter[str] = Counter()
        self._skew_ns: int | None = None
        self._trouble = ""

    @property
    def announcement(self) -> Announcement | None:
        """What the machine sends, as far as it has told."""
        return self._announcement

    def announced(self, announcement: Announcement, sender: object) -> None:
        """Learn what comes; a second sender is refused as long as the first one is there."""
        if self.sender is not None and self.sender is not sender:
            self._refuse(
                "second-sender",
                f"Expected one sender for machine '{self.machine}', but found a second. End one.",
            )
            return
        self.sender = sender
        units = dict(zip(announcement.series, announcement.units, strict=False))
        changed = [name for name, unit in units.items() if self._units.get(name, unit) != unit]
        if changed:
            self._unit_changes += 1
            self._trouble = f"the unit of {', '.join(changed)} is another than before"
        self._units |= units
        if names_hash(announcement) != self._hash:
            self._announcement, self._hash = announcement, names_hash(announcement)
            self._ring = None
            for each in self.apps:
                each.bind(announcement)

    def use(self, apps: Sequence[Hosted]) -> None:
        """Serve these apps from now on; those that were there before go on as they are."""
        before = self.apps
        self.apps = tuple(each for each in apps if each.deployed.machine == self.machine)
        for each in self.apps:
            if self._announcement is not None and each not in before:
                each.bind(self._announcement)
        longest = self._longest()
        if self._ring is not None and longest > self._ring.length:
            roomier = MirroredRing(self._ring.signals, longest, self._ring.dtype)
            if len(self._ring):
                roomier.push(self._ring.last(len(self._ring)).T)
            self._ring = roomier

    def gone(self, sender: object) -> None:
        """Note that a connection has ended."""
        if self.sender is sender:
            self.sender = None

    def take(self, frame: BulkFrame, sender: object, arrived_ns: int) -> bool:
        """Hand a bulk to the apps; tell whether it was taken.

        Parameters
        ----------
        arrived_ns : of the computer's clock, to tell how far the control's is off
        """
        if self.sender is not sender or frame.names_hash != self._hash:
            reason = "second-sender" if self.sender is not sender else "not-announced"
            self._refuse(reason, "bulks came from a sender, or with signals, not announced")
            return False
        assert self._announcement is not None, "a hash is known only with its announcement"
        samples, signals = frame.values.shape
        if signals != len(self._announcement.series):
            self._refuse("shape", f"{signals} signals where another number was announced")
            return False
        self._position, verdict = follow(
            self._position,
            sequence=frame.sequence,
            start=Instant(frame.start),
            samples=samples,
            step_ns=frame.step_ns,
        )
        if verdict is Verdict.REPEATED:
            return False
        self._skew_ns = frame.start + samples * frame.step_ns - arrived_ns
        if not np.isfinite(frame.values).all():
            self._unknown += int((~np.isfinite(frame.values)).sum())
        self._pushed(frame, anew=verdict is not Verdict.NEXT)
        for each in self.apps:
            each.take(frame, self._ring, follows=verdict is Verdict.NEXT)
        return True

    def report(self) -> StreamReport:
        """Return how it is doing."""
        position, announced = self._position, self._announcement
        return StreamReport(
            machine=self.machine,
            connected=self.sender is not None,
            signals=len(announced.series) if announced else 0,
            sequence=None if position.expected is None else position.expected - 1,
            taken=position.taken,
            repeated=position.repeated,
            gaps=position.gaps,
            lost=position.lost,
            restarts=position.restarts,
            clock_jumps=position.clock_jumps,
            unknown_samples=self._unknown,
            unit_changes=self._unit_changes,
            refused=dict(self._refused),
            clock_skew_ns=self._skew_ns,
            trouble=self._trouble,
        )

    def _pushed(self, frame: BulkFrame, *, anew: bool) -> None:
        """Keep the samples for windows; those before a loss do not lead to those after it."""
        longest = self._longest()
        if longest == 0:
            return
        signals, dtype = frame.values.shape[1], frame.values.dtype
        if self._ring is None or self._ring.dtype != dtype:
            self._ring = MirroredRing(signals, longest, dtype)
            anew = True
        if anew:
            self._ring.clear()
            for each in self.apps:
                each.begin_anew()
        self._ring.push(frame.values)

    def _longest(self) -> int:
        return max((each.manifest.window_samples for each in self.apps), default=0)

    def _refuse(self, reason: str, text: str) -> None:
        self._refused[reason] += 1
        self._trouble = text
