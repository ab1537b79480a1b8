"""compose.yaml: what the specification says of such files, and what we say: closed doors, little for everybody."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
import yaml
from fakes.compose import DOCKER, FILE, SERVICES, environment, mounts, variables

OWN = {"setup", "ocpp-twin", "csms", "node-red"}
TEXT = (DOCKER / "compose.yaml").read_text(encoding="utf-8")
NEEDS_NO_HEALTHCHECK = {"setup"}  # it ends by itself


def each(*without):
    return pytest.mark.parametrize("service", sorted(SERVICES.keys() - set(without)))


def test_it_is_what_the_compose_specification_allows():
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", DOCKER / "compose.yaml"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_everything_is_there():
    assert SERVICES.keys() == {
        *("setup", "mosquitto", "ocpp-twin", "csms", "node-red", "home-assistant", "prometheus", "grafana")
    }
    assert not any("profiles" in service for service in SERVICES.values())  # all of it comes up with one command


@each()
def test_what_is_mounted_is_there(service):
    for place, source in mounts(service).items():
        assert place.startswith("/")
        assert source in FILE["volumes"] or (DOCKER / source).exists()
        if source not in FILE["volumes"]:
            assert f"{source}:{place}:ro" in SERVICES[service]["volumes"]


def test_every_volume_and_network_is_used():
    assert {source for service in SERVICES for source in mounts(service).values()} >= set(FILE["volumes"])
    joined = {network for service in SERVICES.values() for network in service.get("networks", [])}
    assert joined == set(FILE["networks"])


@each()
def test_a_service_can_do_little(service):
    made = SERVICES[service]
    assert made["read_only"] is (service != "home-assistant")  # it installs what integrations need
    assert made["cap_drop"] == ["ALL"]
    assert made["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in made
    assert "pid" not in made
    assert made.get("network_mode", "none") == "none"
    # Only who gives files away needs to; it has no network.
    assert ("cap_add" in made) == (service == "setup")
    assert made["restart"] == ("no" if service == "setup" else "unless-stopped")
    assert not any("docker.sock" in source for source in mounts(service).values())


@each()
def test_nobody_else_can_reach_it(service):
    ports = SERVICES[service].get("ports", [])
    assert all(re.fullmatch(r"127\.0\.0\.1:(\d+):\1", port) for port in ports)
    assert (service in {"setup", "csms"}) == (ports == [])


@each(*NEEDS_NO_HEALTHCHECK)
def test_it_says_whether_it_is_well(service):
    check = SERVICES[service]["healthcheck"]
    assert check["test"][0] == "CMD"  # no shell that might not be there
    assert not any(" " in word for word in check["test"])  # Podman would take a word with blanks for several
    assert check["interval"] == "10s"


@each()
def test_it_waits_for_what_it_needs(service):
    for other, wait in SERVICES[service].get("depends_on", {}).items():
        wanted = {"setup": "service_completed_successfully", "ocpp-twin": "service_started"}
        assert wait == {"condition": wanted.get(other, "service_healthy")}


def test_the_daemon_brings_the_broker_along_and_nothing_else():
    def needed(service):
        return {service}.union(*(needed(other) for other in SERVICES[service].get("depends_on", {})))

    assert needed("ocpp-twin") == {"ocpp-twin", "mosquitto", "setup"}


@each()
def test_no_secret_stands_in_the_environment(service):
    for name, value in environment(service).items():
        if re.search("PASSWORD|SECRET|TOKEN", name):
            assert name.endswith("FILE")
            assert value.startswith("/secrets/")
    for word in SERVICES[service].get("command", []):
        assert not re.search(r"//[^/@]*:[^/@]*@", word)


@each()
def test_what_is_set_is_a_setting(service):
    ours = {name for name in environment(service) if name.startswith("OCPP_TWIN__")}
    assert ours <= variables()
    assert (ours != set()) == (service == "ocpp-twin")


def test_what_can_be_set_from_outside_has_a_value_of_its_own():
    assert re.findall(r"\$\{(\w+)(:-[^}]+)?\}", TEXT) == [("CSMS_URL", ":-ws://csms:9000/ocpp")]


def test_the_central_system_that_twins_are_sent_to_is_the_one_that_is_there():
    command = SERVICES["csms"]["command"]
    assert command[command.index("--port") + 1] == "9000"
    assert set(SERVICES["csms"]["networks"]) & set(SERVICES["ocpp-twin"]["networks"])


@each()
def test_an_image_is_that_of_a_known_release(service):
    image = SERVICES[service]["image"]
    if image.startswith("ocpp-twin"):
        builders = [name for name, made in SERVICES.items() if made["image"] == image and "build" in made]
        assert len(builders) == 1  # two that build the same image get in each other's way
        assert service in builders or (SERVICES[service]["pull_policy"] == "never" and service in OWN)
    else:
        assert re.search(r":v?\d+(\.\d+)*$", image)


def test_what_is_built_is_there():
    for service in SERVICES.values():
        if (build := service.get("build")) is not None:
            context = DOCKER / build["context"]
            assert (context / build.get("dockerfile", "Dockerfile")).is_file()


def test_prometheus_asks_the_daemon_where_it_listens():
    configuration = yaml.safe_load((DOCKER / "prometheus/prometheus.yml").read_text(encoding="utf-8"))
    targets = {job["job_name"]: job["static_configs"][0]["targets"] for job in configuration["scrape_configs"]}
    assert targets["ocpp-twin"] == ["ocpp-twin:9580"]
    assert set(SERVICES["prometheus"]["networks"]) & set(SERVICES["ocpp-twin"]["networks"])
    assert all((DOCKER / "prometheus" / name).is_file() for name in configuration["rule_files"])


def test_grafana_finds_prometheus_and_the_dashboards():
    provisioning = DOCKER / "grafana/provisioning"
    (source,) = yaml.safe_load((provisioning / "datasources/prometheus.yaml").read_text())["datasources"]
    assert source["url"] == "http://prometheus:9090"
    assert set(SERVICES["prometheus"]["networks"]) == set(SERVICES["grafana"]["networks"])
    (provider,) = yaml.safe_load((provisioning / "dashboards/ocpp-twin.yaml").read_text())["providers"]
    dashboards = DOCKER / mounts("grafana")[provider["options"]["path"]]
    assert [path.suffix for path in dashboards.iterdir()] == [".json"]


def test_the_dashboard_of_node_red_is_the_one_that_is_tested():
    tested = json.loads((DOCKER.parent / "tests/node_red/package.json").read_text())["dependencies"]
    module = "@flowfuse/node-red-dashboard"
    made = (DOCKER / "node-red/Dockerfile").read_text()
    assert f"{module}@{tested[module]}\n" in made
    assert f"FROM nodered/node-red:{tested['node-red'].split('.')[0]}\n" in made


def test_users_of_the_broker_have_a_password_and_rights():
    listed = re.findall(r"^user (\S+)$", (DOCKER / "mosquitto.acl").read_text(), re.MULTILINE)
    made = re.search(r'^broker_users="(.*)"$', (DOCKER / "setup.sh").read_text(), re.MULTILINE)
    assert sorted(made[1].split()) == sorted(listed)


def test_no_secret_is_looked_for_in_the_repository():
    assert "secrets" not in FILE
    assert not any("secrets" in service or "env_file" in service for service in SERVICES.values())
