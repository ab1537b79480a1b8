import json

import aiomqtt
import pytest
import trustme
from fakes.free import free_port

from bridge.doctor.broker import Question, examined
from bridge.doctor.findings import Verdict
from bridge.homeassistant.options import DiscoveryOptions
from bridge.options import MqttOptions
from bridge.subscriptions import Subscriptions


async def look(url, **options):
    given = MqttOptions(url=url, **options)
    filters = Subscriptions(given, lambda: ["garage"]).filters()
    visit = await examined(Question(given, DiscoveryOptions(), filters, ["garage"]))
    return {finding.what: finding for finding in visit.findings}, visit


async def test_a_good_broker_and_no_daemon(mosquitto):
    found, visit = await look(mosquitto.url)
    assert [finding.verdict for finding in found.values()] == [Verdict.OK] * 5
    assert found["broker"].said == f"{mosquitto.url} lets us in without a user name, with MQTT 5"
    assert "no daemon 'main' is online" in found["publishing"].said
    assert found["commands"].said == "arrive, such as ocpp-twin/garage/set/powered"
    assert not visit.online


async def test_3_1_1_does_as_well(mosquitto):
    found, _ = await look(mosquitto.url, protocol="3.1.1")
    assert [finding.verdict for finding in found.values()] == [Verdict.OK] * 5
    assert "with MQTT 3.1.1" in found["broker"].said


async def test_a_daemon_that_runs_is_seen_and_left_alone(mosquitto):
    async with aiomqtt.Client("127.0.0.1", mosquitto.port) as daemon:
        await daemon.publish("ocpp-twin/bridge/main/availability", "online", retain=True)
        await daemon.publish("ocpp-twin/garage/state", json.dumps({"connected": True}), retain=True)
        await daemon.publish("homeassistant/status", "online", retain=True)
        await daemon.subscribe("ocpp-twin/bridge/#")
        found, visit = await look(mosquitto.url)
        assert visit.online
        assert visit.states == {"garage": {"connected": True}}
        assert found["publishing"].said == "the daemon 'main' is online there"
        assert found["home assistant"].verdict is Verdict.NOTE
        await daemon.publish("ocpp-twin/bridge/end")
        heard = [(str(message.topic), message.payload) async for message in _until(daemon, "ocpp-twin/bridge/end")]
    assert heard == [("ocpp-twin/bridge/main/availability", b"online")]


async def _until(client, last):
    async for message in client.messages:
        if str(message.topic) == last:
            return
        yield message


async def test_nothing_is_kept_of_the_visit(mosquitto):
    await look(mosquitto.url)
    async with aiomqtt.Client("127.0.0.1", mosquitto.port) as witness:
        await witness.subscribe("#")
        await witness.publish("end")
        assert [message async for message in _until(witness, "end")] == []


async def test_nothing_listens():
    found, _ = await look(f"mqtt://127.0.0.1:{free_port()}")
    assert found["broker"].verdict is Verdict.WRONG
    assert found["broker"].remedy == "start the broker, or check mqtt.url"


async def test_a_wrong_password(make_mosquitto):
    found, _ = await look(make_mosquitto(anonymous=False).url, username="me", password="wrong")
    assert "refuses the user 'me'" in found["broker"].said
    assert "mqtt.password" in found["broker"].remedy


@pytest.fixture
def ruled(make_mosquitto, tmp_path):
    def make(*rules):
        (tmp_path / "acl").write_text("\n".join(rules) + "\n")
        return make_mosquitto(f"acl_file {tmp_path}/acl", "user root")

    return make


async def test_rules_that_keep_it_from_publishing(ruled):
    found, _ = await look(ruled("topic read #").url)
    assert found["publishing"].verdict is Verdict.WRONG
    assert "refuses ocpp-twin/bridge/main/availability (Not authorized)" in found["publishing"].said
    assert "access rules" in found["publishing"].remedy
    assert "commands" not in found


async def test_rules_that_keep_commands_from_it(ruled):
    rules = ("topic readwrite ocpp-twin/bridge/#", "topic write ocpp-twin/#")
    broker = ruled(*rules)
    found, _ = await look(broker.url)
    assert found["publishing"].verdict is Verdict.OK
    assert found["commands"].verdict is Verdict.WRONG
    assert "do not arrive" in found["commands"].said
    found, _ = await look(broker.url, protocol="3.1.1")
    assert found["commands"].verdict is Verdict.NOTE


async def test_the_certificate_of_a_broker(make_mosquitto, tmp_path):
    authority = trustme.CA()
    leaf = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    leaf.private_key_pem.write_to_path(tmp_path / "key.pem")
    leaf.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    (tmp_path / "key.pem").chmod(0o644)
    broker = make_mosquitto("user root", f"certfile {tmp_path}/cert.pem", f"keyfile {tmp_path}/key.pem")
    there = f"mqtts://localhost:{broker.port}"
    visit = (await look(there, ca_file=str(tmp_path / "ca.pem")))[1]
    assert [f.said.split(" is valid for ")[0] for f in visit.findings[1:2]] == ["its certificate"]
    found, _ = await look(there)
    assert "is not trusted" in found["broker"].said
    found, _ = await look(f"mqtts://127.0.0.1:{broker.port}", ca_file=str(tmp_path / "ca.pem"))
    assert "is not for '127.0.0.1'" in found["broker"].said
    found, _ = await look(broker.url, protocol="5")
    assert "does it want TLS (mqtts://)" in f"{found['broker'].said} {found['broker'].remedy}"
