from __future__ import annotations

import socket
import ssl

import aiomqtt
import pytest
from aiomqtt.exceptions import MqttConnectError
from paho.mqtt.client import WebsocketConnectionError
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from bridge.broker import HungUp, Silent, advice, broker, refuses_version, tls_context
from bridge.options import MqttOptions

AT = broker(MqttOptions(url="mqtt://somebody:s3cret@example.org"))


def refusal(name: str) -> MqttConnectError:
    return MqttConnectError(ReasonCode(PacketTypes.CONNACK, name))


@pytest.mark.parametrize(
    ("url", "host", "port", "transport", "path", "tls"),
    [
        ("mqtt://localhost", "localhost", 1883, "tcp", None, False),
        ("mqtts://h", "h", 8883, "tcp", None, True),
        ("mqtt://[::1]:1884", "::1", 1884, "tcp", None, False),
        ("ws://h:9001", "h", 9001, "websockets", "/mqtt", False),
        ("wss://h/socket", "h", 443, "websockets", "/socket", True),
    ],
)
def test_addresses(url, host, port, transport, path, tls):
    at = broker(MqttOptions(url=url))
    assert (at.host, at.port, at.transport, at.path, at.tls) == (host, port, transport, path, tls)


@pytest.mark.parametrize("url", ["localhost:1883", "http://h", "mqtt://", "", "mqtt://h:99999", "mqtt://[::1", "a b"])
def test_no_addresses(url):
    with pytest.raises(ValueError, match="mqtt://, mqtts://, ws:// or wss://"):
        broker(MqttOptions(url=url))


def test_a_scheme_that_is_missing_is_proposed_and_no_password_shown():
    with pytest.raises(ValueError, match=r"such as mqtt://localhost:1883$"):
        broker(MqttOptions(url="localhost:1883"))
    with pytest.raises(ValueError, match=r"such as mqtt://h$") as caught:
        broker(MqttOptions(url="me:s3cret@h"))
    assert "s3cret" not in str(caught.value)


def test_tls_that_is_hung_up_on_may_want_a_certificate():
    at = broker(MqttOptions(url="mqtts://h"))
    assert "does it want a client certificate (mqtt.cert_file)?" in advice(HungUp("x"), at, "i")


def test_user_and_password_stand_in_the_url_or_in_the_settings():
    at = broker(MqttOptions(url="mqtt://a%40b:p%2Fw@h"))
    assert (at.username, at.password, at.url) == ("a@b", "p/w", "mqtt://h")
    at = broker(MqttOptions(url="mqtt://a:b@h", username="c", password="d"))
    assert (at.username, at.password) == ("c", "d")
    assert "s3cret" not in repr(AT)


def caused_by(cause: BaseException) -> aiomqtt.MqttError:
    error = aiomqtt.MqttError(str(cause))
    error.__cause__ = cause
    return error


def untrusted(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, f"certificate verify failed ({code})")
    error.verify_code, error.verify_message = code, str(code)
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (refusal("Bad user name or password"), ["'somebody'", "mqtt.password"]),
        (refusal("Not authorized"), ["'somebody'", "mqtt.username"]),
        (refusal("Client identifier not valid"), ["'ocpp-twin-main'", "mqtt.client_id"]),
        (refusal("Server busy"), ["Server busy"]),
        (aiomqtt.MqttCodeError(ReasonCode(PacketTypes.DISCONNECT, "Session taken over")), ["`node`"]),
        (refusal("Unspecified error"), ["without a reason", "'ocpp-twin-main'", "`node`"]),
        (aiomqtt.MqttCodeError(7), ["ended the connection"]),
        (HungUp("x"), ["hangs up", "does it want TLS (mqtts://), or is the port one for ws://?"]),
        (Silent("y"), ["does not answer", "does it want TLS (mqtts://)"]),
        (caused_by(ConnectionResetError()), ["breaks the connection", "does it want TLS (mqtts://)"]),
        (caused_by(WebsocketConnectionError("handshake")), ["speaks no MQTT over WebSockets", "or mqtt://"]),
        (caused_by(untrusted(9)), ["is not valid yet: correct this machine's clock"]),
        (caused_by(untrusted(10)), ["has expired: renew it"]),
        (caused_by(untrusted(18)), ["is not trusted (18): set mqtt.ca_file"]),
        (caused_by(untrusted(62)), ["is not for 'example.org'", "mqtt.verify_hostname"]),
        (caused_by(untrusted(64)), ["is not for 'example.org'", "mqtt.verify_hostname"]),
        (caused_by(ConnectionRefusedError()), ["nothing listens", "start the broker"]),
        (caused_by(socket.gaierror()), ["cannot be resolved", "mqtt.url"]),
        (caused_by(TimeoutError()), ["does not answer"]),
        (caused_by(ssl.SSLError(1, "wrong version number")), ["TLS"]),
        (aiomqtt.MqttError("Operation timed out"), ["Operation timed out", "mqtt.url"]),
    ],
    ids=str,
)
def test_advice(error, words):
    sentence = advice(error, AT, "ocpp-twin-main")
    assert all(word in sentence for word in words)
    assert "\n" not in sentence
    assert "s3cret" not in sentence


def test_who_may_know_only_3_1_1():
    assert refuses_version(HungUp("x"))
    assert refuses_version(Silent("x"))
    assert refuses_version(refusal("Unsupported protocol version"))
    assert not refuses_version(refusal("Not authorized"))
    assert not refuses_version(aiomqtt.MqttError("x"))


def test_certificates_that_cannot_be_read(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        tls_context(MqttOptions(ca_file=str(tmp_path / "missing.pem")))
    context = tls_context(MqttOptions(verify_hostname=False))
    assert (context.check_hostname, context.verify_mode) == (False, ssl.CERT_REQUIRED)
