"""Changes a document somewhere, without regard for what it means."""

from lxml import etree

OPERATIONS = ("drop", "double", "swap", "move", "rename", "unset", "copy", "write", "text", "nest")
TEXTS = (
    "", "=", "x", "${", "${a.b(", "=a >", "PT", "R/", "0 0", "true", "1", "-1", "٣", "a b",
    "\u00a0", "a:b", "=null", "999999999999999999999", "'", '"', "{}",
)  # fmt: skip


def mutated(data: bytes, changes: list[tuple[str, int, int, int]]) -> bytes:
    """Return the document after some changes; each is an operation and three free numbers."""
    root = etree.fromstring(data)
    for change in changes:
        _change(root, *change)
    return etree.tostring(root)


def _change(root, operation: str, first: int, second: int, third: int) -> None:
    elements = [each for each in root.iter() if isinstance(each.tag, str) and each is not root]
    if not elements:
        return
    one, other = elements[first % len(elements)], elements[second % len(elements)]
    text = TEXTS[third % len(TEXTS)]
    keys = sorted(one.attrib)
    key = keys[third % len(keys)] if keys else "id"
    match operation:
        case "drop":
            one.getparent().remove(one)
        case "double":
            one.addnext(etree.fromstring(etree.tostring(one)))
        case "swap":
            one.tag, other.tag = other.tag, one.tag
        case "move" | "nest" if one is not other and one not in set(other.iterancestors()):
            other.append(one)
        case "rename":
            one.tag = other.tag
        case "unset":
            one.attrib.pop(key, None)
        case "copy":
            values = sorted(other.attrib.values())
            one.set(key, values[third % len(values)] if values else "")
        case "write":
            one.set(key, text)
        case "text":
            one.text = text
        case _:
            pass
