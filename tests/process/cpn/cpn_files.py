"""Writes CPN Tools files for tests: pages, places, transitions and arcs in a few words."""

from xml.sax.saxutils import escape

DOCTYPE = (
    '<!DOCTYPE workspaceElements PUBLIC "-//CPN//DTD CPNXML 1.0//EN" '
    '"http://cpntools.org/DTD/6/cpn.dtd">'
)


def text(tag: str, content: str) -> str:
    return f'<{tag} id="{tag}1"><text tool="CPN Tools">{escape(content)}</text></{tag}>'


def place(name: str, colour: str, initial: str = "", port: str = "") -> str:
    """A place; its id is its name."""
    kind = f'<port id="port {name}" type="{port}"/>' if port else ""
    marking = text("initmark", initial) if initial else ""
    return (
        f'<place id="{name}"><text>{escape(name)}</text>'
        f"{text('type', colour)}{marking}{kind}</place>"
    )


def transition(
    name: str, guard: str = "", *, delay: str = "", code: str = "", priority: str = "",
    page: str = "", sockets: str = "", channel: str = "",
) -> str:  # fmt: skip
    """A transition; with `page`, it stands for that page, `sockets` as ``(port,socket)``."""
    inside = f'<subst subpage="{page}" portsock="{sockets}"/>' if page else ""
    for tag, content in (
        ("cond", guard), ("time", delay), ("code", code), ("priority", priority),
        ("channel", channel),
    ):  # fmt: skip
        inside += text(tag, content) if content else ""
    return f'<trans id="{name}"><text>{escape(name)}</text>{inside}</trans>'


def arc(kind: str, place_id: str, transition_id: str, inscription: str = "") -> str:
    return (
        f'<arc id="arc {place_id} {transition_id}" orientation="{kind}">'
        f'<transend idref="{transition_id}"/><placeend idref="{place_id}"/>'
        f"{text('annot', inscription)}</arc>"
    )


def take(place_id: str, transition_id: str, inscription: str) -> str:
    return arc("PtoT", place_id, transition_id, inscription)


def put(place_id: str, transition_id: str, inscription: str) -> str:
    return arc("TtoP", place_id, transition_id, inscription)


def page(name: str, *elements: str) -> str:
    return f'<page id="{name}"><pageattr name="{name}"/>{"".join(elements)}</page>'


def colour(name: str, form: str, *, timed: bool = False) -> str:
    return f"<color><id>{name}</id>{'<timed/>' if timed else ''}{form}</color>"


def ids(*names: str) -> str:
    return "".join(f"<id>{each}</id>" for each in names)


def var(colour_name: str, *names: str) -> str:
    return f"<var><type><id>{colour_name}</id></type>{ids(*names)}</var>"


def ml(content: str) -> str:
    return f"<ml>{escape(content)}</ml>"


COLOURS = (
    colour("UNIT", "<unit/>"), colour("INT", "<int/>"), colour("BOOL", "<bool/>"),
    colour("STRING", "<string/>"), var("INT", "n", "k", "m"), var("BOOL", "b"),
    var("STRING", "s"),
)  # fmt: skip


def cpn(declarations: tuple[str, ...], *pages: str, more: str = "") -> bytes:
    """A whole file."""
    return (
        f'<?xml version="1.0" encoding="iso-8859-1"?>\n{DOCTYPE}\n<workspaceElements>'
        f'<generator tool="CPN Tools" version="4.0.1" format="6"/><cpnet><globbox><block id="B">'
        f"<id>Standard declarations</id>{''.join(declarations)}</block></globbox>"
        f"{''.join(pages)}{more}</cpnet></workspaceElements>"
    ).encode("latin-1", "xmlcharrefreplace")
