"""A local cloud of a few systems, for tests: chance from a seed, time that is told."""

import hashlib
import hmac
import random
from typing import TypeVar

from fabloop.base.instant import SECOND, Instant
from fabloop.services.cloud.changes import Row
from fabloop.services.cloud.command import Command, decide
from fabloop.services.cloud.interfaces import generic_templates
from fabloop.services.cloud.records import (
    EncryptionKey,
    Interface,
    Policy,
    PolicyKind,
    SecurityPolicy,
    ServiceDefinition,
)
from fabloop.services.cloud.registry import (
    RegisterServices,
    RegisterSystems,
    ServiceEntry,
    SystemEntry,
)
from fabloop.services.cloud.state import State

T = TypeVar("T")
START = Instant(1_800_000_000 * SECOND)
ALL = Policy(kind=PolicyKind.ALL)


class SeededCrypto:
    """Hashes and chance without keys."""

    def __init__(self, seed: int = 1) -> None:
        self._chance = random.Random(seed)

    def random(self, count: int) -> bytes:
        return self._chance.randbytes(count)

    def reference(self, secret: str) -> str:
        return hmac.new(b"test", secret.encode(), hashlib.sha256).hexdigest()

    def signs(self) -> bool:
        return False

    def sign(self, variant: SecurityPolicy, content: bytes) -> bytes:
        raise AssertionError("there is no key")

    def public_key(self) -> bytes:
        raise AssertionError("there is no key")

    def encrypt(self, key: EncryptionKey, secret: str) -> str:
        raise AssertionError("there is no key")

    def password_hash(self, password: str, salt: bytes) -> str:
        return hashlib.sha256(salt + password.encode()).hexdigest()


class SmallCloud:
    """A state, and the rows that made it."""

    def __init__(self, seed: int = 1) -> None:
        self.state = State()
        self.crypto = SeededCrypto(seed)
        self.at = START
        self.rows: list[Row] = [generic_templates(START)]
        self.state.apply(self.rows[0])

    def does(self, command: Command[T]) -> T:
        reply, row = decide(self.state, command, self.at, self.crypto)
        if row is not None:
            self.rows.append(row)
        return reply

    def later(self, seconds: float) -> None:
        self.at = Instant(self.at + int(seconds * SECOND))

    def system(self, name: str, metadata: dict[str, object] | None = None) -> None:
        self.does(RegisterSystems(entries=(SystemEntry(name=name, metadata=metadata or {}),)))

    def http(
        self,
        port: int = 9000,
        address: str = "10.0.0.1",
        policy: SecurityPolicy = SecurityPolicy.NONE,
    ) -> Interface:
        return Interface(
            template="generic_http",
            protocol="http",
            policy=policy,
            properties={
                "accessAddresses": [address],
                "accessPort": port,
                "basePath": "/robot",
                "operations": {"start": {"path": "/start", "method": "POST"}},
            },
        )

    def offer(
        self,
        provider: str,
        definition: str,
        metadata: dict[str, object] | None = None,
        *,
        version: str = "1.0.0",
        address: str = "10.0.0.1",
        expires_s: int | None = None,
        interfaces: tuple[Interface, ...] = (),
    ) -> str:
        if provider not in self.state.table(type(self._any_system(provider))):
            self.system(provider)
        entry = ServiceEntry(
            provider=provider,
            definition=definition,
            version=version,
            metadata=metadata or {},
            interfaces=interfaces or (self.http(address=address),),
            expires_at=None if expires_s is None else Instant(self.at + expires_s * SECOND),
        )
        return self.does(RegisterServices(entries=(entry,)))[0].id

    def _any_system(self, name: str):
        from fabloop.services.cloud.records import System

        return System(name=name, number=0, created_at=self.at, updated_at=self.at)

    def definition(self, name: str) -> ServiceDefinition:
        return self.state.table(ServiceDefinition)[name]
