"""What a local cloud keeps: one record for each thing, replaced as a whole when it changes.

Records are journalled: fields are only ever added at the end, with a default.
"""

from enum import StrEnum

import msgspec

from fabloop.base.instant import Instant
from fabloop.services.cloud.names import VERSION_DEFAULT

LOCAL = "LOCAL"
"""How this cloud names itself."""


class AddressType(StrEnum):
    """Kinds of addresses."""

    HOSTNAME = "HOSTNAME"
    IPV4 = "IPV4"
    IPV6 = "IPV6"
    MAC = "MAC"


class SecurityPolicy(StrEnum):
    """What a consumer has to show at an interface."""

    NONE = "NONE"
    CERT_AUTH = "CERT_AUTH"
    TIME_LIMITED_TOKEN_AUTH = "TIME_LIMITED_TOKEN_AUTH"  # noqa: S105  # a kind, no secret
    USAGE_LIMITED_TOKEN_AUTH = "USAGE_LIMITED_TOKEN_AUTH"  # noqa: S105
    BASE64_SELF_CONTAINED_TOKEN_AUTH = "BASE64_SELF_CONTAINED_TOKEN_AUTH"  # noqa: S105
    RSA_SHA256_JSON_WEB_TOKEN_AUTH = "RSA_SHA256_JSON_WEB_TOKEN_AUTH"  # noqa: S105
    RSA_SHA512_JSON_WEB_TOKEN_AUTH = "RSA_SHA512_JSON_WEB_TOKEN_AUTH"  # noqa: S105


class TokenKind(StrEnum):
    """How a token is checked: by asking, by counting, or by itself."""

    TIME_LIMITED_TOKEN = "TIME_LIMITED_TOKEN"  # noqa: S105
    USAGE_LIMITED_TOKEN = "USAGE_LIMITED_TOKEN"  # noqa: S105
    SELF_CONTAINED_TOKEN = "SELF_CONTAINED_TOKEN"  # noqa: S105


class TargetType(StrEnum):
    """What a grant or a token is for."""

    SERVICE_DEF = "SERVICE_DEF"
    EVENT_TYPE = "EVENT_TYPE"


class Level(StrEnum):
    """Who granted: an operator, whose word comes first, or the provider."""

    MGMT = "MGMT"
    PROVIDER = "PROVIDER"


class PolicyKind(StrEnum):
    """Whom a policy lets pass."""

    ALL = "ALL"
    BLACKLIST = "BLACKLIST"
    WHITELIST = "WHITELIST"
    SYS_METADATA = "SYS_METADATA"


class JobStatus(StrEnum):
    """How far an orchestration is."""

    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    DONE = "DONE"
    ERROR = "ERROR"


class JobType(StrEnum):
    """Who began an orchestration: the consumer, or the cloud."""

    PULL = "PULL"
    PUSH = "PUSH"


class Address(msgspec.Struct, frozen=True, array_like=True):
    """Where something is reached."""

    type: AddressType
    address: str


class Device(msgspec.Struct, frozen=True, kw_only=True, array_like=True, tag=1):
    """A machine that systems run on."""

    name: str
    number: int
    created_at: Instant
    updated_at: Instant
    metadata: dict[str, object] = {}
    addresses: tuple[Address, ...] = ()

    @property
    def key(self) -> str:
        """What it is found by."""
        return self.name


class System(msgspec.Struct, frozen=True, kw_only=True, array_like=True, tag=2):
    """A software system; `device` is empty where it is not told."""

    name: str
    number: int
    created_at: Instant
    updated_at: Instant
    metadata: dict[str, object] = {}
    version: str = VERSION_DEFAULT
    addresses: tuple[Address, ...] = ()
    device: str = ""

    @property
    def key(self) -> str:
        """What it is found by."""
        return self.name


class ServiceDefinition(msgspec.Struct, frozen=True, kw_only=True, array_like=True, tag=3):
    """A kind of service."""

    name: str
    number: int
    created_at: Instant
    updated_at: Instant

    @property
    def key(self) -> str:
        """What it is found by."""
        return self.name


class Interface(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """How a service is spoken to."""

    template: str
    protocol: str
    policy: SecurityPolicy
    properties: dict[str, object] = {}


class ServiceInstance(msgspec.Struct, frozen=True, kw_only=True, array_like=True, tag=4):
    """An offer: a service as one system provides it, until `expires_at` where that is told."""

    id: str
    number: int
    provider: str
    definition: str
    created_at: Instant
    updated_at: Instant
    version: str = VERSION_DEFAULT
    expires_at: Instant | None = None
    metadata: dict[str, object] = {}
    interfaces: tuple[Interface, ...] = ()

    @property
    def key(self) -> str:
        """What it is found by."""
        return self.id

    def alive(self, at: Instant) -> bool:
        """Tell whether it is still offered at an instant."""
        return self.expires_at is None or self.expires_at > at


class TemplateProperty(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A property that an interface has, and how its value is checked."""

    name: str
    mandatory: bool = True
    validator: str = ""
    parameters: tuple[str, ...] = ()


class InterfaceTemplate(msgspec.Struct, frozen=True, kw_only=True, array_like=True, tag=5):
    """A form of interfaces."""

    name: str
    number: int
    protocol: str
    created_at: Instant
    updated_at: Instant
    properties: tuple[TemplateProperty, ...] = ()

    @property
    def key(self) -> str:
        """What it is found by."""
        return self.name


class Policy(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """Whom a grant lets pass: systems by name, or by what is required of their metadata."""

    kind: PolicyKind
    systems: tuple[str, ...] = ()
    metadata: dict[str, object] = {}


class Grant(msgspec.Struct, frozen=True, kw_only=True, array_like=True, tag=6):
    """Who may use a target of a provider: by default, and by operation (`scoped`)."""

    id: str
    level: Level
    provider: str
    target_type: TargetType
    target: str
    default: Policy
    created_by: str
    created_at: Instant
    cloud: str = LOCAL
    description: str = ""
    scoped: dict[str, Policy] = {}

    @property
    def key(self) -> str:
        """What it is found by."""
        return self.id


class Token(msgspec.Struct, frozen=True, kw_only=True, array_like=True, tag=7):
    """A token that was given out; `reference` is its hash, itself it is not kept."""

    reference: str
    variant: SecurityPolicy
    kind: TokenKind
    requester: str
    consumer: str
    provider: str
    target_type: TargetType
    target: str
    scope: str
    created_at: Instant
    cloud: str = LOCAL
    usage_limit: int | None = None
    usage_left: int | None = None
    expires_at: Instant | None = None

    @property
    def key(self) -> str:
        """What it is found by."""
        return self.reference


class EncryptionKey(msgspec.Struct, frozen=True, kw_only=True, array_like=True, tag=8):
    """With what self-contained tokens for a provider are encrypted; `iv` as Base64."""

    system: str
    algorithm: str
    secret: str
    created_at: Instant
    iv: str = ""

    @property
    def key(self) -> str:
        """What it is found by."""
        return self.system


class Lock(msgspec.Struct, frozen=True, kw_only=True, array_like=True, tag=9):
    """An offer held for one consumer; `job` is the orchestration that gave it."""

    instance: str
    number: int
    owner: str
    job: str = ""
    expires_at: Instant | None = None
    temporary: bool = False

    @property
    def key(self) -> str:
        """What it is found by."""
        return self.instance

    def holds(self, at: Instant) -> bool:
        """Tell whether it still holds at an instant."""
        return self.expires_at is None or self.expires_at > at


class Form(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What a consumer wants to be bound to.

    Attributes
    ----------
    metadata, properties : requirements of offers and of interfaces; one of each list suffices
    preferred : providers, the dearest first
    flags : those that are set, and those that are expressly not
    exclusivity_s : how long the offer is to be held; None: it need not be
    qualities : requirements of quality of service, which this cloud does not judge
    """

    definition: str
    operations: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    alive_at: Instant | None = None
    metadata: tuple[dict[str, object], ...] = ()
    templates: tuple[str, ...] = ()
    address_types: tuple[AddressType, ...] = ()
    properties: tuple[dict[str, object], ...] = ()
    policies: tuple[SecurityPolicy, ...] = ()
    preferred: tuple[str, ...] = ()
    flags: dict[str, bool] = {}
    exclusivity_s: int | None = None
    qualities: tuple[dict[str, object], ...] = ()


class Subscription(msgspec.Struct, frozen=True, kw_only=True, array_like=True, tag=10):
    """Orders the results of an orchestration to be pushed to the system `target`."""

    id: str
    owner: str
    target: str
    form: Form
    protocol: str
    created_at: Instant
    properties: dict[str, str] = {}
    expires_at: Instant | None = None

    @property
    def key(self) -> str:
        """What it is found by."""
        return self.id

    def holds(self, at: Instant) -> bool:
        """Tell whether it still holds at an instant."""
        return self.expires_at is None or self.expires_at > at


class Job(msgspec.Struct, frozen=True, kw_only=True, array_like=True, tag=11):
    """One orchestration; `attempts` counts deliveries of a push that failed so far.

    `instances` are the offers it gave; a push that is under way is taken up after a crash.
    """

    id: str
    number: int
    status: JobStatus
    kind: JobType
    requester: str
    target: str
    definition: str
    created_at: Instant
    subscription: str = ""
    message: str = ""
    started_at: Instant | None = None
    finished_at: Instant | None = None
    attempts: int = 0
    due_at: Instant | None = None
    instances: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What it is found by."""
        return self.id


class StoreRule(msgspec.Struct, frozen=True, kw_only=True, array_like=True, tag=12):
    """A fixed binding: a consumer gets this offer, the lowest priority first."""

    id: str
    consumer: str
    definition: str
    instance: str
    priority: int
    created_by: str
    updated_by: str
    created_at: Instant
    updated_at: Instant

    @property
    def key(self) -> str:
        """What it is found by."""
        return self.id


class BlacklistEntry(msgspec.Struct, frozen=True, kw_only=True, array_like=True, tag=13):
    """A system that is to be refused; a revoked entry is kept."""

    number: int
    system: str
    reason: str
    created_by: str
    created_at: Instant
    updated_at: Instant
    revoked_by: str = ""
    expires_at: Instant | None = None
    active: bool = True

    @property
    def key(self) -> str:
        """What it is found by."""
        return str(self.number)

    def holds(self, at: Instant) -> bool:
        """Tell whether it still holds at an instant."""
        return self.active and (self.expires_at is None or self.expires_at > at)


class Identity(msgspec.Struct, frozen=True, kw_only=True, array_like=True, tag=14):
    """A system that logs in with a password; only a hash of it is kept."""

    system: str
    hash: str
    salt: str
    created_by: str
    created_at: Instant
    updated_at: Instant
    sysop: bool = False
    updated_by: str = ""

    @property
    def key(self) -> str:
        """What it is found by."""
        return self.system


class Session(msgspec.Struct, frozen=True, kw_only=True, array_like=True, tag=15):
    """A system that is logged in; `reference` is the hash of its identity token."""

    reference: str
    system: str
    login_at: Instant
    expires_at: Instant

    @property
    def key(self) -> str:
        """What it is found by."""
        return self.reference


CORE_RECORDS = (
    Device | System | ServiceDefinition | ServiceInstance | InterfaceTemplate | Grant | Token
    | EncryptionKey | Lock | Subscription | Job | StoreRule | BlacklistEntry | Identity | Session
)  # fmt: skip
"""The kinds of the cloud itself, numbered from 1 to 49; events and choreography follow from 50."""
