"""Binds the calls of a process to the versions of others that are deployed with it."""

from hashlib import sha256

from msgspec.structs import replace

from fabloop.base.codec import to_msgpack
from fabloop.process.bpmn.model import CallActivity
from fabloop.process.bpmn.outline import all_nodes
from fabloop.process.deployment import Deployment
from fabloop.process.state import State


def bound(state: State, deployments: list[Deployment]) -> list[Deployment]:
    """Return the processes of a document, bound to each other and to what was deployed before.

    One that calls others in the version deployed with it is another version when any process of
    its document is; so, which versions it calls follows from its content alone.
    """
    if not any(_calls(each) for each in deployments):
        return deployments
    group = sha256(to_msgpack(deployments)).hexdigest()
    here = {each.process.id for each in deployments}
    made = []
    for each in deployments:
        called = _calls(each)
        before = {name: state.versions[name] for name in called - here if name in state.versions}
        made.append(replace(each, group=group, beside=before) if called else each)
    return made


def beside(deployment: Deployment, versions: dict[str, int]) -> Deployment:
    """Return a bound process with the versions that the processes of its document have."""
    if not deployment.group:
        return deployment
    return replace(deployment, beside={**deployment.beside, **versions})


def _calls(deployment: Deployment) -> set[str]:
    """Return what is called in the version that is deployed together; names may be computed."""
    return {
        node.process
        for node in all_nodes(deployment.process)
        if isinstance(node, CallActivity) and node.together
    }
