"""Which format is it? A problem from the bytes of a file, by the ending of its name."""

from fabloop.plan.shop.formats.fjs import read_fjs
from fabloop.plan.shop.formats.fjsplib import read_fjsplib
from fabloop.plan.shop.formats.ipps import read_ipps
from fabloop.plan.shop.formats.lines import fault, text_of
from fabloop.plan.shop.model import Shop
from fabloop.plan.shop.sound import validated

ENDINGS = (".fjs", ".txt", ".json", ".ipps")


def read_shop(data: bytes, source: str) -> Shop:
    """Return the problem of a file, which is well formed.

    Raises
    ------
    Invalid
        The format is not known, or the file does not keep to it.
    """
    ending = source[source.rfind(".") :].lower()
    if ending not in ENDINGS:
        raise fault(source, "", f"a file name with one of {', '.join(ENDINGS)}", repr(ending))
    text = text_of(data, source)
    if ending == ".json":
        return validated(read_fjsplib(data, source))
    read = read_ipps if ending == ".ipps" else read_fjs
    return validated(read(text, source))
