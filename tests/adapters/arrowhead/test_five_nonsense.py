"""Whatever is sent to a cloud of 5.2.1 is answered or refused; the cloud itself never fails."""

import json
import random
from collections import Counter
from urllib.parse import quote

import pytest
from msgspec import inspect

from fabloop.adapters.arrowhead.five import calls
from fabloop.adapters.arrowhead.five.facade import routes_of
from fabloop.adapters.arrowhead.five.settings import Settings, Strategy
from five_cloud import PROPERTIES, five

WORDS = (
    "Robot", "Cell", "kelvinInfo", "generic_http", "NONE", "Robot|kelvinInfo|1.0.0", "1.0.0", "2",
    "2030-01-01T00:00:00Z", "IPV4", "10.0.0.1", "SERVICE_DEF", "ALL", "WHITELIST", "SYS_METADATA",
    "", " ", "ü", "\x00", "a" * 300, "MATCHMAKING", "TIME_LIMITED_TOKEN_AUTH", "DESC", "REGEXP",
    "(a+)+", "Sysop", "LESS_THAN", "accessPort", "PASSWORD", "AES/ECB/PKCS5Padding",
)  # fmt: skip
INTERFACE = {
    "templateName": "generic_http", "protocol": "http", "policy": "NONE", "properties": PROPERTIES,
}  # fmt: skip
LIKELY = {
    "systemName": ["Robot", "Cell"],
    "serviceDefinition": ["kelvinInfo", "other"],
    "serviceDefinitionName": ["kelvinInfo", "other"],
    "interfaces": [[INTERFACE], []],
    "metadata": [{}, {"a": 1, "allowExclusivity": 30}, {"b": {"c": 10**30}}],
    "metadataRequirements": [[], [{"a": 1}, {"b.c": {"op": "LESS_THAN", "value": 3}}]],
    "addresses": [["10.0.0.1"], ["fe80::1"]],
    "orchestrationFlags": [{"MATCHMAKING": True}, {"ONLY_PREFERRED": True}],
    "provider": ["Robot"],
    "consumer": ["Cell"],
    "target": ["kelvinInfo"],
    "targetType": ["SERVICE_DEF"],
    "tokenVariant": ["TIME_LIMITED_TOKEN_AUTH", "RSA_SHA256_JSON_WEB_TOKEN_AUTH"],
    "defaultPolicy": [{"policyType": "ALL"}, {"policyType": "WHITELIST", "policyList": ["Cell"]}],
    "serviceInstanceId": ["Robot|kelvinInfo|1.0.0"],
    "owner": ["Cell"],
}
PARAMETERS = ("names", "ids", "serviceInstanceIds", "instanceIds", "trigger", "verbose", "uuids")


class Nonsense:
    """Makes bodies that are nearly what is expected, and now and then are nothing of it."""

    def __init__(self, seed):
        self.chance = random.Random(seed)

    def junk(self, depth=0):
        kind = self.chance.randrange(8 if depth < 3 else 5)
        if kind == 6:
            return [self.junk(depth + 1) for _ in range(self.chance.randrange(3))]
        if kind == 7:
            return {self.word(): self.junk(depth + 1) for _ in range(self.chance.randrange(3))}
        return self.chance.choice([None, True, -1, 10**25, 2**63, 0.5, self.word()])

    def word(self):
        return self.chance.choice(WORDS)

    def like(self, kind, depth=0):
        if self.chance.random() < 0.02:
            return self.junk(depth)
        match kind:
            case inspect.StructType(fields=fields):
                return {
                    each.encode_name: self.field(each, depth)
                    for each in fields
                    if self.chance.random() < (0.95 if each.required else 0.4)
                }
            case inspect.UnionType(types=types):
                return self.like(self.chance.choice(types), depth)
            case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
                return [self.like(item, depth + 1) for _ in range(self.chance.randrange(3))]
            case inspect.DictType(value_type=value):
                return {self.word(): self.like(value, depth + 1)}
            case _:
                return self.plain(kind, depth)

    def plain(self, kind, depth):
        match kind:
            case inspect.StrType():
                return self.word()
            case inspect.BoolType():
                return self.chance.random() < 0.5
            case inspect.IntType():
                return self.chance.choice([0, 1, 60, -1, 10**12, 2**62])
            case _:
                return self.junk(depth)

    def field(self, field, depth):
        if field.encode_name in LIKELY and self.chance.random() < 0.8:
            return self.chance.choice(LIKELY[field.encode_name])
        return self.like(field.type, depth + 1)

    def path(self, route):
        tail = quote(self.word(), safe="") if route.tail else ""
        query = "&".join(
            f"{each}={quote(self.word())}" for each in self.chance.sample(PARAMETERS, 2)
        )
        return f"{route.path}{tail}?{query}"


@pytest.mark.parametrize("strategy", Strategy)
@pytest.mark.parametrize("seed", [1, 2])
def test_the_cloud_never_fails(strategy, seed, monkeypatch):
    expected = {}
    asked = [None]
    read = calls.Call.read

    def noting(self, decoder):
        expected[asked[-1]] = inspect.type_info(decoder.type)
        return read(self, decoder)

    monkeypatch.setattr(calls.Call, "read", noting)
    settings = Settings(strategy=strategy)
    nonsense = Nonsense(seed)
    statuses = Counter()
    with five(settings) as cloud:
        cloud.service("Robot")
        cloud.grant("Robot")
        for _ in range(12):
            for route in routes_of(settings):
                asked.append((route.method, route.path))
                body = nonsense.like(expected[asked[-1]]) if asked[-1] in expected else {}
                if route.path.endswith("/blacklist/mgmt/create"):
                    continue  # else nobody is welcome any more
                who = nonsense.chance.choice(("Sysop", "Sysop", "Robot", "Cell"))
                answer = cloud(
                    who, route.method, nonsense.path(route), content=json.dumps(body).encode()
                )
                assert answer.status_code != 500, (asked[-1], body, answer.text)
                statuses[answer.status_code] += 1
        assert cloud.host.failure is None
    assert statuses[200] > 50
    assert statuses[400] > 100


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"metadata":' * 5_000, b"\xff\xfe", b"{", b"1"])
def test_what_is_no_json_of_few_levels_is_refused(body):
    with five() as cloud:
        answer = cloud("Robot", "POST", "/serviceregistry/system-discovery/register", content=body)
        assert answer.status_code == 400
        assert answer.json()["exceptionType"] == "INVALID_PARAMETER"


def test_a_number_that_cannot_be_kept_is_refused_and_the_cloud_goes_on():
    with five() as cloud:
        path = "/serviceregistry/system-discovery/register"
        body = {"addresses": ["10.0.0.1"], "metadata": {"big": 10**25}}
        answer = cloud("Robot", "POST", path, body)
        assert answer.status_code == 400
        assert "numbers from" in answer.json()["errorMessage"]
        cloud.system("Robot")
