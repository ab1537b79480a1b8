"""What a box is, as opposed to what happens to it: immutable, from the configuration.

Templates share their values: ten thousand twins of one model hold one `EvseSpec`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec

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


class CsmsSpec(msgspec.Struct, frozen=True):
    """Say how the Central System is reached. Times in seconds, sizes in bytes.

    `url` lacks the identity, which the link appends percent-encoded (OCPP-J 1.6 §3.1.1).
    A `password` is sent as HTTP Basic with the unencoded identity as user name.
    """

    url: str = "ws://localhost:9000/ocpp"
    security_profile: int = 0
    password: str | None = None
    ca_file: str | None = None
    verify_hostname: bool = True
    backoff_min_s: float = 3.0
    backoff_max_s: float = 60.0
    backoff_jitter: float = 0.3
    max_message_size: int = 1024 * 1024
    compression: bool = False


class KeySpec(msgspec.Struct, frozen=True):
    """Give an OCPP configuration key its value at first start; `None` keeps the key's own access rule."""

    value: str
    readonly: bool | None = None
    reboot_required: bool | None = None


class TwinSpec(msgspec.Struct, frozen=True):
    """Describe a charge point: who it is, what it consists of, whom it calls."""

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
    on_restart: OnRestart = OnRestart.RESUME
    reboot_time_s: float = 5.0
    queue_limit: int = 10_000
    keys: Mapping[str, KeySpec] = {}
    seed: int = 0
