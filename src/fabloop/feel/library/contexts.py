"""Built-in functions on contexts."""

from fabloop.feel.library.signature import Builtins, Undefined
from fabloop.feel.run import Run
from fabloop.feel.values import Value, described

CONTEXTS = Builtins()
Entries = dict[str, Value]


@CONTEXTS.define("get value", "m: context; key: string")
def _get(_: Run, context: Entries, key: str) -> Value:
    if key not in context:
        raise Undefined(f"the context has no entry '{key}'")
    return context[key]


@CONTEXTS.define("get value", "m: context; keys: list")
def _get_deep(_: Run, context: Entries, keys: list[Value]) -> Value:
    found: Value = context
    for key in keys:
        if not isinstance(found, dict) or type(key) is not str or key not in found:
            raise Undefined(f"there is no entry {described(key)}")
        found = found[key]
    return found


@CONTEXTS.define("get entries", "m: context")
def _entries(run: Run, context: Entries) -> list[Entries]:
    run.spend(len(context))
    return [{"key": key, "value": value} for key, value in context.items()]


@CONTEXTS.define("context", "entries: list")
def _context(run: Run, entries: list[Value]) -> Entries:
    run.spend(len(entries))
    out: Entries = {}
    for entry in entries:
        if not isinstance(entry, dict) or "value" not in entry:
            raise Undefined(f"{described(entry)} is no context with 'key' and 'value'")
        key = entry.get("key")
        if not isinstance(key, str) or key in out:
            raise Undefined(f"the key {described(key)} is no string or is there twice")
        out[key] = entry["value"]
    return out


@CONTEXTS.define("context put", "context: context; key: string; value: any")
def _put(run: Run, context: Entries, key: str, value: Value) -> Entries:
    run.spend(len(context))
    return {**context, key: value}


@CONTEXTS.define("context put", "context: context; keys: list; value: any")
def _put_deep(run: Run, context: Entries, keys: list[Value], value: Value) -> Entries:
    if not keys or not isinstance(keys[0], str):
        raise Undefined("the keys are not a list of strings")
    run.spend(len(context))
    if len(keys) == 1:
        return {**context, keys[0]: value}
    inner = context.get(keys[0])
    if not isinstance(inner, dict):
        raise Undefined(f"the entry '{keys[0]}' is {described(inner)}, not a context")
    return {**context, keys[0]: _put_deep(run, inner, keys[1:], value)}


@CONTEXTS.define("context merge", "contexts: list")
def _merge(run: Run, contexts: list[Value]) -> Entries:
    out: Entries = {}
    for context in contexts:
        if not isinstance(context, dict):
            raise Undefined(f"the list holds {described(context)}, not only contexts")
        run.spend(len(context))
        out.update(context)
    return out
