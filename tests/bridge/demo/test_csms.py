from __future__ import annotations

import asyncio
import base64

import pytest
from fakes.station import FakeStation
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from bridge.demo.csms import CentralSystem
from bridge.demo.schemas import check_call
from bridge.demo.station import NO_ANSWER, CallFailed
from bridge.demo.wire import Violation

BOOT = {"chargePointVendor": "Acme", "chargePointModel": "Wall"}


@pytest.fixture
async def csms():
    async with CentralSystem() as running:
        yield running


@pytest.fixture
async def station(csms):
    async with FakeStation(csms.url, "CP 001/A") as connected:
        yield connected


async def test_a_station_is_known_by_its_decoded_identity(csms, station):
    kind, message_id, payload = await station.call("BootNotification", BOOT)
    assert (kind, message_id, payload["status"], payload["interval"]) == (3, "id-1", "Accepted", 300)
    assert list(csms.connected) == ["CP 001/A"]


async def test_it_is_forgotten_when_it_goes(csms):
    async with FakeStation(csms.url, "a"):
        pass
    await gone(csms)


async def test_a_station_that_comes_again_replaces_its_first_connection(csms):
    async with FakeStation(csms.url, "a") as first, FakeStation(csms.url, "a") as second:
        await first.connection.wait_closed()
        assert (await second.call("Heartbeat", {}))[0] == 3
        assert list(csms.connected) == ["a"]


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ([2, "1", "Authorize", {}], "ProtocolError"),
        ([2, "1", "Authorize", {"idTag": 1}], "TypeConstraintViolation"),
        ([2, "1", "Reset", {"type": "Soft"}], "NotSupported"),
        ([2, "1", "Nonsense", {}], "NotImplemented"),
        ([2, "1"], "FormationViolation"),
    ],
)
async def test_a_violation_is_answered_with_a_call_error_and_the_link_stays(station, frame, code):
    await station.send(frame)
    assert (await station.hear())[:3] == [4, "1", code]
    assert (await station.call("Heartbeat", {}))[0] == 3


async def test_text_that_is_no_json_is_answered_too(station):
    await station.send("rubbish")
    assert (await station.hear())[:3] == [4, "-1", "FormationViolation"]


async def test_a_call_to_a_station(csms, station):
    station.answers["Reset"] = {"status": "Accepted"}
    assert await csms.call("CP 001/A", "Reset", {"type": "Soft"}) == {"status": "Accepted"}
    assert (await station.calls.get())[2:] == ["Reset", {"type": "Soft"}]


TIME = "2026-01-02T03:04:05Z"
PROFILE = {
    "chargingProfileId": 1,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Absolute",
    "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.1}]},
}
HASHES = {"hashAlgorithm": "SHA256", "issuerNameHash": "aa", "issuerKeyHash": "bb", "serialNumber": "01"}
COMPOSITE = {
    "status": "Accepted",
    "connectorId": 1,
    "scheduleStart": TIME,
    "chargingSchedule": PROFILE["chargingSchedule"],
}
SIGNED = {"location": "http://x/a.bin", "retrieveDateTime": TIME, "signingCertificate": "c", "signature": "s"}
REQUESTS = {
    "CancelReservation": ({"reservationId": 1}, {"status": "Rejected"}),
    "CertificateSigned": ({"certificateChain": "c"}, {"status": "Rejected"}),
    "ClearChargingProfile": ({}, {"status": "Unknown"}),
    "DeleteCertificate": ({"certificateHashData": HASHES}, {"status": "NotFound"}),
    "ExtendedTriggerMessage": ({"requestedMessage": "Heartbeat"}, {"status": "Accepted"}),
    "GetCompositeSchedule": ({"connectorId": 1, "duration": 60}, COMPOSITE),
    "GetDiagnostics": ({"location": "ftp://x/"}, {"fileName": "a.log"}),
    "GetInstalledCertificateIds": (
        {"certificateType": "ManufacturerRootCertificate"},
        {"status": "Accepted", "certificateHashData": [HASHES]},
    ),
    "GetLocalListVersion": ({}, {"listVersion": -1}),
    "GetLog": (
        {"logType": "SecurityLog", "requestId": 1, "log": {"remoteLocation": "ftp://x/"}},
        {"status": "AcceptedCanceled", "filename": "a.log"},
    ),
    "InstallCertificate": (
        {"certificateType": "CentralSystemRootCertificate", "certificate": "c"},
        {"status": "Failed"},
    ),
    "ReserveNow": (
        {"connectorId": 1, "expiryDate": TIME, "idTag": "A", "reservationId": 1},
        {"status": "Occupied"},
    ),
    "SendLocalList": ({"listVersion": 1, "updateType": "Full"}, {"status": "VersionMismatch"}),
    "SetChargingProfile": ({"connectorId": 1, "csChargingProfiles": PROFILE}, {"status": "Accepted"}),
    "SignedUpdateFirmware": ({"requestId": 1, "firmware": SIGNED}, {"status": "InvalidCertificate"}),
    "UpdateFirmware": ({"location": "http://x/a.bin", "retrieveDate": TIME}, {}),
}


@pytest.mark.parametrize("action", REQUESTS)
async def test_every_profile_and_the_security_extension_can_be_called(csms, station, action):
    payload, answer = REQUESTS[action]
    check_call(action, payload)
    station.answers[action] = answer
    assert await csms.call("CP 001/A", action, payload) == answer


async def test_why_a_call_fails(csms, station):
    station.answers["Reset"] = {"status": "Perhaps"}
    with pytest.raises(CallFailed, match="bad_answer"):
        await csms.call("CP 001/A", "Reset", {"type": "Soft"})
    with pytest.raises(CallFailed, match="not_connected: b is not connected; connected: CP 001/A"):
        await csms.call("b", "Reset", {"type": "Soft"})


async def test_a_call_error_of_the_station(csms, station):
    asked = asyncio.create_task(csms.call("CP 001/A", "Reset", {"type": "Soft"}))
    _, message_id, *_ = await station.calls.get()
    await station.send([4, "another", "GenericError", "late", {}])
    await station.send([4, message_id, "NotSupported", "no", {"a": 1}])
    with pytest.raises(CallFailed) as caught:
        await asked
    assert (caught.value.code, caught.value.description, caught.value.details) == ("NotSupported", "no", {"a": 1})


async def test_a_station_that_goes_away_fails_the_call(csms):
    async with FakeStation(csms.url, "a") as station:
        asked = asyncio.create_task(csms.call("a", "ClearCache", {}))
        await station.calls.get()
    with pytest.raises(CallFailed, match="not_connected"):
        await asked


async def test_a_station_that_is_silent_times_out():
    async with CentralSystem(call_timeout_s=0.01) as csms, FakeStation(csms.url, "a"):
        with pytest.raises(CallFailed, match="timeout"):
            await csms.call("a", "ClearCache", {})


async def test_calls_take_turns(csms, station):
    station.answers |= {"ClearCache": {"status": "Accepted"}}
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(csms.call("CP 001/A", "Reset", {"type": "Soft"}))
        tasks.create_task(csms.call("CP 001/A", "ClearCache", {}))
        _, message_id, *_ = await station.calls.get()
        assert (await station.call("Heartbeat", {}))[0] == 3, "incoming calls are answered meanwhile"
        assert station.calls.empty()
        await station.send([3, message_id, {"status": "Rejected"}])
    assert first.result() == {"status": "Rejected"}


async def test_answers_can_be_scripted(csms, station):
    go = asyncio.Event()

    async def slow(identity, payload):
        await go.wait()
        return {"idTagInfo": {"status": "ConcurrentTx"}}

    async def broken(identity, payload):
        raise Violation("InternalError", "out of order")

    async def silent(identity, payload):
        return NO_ANSWER

    csms.handlers |= {"Authorize": slow, "BootNotification": broken, "StatusNotification": silent}
    await station.send([2, "slow", "Authorize", {"idTag": "x"}])
    await station.send(
        [2, "silent", "StatusNotification", {"connectorId": 0, "errorCode": "NoError", "status": "Available"}]
    )
    assert (await station.call("BootNotification", BOOT))[2:4] == ["InternalError", "out of order"]
    await station.send([2, "slow", "Authorize", {"idTag": "x"}])
    assert (await station.hear())[:3] == [4, "slow", "ProtocolError"]
    go.set()
    assert await station.hear() == [3, "slow", {"idTagInfo": {"status": "ConcurrentTx"}}]


async def test_a_script_that_waits_does_not_keep_the_connection(csms):
    async def forever(identity, payload):
        await asyncio.Event().wait()

    csms.handlers["Heartbeat"] = forever
    async with FakeStation(csms.url, "a") as station:
        await station.send([2, "1", "Heartbeat", {}])
    await gone(csms)


async def test_observers_see_every_frame(csms, station):
    seen = []
    csms.observers.append(seen.append)
    await station.call("Heartbeat", {})
    station.answers["ClearCache"] = {"status": "Accepted"}
    await csms.call("CP 001/A", "ClearCache", {})
    assert [(traffic.direction, traffic.action) for traffic in seen] == [
        ("received", "Heartbeat"),
        ("sent", "Heartbeat"),
        ("sent", "ClearCache"),
        ("received", "ClearCache"),
    ]


async def test_raw_text_and_disconnect(csms, station):
    await csms.send("CP 001/A", '[3, "x", {}]')
    assert await station.hear() == [3, "x", {}]
    await csms.disconnect("CP 001/A", 1001, "bye")
    await station.connection.wait_closed()
    assert station.connection.close_code == 1001


async def test_sec_04_the_bytes_behind_an_authorization_key_are_a_password():
    key = bytes.fromhex("00ff" * 8)
    async with CentralSystem(passwords={"a": key}) as csms:
        token = base64.b64encode(b"a:" + key).decode()
        async with FakeStation(csms.url, "a", headers={"Authorization": f"Basic {token}"}) as station:
            assert (await station.call("Heartbeat", {}))[0] == 3


@pytest.mark.parametrize("path", ["/", "/ocpp", "/ocpp/", "/ocpp/a/b", "/other/a"])
async def test_another_address_is_not_found(csms, path):
    with pytest.raises(InvalidStatus) as caught:
        await connect(csms.url.removesuffix("/ocpp") + path, subprotocols=["ocpp1.6"])
    assert caught.value.response.status_code == 404


async def test_another_subprotocol_is_refused(csms):
    with pytest.raises(InvalidStatus) as caught:
        await connect(csms.url + "/a", subprotocols=["ocpp2.0.1"])
    assert caught.value.response.status_code == 400


async def test_a_station_with_a_password_logs_in():
    async with CentralSystem(passwords={"a": "secret"}) as csms:
        with pytest.raises(InvalidStatus) as caught:
            await connect(csms.url + "/a", subprotocols=["ocpp1.6"])
        assert caught.value.response.status_code == 401
        token = base64.b64encode(b"a:secret").decode()
        async with FakeStation(csms.url, "a", headers={"Authorization": f"Basic {token}"}) as station:
            assert (await station.call("Heartbeat", {}))[0] == 3


async def test_a_port_that_is_taken_raises(csms):
    port = int(csms.url.rpartition(":")[2].partition("/")[0])
    with pytest.raises(OSError, match="in use"):
        await CentralSystem(port).__aenter__()


async def gone(csms):
    """Wait until the Central System has noticed that nobody is there any more."""
    async with asyncio.timeout(5):
        while csms.connected:  # noqa: ASYNC110 - it has no event for this
            await asyncio.sleep(0)
