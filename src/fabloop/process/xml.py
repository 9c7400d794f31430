"""The safe XML parser under its former name; it stands in `fabloop.base.xml`."""

from fabloop.base.xml import (
    XML_BYTES_MAX,
    XML_DEPTH_MAX,
    XML_ELEMENTS_MAX,
    Element,
    Tally,
    line_of,
    local_of,
    parse_xml,
    text_of,
)

__all__ = [
    "XML_BYTES_MAX",
    "XML_DEPTH_MAX",
    "XML_ELEMENTS_MAX",
    "Element",
    "Tally",
    "line_of",
    "local_of",
    "parse_xml",
    "text_of",
]
