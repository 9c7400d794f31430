"""A cloud with printers, and one who wants something printed."""

from fabloop.app.cloud.host import CloudHost, host_of
from fabloop.app.processes.clocks import SteppedClock
from fabloop.app.service_runtime.binding import Binder, Choice, NoChoice
from fabloop.app.service_runtime.reality import Reality
from fabloop.app.service_runtime.wanted import Wanted
from fabloop.base.instant import HOUR, Instant
from fabloop.base.journal import MemoryJournal
from fabloop.model.ids import OperationName, ServiceId, SkillId, SystemName
from fabloop.model.service import ServiceDescription, ServiceOperation
from fabloop.model.skill import Offer, Requirement, Skill, SkillVocabulary
from small_cloud import START, SeededCrypto

PRINT = SkillId("print")
WANTED = Wanted(requirement=Requirement(skill=PRINT, constraints={}))
VOCABULARY = SkillVocabulary(skills={PRINT: Skill(id=PRINT, label="Print")})


def printer(name: str, minor: int | None, **more: object) -> ServiceDescription:
    operation = ServiceOperation(
        name=OperationName("printLiners"), method="POST", path="/liners", cost_minor=minor,
        offer=Offer(skill=PRINT), exclusive_ns=more.pop("exclusive_ns", 4 * HOUR),
        requires=more.pop("requires", ()),
    )  # fmt: skip
    return ServiceDescription(
        id=ServiceId(name), system=SystemName(name), title=name, version="1",
        base_url="http://127.0.0.1:1", operations=(operation,), **more,
    )  # fmt: skip


class Shop:
    """A cloud with printers, and one who wants something printed."""

    def __init__(self, *printers: ServiceDescription) -> None:
        self.clock = SteppedClock(START)
        self.journal = MemoryJournal()
        self.cloud: CloudHost = host_of(self.journal, self.clock, SeededCrypto())
        self.binder = Binder(self.cloud, "MyMuffin", VOCABULARY)
        for each in printers:
            self.binder.add(each)

    def after(self, ns: int) -> None:
        self.clock.set(Instant(self.clock.now() + ns))

    def asks(self, about: str = "batch-1", wanted: Wanted = WANTED) -> Choice | NoChoice:
        return self.binder.choose(
            wanted, {}, Reality(), self.clock.now(), lambda _: (), about
        )  # fmt: skip
