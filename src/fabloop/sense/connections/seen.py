"""What was found on a machine when it was looked at: variables and methods, not yet mapped."""

import msgspec


class SeenVariable(msgspec.Struct, frozen=True, kw_only=True):
    """A variable as the machine describes it.

    Attributes
    ----------
    path : names from the outermost object to the variable
    unit : in our writing, or the machine's own text; `unit_known` tells which
    number, text : whether its values are numbers, or texts
    length : of an array; 0: a scalar
    sample_interval_ns : of an array whose elements are samples; 0: not told
    about : what the machine says of the objects above: component names, classes of devices
    """

    address: str
    path: tuple[str, ...]
    label: str = ""
    number: bool = True
    text: bool = False
    unit: str = ""
    unit_known: bool = True
    least: float | None = None
    greatest: float | None = None
    states: tuple[str, ...] = ()
    length: int = 0
    sample_interval_ns: int = 0
    history: bool = False
    counter: bool = False
    about: tuple[str, ...] = ()


class SeenMethod(msgspec.Struct, frozen=True, kw_only=True):
    """A method of an object of the machine."""

    address: str
    object: str
    path: tuple[str, ...]


class Nameplate(msgspec.Struct, frozen=True, kw_only=True):
    """What a machine, or a part of it, says of itself: manufacturer, serial number and so on."""

    path: tuple[str, ...]
    told: dict[str, str]


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """All that was found; `left_out` counts what lay beyond the limit of a look.

    Attributes
    ----------
    tells_events : its alarms and conditions can be subscribed to
    """

    variables: tuple[SeenVariable, ...]
    methods: tuple[SeenMethod, ...] = ()
    nameplates: tuple[Nameplate, ...] = ()
    tells_events: bool = False
    left_out: int = 0
    warning: str = ""
