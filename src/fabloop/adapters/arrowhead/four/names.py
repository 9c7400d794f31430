"""Names, versions, interfaces and kinds of security of 4.x, and what they are in the one store.

4.x writes names in small letters with hyphens, the store as 5.x does: ``welding-robot`` is the
system ``WeldingRobot`` and ``seat-installation`` the service ``seatInstallation``. A name that
would not come back (``robot-2``) is kept as it is written.
"""

import re
import zlib
from collections.abc import Mapping

from fabloop.adapters.arrowhead.four.wire import Secure
from fabloop.adapters.arrowhead.profiles import Generation, label_of, pascal_of
from fabloop.base.errors import Fault, Invalid
from fabloop.services.cloud.records import Interface, SecurityPolicy

NAME_CHARACTERS_MAX = 63
INTERFACE_NAME = "interfaceName"
"""Property of an interface with the name that 4.x gave it."""

_NAME = re.compile(r"[a-z](?:[0-9a-z-]{0,61}[0-9a-z])?")
_INTERFACE = re.compile(r"[A-Z0-9_.]+-(SECURE|INSECURE)-[A-Z0-9_]+")
_BY_TEMPLATE = {
    "generic_https": "HTTP-SECURE-JSON",
    "generic_http": "HTTP-INSECURE-JSON",
    "generic_mqtts": "MQTT-SECURE-JSON",
    "generic_mqtt": "MQTT-INSECURE-JSON",
}
_POLICY = {
    Secure.NOT_SECURE: SecurityPolicy.NONE,
    Secure.CERTIFICATE: SecurityPolicy.CERT_AUTH,
    Secure.TOKEN: SecurityPolicy.RSA_SHA512_JSON_WEB_TOKEN_AUTH,
}


def system_key(text: str, known: Mapping[str, object], path: str = "systemName") -> str:
    """Return under which name the store has a system, or is to have it.

    Raises
    ------
    Invalid
        4.x does not allow the name.
    """
    if text in known:
        return text
    name = _checked(text, path)
    pascal = pascal_of(name)
    return pascal if label_of(pascal, Generation.FIVE) == name else name


def definition_key(text: str, known: Mapping[str, object], path: str = "serviceDefinition") -> str:
    """Return under which name the store has a service definition; raises as `system_key`."""
    if text in known:
        return text
    name = _checked(text, path)
    pascal = pascal_of(name)
    camel = pascal[:1].lower() + pascal[1:]
    return camel if label_of(camel, Generation.FIVE) == name else name


def written(key: str) -> str:
    """Return a name of the store as 4.x writes it."""
    return label_of(key, Generation.FIVE)


def version_text(version: int | None) -> str:
    """Return a version as the store has it; without one it is the first."""
    return f"{1 if version is None else version}.0.0"


def version_number(version: str) -> int:
    """Return a version as 4.x has it: the first of its numbers."""
    head = version.partition(".")[0]
    return int(head) if head.isdecimal() else 1


def interface_of(name: str, secure: Secure, address: str, port: int, uri: str) -> Interface:
    """Return an interface of the store.

    Raises
    ------
    Invalid
        The name has not three parts such as ``HTTP-SECURE-JSON``.
    """
    clean = name.strip().upper()
    parts = _INTERFACE.fullmatch(clean)
    if parts is None:
        expected = "protocol, SECURE or INSECURE, and format, such as 'HTTP-SECURE-JSON'"
        raise Invalid(_fault("interfaces", expected, name))
    kind = "mqtt" if clean.startswith("MQTT") else "http"
    safe = parts[1] == "SECURE"
    protocol = {"http": "http", "mqtt": "tcp"} if not safe else {"http": "https", "mqtt": "ssl"}
    properties: dict[str, object] = {
        "accessAddresses": [address],
        "accessPort": port,
        INTERFACE_NAME: clean,
    }
    if kind == "http":
        properties["basePath"] = uri or "/"
    else:
        properties |= {"baseTopic": uri or "/", "operations": ["all"]}
    return Interface(
        template=f"generic_{kind}{'s' if safe else ''}",
        protocol=protocol[kind],
        policy=_POLICY[secure],
        properties=properties,
    )


def interface_name(interface: Interface) -> str:
    """Return how 4.x calls an interface, whoever registered it."""
    told = interface.properties.get(INTERFACE_NAME)
    if isinstance(told, str):
        return told
    return _BY_TEMPLATE.get(interface.template, "HTTP-SECURE-JSON")


def secure_of(interface: Interface) -> Secure:
    """Return what 4.x says that a consumer has to show."""
    match interface.policy:
        case SecurityPolicy.NONE:
            return Secure.NOT_SECURE
        case SecurityPolicy.CERT_AUTH:
            return Secure.CERTIFICATE
        case _:
            return Secure.TOKEN


def place_of(interface: Interface) -> tuple[str, int, str]:
    """Return address, port and path of an interface; empty where they are not told."""
    told = interface.properties
    addresses, port = told.get("accessAddresses"), told.get("accessPort")
    path = told.get("basePath", told.get("baseTopic", ""))
    return (
        str(addresses[0]) if isinstance(addresses, list) and addresses else "",
        port if isinstance(port, int) else 0,
        str(path),
    )


def number_for(*parts: str) -> int:
    """Return the id of something that has no number in the store, always the same."""
    return zlib.crc32("|".join(parts).encode()) or 1


def texts_of(metadata: Mapping[str, object], hidden: tuple[str, ...] = ()) -> dict[str, str]:
    """Return metadata as 4.x has it: texts alone, one level deep."""
    return {
        name: value if isinstance(value, str) else _text(value)
        for name, value in metadata.items()
        if name not in hidden and isinstance(value, str | int | float | bool)
    }


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _checked(text: str, path: str) -> str:
    name = text.strip().lower()
    if _NAME.fullmatch(name):
        return name
    expected = f"a letter, then letters, digits or '-', at most {NAME_CHARACTERS_MAX} in all"
    raise Invalid(_fault(path, expected, text))


def _fault(path: str, expected: str, found: str) -> Fault:
    return Fault(source="request", path=path, expected=expected, found=repr(found[:80]))
