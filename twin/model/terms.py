"""The field's own words, as enums. Values are the words that OCPP 1.6 and the MQTT contract use.

Nothing here has behaviour; every other module of the model may import this one.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, TypeAlias

Instant: TypeAlias = float
"""UTC seconds since 1970-01-01 from the runtime's clock (R6): it never steps back."""


class Status(StrEnum):
    """Name the phases of an EVSE (OCPP 1.6 §7.7)."""

    AVAILABLE = "Available"
    PREPARING = "Preparing"
    CHARGING = "Charging"
    SUSPENDED_EV = "SuspendedEV"
    SUSPENDED_EVSE = "SuspendedEVSE"
    FINISHING = "Finishing"
    RESERVED = "Reserved"
    UNAVAILABLE = "Unavailable"
    FAULTED = "Faulted"


class ErrorCode(StrEnum):
    """Name what is wrong with a box (OCPP 1.6 §7.6)."""

    CONNECTOR_LOCK_FAILURE = "ConnectorLockFailure"
    EV_COMMUNICATION_ERROR = "EVCommunicationError"
    GROUND_FAILURE = "GroundFailure"
    HIGH_TEMPERATURE = "HighTemperature"
    INTERNAL_ERROR = "InternalError"
    LOCAL_LIST_CONFLICT = "LocalListConflict"
    NO_ERROR = "NoError"
    OTHER_ERROR = "OtherError"
    OVER_CURRENT_FAILURE = "OverCurrentFailure"
    OVER_VOLTAGE = "OverVoltage"
    POWER_METER_FAILURE = "PowerMeterFailure"
    POWER_SWITCH_FAILURE = "PowerSwitchFailure"
    READER_FAILURE = "ReaderFailure"
    RESET_FAILURE = "ResetFailure"
    UNDER_VOLTAGE = "UnderVoltage"
    WEAK_SIGNAL = "WeakSignal"


class AuthorizationStatus(StrEnum):
    """Name the Central System's verdict on an idTag (OCPP 1.6 §7.2)."""

    ACCEPTED = "Accepted"
    BLOCKED = "Blocked"
    EXPIRED = "Expired"
    INVALID = "Invalid"
    CONCURRENT_TX = "ConcurrentTx"


class Registration(StrEnum):
    """Name the answer to BootNotification (OCPP 1.6 §7.38)."""

    ACCEPTED = "Accepted"
    PENDING = "Pending"
    REJECTED = "Rejected"


class Gate(StrEnum):
    """Say what may be sent: only BootNotification, that and what was triggered, or all (OCPP 1.6 §4.2)."""

    CLOSED = "closed"
    PENDING = "pending"
    OPEN = "open"


class StopReason(StrEnum):
    """Name why a transaction ended (OCPP 1.6 §7.36)."""

    DE_AUTHORIZED = "DeAuthorized"
    EMERGENCY_STOP = "EmergencyStop"
    EV_DISCONNECTED = "EVDisconnected"
    HARD_RESET = "HardReset"
    LOCAL = "Local"
    OTHER = "Other"
    POWER_LOSS = "PowerLoss"
    REBOOT = "Reboot"
    REMOTE = "Remote"
    SOFT_RESET = "SoftReset"
    UNLOCK_COMMAND = "UnlockCommand"


class ResetKind(StrEnum):
    """Name how hard a reset is (OCPP 1.6 §7.39)."""

    SOFT = "Soft"
    HARD = "Hard"


class BootReason(StrEnum):
    """Name why the box boots; OCPP 1.6 does not transmit it, 2.x does (N-11)."""

    POWER_UP = "PowerUp"
    RESUMED = "ApplicationReset"
    LOCAL_RESET = "LocalReset"
    REMOTE_RESET = "RemoteReset"
    TRIGGERED = "Triggered"


class MeterSource(StrEnum):
    """Name where the meter values of an EVSE come from."""

    SIMULATED = "simulated"
    EXTERNAL = "external"
    MIXED = "mixed"


class LimitSource(StrEnum):
    """Name what bounds the power of an EVSE at the moment."""

    HARDWARE = "hardware"
    CABLE = "cable"
    EV = "ev"
    CHARGE_POINT_MAX_PROFILE = "ChargePointMaxProfile"
    TX_DEFAULT_PROFILE = "TxDefaultProfile"
    TX_PROFILE = "TxProfile"
    OFFLINE = "offline"
    UNAVAILABLE = "unavailable"


class AuthorizationSource(StrEnum):
    """Name who decided on an idTag."""

    CENTRAL_SYSTEM = "central_system"
    CACHE = "cache"
    LOCAL_LIST = "local_list"
    REMOTE = "remote"
    OFFLINE = "offline"


class ReadingContext(StrEnum):
    """Name what caused a meter reading (OCPP 1.6 §7.35)."""

    INTERRUPTION_BEGIN = "Interruption.Begin"
    INTERRUPTION_END = "Interruption.End"
    OTHER = "Other"
    SAMPLE_CLOCK = "Sample.Clock"
    SAMPLE_PERIODIC = "Sample.Periodic"
    TRANSACTION_BEGIN = "Transaction.Begin"
    TRANSACTION_END = "Transaction.End"
    TRIGGER = "Trigger"


class Measurand(StrEnum):
    """Name a measured quantity (OCPP 1.6 §7.31)."""

    CURRENT_EXPORT = "Current.Export"
    CURRENT_IMPORT = "Current.Import"
    CURRENT_OFFERED = "Current.Offered"
    ENERGY_ACTIVE_EXPORT_REGISTER = "Energy.Active.Export.Register"
    ENERGY_ACTIVE_IMPORT_REGISTER = "Energy.Active.Import.Register"
    ENERGY_REACTIVE_EXPORT_REGISTER = "Energy.Reactive.Export.Register"
    ENERGY_REACTIVE_IMPORT_REGISTER = "Energy.Reactive.Import.Register"
    ENERGY_ACTIVE_EXPORT_INTERVAL = "Energy.Active.Export.Interval"
    ENERGY_ACTIVE_IMPORT_INTERVAL = "Energy.Active.Import.Interval"
    ENERGY_REACTIVE_EXPORT_INTERVAL = "Energy.Reactive.Export.Interval"
    ENERGY_REACTIVE_IMPORT_INTERVAL = "Energy.Reactive.Import.Interval"
    FREQUENCY = "Frequency"
    POWER_ACTIVE_EXPORT = "Power.Active.Export"
    POWER_ACTIVE_IMPORT = "Power.Active.Import"
    POWER_FACTOR = "Power.Factor"
    POWER_OFFERED = "Power.Offered"
    POWER_REACTIVE_EXPORT = "Power.Reactive.Export"
    POWER_REACTIVE_IMPORT = "Power.Reactive.Import"
    RPM = "RPM"
    SOC = "SoC"
    TEMPERATURE = "Temperature"
    VOLTAGE = "Voltage"


class Quantity(StrEnum):
    """Name a value that a meter or sensor outside may supply for an EVSE, as the MQTT contract does."""

    POWER_W = "power_w"
    ENERGY_WH = "energy_wh"
    CURRENT_L1_A = "current_l1_a"
    CURRENT_L2_A = "current_l2_a"
    CURRENT_L3_A = "current_l3_a"
    VOLTAGE_L1_V = "voltage_l1_v"
    VOLTAGE_L2_V = "voltage_l2_v"
    VOLTAGE_L3_V = "voltage_l3_v"
    FREQUENCY_HZ = "frequency_hz"
    SOC_PCT = "soc_pct"
    TEMPERATURE_C = "temperature_c"


PartKind: TypeAlias = Literal["station", "evse", "meter", "limit", "session"]
Part: TypeAlias = tuple[PartKind, int]
"""A part of the view that can change by itself: its kind and the EVSE's number (0 for the station)."""
