"""The service that makes the passwords: once, at random, each where it is needed and nowhere else."""

import os
import re
import stat

import pytest
from fakes.compose import SERVICES, Passwords, mounts

USERS = {"ocpp-twin", "operator", "homeassistant", "watcher", "garage", "demo-csms", "healthcheck"}
HANDED = {
    "mosquitto": {"acl", "passwords", "mosquitto_sub"},
    "ocpp-twin": {"mqtt-password"},
    "csms": {"mqtt-password"},
    "node-red": {"mqtt-password", "editor-password"},
    "home-assistant": {"mqtt-password"},
    "grafana": {"admin-password"},
}


def shown(passwords):
    return dict(line.split() for line in passwords.run("show").stdout.splitlines())


def test_every_password_is_random_and_another(passwords, tmp_path):
    found = shown(passwords)
    assert found.keys() == USERS | {"grafana", "node-red"}
    assert all(re.fullmatch(r"[0-9a-f]{32}", password) for password in found.values())
    again = Passwords(tmp_path / "again")
    again.run("make")
    assert len({*found.values(), *shown(again).values()}) == 2 * len(found)


def test_a_second_start_keeps_them(passwords):
    before = shown(passwords)
    passwords.run("make")
    assert shown(passwords) == before


def test_each_service_is_given_what_it_needs_and_no_more(passwords):
    needed = {service: {path.name for path in passwords.folder(service).iterdir()} for service in HANDED}
    assert needed == HANDED
    known = shown(passwords)
    for service, user in {
        "ocpp-twin": "ocpp-twin",
        "csms": "demo-csms",
        "node-red": "operator",
        "home-assistant": "homeassistant",
    }.items():
        assert (passwords.folder(service) / "mqtt-password").read_text() == f"{known[user]}\n"
    assert (passwords.folder("node-red") / "editor-password").read_text() == f"{known['node-red']}\n"
    assert (passwords.folder("grafana") / "admin-password").read_text() == f"{known['grafana']}\n"


def test_the_broker_is_given_hashes_and_only_the_password_of_its_healthcheck(passwords):
    known = shown(passwords)
    lines = (passwords.folder("mosquitto") / "passwords").read_text().splitlines()
    assert {line.split(":")[0] for line in lines} == USERS
    assert all(line.split(":")[1].startswith("$") for line in lines)
    text = "".join(path.read_text() for path in passwords.folder("mosquitto").iterdir())
    assert [name for name, password in known.items() if password in text] == ["healthcheck"]


def test_nobody_else_can_read_them(passwords):
    for path in [passwords.root / "vault", *(passwords.root / "secrets").iterdir()]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
        assert all(stat.S_IMODE(file.stat().st_mode) & 0o077 == 0 for file in path.iterdir())


def test_they_belong_to_the_user_that_the_service_runs_as(passwords):
    owners = {
        "mosquitto": 1883,
        "ocpp-twin": 10001,
        "csms": 10001,
        "node-red": 1000,
        "home-assistant": 0,
        "grafana": 472,
    }
    for service, owner in owners.items():
        folder = passwords.folder(service)
        # Only root can give files away, as the service does.
        there = owner if os.getuid() == 0 else os.getuid()
        assert {path.stat().st_uid for path in [folder, *folder.iterdir()]} == {there}
        given = SERVICES[service].get("user")
        assert given is None or given.split(":")[0] == str(owner)


def test_one_brings_a_password_of_ones_own(passwords):
    passwords.run("set", "operator", given="my-own_1\n")
    assert passwords.of("operator") == "my-own_1"
    assert (passwords.folder("node-red") / "mqtt-password").read_text() == "my-own_1\n"
    before = passwords.of("watcher")
    passwords.run("set", "watcher")
    assert passwords.of("watcher") not in ("", before)


@pytest.mark.parametrize(
    ("arguments", "given", "said"),
    [
        (["set", "nobody"], "x", "no password called nobody; there are: ocpp-twin operator"),
        (["set", "operator"], "two words", "only letters, digits and"),
        (["set"], "", "usage: setup set NAME"),
        (["show", "nobody"], "", "no password called nobody"),
        (["shout"], "", "usage: setup"),
    ],
)
def test_what_is_wrong_is_said(passwords, arguments, given, said):
    before = shown(passwords)
    done = passwords.run(*arguments, given=given, check=False)
    assert done.returncode == 1
    assert said in done.stderr
    assert shown(passwords) == before


def test_no_service_sees_the_vault_or_what_another_one_is_given():
    for service in SERVICES.keys() - {"setup"}:
        secret = [source for source in mounts(service).values() if source == "vault" or source.startswith("secrets-")]
        assert secret == ([f"secrets-{service}"] if service in HANDED else [])
