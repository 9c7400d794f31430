"""Reads what may be done about deviations without asking, and who is asked beyond that."""

from collections.abc import Collection

from fabloop.adapt.policy import Policy, Rung, policy_of
from fabloop.base.errors import Fault, Invalid
from fabloop.model.documents.collect import Sheet, raise_if_any
from fabloop.model.documents.policy_structs import AdaptationPolicyDocument
from fabloop.model.documents.structure import decode


def read_policy(
    source: str, data: bytes, rungs: Collection[Rung] = tuple(Rung), hint: str = ""
) -> Policy:
    """Return the policy of a document; `rungs` are those that can be tried.

    Raises
    ------
    Invalid
        It is none, or has faults; all of them.
    """
    faults: list[Fault] = []
    document = decode(source, data, faults)
    raise_if_any(faults)
    if not isinstance(document, AdaptationPolicyDocument):
        expected = "a document of kind 'adaptation-policy'"
        found = type(document).__name__
        raise Invalid(Fault(source=source, path="$", expected=expected, found=found))
    sheet = Sheet(source, faults)
    policy = policy_of(document, sheet)
    for number, rule in enumerate(policy.rungs):
        if rule.rung not in rungs:
            known = f"one of the rungs {', '.join(rungs)}"
            sheet.at("rungs", number).fault(known, f"'{rule.rung}'", hint)
    raise_if_any(faults)
    return policy
