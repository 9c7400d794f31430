"""How the core systems of a cloud are served."""

from enum import StrEnum

import msgspec

from fabloop.adapters.arrowhead.five.senders import IdentityPolicy
from fabloop.adapters.arrowhead.profiles import CloudName
from fabloop.services.cloud.interfaces import TemplatePolicy
from fabloop.services.cloud.orchestrate import Rules


class Strategy(StrEnum):
    """How orchestrations find offers: by what is asked, or by fixed bindings."""

    DYNAMIC = "dynamic"
    SIMPLE_STORE = "simple-store"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What may differ from one cloud to another.

    Attributes
    ----------
    ours : the cloud whose certificates count; None: all that the server trusts
    managers : systems that may manage beside the operator
    templates : what becomes of an interface whose template nobody knows
    restricted : whether only offers with ``unrestrictedDiscovery`` are looked up; `direct` are the
        systems that look up all
    rules : what orchestrations ask for
    """

    policy: IdentityPolicy = IdentityPolicy.DECLARED
    ours: CloudName | None = None
    managers: frozenset[str] = frozenset()
    templates: TemplatePolicy = TemplatePolicy.RESTRICTED
    restricted: bool = False
    direct: frozenset[str] = frozenset()
    rules: Rules = Rules()
    strategy: Strategy = Strategy.DYNAMIC
