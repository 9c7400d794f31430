"""Names the job that stands for a Java class, bean or method."""

from collections.abc import Mapping

from fabloop.base.xml import Element
from fabloop.process.bpmn.dialect.sheet import Sheet
from fabloop.process.bpmn.juel import Call, Index, Member, Name, Node, Unsupported, parse_juel


def delegate_of(element: Element, sheet: Sheet, given: Mapping[str, str], what: str) -> str | None:
    """Return the job type for a class, delegate expression or method call; None without any.

    A class gives its name, a bean its own (``${weld}``: ``weld``), a method both
    (``${robot.weld(x)}``: ``robot.weld``).
    """
    if given.get("class"):
        return given["class"].strip()
    text = given.get("delegateExpression") or given.get("expression") or ""
    if not text:
        return None
    try:
        parts = parse_juel(text.strip())
    except Unsupported as error:
        sheet.refuse(element, f"unsupported expression '{text:.120}': {error}")
        return "?"
    path = path_of(parts[0]) if len(parts) == 1 and not isinstance(parts[0], str) else ""
    if not path or path.startswith("execution."):
        sheet.refuse(element, f"{what} with '{text:.120}'", "Name a bean or one of its methods.")
        return "?"
    return path


def path_of(node: Node) -> str:
    """Return the dotted path of a bean or method, empty for anything else."""
    match node:
        case Name(name):
            return name
        case Member(base, name):
            before = path_of(base)
            return f"{before}.{name}" if before else ""
        case Call(callee, _):
            return path_of(callee)
        case Index():
            return ""
        case _:
            return ""
