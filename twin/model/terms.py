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
    FIRMWARE_UPDATE = "FirmwareUpdate"
    TRIGGERED = "Triggered"


class Action(StrEnum):
    """Name what a real thing can be asked to do on behalf of the Central System."""

    UNLOCK = "unlock"
    REMOTE_START = "remote_start"
    REMOTE_STOP = "remote_stop"
    AVAILABILITY = "availability"
    RESET = "reset"


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


class ProfilePurpose(StrEnum):
    """Name what a charging profile is for (OCPP 1.6 §7.10)."""

    CHARGE_POINT_MAX = "ChargePointMaxProfile"
    TX_DEFAULT = "TxDefaultProfile"
    TX = "TxProfile"


class ProfileKind(StrEnum):
    """Name from when a charging profile counts its time (OCPP 1.6 §7.9)."""

    ABSOLUTE = "Absolute"
    RECURRING = "Recurring"
    RELATIVE = "Relative"


class Recurrency(StrEnum):
    """Name how often a charging profile begins anew (OCPP 1.6 §7.37)."""

    DAILY = "Daily"
    WEEKLY = "Weekly"


class RateUnit(StrEnum):
    """Name the unit of a charging schedule: amperes a phase, or watts in all (OCPP 1.6 §7.12)."""

    A = "A"
    W = "W"


class FirmwareStatus(StrEnum):
    """Name the steps of a firmware update (OCPP 1.6 §7.25, Security whitepaper §6.6)."""

    DOWNLOADED = "Downloaded"
    DOWNLOAD_FAILED = "DownloadFailed"
    DOWNLOADING = "Downloading"
    DOWNLOAD_SCHEDULED = "DownloadScheduled"
    DOWNLOAD_PAUSED = "DownloadPaused"
    IDLE = "Idle"
    INSTALLATION_FAILED = "InstallationFailed"
    INSTALLING = "Installing"
    INSTALLED = "Installed"
    INSTALL_REBOOTING = "InstallRebooting"
    INSTALL_SCHEDULED = "InstallScheduled"
    INSTALL_VERIFICATION_FAILED = "InstallVerificationFailed"
    INVALID_SIGNATURE = "InvalidSignature"
    SIGNATURE_VERIFIED = "SignatureVerified"


class UpdatePhase(StrEnum):
    """Name what a firmware update waits for, or is busy with."""

    WAITING = "waiting"
    FETCHING = "fetching"
    SCHEDULED = "scheduled"
    HELD = "held"
    INSTALLING = "installing"
    REBOOTING = "rebooting"
    BOOTED = "booted"


class FirmwareOutcome(StrEnum):
    """Name how the firmware updates of a simulated box end (contract, `set/firmware_outcome`)."""

    OK = "ok"
    DOWNLOAD_FAILED = "download_failed"
    INSTALLATION_FAILED = "installation_failed"
    INVALID_SIGNATURE = "invalid_signature"


class LogKind(StrEnum):
    """Name a log of the box (Security whitepaper §6.12)."""

    DIAGNOSTICS = "DiagnosticsLog"
    SECURITY = "SecurityLog"


class LogStatus(StrEnum):
    """Name the steps of an upload (Security whitepaper §6.17; OCPP 1.6 §7.24 knows fewer of them)."""

    IDLE = "Idle"
    UPLOADING = "Uploading"
    UPLOADED = "Uploaded"
    UPLOAD_FAILURE = "UploadFailure"
    BAD_MESSAGE = "BadMessage"
    PERMISSION_DENIED = "PermissionDenied"
    NOT_SUPPORTED = "NotSupportedOperation"


class TransferProblem(StrEnum):
    """Name why a file could not be moved: this try failed, or no other try can help."""

    FAILED = "failed"
    BAD_URL = "bad_url"
    DENIED = "denied"
    UNSUPPORTED = "unsupported"
    TOO_LARGE = "too_large"


class LinkProblem(StrEnum):
    """Name what kept a connection from being opened, as far as it matters for security.

    UNREACHABLE: nobody was there who could have judged what the box proves itself with. TIMEOUT: somebody took the
    connection, and said nothing.
    """

    OTHER = "other"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    UNAUTHORIZED = "unauthorized"
    BAD_SERVER_CERTIFICATE = "bad_server_certificate"
    TLS_VERSION = "tls_version"
    CIPHER_SUITE = "cipher_suite"
    SUBPROTOCOL = "subprotocol"


class CertificateUse(StrEnum):
    """Name what a root certificate is for (Security whitepaper §6.4)."""

    CENTRAL_SYSTEM_ROOT = "CentralSystemRootCertificate"
    MANUFACTURER_ROOT = "ManufacturerRootCertificate"


class HashAlgorithm(StrEnum):
    """Name how a certificate is hashed (Security whitepaper §6.11)."""

    SHA256 = "SHA256"
    SHA384 = "SHA384"
    SHA512 = "SHA512"


PartKind: TypeAlias = Literal["station", "evse", "meter", "limit", "session"]
Part: TypeAlias = tuple[PartKind, int]
"""A part of the view that can change by itself: its kind and the EVSE's number (0 for the station)."""
