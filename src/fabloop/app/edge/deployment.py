"""What runs on an edge: groups of machines and the apps beside them, and what each is granted."""

from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

import msgspec

from fabloop.app.edge.app import (
    TOPIC_MARK,
    WINDOW_SAMPLES_MAX,
    Lane,
    Manifest,
    covers,
    signals_of,
    topics_of,
)
from fabloop.base.errors import Fault, Invalid
from fabloop.base.names import did_you_mean

GROUPS_MAX = 64
APPS_PER_GROUP_MAX = 64
SOURCE = "edge deployment"


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a group's processes may take.

    Attributes
    ----------
    memory_mb : that apps may take beside the runtime itself; more is refused to them
    app_cpu : share of a processor that each app may use, over ten seconds; more stops it
    cpus : processors to run on; none: any
    realtime_priority : of the fast lane (SCHED_FIFO 1 to 50); 0: ordinary scheduling
    """

    memory_mb: int = 512
    app_cpu: float = 0.5
    cpus: tuple[int, ...] = ()
    realtime_priority: int = 5


class DeployedApp(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An app beside a machine.

    Attributes
    ----------
    app : an entry point of ``fabloop.edge_apps``, ``module:Class``, or ``file.py:Class``
    reads : inputs that it may read: names, patterns, ``app:output``
    writes : outputs that it may tell
    sets : user variables of the control that it may set
    settings : what the class is called with
    started : whether it is to run
    code : digest of the file's text, filled in by the edge
    """

    name: str
    app: str
    machine: str
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    settings: dict[str, Any] = {}
    started: bool = True
    code: str = ""


class Group(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Machines that share a process.

    Attributes
    ----------
    listen : where their controls send bulks to, ``unix:/path`` or ``tcp:host:port``; empty: a
        socket in the folder of the edge
    """

    group: str
    machines: tuple[str, ...]
    apps: tuple[DeployedApp, ...] = ()
    listen: str = ""
    limits: Limits = Limits()


class Deployment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that runs on one edge."""

    groups: tuple[Group, ...]


def check(deployment: Deployment, manifests: Mapping[tuple[str, str], Manifest]) -> None:
    """Refuse what cannot run, or would read or write what it was not granted.

    Parameters
    ----------
    manifests : by group and name of the app

    Raises
    ------
    Invalid
        With every fault found.
    """
    faults = list(_faults(deployment, manifests))
    if faults:
        raise Invalid(faults)


def _faults(
    deployment: Deployment, manifests: Mapping[tuple[str, str], Manifest]
) -> Iterator[Fault]:
    if len(deployment.groups) > GROUPS_MAX:
        yield _fault("$.groups", f"at most {GROUPS_MAX} groups", str(len(deployment.groups)))
    seen: set[str] = set()
    for index, group in enumerate(deployment.groups):
        path = f"$.groups[{index}]"
        if not _is_name(group.group) or group.group in seen:
            yield _fault(
                f"{path}.group", "a name of its own: letters, digits, - and _", group.group
            )
        seen.add(group.group)
        yield from _group_faults(group, path)
        of_group = {app: each for (name, app), each in manifests.items() if name == group.group}
        for number, app in enumerate(group.apps):
            if app.name in of_group:
                yield from _app_faults(group, app, of_group, f"{path}.apps[{number}]")
        yield from _order_faults(group, of_group, path)


def _group_faults(group: Group, path: str) -> Iterator[Fault]:
    limits = group.limits
    if not group.machines or len(set(group.machines)) < len(group.machines):
        yield _fault(f"{path}.machines", "one machine or more, each once", str(group.machines))
    if len(group.apps) > APPS_PER_GROUP_MAX:
        yield _fault(f"{path}.apps", f"at most {APPS_PER_GROUP_MAX} apps", str(len(group.apps)))
    if limits.memory_mb < 16:
        yield _fault(f"{path}.limits.memory_mb", "16 MB or more", str(limits.memory_mb))
    if not 0 < limits.app_cpu <= 1:
        yield _fault(f"{path}.limits.app_cpu", "a share above 0, at most 1", str(limits.app_cpu))
    if not 0 <= limits.realtime_priority <= 50:
        found = str(limits.realtime_priority)
        yield _fault(f"{path}.limits.realtime_priority", "a priority from 0 to 50", found)
    names = [each.name for each in group.apps]
    for number, app in enumerate(group.apps):
        at = f"{path}.apps[{number}]"
        if not _is_name(app.name) or names.count(app.name) > 1:
            yield _fault(f"{at}.name", "a name of its own: letters, digits, - and _", app.name)
        if app.machine not in group.machines:
            hint = did_you_mean(app.machine, group.machines)
            yield _fault(f"{at}.machine", "a machine of the group", repr(app.machine), hint)


def _app_faults(
    group: Group, app: DeployedApp, manifests: Mapping[str, Manifest], path: str
) -> Iterator[Fault]:
    manifest = manifests[app.name]
    wanted = (
        ("reads", manifest.inputs, app.reads),
        ("writes", tuple(each.name for each in manifest.outputs), app.writes),
        ("sets", manifest.variables, app.sets),
    )
    for field, names, granted in wanted:
        for name in names:
            if not covers(granted, name):
                yield _fault(
                    f"{path}.{field}",
                    f"a grant of {name!r}, which app {app.name!r} declares",
                    ", ".join(granted) or "no grant",
                    f"Add it to {field!r} if the app may.",
                )
    samples, every = manifest.window_samples, manifest.every_samples
    if not 0 <= samples <= WINDOW_SAMPLES_MAX or (samples > 0) != (every > 0) or every > samples:
        yield _fault(
            f"{path}.app",
            f"a window of at most {WINDOW_SAMPLES_MAX} samples, asked for once in 1 to its length",
            f"window_samples {samples}, every_samples {every}",
        )
    for topic in topics_of(manifest):
        yield from _topic_faults(group, app, topic, manifests, path)


def _topic_faults(
    group: Group, app: DeployedApp, topic: str, manifests: Mapping[str, Manifest], path: str
) -> Iterator[Fault]:
    teller, _, output = topic.partition(TOPIC_MARK)
    source = manifests.get(teller)
    if source is None:
        hint = did_you_mean(teller, manifests)
        found = f"{topic!r} of app {app.name!r}"
        yield _fault(f"{path}.reads", f"an app of group {group.group!r}", found, hint)
        return
    if not covers([each.name for each in source.outputs], output):
        hint = did_you_mean(output, [each.name for each in source.outputs])
        yield _fault(f"{path}.reads", f"an output of app {teller!r}", repr(output), hint)
    if source.lane is Lane.SLOW and manifests[app.name].lane is Lane.FAST:
        yield _fault(
            f"{path}.reads",
            "an output of an app in the fast lane",
            f"{topic!r}, told in the slow lane",
            "An app that reads it has to declare the slow lane as well.",
        )


def _order_faults(group: Group, manifests: Mapping[str, Manifest], path: str) -> Iterator[Fault]:
    try:
        in_order(group, manifests)
    except CycleError as error:
        found = " -> ".join(error.args[1])
        yield _fault(f"{path}.apps", "apps that do not read each other in a circle", found)


def in_order(group: Group, manifests: Mapping[str, Manifest]) -> tuple[DeployedApp, ...]:
    """Return the apps so that each comes after those whose outputs it reads.

    Raises
    ------
    CycleError
        They read each other in a circle.
    """
    by_name = {each.name: each for each in group.apps}
    sorter = TopologicalSorter[str]()
    for app in group.apps:
        manifest = manifests.get(app.name)
        tellers = () if manifest is None else topics_of(manifest)
        sorter.add(app.name, *(topic.partition(TOPIC_MARK)[0] for topic in tellers))
    return tuple(by_name[name] for name in sorter.static_order() if name in by_name)


def lanes_of(manifests: Iterable[Manifest]) -> tuple[Lane, ...]:
    """Return the processes that a group needs; the fast one takes the bulks in any case."""
    slow = any(each.lane is Lane.SLOW for each in manifests)
    return (Lane.FAST, Lane.SLOW) if slow else (Lane.FAST,)


def ungranted(app: DeployedApp, manifest: Manifest, series: tuple[str, ...]) -> tuple[str, ...]:
    """Return the signals that match what an app declares, but nothing that it was granted."""
    declared = signals_of(manifest)
    return tuple(name for name in series if covers(declared, name) and not covers(app.reads, name))


def _is_name(text: str) -> bool:
    return 0 < len(text) <= 48 and text.replace("-", "").replace("_", "").isalnum()


def _fault(path: str, expected: str, found: str, hint: str = "") -> Fault:
    return Fault(source=SOURCE, path=path, expected=expected, found=found, hint=hint)
