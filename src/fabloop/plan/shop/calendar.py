"""When resources are open: the first tick at which a mode fits, and closed time between ticks."""

from fabloop.plan.shop.model import Mode, Resource, Shop, Span


def merged(resource: Resource) -> list[Span]:
    """Return the closed spans without overlaps, in order."""
    found: list[Span] = []
    for span in sorted(resource.closed, key=lambda each: (each.start, each.end)):
        if found and span.start <= found[-1].end:
            found[-1] = Span(found[-1].start, max(found[-1].end, span.end))
        else:
            found.append(span)
    return found


def shut_between(resource: Resource, start: int, end: int) -> int:
    """Return for how many ticks between two a resource is closed."""
    return sum(max(0, min(span.end, end) - max(span.start, start)) for span in merged(resource))


def first_open(shop: Shop, mode: Mode, tick: int) -> int:
    """Return the first tick, not before `tick`, from which all resources are open long enough."""
    if not mode.ticks:
        return tick
    closed = [span for use in mode.uses for span in shop.resources[use.resource].closed]
    closed.sort(key=lambda each: each.start)
    for span in closed:
        if tick + mode.ticks <= span.start:
            break
        tick = max(tick, span.end)
    return tick
