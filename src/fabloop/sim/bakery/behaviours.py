"""How each kind of machine and partner of the bakery behaves."""

from collections.abc import Mapping
from typing import cast

from fabloop.base.instant import DAY, HOUR, MINUTE, SECOND, Instant, iso_of
from fabloop.sim.bakery.device import (
    Answer,
    Asked,
    Behaviour,
    Device,
    Done,
    Nature,
    Never,
    Outage,
    Taken,
    Values,
)

PACE_MIN = 0.1


def device_of(nature: Nature) -> Device:
    """Return a device of the nature's kind, as new."""
    return Device(nature, KINDS[nature.kind])


def _number(asked: Asked, name: str) -> float:
    value = asked.given.get(name, 0)
    return float(value) if isinstance(value, int | float) else 0.0


def _timed(duration_ns: float, **result: object) -> Taken:
    def told(begins: Instant, ends: Instant) -> Values:
        return {**result, "begun_at": iso_of(begins), "ended_at": iso_of(ends)}

    return Taken(duration_ns=round(duration_ns), result=told)


# -- machines of the bakery -----------------------------------------------------------------------


def _dose(_device: Device, asked: Asked) -> Taken | Answer:
    names, amounts = asked.given.get("setOfIngredients"), asked.given.get("setOfQuantities")
    if not isinstance(names, list) or not isinstance(amounts, list) or len(names) != len(amounts):
        return Never(reason="Expected as many quantities as ingredients.")
    if not names or any(not isinstance(each, int | float) or each <= 0 for each in amounts):
        return Never(reason="Expected positive quantities of one ingredient or more.")
    seconds = 60 + 20 * len(names)
    return _timed(seconds * SECOND, dosed=len(names), mass_g=round(sum(amounts), 1))


def _mix(device: Device, asked: Asked) -> Taken | Answer:
    return _timed(device.figure("minutes") * MINUTE, dough=str(asked.given.get("lot", "")))


def _print(device: Device, asked: Asked) -> Taken | Answer:
    labels = asked.given.get("labels")
    if not isinstance(labels, list) or not labels:
        return Never(reason="Expected the labels of one order or more.")
    if any(not str(each.get("QRCode", "")).startswith("MM-") for each in labels):
        return Never(reason="Expected QR codes of orders, which begin with 'MM-'.")
    pieces = sum(int(each["num"]) for each in labels)
    ns = MINUTE + pieces * device.figure("seconds_per_piece") * SECOND
    return _timed(ns, printed=pieces)


def _fill(device: Device, asked: Asked) -> Taken | Answer:
    pieces = _number(asked, "pieces")
    ns = 2 * MINUTE + pieces * device.figure("seconds_per_piece") * SECOND
    return _timed(ns, filled=int(pieces))


def _piecework(device: Device, asked: Asked) -> Taken | Answer:
    count = _number(asked, "pieces") or _number(asked, "boxes")
    ns = MINUTE + count * device.figure("seconds_per_piece") * SECOND
    return _timed(ns, pieces=int(count))


def _route(device: Device, asked: Asked) -> Taken | Answer:
    return _timed(device.figure("minutes") * MINUTE, at=str(asked.given.get("to", "")))


def _pace(device: Device, asked: Asked) -> Taken | Answer:
    """Slow a machine down, or let it go at full speed again."""
    speed = asked.given.get("speed")
    if not isinstance(speed, int | float) or not PACE_MIN <= speed <= 1.0:
        return Never(reason=f"Expected a speed from {PACE_MIN} to 1, but found {speed!r}.")
    device.pace = float(speed)
    return Taken(duration_ns=0, result=lambda *_: {"speed": device.pace}, queues=False)


# -- ovens ----------------------------------------------------------------------------------------


def _bake(device: Device, asked: Asked) -> Taken | Answer:
    """Bake a load; what is in the oven when it fails is overcooked, by whole orders."""
    pieces, load_max = _number(asked, "pieces"), device.figure("pieces_max")
    if not 0 < pieces <= load_max * device.figure("loads_max"):
        return Never(reason=f"Expected 1 to {load_max:g} pieces a load, but found {pieces:g}.")
    if _number(asked, "temperature_c") > device.figure("celsius_max"):
        return Never(reason="That is hotter than the oven gets.")
    minutes = device.figure("warm_up_minutes") + _number(asked, "minutes")
    loads = -(-int(pieces) // int(load_max))

    def told(begins: Instant, ends: Instant) -> Values:
        burnt = _burnt(device, asked, begins, ends)
        lot = str(asked.given.get("lot", ""))
        device.notes[lot] = burnt
        return {
            "baked": int(pieces) - sum(cast("int", each["num"]) for each in burnt),
            "lot": lot,
            "begun_at": iso_of(begins),
            "ended_at": iso_of(ends),
        }

    return Taken(duration_ns=round(minutes * loads * MINUTE), result=told)


def _burnt(device: Device, asked: Asked, begins: Instant, ends: Instant) -> list[Values]:
    """Return what of a load is lost, by whole orders; where something is, the oven is out."""
    loads = cast("int", device.notes.get("loads", 0)) + 1
    device.notes["loads"] = loads
    mishap = next((each for each in device.nature.mishaps if each.load == loads), None)
    contents = asked.given.get("contents")
    if mishap is None or not isinstance(contents, list):
        return []
    fails = Instant(begins + (ends - begins) // 2)
    back = Instant(fails + round(mishap.repair_hours * HOUR))
    after, longer = mishap.later or (0.0, 0.0)
    device.outages.append(
        Outage(
            begins_at=fails,
            ends_at=Instant(back + round(longer * HOUR)),
            reason=mishap.reason,
            known_at=Instant(fails + round(after * HOUR)),
            thought=back,
        )
    )
    lost, burnt = round(sum(int(each["num"]) for each in contents) * mishap.share), []
    for each in sorted(contents, key=lambda e: device.chance("burnt", e["QRCode"]).random()):
        if lost <= 0:
            break
        burnt.append(dict(each))
        lost -= int(each["num"])
    return sorted(burnt, key=lambda each: str(each["QRCode"]))


def _overcook(device: Device, asked: Asked) -> Taken | Answer:
    """Tell which muffins of a load are overcooked, by the QR codes on their liners."""
    lot = str(asked.given.get("lot", ""))
    return Done(result={"overcooked": device.notes.get(lot, []), "lot": lot})


def _slowdown(device: Device, asked: Asked) -> Taken | Answer:
    """Tell the delay against what the oven should need, as a share of what it takes now."""
    ratio = device.delay(asked.at)
    return Done(result={"delay": round(100.0 * ratio / (1.0 + ratio), 1)})


def _status(device: Device, asked: Asked) -> Taken | Answer:
    outage = device.outage(asked.at)
    back = iso_of(outage.expected_back(asked.at)) if outage else None
    busy = any(each.begun_at <= asked.at < each.ends_at for each in device.works.values())
    state = "error" if outage else "busy" if busy else "free"
    return Done(
        result={
            "state": state,
            "reason": outage.reason if outage else "",
            "expected_back_at": back,
            "speed": device.pace,
        }
    )


def _mend(device: Device, asked: Asked) -> Taken | Answer:
    """Come back when the machine works again; at once where it does."""
    outage = device.outage(asked.at)
    back = outage.ends_at if outage else asked.at
    return Taken(
        duration_ns=0, result=lambda *_: {"works": True}, not_before=Instant(back), queues=False
    )


# -- transport and partners -----------------------------------------------------------------------


def _move(device: Device, asked: Asked) -> Taken | Answer:
    to = str(asked.given.get("to", ""))
    return _timed(device.figure("minutes") * MINUTE, at=to, load=asked.given.get("lot"))


def _pick_up(device: Device, asked: Asked) -> Taken | Answer:
    """Pick a parcel up at the next round."""
    rounds = [device.figure("first_round_hour"), device.figure("second_round_hour")]
    day = asked.at - asked.at % DAY
    times = [Instant(day + d * DAY + round(h * HOUR)) for d in (0, 1) for h in rounds]
    at = min(each for each in times if each > asked.at)
    device.notes[str(asked.given.get("qr"))] = "picked up"

    def told(_: Instant, ends: Instant) -> Values:
        return {"picked_up_at": iso_of(ends), "qr": asked.given.get("qr")}

    return Taken(duration_ns=5 * MINUTE, result=told, not_before=at, queues=False)


def _deliver(device: Device, asked: Asked) -> Taken | Answer:
    chance = device.chance("delivery", asked.given.get("qr"))
    hours = chance.uniform(device.figure("hours_min"), device.figure("hours_max"))

    def told(_: Instant, ends: Instant) -> Values:
        return {"delivered_at": iso_of(ends), "qr": asked.given.get("qr")}

    return Taken(duration_ns=round(hours * HOUR), result=told, queues=False)


def _change_shipment(device: Device, asked: Asked) -> Taken | Answer:
    qr = str(asked.given.get("qr", ""))
    note = {"qr": qr, "ready_at": asked.given.get("ready_at"), "note": asked.given.get("note", "")}
    device.notes[f"shipment {qr}"] = note
    return Taken(duration_ns=0, result=lambda *_: {"accepted": True, "qr": qr}, queues=False)


def _restore_shipment(device: Device, asked: Asked) -> Taken | Answer:
    """Forget the change of a shipment; one that was picked up goes as it is."""
    qr = str(asked.given.get("qr", ""))
    restored = device.notes.get(qr) != "picked up"
    if restored:
        device.notes.pop(f"shipment {qr}", None)
    return Taken(duration_ns=0, result=lambda *_: {"accepted": restored, "qr": qr}, queues=False)


def _cancel_load(device: Device, asked: Asked) -> Taken | Answer:
    """Break the baking of a load off; one that is baked stays so."""
    lot = str(asked.given.get("lot", ""))
    found = device.cancelled("bakeForOthers", lot, asked.at)
    return Taken(duration_ns=0, result=lambda *_: {"cancelled": found, "lot": lot}, queues=False)


# -- order management -----------------------------------------------------------------------------


def _keep_order(_device: Device, asked: Asked) -> Taken | Answer:
    order = str(asked.given.get("order", ""))
    result = {"order": order, "state": asked.given.get("state", "confirmed")}
    return Taken(duration_ns=0, result=lambda *_: result, queues=False)


def _companies(device: Device, asked: Asked) -> Taken | Answer:
    """List companies; those that are published take the place of all before."""
    if asked.operation == "publishCompanies":
        device.notes["companies"] = asked.given.get("companies", [])
    return Done(result={"companies": device.notes.get("companies", [])})


_COMMON: dict[str, Behaviour] = {"status": _status, "setSpeed": _pace}

KINDS: dict[str, Mapping[str, Behaviour]] = {
    "dough": {"doseIngredients": _dose, "mixDough": _mix, **_COMMON},
    "liners": {"printLiners": _print, **_COMMON},
    "filling": {"placeInLiners": _fill, **_COMMON},
    "oven": {
        "bake": _bake,
        "overcook": _overcook,
        "slowdown": _slowdown,
        "awaitOven": _mend,
        "status": _status,
    },
    "baker": {"bakeForOthers": _bake, "cancelLoad": _cancel_load, "status": _status},
    "van": {"moveLoad": _move, "status": _status},
    "topping": {"placeTopping": _piecework, **_COMMON},
    "cart": {"routeToBoxes": _route, "status": _status},
    "boxing": {"fillBoxes": _piecework, **_COMMON},
    "courier": {
        "pickUp": _pick_up,
        "deliver": _deliver,
        "changeShipment": _change_shipment,
        "restoreShipment": _restore_shipment,
    },
    "pages": {"listCompanies": _companies, "publishCompanies": _companies},
    "orders": {"setOrderState": _keep_order},
}
