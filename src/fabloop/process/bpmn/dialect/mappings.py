"""Rewrites ``inputOutput``: parameters with text, expressions, lists and maps."""

from fabloop.base.codec import to_json
from fabloop.base.xml import Element, local_of, text_of
from fabloop.process.bpmn.dialect.names import JAVA
from fabloop.process.bpmn.dialect.sheet import Sheet
from fabloop.process.bpmn.juel import is_juel


def input_output(element: Element, sheet: Sheet, box: Element | None = None) -> None:
    """Rewrite the parameters of an element, or those in `box` (a connector) as its own."""
    if box is None:
        found = sheet.children(element, "inputOutput")
    else:
        found = box.findall(f"{JAVA}inputOutput")
    for each in found:
        for parameter in each:
            kind = {"inputParameter": "input", "outputParameter": "output"}.get(local_of(parameter))
            if kind:
                source = f"={parameter_feel(parameter, sheet)}"
                sheet.maps(element, kind, parameter.get("name", ""), source)


def parameter_feel(parameter: Element, sheet: Sheet) -> str:
    """Return FEEL for the value that stands in a parameter, a list item or an entry."""
    for child in parameter:
        found = _nested(child, sheet)
        if found:
            return found
        sheet.refuse(parameter, f"{local_of(child)} in {local_of(parameter)}")
        return "null"
    text = text_of(parameter)
    return sheet.literal(parameter, text) if text else "null"


def _nested(element: Element, sheet: Sheet) -> str:
    """Return FEEL for a list, map or script; empty for anything else."""
    match local_of(element):
        case "list":
            return f"[{', '.join(_item(each, sheet) for each in element)}]"
        case "map":
            return _map(element, sheet)
        case "script":
            return script_feel(element, sheet)
        case _:
            return ""


def _item(item: Element, sheet: Sheet) -> str:
    return _nested(item, sheet) or parameter_feel(item, sheet)


def _map(box: Element, sheet: Sheet) -> str:
    pairs = [(each, each.get("key", "")) for each in box]
    if not any(is_juel(key) for _, key in pairs):
        made = [f"{to_json(key).decode()}: {parameter_feel(each, sheet)}" for each, key in pairs]
        return f"{{{', '.join(made)}}}"
    made = [
        f"{{key: {sheet.literal(each, key)}, value: {parameter_feel(each, sheet)}}}"
        for each, key in pairs
    ]
    return f"context([{', '.join(made)}])"


def script_feel(script: Element, sheet: Sheet) -> str:
    """Return FEEL for a script in FEEL or JUEL; others are refused by language."""
    language = script.get("scriptFormat", "").strip()
    resource = script.get("resource") or script.get(f"{JAVA}resource")
    if resource:
        sheet.refuse(script, f"the script resource '{resource}'", "Write a FEEL expression.")
    elif language.lower() in ("juel", "feel"):
        text = text_of(script)
        return sheet.formula(script, text) if text else "null"
    else:
        hint = "Write a FEEL expression, or let a worker do it."
        sheet.refuse(script, f"a script in '{language or 'no language'}'", hint)
    return "null"
