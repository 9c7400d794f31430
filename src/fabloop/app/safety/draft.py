"""The beginning of a safety document: everything that is commanded, and nothing said of it yet."""

from collections.abc import Iterable, Iterator

from fabloop.model.ids import WorkUnitId
from fabloop.model.service import ServiceDescription
from fabloop.run.gate import call_of


def draft_of(
    work_units: Iterable[WorkUnitId], services: Iterable[ServiceDescription]
) -> dict[str, object]:
    """Return a document of kind `safety` that is to be completed.

    As it is, each of its entries is a fault: nothing is free by silence.
    """
    named = [{"work_unit": str(each), "free_because": ""} for each in sorted(work_units)]
    return {
        "document": "safety",
        "version": "draft",
        "@context": "urn:fabloop:context:1:safety",
        "controllers": [],
        "permissives": [*named, *_called(services)],
    }


def _called(services: Iterable[ServiceDescription]) -> Iterator[dict[str, object]]:
    for service in services:
        only = [each.name for each in service.operations if call_of(service.id, each) is not None]
        if only:
            yield {"service": str(service.id), "only": only, "free_because": ""}
