"""Keeps what is needed to take a repair back: what is carried out, and for which situation."""

import msgspec

from fabloop.adapt.repair.proposal import RepairOption, Situation


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A repair as it was carried out."""

    option: RepairOption
    situation: Situation


_DECODER = msgspec.msgpack.Decoder(Kept)


def packed(option: RepairOption, situation: Situation) -> bytes:
    """Return a repair as bytes: what is said of things is no JSON."""
    return msgspec.msgpack.encode(Kept(option=option, situation=situation))


def unpacked(data: bytes) -> Kept:
    """Return a repair that was kept."""
    return _DECODER.decode(data)
