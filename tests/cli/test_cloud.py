"""``fabloop cloud serve`` and ``status``: a cloud in a process of its own."""

import itertools
import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest
from typer.testing import CliRunner

from fabloop.adapters.arrowhead.authority import make_authority
from fabloop.adapters.arrowhead.five.client import FiveClient
from fabloop.adapters.arrowhead.mtls import client_context, identity_in
from fabloop.adapters.arrowhead.profiles import CloudName, Generation, Profile
from fabloop.app.choreography.ports import Message
from fabloop.app.processes.clocks import WallClock
from fabloop.base.errors import Conflict, Invalid, NotPermitted, Unavailable
from fabloop.base.instant import SECOND, Instant
from fabloop.cli import app
from fabloop.cli.cloud_words import teller
from fabloop.services.cloud.lookups import ServiceFilter
from fabloop.services.cloud.records import Address, AddressType, Interface, SecurityPolicy
from fabloop.services.cloud.registry import ServiceEntry, SystemEntry

SHOP = CloudName(cloud="assembly-shop", organization="car-maker")


def run(*words):
    return CliRunner().invoke(app, ["cloud", *map(str, words)])


@contextmanager
def serving(*words):
    """Run ``fabloop cloud serve`` and give what it told; SIGTERM ends it well."""
    command = [sys.executable, "-c", "from fabloop.cli import main; main()", "cloud", "serve"]
    with subprocess.Popen(
        [*command, "--port", "0", "--json", *map(str, words)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ,
    ) as process:
        try:
            lines = itertools.takewhile(lambda line: line != "}\n", process.stdout)
            yield json.loads("".join(lines) + "}")
        finally:
            process.send_signal(signal.SIGTERM)
            ended = process.wait(20)
    assert ended == 0


def welding(provider):
    address = {"accessAddresses": ["10.0.0.1"], "accessPort": 80, "basePath": "/weld"}
    interface = Interface(
        template="generic_http", protocol="http", policy=SecurityPolicy.NONE, properties=address
    )
    return ServiceEntry(provider=provider, definition="weld", interfaces=(interface,))


def system(name):
    return SystemEntry(name=name, addresses=(Address(AddressType.IPV4, "10.0.0.1"),))


def test_what_was_registered_is_there_after_a_restart_and_counted(tmp_path):
    with serving("--data", tmp_path) as told:
        (url,) = told["urls"]
        with FiveClient(url, "Robot") as client:
            client.register_system(system("Robot"))
            client.register_service(welding("Robot"))
    with serving("--data", tmp_path, "--manager", "Boss") as told:
        (url,) = told["urls"]
        with FiveClient(url, "Robot") as client:
            assert client.find_services(ServiceFilter(definitions=("weld",)))
        counted = json.loads(run("status", "--url", url, "--name", "Boss", "--json").output)
        assert (counted["systems"], counted["offers"]) == (1, 1)
        printed = run("status", "--url", url)
        assert printed.exit_code == 0
        assert "1 offers\n" in printed.output
        with pytest.raises(NotPermitted):
            run_raising("status", "--url", url, "--name", "Robot")
    with pytest.raises(Unavailable):
        run_raising("status", "--url", url)


def run_raising(*words):
    found = run(*words)
    assert found.exception is not None
    raise found.exception


def test_a_certificate_tells_who_asks(tmp_path):
    now = WallClock().now()
    authority = make_authority(tmp_path / "pki", SHOP, Generation.FIVE, now)
    core = authority.issue("CloudCore", now, addresses=("127.0.0.1",))
    robot = authority.issue("WeldingRobot", now)
    boss = authority.issue("Sysop", now, profile=Profile.OPERATOR)
    trust = authority.trust
    with serving(
        "--data", tmp_path / "data", "--policy", "certificate", "--certificate", core,
        "--trust", trust, "--simple-store-port", "0",
    ) as told:  # fmt: skip
        (url,) = told["urls"]
        assert told["simple_store_url"].startswith("https://127.0.0.1:")
        context = client_context(identity_in(robot, trust))
        with FiveClient(url, "Anybody", context=context) as client:
            client.register_system(system("WeldingRobot"))
            instance = client.register_service(welding("WeldingRobot"))
            assert instance == "WeldingRobot|weld|1.0.0"
        found = run("status", "--url", url, "--certificate", boss, "--trust", trust, "--json")
        assert json.loads(found.output)["systems"] == 1
        with pytest.raises(NotPermitted):
            run_raising("status", "--url", url, "--certificate", robot, "--trust", trust)
        with FiveClient(url, "WeldingRobot") as stranger, pytest.raises(Unavailable):
            stranger.revoke_system()


def test_the_operator_lets_others_in_where_systems_log_in(tmp_path):
    password = tmp_path / "password"
    password.write_text("open sesame\n")
    with serving(
        "--data", tmp_path / "data", "--policy", "outsourced", "--sysop-password-file", password
    ) as told:
        (url,) = told["urls"]
        with FiveClient(url, "") as client:
            client.log_in("Sysop", "open sesame")
            assert client.counted("/serviceregistry/mgmt/systems/query") == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--manager", "no name!", "--templates", "any"], ["--manager", "--templates"]),
        (["--policy", "certificate"], ["--certificate"]),
        (["--policy", "outsourced"], ["--sysop-password-file"]),
        (["--policy", "outsourced", "--sysop-password-file", "/no/such"], ["a file with a text"]),
    ],
)
def test_options_that_do_not_fit_are_named(tmp_path, words, told):
    with pytest.raises(Invalid) as caught:
        run_raising("serve", "--data", tmp_path, "--port", "0", *words)
    for each in told:
        assert each in str(caught.value)


def test_one_process_serves_a_folder(tmp_path):
    with serving("--data", tmp_path), pytest.raises((Conflict, Invalid)):
        run_raising("serve", "--data", tmp_path, "--port", "0")


def test_a_step_that_fails_again_as_it_did_is_told_once_for_a_while(capsys):
    tell = teller(as_json=False)

    def fails(second, text="nobody is there"):
        tell(
            Message(
                at=Instant(second * SECOND), name="stepFailed", sender="C", receiver="C",
                step=second, text=text,
            )
        )  # fmt: skip

    for second in range(45):
        fails(second)
    fails(46, "another reason")
    tell(Message(at=Instant(47 * SECOND), name="stepDone", sender="C", receiver="C", step=1))
    fails(48)
    told = [each.split(" ", 1)[1] for each in capsys.readouterr().out.splitlines()]
    assert told == [
        "stepFailed: C -> C nobody is there",
        "stepFailed: C -> C step 30 nobody is there",
        "stepFailed: C -> C step 46 another reason",
        "stepDone: C -> C step 1",
        "stepFailed: C -> C step 48 nobody is there",
    ]
