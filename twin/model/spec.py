"""What a box is, as opposed to what happens to it: immutable, from the configuration.

Templates share their values: ten thousand twins of one model hold one `EvseSpec`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from twin.model.terms import Action

NOMINAL_VOLTAGE_V = 230.0


class OnRestart(StrEnum):
    """Say what a restart of the daemon means to the box."""

    RESUME = "resume"
    POWER_LOSS = "power_loss"


class EvSpec(msgspec.Struct, frozen=True):
    """Describe a simulated car: capacity in kWh, state of charge in percent, limits in A a phase and W."""

    name: str = "custom"
    battery_kwh: float | None = None
    soc_pct: float | None = None
    max_a: float | None = None
    phases: int | None = None
    max_w: float | None = None


class EvseSpec(msgspec.Struct, frozen=True):
    """Describe an EVSE, which is a connector in OCPP 1.6.

    `max_a` is the limit of each phase; `phases` is 1 to 3; `max_w` bounds the total where given.
    `lock` says that a detachable cable is locked in during a session; without it the cable is fixed.
    """

    max_a: float = 32.0
    phases: int = 3
    voltage_v: float = NOMINAL_VOLTAGE_V
    max_w: float | None = None
    lock: bool = True
    meter_start_wh: float = 0.0
    dc: bool = False

    @property
    def lines(self) -> int:
        """Return how many conductors are metered: the phases, or one for direct current."""
        return 1 if self.dc else self.phases


class KeyAs(StrEnum):
    """Say what of an AuthorizationKey, which is hexadecimal, is the password: the bytes behind it, or its text."""

    BYTES = "bytes"
    TEXT = "text"


class CsmsSpec(msgspec.Struct, frozen=True):
    """Say how the Central System is reached. Times in seconds, sizes in bytes.

    `url` lacks the identity, which the link appends percent-encoded (OCPP-J 1.6 §3.1.1); `tls_url` stands in for it
    from security profile 2 on. `certificate_file` and `key_file` prove at profile 3 who the box is, until it gets a
    certificate over OCPP; `certificate_validity` is from when until when that one is valid (UTC epoch seconds), None
    where that is not known. A `password` is sent as HTTP Basic with the unencoded identity as user name. `roots` are
    the certificates in `ca_file`, each in PEM. A `tolerant` box reads over members that OCPP does not have and optional
    ones that are null, instead of refusing the message.
    """

    url: str = "ws://localhost:9000/ocpp"
    tls_url: str | None = None
    security_profile: int = 0
    password: str | None = None
    authorization_key_as: KeyAs = KeyAs.BYTES
    certificate_file: str | None = None
    certificate_validity: tuple[float, float] | None = None
    key_file: str | None = None
    ca_file: str | None = None
    roots: tuple[str, ...] = ()
    verify_hostname: bool = True
    tolerant: bool = False
    backoff_min_s: float = 3.0
    backoff_max_s: float = 60.0
    backoff_jitter: float = 0.3
    max_message_size: int = 1024 * 1024
    compression: bool = False


class KeySpec(msgspec.Struct, frozen=True):
    """Give an OCPP configuration key its value at first start; `None` keeps the key's own access rule.

    `absent`: the box has neither the key nor what it switches.
    """

    value: str
    readonly: bool | None = None
    reboot_required: bool | None = None
    absent: bool = False


class Actuator(msgspec.Struct, frozen=True):
    """Say that a real thing does what the Central System asks of an EVSE, or (0) of the station and all its EVSEs.

    The Central System's answer waits up to `wait_s` seconds until it is done; None: it does not wait.
    """

    action: Action
    evse: int = 0
    wait_s: float | None = None

    def serves(self, action: Action, evse: int) -> bool:
        """Tell whether it is concerned when an EVSE, or (0) the whole station, is asked for an action."""
        return self.action is action and (0 in (self.evse, evse) or self.evse == evse)


class TwinSpec(msgspec.Struct, frozen=True):
    """Describe a charge point: who it is, what it consists of, whom it calls.

    `manufacturer_roots` are the certificates in `manufacturer_ca_file`, each in PEM. `journal_limit` says how many
    entries each of its logs holds; 0: it keeps none, so that there is nothing to upload. `actuated` names what real
    things do; all else is simulated.
    """

    id: str
    identity: str
    csms: CsmsSpec = CsmsSpec()
    evses: tuple[EvseSpec, ...] = (EvseSpec(),)
    vendor: str = "ocpp-twin"
    model: str = "Twin"
    firmware_version: str | None = "1.0"
    serial_number: str | None = None
    charge_box_serial_number: str | None = None
    iccid: str | None = None
    imsi: str | None = None
    meter_type: str | None = None
    meter_serial_number: str | None = None
    manufacturer_ca_file: str | None = None
    manufacturer_roots: tuple[str, ...] = ()
    on_restart: OnRestart = OnRestart.RESUME
    reboot_time_s: float = 5.0
    queue_limit: int = 10_000
    journal_limit: int = 1_000
    keys: Mapping[str, KeySpec] = {}
    actuated: tuple[Actuator, ...] = ()
    seed: int = 0


class Access(msgspec.Struct, frozen=True):
    """Say how a twin proves who it is, and whom it trusts.

    `profile` is the security profile; `password` goes as HTTP Basic. `chain` (PEM) is the box's certificate with its
    intermediate ones, `key` the fingerprint under which its private key lies on disk; without them the configured
    ones count. A change of any of these makes the twin connect anew, and so does one of `renewal`, which counts how
    often the password was set.

    `roots` (PEM) stand in for those of `csms.ca_file`, even if there are none; None leaves it at them. Without such a
    file, what the machine trusts counts as well. They count from the next connection on: a change of them alone does
    not end the present one.
    """

    profile: int = 0
    password: bytes | None = None
    chain: str | None = None
    key: str | None = None
    roots: tuple[str, ...] | None = None
    renewal: int = 0

    def renews(self, other: Access) -> bool:
        """Tell whether a connection that was opened with `other` must be opened anew."""
        mine = (self.profile, self.password, self.chain, self.key, self.renewal)
        return mine != (other.profile, other.password, other.chain, other.key, other.renewal)
