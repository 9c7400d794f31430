"""A small process and a host for it, as the tests of this folder use them."""

from pathlib import Path

from fabloop.app.processes.clocks import SteppedClock
from fabloop.app.processes.host import Host
from fabloop.app.processes.polls import Poll
from fabloop.app.processes.store import open_host
from fabloop.base.instant import SECOND, Instant
from fabloop.process.bpmn.model import BpmnProcess, JobWork, ServiceTask
from fabloop.process.commands import Deploy, InstanceState, StartInstance
from process.driver import error, flows, process, wait

BEGIN = Instant(1_000 * SECOND)


def job(name: str, job_type: str, **more: object) -> ServiceTask:
    return ServiceTask(id=name, work=JobWork(type=job_type, **more))


def shop(*types: str, id: str = "shop") -> BpmnProcess:  # noqa: A002
    """Return a process that does one job of each type after the other."""
    nodes = [job(f"{each}-{number}", each) for number, each in enumerate(types)]
    return process(*nodes, links=flows(" ".join(["start", *(n.id for n in nodes), "end"])), id=id)


def guarded(job_type: str) -> BpmnProcess:
    """Return a process with one job, whose error 'cold' leads to another one."""
    return process(
        job("a", job_type),
        error("cold", "a", "cold"),
        job("heat", "heat"),
        links=flows("start a end", "cold heat end"),
        id="shop",
    )


def waiting(duration: str) -> BpmnProcess:
    return process(wait("w", duration), links=flows("start w end"), id="waiting")


def stepped(folder: Path) -> tuple[Host, SteppedClock]:
    clock = SteppedClock(BEGIN)
    return open_host(folder, clock), clock


def started(host, model: BpmnProcess, count: int = 1, **variables: object) -> list[int]:
    host.submit(Deploy(process=model))
    command = StartInstance(process=model.id, variables=variables)
    return [host.submit(command).instance for _ in range(count)]


def poll_for(*types: str, limit: int = 10, worker: str = "w", lease_s: float = 60) -> Poll:
    return Poll(types=types, worker=worker, limit=limit, lease_ns=int(lease_s * SECOND))


def state_of(host, key: int) -> InstanceState:
    return host.ask(lambda engine: engine.instance(key).state)
