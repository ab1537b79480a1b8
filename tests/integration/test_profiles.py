"""The feature profiles beside Core, and the security extension, from MQTT to the Central System and back."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from zipfile import ZipFile, is_zipfile

import pytest
from fakes.witness import Witness

from bridge.demo.files import Files
from bridge.demo.ports import free_port

CARD, FAMILY = "04A2B3C4", "CAFE0001"


@pytest.fixture
async def box(mosquitto, settings, make_daemon, books):
    """Run a daemon with one twin, and hear what it says."""
    given = settings(mosquitto.url)
    given["mqtt"]["trace"] = True
    given["twins"][0] |= {"reboot_time": "100ms"}
    async with Witness(mosquitto.port) as witness:
        await make_daemon(given)
        await witness.until("garage/1/state", lambda state: state["status"] == "Available")
        await books.until("StatusNotification", lambda told: told["connectorId"] == 1)
        yield witness


@pytest.fixture
async def files(tmp_path):
    async with Files(free_port(19380), tmp_path / "uploads") as served:
        yield served


def profile(number, purpose, limit, unit="A"):
    return {
        "chargingProfileId": number,
        "stackLevel": 0,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Relative",
        "chargingSchedule": {
            "chargingRateUnit": unit,
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
        },
    }


def ahead(seconds):
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")


async def test_a_limit_is_published_before_the_next_meter_value(box, csms, books):
    await box.ok("garage/1/set/plugged", "ON")
    await box.ok("garage/1/cmd/swipe", CARD)
    await box.until("garage/1/meter", lambda meter: meter["power_w"] > 20_000)
    mark = box.mark()
    asked = {"connectorId": 1, "csChargingProfiles": profile(7, "TxDefaultProfile", 10)}
    assert await csms.call("garage", "SetChargingProfile", asked) == {"status": "Accepted"}
    meter = await box.until("garage/1/meter", lambda meter: meter["power_w"] < 20_000, after=mark)
    assert meter["power_w"] == pytest.approx(6900, rel=0.01)
    told = [said.topic for said in box.said.since(mark) if said.topic in ("garage/1/limit", "garage/1/meter")]
    assert told.index("garage/1/limit") < told.index("garage/1/meter")
    limit = box.payloads("garage/1/limit", after=mark)[-1]
    assert (limit["limit_a"], limit["source"], limit["profile_id"]) == (10, "TxDefaultProfile", 7)
    event = await box.event("garage", "profile_set", after=mark)
    assert event["data"] == {"profile_id": 7, "purpose": "TxDefaultProfile", "stack_level": 0}

    mark = box.mark()
    assert await csms.call("garage", "ClearChargingProfile", {"id": 7}) == {"status": "Accepted"}
    await box.event("garage", "profile_cleared", after=mark)
    await box.until("garage/1/limit", lambda limit: limit["source"] == "hardware", after=mark)


async def test_a_reservation_is_shown_and_used(box, csms, books):
    asked = {"connectorId": 1, "reservationId": 5, "idTag": FAMILY, "expiryDate": ahead(600)}
    assert await csms.call("garage", "ReserveNow", asked) == {"status": "Accepted"}
    state = await box.until("garage/1/state", lambda state: state["status"] == "Reserved")
    assert (state["reservation_id"], state["reserved_for"]) == (5, FAMILY)
    assert datetime.fromisoformat(state["reserved_until"]) == datetime.fromisoformat(asked["expiryDate"])
    await box.event("garage", "reservation_made")

    await box.ok("garage/1/cmd/swipe", CARD)
    assert (await box.event("garage", "authorization_failed"))["data"]["id_tag"] == CARD
    swiped = await box.ok("garage/1/cmd/swipe", FAMILY)
    await box.ok("garage/1/set/plugged", "ON")
    assert (await books.until("StartTransaction"))["reservationId"] == 5
    ended = await box.event("garage", "reservation_ended")
    assert ended["data"]["reservation_id"] == 5
    assert (await box.event("garage", "transaction_started"))["request_id"] == swiped
    await box.until("garage/1/state", lambda state: state["charging"] and state["reservation_id"] is None)


async def test_firmware_is_fetched_and_installed_and_a_failure_can_be_had(box, csms, books, files):
    mark = books.mark()
    asked = {"location": f"{files.url}/firmware/fw-2.0.0.bin", "retrieveDate": ahead(0)}
    assert await csms.call("garage", "UpdateFirmware", asked) == {}
    await books.until("FirmwareStatusNotification", lambda told: told["status"] == "Installed", after=mark)
    told = [told["status"] for told in books.all("FirmwareStatusNotification", after=mark)]
    assert told == ["Downloading", "Downloaded", "Installing", "Installed"]
    assert (await books.until("BootNotification", after=mark))["firmwareVersion"] == "2.0.0"
    await box.until("garage/state", lambda state: state["firmware_version"] == "2.0.0")

    await box.ok("garage/set/firmware_outcome", "installation_failed", version="3.0.0")
    mark = books.mark()
    await csms.call("garage", "UpdateFirmware", asked)
    await books.until("FirmwareStatusNotification", lambda told: told["status"] == "InstallationFailed", after=mark)
    state = await box.until("garage/state", lambda state: state["firmware_status"] == "InstallationFailed")
    assert state["firmware_version"] == "2.0.0"


async def test_diagnostics_hold_what_happened_and_no_secret(box, csms, books, files, tmp_path):
    await box.ok("garage/1/set/plugged", "ON")
    await csms.call("garage", "ChangeConfiguration", {"key": "AuthorizationKey", "value": "ab" * 16})
    await box.event("garage", "configuration_changed")
    await books.until("BootNotification")
    await box.until("garage/state", lambda state: state["connected"])
    mark = books.mark()
    location = f"{files.url}/logs".replace("http://", "http://garage:s3cret@")
    name = (await csms.call("garage", "GetDiagnostics", {"location": location}))["fileName"]
    await books.until("DiagnosticsStatusNotification", lambda told: told["status"] == "Uploaded", after=mark)
    told = [told["status"] for told in books.all("DiagnosticsStatusNotification", after=mark)]
    assert told == ["Uploading", "Uploaded"]
    path = tmp_path / "uploads" / name
    text = b"".join(ZipFile(path).read(entry) for entry in ZipFile(path).namelist()) if is_zipfile(path) else b""
    assert b"plugged" in text
    assert b"ab" * 16 not in text
    shown = json.dumps([said.payload for said in box.said.since(0)])
    assert "s3cret" not in shown
    assert "ab" * 16 not in shown


async def test_security_events_reach_both_sides(box, books):
    mark = box.mark()
    await box.ok("garage/set/door_open", "ON")
    told = await books.until("SecurityEventNotification")
    assert told["type"] == "TamperDetectionActivated"
    await box.until(
        "garage/event", lambda event: event["data"].get("security_type") == "TamperDetectionActivated", after=mark
    )

    mark = books.mark()
    await box.say("garage/cmd/security_event", {"type": "MemoryExhaustion", "tech_info": "flash", "request_id": "m"})
    result = await box.until("garage/result", lambda result: result["request_id"] == "m")
    assert result["status"] == "ok"
    told = await books.until("SecurityEventNotification", after=mark)
    assert (told["type"], told["techInfo"]) == ("MemoryExhaustion", "flash")


async def test_a_reset_that_does_not_come_off(box, csms, books):
    await box.ok("garage/set/reset_fails", "ON")
    mark = books.mark()
    assert await csms.call("garage", "Reset", {"type": "Hard"}) == {"status": "Accepted"}
    failed = await books.until("StatusNotification", lambda told: told["errorCode"] == "ResetFailure", after=mark)
    assert failed["connectorId"] == 0
    assert books.all("BootNotification", after=mark) == []
