"""The manifests for Kubernetes: what its schemas allow, what its strictest standard asks for, and one daemon."""

from __future__ import annotations

import kubernetes_validate
import pytest
import yaml
from fakes.compose import DOCKER

from config.loading import load

FOLDER = DOCKER / "kubernetes"
KUSTOMIZATION = yaml.safe_load((FOLDER / "kustomization.yaml").read_text(encoding="utf-8"))
MANIFESTS = {name: yaml.safe_load((FOLDER / name).read_text(encoding="utf-8")) for name in KUSTOMIZATION["resources"]}
SET = MANIFESTS["statefulset.yaml"]["spec"]
POD = SET["template"]["spec"]
(DAEMON,) = POD["containers"]
SECRET = "/secrets/mqtt-password"


@pytest.mark.parametrize("version", ["1.29", kubernetes_validate.latest_version()])
@pytest.mark.parametrize("name", MANIFESTS)
def test_it_is_what_kubernetes_takes(name, version):
    kubernetes_validate.validate(MANIFESTS[name], version, strict=True)


def test_the_check_finds_mistakes():
    broken = {**MANIFESTS["statefulset.yaml"], "spec": {**SET, "replica": 1}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, "1.29", strict=True)


def test_every_file_is_used():
    made = {name for generator in KUSTOMIZATION["configMapGenerator"] for name in generator["files"]}
    assert {path.name for path in FOLDER.iterdir()} == {"kustomization.yaml", *KUSTOMIZATION["resources"], *made}
    assert KUSTOMIZATION["namespace"] == MANIFESTS["namespace.yaml"]["metadata"]["name"]


def test_there_is_never_more_than_one():
    assert MANIFESTS["statefulset.yaml"]["kind"] == "StatefulSet"
    assert SET["replicas"] == 1
    (claim,) = SET["volumeClaimTemplates"]
    assert claim["spec"]["accessModes"] == ["ReadWriteOnce"]
    assert POD["terminationGracePeriodSeconds"] == 30


def test_it_keeps_to_the_restricted_standard():
    labels = MANIFESTS["namespace.yaml"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    pod, own = POD["securityContext"], DAEMON["securityContext"]
    assert pod["runAsNonRoot"] is True
    assert pod["runAsUser"] == pod["runAsGroup"] == pod["fsGroup"] == 10001
    assert f"USER {pod['runAsUser']}:{pod['runAsGroup']}\n" in (DOCKER / "Dockerfile").read_text(encoding="utf-8")
    assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert own["allowPrivilegeEscalation"] is False
    assert own["readOnlyRootFilesystem"] is True
    assert own["capabilities"] == {"drop": ["ALL"]}
    assert POD["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & POD.keys()


def test_what_is_mounted_is_a_volume_and_is_read_only_unless_it_is_written():
    volumes = {volume["name"] for volume in POD["volumes"]} | {
        claim["metadata"]["name"] for claim in SET["volumeClaimTemplates"]
    }
    assert {mount["name"] for mount in DAEMON["volumeMounts"]} == volumes
    written = {mount["mountPath"] for mount in DAEMON["volumeMounts"] if not mount.get("readOnly")}
    assert written == {"/var/lib/ocpp-twin", "/tmp"}


def test_probes_ask_where_the_daemon_answers():
    (port,) = DAEMON["ports"]
    assert (DAEMON["livenessProbe"]["httpGet"], DAEMON["readinessProbe"]["httpGet"]) == (
        {"path": "/healthz", "port": port["name"]},
        {"path": "/readyz", "port": port["name"]},
    )
    service = MANIFESTS["service.yaml"]["spec"]
    assert service["ports"][0]["targetPort"] == port["name"]
    assert service["ports"][0]["port"] == port["containerPort"]
    assert service["selector"].items() <= SET["template"]["metadata"]["labels"].items()
    assert SET["selector"]["matchLabels"].items() <= SET["template"]["metadata"]["labels"].items()


def test_the_password_is_a_file_and_the_configuration_is_good(tmp_path, monkeypatch):
    assert DAEMON["env"] == [{"name": "OCPP_TWIN__MQTT__PASSWORD_FILE", "value": SECRET}]
    assert "Secret" not in {manifest["kind"] for manifest in MANIFESTS.values()}
    secret = tmp_path / "mqtt-password"
    secret.write_text("x")
    monkeypatch.setenv("OCPP_TWIN__MQTT__PASSWORD_FILE", str(secret))
    configured = load([FOLDER / "ocpp-twin.yaml"])
    assert [twin.id for twin in configured.twins] == ["garage", "office"]
    assert configured.settings.store.url == "sqlite:////var/lib/ocpp-twin/main.db"
