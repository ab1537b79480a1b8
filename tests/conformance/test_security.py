"""Group 18 of the checklist: profiles, AuthorizationKey, security events (Security whitepaper A00, A01, A04, A05)."""

from __future__ import annotations

import base64

import pytest
from fakes.authorities import DAY, YEAR, Authority, ec_key
from fakes.central_system import T0, CentralSystem, Cut, Hold
from fakes.enrolling import enrol
from fakes.scenes import booted, charging

from twin.model import security
from twin.model.asked import Signing
from twin.model.inputs import (
    ClearQueue,
    PressReset,
    RaiseSecurityEvent,
    SetDoorOpen,
    SetNetwork,
    SetPowered,
    Unplug,
)
from twin.model.spec import Access, CsmsSpec, KeyAs, KeySpec, OnRestart
from twin.model.terms import LinkProblem

KEY = "00112233445566778899AABBCCDDEEFF"
OTHER_KEY = "4f43415f4f4354545f61646d696e5f74657374"
SEN = "SecurityEventNotification"
ROOT = Authority()


def at_profile(level: int, keys=None, **csms) -> CentralSystem:
    given = {"password": "secret", "roots": (ROOT.pem,)} | csms
    spec = CsmsSpec(security_profile=level, **given)
    return booted(keys={"CpoName": "Example CPO"} | (keys or {}), serial_number="SN-1", csms=spec)


def sent(cs, since=0):
    return [call["type"] for call in cs.sent(SEN, since)]


def logged(cs):
    return [note.fields["security_type"] for note in cs.noted("security_event")]


def install_root(cs, root=ROOT):
    payload = {"certificateType": "CentralSystemRootCertificate", "certificate": root.pem}
    assert cs.ask("InstallCertificate", payload).status == "Accepted"


# --- Profiles ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "password"), [(0, b"secret"), (1, b"secret"), (2, b"secret"), (3, None)], ids=["0", "1", "2", "3"]
)
def test_sec_01_sec_03_one_profile_is_in_force(level, password):
    """A00.FR.001, A00.FR.004, A00.FR.202 … .204, A00.FR.301 … .303; at profile 0 a configured password is sent too."""
    cs = at_profile(level, certificate_file="box.pem")
    assert cs.access == Access(level, password)
    assert cs.station.view(cs.now).station.security_profile == level
    assert cs.configuration("SecurityProfile") == {"SecurityProfile": str(level)}


def test_sec_01_the_default_is_no_profile_and_no_password():
    cs = booted()
    assert cs.access == Access()
    assert cs.configuration("SecurityProfile") == {"SecurityProfile": "0"}


@pytest.mark.parametrize("wanted", ["0", "1", "2", "-1", "4", "x", "", "2.5", "²", "1" * 400])
def test_sec_02_sec_10_the_profile_never_goes_down_or_stays(wanted):
    """A05.FR.01, A00.FR.005."""
    cs = at_profile(2)
    assert cs.configure("SecurityProfile", wanted) == "Rejected"
    cs.advance(10)
    assert cs.connection == 1
    assert cs.configuration("SecurityProfile") == {"SecurityProfile": "2"}


def test_sec_10_a_profile_that_may_not_be_changed_is_not():
    cs = booted(keys={"SecurityProfile": KeySpec("0", readonly=True), "AuthorizationKey": KEY})
    assert cs.configure("SecurityProfile", 1) == "Rejected"
    assert cs.connection == 1


@pytest.mark.parametrize("wanted", [1, 2])
def test_sec_11_profiles_1_and_2_need_a_password(wanted):
    """A05.FR.02."""
    cs = booted(csms=CsmsSpec(roots=(ROOT.pem,)))
    assert cs.configure("SecurityProfile", wanted) == "Rejected"
    assert cs.configure("AuthorizationKey", KEY) == "Accepted"
    assert cs.configure("SecurityProfile", wanted) == "Accepted"


@pytest.mark.parametrize("wanted", [2, 3])
def test_sec_11_profiles_2_and_3_need_a_root(wanted):
    """A05.FR.03."""
    cs = at_profile(1, roots=(), certificate_file="box.pem")
    assert cs.configure("SecurityProfile", wanted) == "Rejected"
    install_root(cs)
    assert cs.configure("SecurityProfile", wanted) == "Accepted"


def test_sec_11_a_root_that_expired_is_none():
    cs = at_profile(1, roots=(Authority(ends=T0 + DAY).pem,))
    cs.advance(2 * DAY)
    assert cs.configure("SecurityProfile", 2) == "Rejected"


def test_sec_11_profile_3_needs_a_certificate(tmp_path):
    """A05.FR.04."""
    cs = at_profile(2)
    assert cs.configure("SecurityProfile", 3) == "Rejected"
    pem = enrol(cs, tmp_path, ROOT)
    assert cs.configure("SecurityProfile", 3) == "Accepted"
    cs.advance(5)
    assert (cs.access.profile, cs.access.password, cs.access.chain) == (3, None, pem)


def test_sec_11_a_certificate_that_is_not_yet_valid_or_expired_is_none(tmp_path):
    cs = at_profile(2)
    enrol(cs, tmp_path, ROOT, starts=T0 + DAY, ends=T0 + 40 * DAY)
    assert cs.configure("SecurityProfile", 3) == "Rejected"
    cs.advance(41 * DAY)
    assert cs.configure("SecurityProfile", 3) == "Rejected"


@pytest.mark.parametrize(("starts", "ends", "status"), [(-2, -1, "Rejected"), (-1, 1, "Accepted"), (1, 2, "Rejected")])
def test_sec_11_a_configured_certificate_counts_while_it_is_valid(starts, ends, status):
    validity = (T0 + starts * DAY, T0 + ends * DAY)
    cs = at_profile(2, certificate_file="box.pem", certificate_validity=validity)
    assert cs.configure("SecurityProfile", 3) == status


def test_sec_09_sec_12_what_waits_for_a_reboot_is_logged_and_on_trial_then():
    """A05.FR.08, A01.FR.11: a box may answer RebootRequired."""
    waiting = KeySpec("1", reboot_required=True)
    cs = at_profile(1, {"SecurityProfile": waiting, "AuthorizationKey": KeySpec(KEY, reboot_required=True)})
    assert cs.configure("SecurityProfile", 2) == "RebootRequired"
    assert cs.configure("AuthorizationKey", OTHER_KEY) == "RebootRequired"
    assert (cs.connection, cs.access.profile) == (1, 1)
    cs.admits = lambda access: LinkProblem.OTHER if access.profile == 2 else None
    cs.ask("Reset", {"type": "Hard"})
    cs.advance(60)
    changes = [n.fields["tech_info"] for n in cs.noted("security_event") if "Reconf" in n.fields["security_type"]]
    assert changes == ["AuthorizationKey", "SecurityProfile 2", "SecurityProfile 1"]
    assert (cs.link, cs.access.profile, cs.access.password) == (True, 1, bytes.fromhex(OTHER_KEY))


def test_sec_12_a_higher_profile_is_answered_then_used():
    """A05.FR.05, A05.FR.06, A05.FR.07: the answer goes out on the old connection."""
    cs = at_profile(1)
    mark = cs.mark()
    assert cs.configure("SecurityProfile", 2) == "Accepted"
    assert not cs.link
    cs.advance(5)
    assert cs.link
    assert cs.connection == 2
    assert cs.access.profile == 2
    assert cs.actions(mark) == []  # no reboot, so no BootNotification
    assert cs.configuration("SecurityProfile") == {"SecurityProfile": "2"}
    assert logged(cs)[-1] == "ReconfigurationOfSecurityParameters"
    cs.crash()
    assert cs.access.profile == 2


def test_sec_12_a_profile_that_does_not_connect_is_given_up():
    """A05.FR.08."""
    cs = at_profile(1)
    cs.admits = lambda access: LinkProblem.OTHER if access.profile == 2 else None
    assert cs.configure("SecurityProfile", 2) == "Accepted"
    cs.advance(30)
    assert cs.link
    assert cs.access.profile == 1
    assert cs.configuration("SecurityProfile") == {"SecurityProfile": "1"}
    refusals = [what for _, who, what in cs.log if who == "link" and what == LinkProblem.OTHER]
    assert len(refusals) == security.MAX_REFUSALS
    cs.admits = lambda _: None
    assert cs.configure("SecurityProfile", 2) == "Accepted"  # it may be tried again
    cs.advance(5)
    assert cs.access.profile == 2


def test_sec_12_a_trial_outlives_restarts_of_the_program():
    cs = at_profile(0)
    cs.admits = lambda access: LinkProblem.UNAUTHORIZED if access.profile else None
    cs.configure("SecurityProfile", 1)
    cs.advance(1.5)
    cs.crash()
    cs.advance(30)
    assert cs.access.profile == 0
    assert cs.link


def test_sec_12_a_second_step_up_on_trial_falls_back_to_what_worked(tmp_path):
    cs = at_profile(1)
    cs.configure("SecurityProfile", 2)
    cs.advance(5)
    enrol(cs, tmp_path, ROOT)
    cs.admits = lambda access: LinkProblem.OTHER if access.profile == 3 else None
    cs.configure("SecurityProfile", 3)
    cs.advance(30)
    assert cs.access.profile == 2


def test_sec_12_a_profile_that_is_accepted_but_not_served_is_given_up():
    """A00.FR.002: some Central Systems answer the handshake and hang up then."""
    cs = at_profile(1)
    cs.configure("SecurityProfile", 2)
    for _ in range(security.MAX_REFUSALS):
        cs.advance(2)
        assert cs.access.profile == 2
        cs.blink()
    cs.advance(2)
    cs.blink()
    assert cs.access.profile == 1


def test_sec_12_a_profile_that_worked_once_stays():
    cs = at_profile(1)
    cs.configure("SecurityProfile", 2)
    cs.advance(15)
    cs.admits = lambda _: LinkProblem.OTHER
    cs.blink()
    cs.advance(600)
    assert cs.access.profile == 2


# --- AuthorizationKey -------------------------------------------------------------------------------------------------


def test_sec_04_sec_08_a_new_key_is_answered_then_used():
    """A01.FR.01, A01.FR.02: Basic carries the bytes behind the hexadecimal digits (OCPP-J 1.6 §6.2.2)."""
    cs = at_profile(1)
    mark = cs.mark()
    assert cs.configure("AuthorizationKey", KEY) == "Accepted"
    assert not cs.link
    cs.advance(5)
    assert cs.connection == 2
    assert cs.access.password == bytes.fromhex(KEY)
    assert cs.actions(mark) == []
    cs.crash()
    assert cs.access.password == bytes.fromhex(KEY)


def test_sec_04_the_text_can_be_sent_instead():
    cs = at_profile(1, authorization_key_as=KeyAs.TEXT)
    cs.configure("AuthorizationKey", KEY)
    cs.advance(5)
    assert cs.access.password == KEY.encode()


def test_sec_04_a_configured_key_is_hexadecimal_or_taken_as_it_is():
    assert at_profile(1, {"AuthorizationKey": KEY}).access.password == bytes.fromhex(KEY)
    assert at_profile(1, {"AuthorizationKey": "not hexadecimal"}).access.password == b"not hexadecimal"


@pytest.mark.parametrize("key", ["", "x" * 32, KEY[:30], KEY + KEY[:10], KEY + "A", "0x" + KEY[:30], "é" * 32])
def test_sec_08_anything_else_is_rejected_and_the_old_key_kept(key):
    """A01, failure postcondition."""
    cs = at_profile(1)
    assert cs.configure("AuthorizationKey", key) == "Rejected"
    cs.advance(5)
    assert cs.connection == 1
    assert cs.access.password == b"secret"


def test_sec_08_the_same_key_again_means_a_new_connection_too():
    """A01, scenario: the Central System waits for it."""
    cs = at_profile(1, {"AuthorizationKey": KEY})
    assert cs.configure("AuthorizationKey", KEY.lower()) == "Accepted"
    cs.advance(5)
    assert cs.connection == 2
    assert cs.configure("AuthorizationKey", KEY) == "Accepted"
    cs.advance(5)
    assert cs.connection == 3
    cs.command(PressReset())
    cs.advance(60)
    assert cs.connection == 4


def test_sec_08_the_queue_survives_the_change():
    cs = charging(csms=CsmsSpec(security_profile=1, password="secret"))
    cs.script("StopTransaction", Hold())
    cs.command(Unplug(evse=1))
    assert cs.configure("AuthorizationKey", KEY) == "Accepted"
    cs.advance(5)
    assert [call["transactionId"] for call in cs.sent("StopTransaction")] == [1, 1]
    assert cs.station.queued == 0


@pytest.mark.parametrize("level", [0, 3], ids=["0", "3"])
def test_sec_08_where_no_password_is_in_use_the_key_waits(level):
    """A01, prerequisites: it becomes the password with profile 1 or 2."""
    cs = booted(csms=CsmsSpec(security_profile=level, certificate_file="box.pem", roots=(ROOT.pem,)))
    assert cs.configure("AuthorizationKey", KEY) == "Accepted"
    cs.advance(5)
    assert cs.connection == 1
    assert cs.access.password is None
    if level == 0:
        cs.configure("SecurityProfile", 1)
        cs.advance(5)
        assert cs.access.password == bytes.fromhex(KEY)


def test_sec_08_c_07_the_key_is_write_only():
    """W7.2."""
    cs = at_profile(1)
    cs.configure("AuthorizationKey", KEY)
    cs.advance(5)
    assert KEY not in str(cs.ask("GetConfiguration").payload)
    assert "AuthorizationKey" not in cs.configuration()
    assert KEY not in str(cs.ask("GetConfiguration", {"key": ["AuthorizationKey"]}).payload)


def test_sec_09_the_change_is_logged_without_the_key():
    """A01.FR.11, A01.FR.12."""
    cs = at_profile(1)
    cs.configure("AuthorizationKey", KEY)
    (note,) = [n for n in cs.noted("security_event") if n.fields["tech_info"] == "AuthorizationKey"]
    assert note.fields["security_type"] == "ReconfigurationOfSecurityParameters"
    words = str(cs.notes) + str([call.payload for call in cs.received])
    for secret in (KEY, KEY.lower(), base64.b64encode(bytes.fromhex(KEY)).decode()):
        assert secret not in words


# --- Security events --------------------------------------------------------------------------------------------------


def test_sec_21_sec_22_the_box_tells_of_its_start_and_of_resets():
    """A04.FR.01."""
    cs = at_profile(1)
    assert sent(cs) == ["StartupOfTheDevice"]
    assert cs.actions()[0] == "BootNotification"
    mark = cs.mark()
    cs.ask("Reset", {"type": "Hard"})
    cs.advance(60)
    assert sent(cs, mark) == ["ResetOrReboot", "StartupOfTheDevice"]
    mark = cs.mark()
    cs.command(PressReset())
    cs.advance(60)
    assert sent(cs, mark) == ["ResetOrReboot", "StartupOfTheDevice"]
    mark = cs.mark()
    cs.command(SetPowered(powered=False), SetPowered(powered=True))
    cs.advance(60)
    assert sent(cs, mark) == ["StartupOfTheDevice"]


def test_sec_22_a_restart_of_the_program_is_a_start_of_the_box_only_after_a_power_cut():
    cs = at_profile(1)
    cs.crash()
    assert sent(cs) == ["StartupOfTheDevice"]
    cut = booted(on_restart=OnRestart.POWER_LOSS, csms=CsmsSpec(security_profile=1, password="secret"))
    cut.crash()
    assert sent(cut) == ["StartupOfTheDevice", "StartupOfTheDevice"]


def test_sec_22_setting_the_clock_is_told_with_the_new_time():
    cs = at_profile(1)
    assert "SettingSystemTime" not in sent(cs)
    cs.offset_s = 3600.0
    cs.ask("TriggerMessage", {"requestedMessage": "Heartbeat"})
    event = cs.last(SEN)
    assert event["type"] == "SettingSystemTime"
    assert event["timestamp"].startswith("2026-01-05T11:00:0")
    assert event["techInfo"] == "Set by +3600 s"
    cs.ask("TriggerMessage", {"requestedMessage": "Heartbeat"})
    assert sent(cs).count("SettingSystemTime") == 1


def test_sec_22_a_full_queue_is_told():
    cs = charging(
        csms=CsmsSpec(security_profile=1, password="secret"), queue_limit=5, keys={"MeterValueSampleInterval": 10}
    )
    cs.cut()
    cs.advance(600)
    cs.restore()
    cs.advance(60)
    assert sent(cs).count("MemoryExhaustion") == 1
    assert logged(cs).count("MemoryExhaustion") == 1


def test_sec_22_an_opened_door_is_told_at_every_profile():
    cs = booted()
    cs.command(SetDoorOpen(open=True), SetDoorOpen(open=True), SetDoorOpen(open=False))
    assert sent(cs) == ["TamperDetectionActivated"]


def test_sec_21_without_a_profile_the_routine_events_are_noted_only():
    cs = booted()
    cs.command(PressReset())
    cs.advance(60)
    assert sent(cs) == []
    assert logged(cs) == ["StartupOfTheDevice", "ResetOrReboot", "StartupOfTheDevice"]


@pytest.mark.parametrize("kind", ["SecurityLogWasCleared", "AttemptedReplayAttacks", "VendorsOwn"])
def test_sec_21_what_somebody_raises_is_told(kind):
    cs = booted()
    cs.command(RaiseSecurityEvent(kind=kind, tech_info="by hand"))
    event = cs.last(SEN)
    assert (event["type"], event["techInfo"]) == (kind, "by hand")
    assert cs.noted("security_event")[-1].fields == {"security_type": kind, "tech_info": "by hand"}


def test_sec_21_texts_are_cut_to_what_the_message_can_hold():
    cs = booted()
    cs.command(RaiseSecurityEvent(kind="x" * 60, tech_info="y" * 300), RaiseSecurityEvent(kind="Plain"))
    long, plain = cs.sent(SEN)
    assert (len(long["type"]), len(long["techInfo"])) == (50, 255)
    assert "techInfo" not in plain.payload


def test_sec_21_events_wait_for_the_link_and_outlive_a_crash_in_their_order():
    """A04.FR.02, A04.FR.03."""
    cs = booted()
    cs.cut()
    cs.command(RaiseSecurityEvent(kind="First"))
    at = cs.now
    cs.advance(DAY)
    cs.crash()
    cs.command(RaiseSecurityEvent(kind="Second"))
    cs.restore()
    assert sent(cs) == ["First", "Second"]
    assert cs.sent(SEN)[0].at > at
    assert cs.sent(SEN)[0]["timestamp"].startswith("2026-01-05T10:00:0")
    assert cs.station.queued == 0


def test_sec_21_an_event_under_way_when_the_link_goes_is_sent_again():
    cs = booted()
    cs.script(SEN, Cut(5.0))
    cs.command(RaiseSecurityEvent(kind="First"))
    cs.advance(20)
    assert sent(cs) == ["First", "First"]
    assert cs.station.queued == 0


@pytest.mark.parametrize(
    ("problem", "kind"),
    [
        (LinkProblem.UNAUTHORIZED, "FailedToAuthenticateAtCentralSystem"),
        (LinkProblem.BAD_SERVER_CERTIFICATE, "InvalidCentralSystemCertificate"),
        (LinkProblem.TLS_VERSION, "InvalidTLSVersion"),
        (LinkProblem.CIPHER_SUITE, "InvalidTLSCipherSuite"),
    ],
    ids=str,
)
def test_sec_23_a_refused_connection_is_logged_once(problem, kind):
    """A00.FR.309, A00.FR.315, A00.FR.322, A00.FR.413, A00.FR.419, A00.FR.426."""
    cs = at_profile(2)
    cs.admits = lambda _: problem
    cs.blink()
    cs.advance(60)
    cs.admits = lambda _: None
    cs.advance(60)
    assert logged(cs).count(kind) == 1
    assert kind not in sent(cs)
    cs.admits = lambda _: problem
    cs.blink()
    assert logged(cs).count(kind) == 2


def test_sec_23_no_answer_is_no_security_event():
    cs = at_profile(2)
    before = logged(cs)
    cs.admits = lambda _: LinkProblem.OTHER
    cs.blink()
    cs.advance(60)
    assert logged(cs) == before


def test_sec_23_invalid_messages_are_logged_but_not_each_of_them():
    cs = at_profile(1)
    for _ in range(5):
        cs.say("hello")
        cs.ask("Reset", {"type": "Gently"})
        cs.advance(1)
    assert logged(cs).count("InvalidMessages") == 1
    assert "InvalidMessages" not in sent(cs)
    cs.advance(600)
    cs.say("hello")
    assert logged(cs).count("InvalidMessages") == 2


def test_sec_23_an_unknown_action_is_a_valid_message():
    cs = booted()
    assert cs.ask("Dance").code == "NotImplemented"
    assert "InvalidMessages" not in logged(cs)


def test_sec_21_clearing_the_queue_clears_events_too():
    cs = booted()
    cs.command(SetNetwork(network=False), RaiseSecurityEvent(kind="First"), ClearQueue(), SetNetwork(network=True))
    cs.advance(10)
    assert sent(cs) == []


@pytest.mark.parametrize(
    ("word", "status", "action"),
    [
        ("BootNotification", "Rejected", None),
        ("Heartbeat", "Accepted", "Heartbeat"),
        ("MeterValues", "Accepted", "MeterValues"),
        ("StatusNotification", "Accepted", "StatusNotification"),
        ("LogStatusNotification", "Accepted", "LogStatusNotification"),
        ("FirmwareStatusNotification", "Accepted", "SignedFirmwareStatusNotification"),
        ("DiagnosticsStatusNotification", "NotImplemented", None),
    ],
)
def test_sec_28_the_extended_trigger_knows_its_own_messages(word, status, action):
    """W6.14, W6.15. A box that is accepted has no reason to boot again (CC-12)."""
    cs = booted()
    mark = cs.mark()
    assert cs.ask("ExtendedTriggerMessage", {"requestedMessage": word}).status == status
    assert set(cs.actions(mark)) == ({action} if action else set())


# --- Certificates that sign firmware ----------------------------------------------------------------------------------


MAKER = Authority("Maker")


@pytest.mark.parametrize(
    ("pem", "problem"),
    [
        pytest.param(MAKER.certify(ec_key().public_key()), None, id="good"),
        pytest.param(MAKER.pem, None, id="the root itself"),
        pytest.param("hello", "PEM", id="no PEM"),
        pytest.param(MAKER.certify(ec_key().public_key(), ends=T0 - 1), "expired", id="expired"),
        pytest.param(MAKER.certify(ec_key().public_key(), starts=T0 + YEAR / 2), "not valid before", id="too early"),
        pytest.param(ROOT.certify(ec_key().public_key()), "vouches", id="of another root"),
        pytest.param(
            Authority("Sub", above=MAKER).certify(ec_key().public_key()), "vouches", id="with an intermediate"
        ),
    ],
)
def test_sec_30_sec_34_a_signing_certificate_stands_directly_under_a_manufacturers_root(pem, problem):
    """L01.FR.23, L01.FR.24; L01, remarks."""
    cs = booted(manufacturer_roots=(MAKER.pem,), csms=CsmsSpec(roots=(ROOT.pem,)))
    found = security.signing_problem(cs.station._twin._box, Signing(pem, "AAAA"), cs.now)
    assert found is None if problem is None else problem in found


def test_sec_29_the_extension_is_in_use_with_a_profile_or_a_manufacturers_root():
    assert not security.secured(booted().station._twin._box)
    assert security.secured(at_profile(1).station._twin._box)
    cs = booted()
    payload = {"certificateType": "ManufacturerRootCertificate", "certificate": MAKER.pem}
    assert cs.ask("InstallCertificate", payload).status == "Accepted"
    assert security.secured(cs.station._twin._box)
