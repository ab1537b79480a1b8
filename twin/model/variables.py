"""The settings of a box: typed, bounded, with access rules, under version-neutral names `Component.Variable`.

OCPP 1.6's configuration keys are a view of these (OCPP 1.6 §9); the names that the Central System uses, and the
way it learns of a refusal, are the dialect's business. Values are kept as text, as the wire has them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Literal, TypeAlias

import msgspec

from twin.model.effects import VariableValue
from twin.model.metering import is_supported
from twin.model.spec import KeySpec

Kind: TypeAlias = Literal["int", "bool", "list", "text"]
Verdict: TypeAlias = Literal["Accepted", "Rejected", "RebootRequired", "NotSupported"]

MAX_VALUE_LENGTH = 500
_ROTATIONS = frozenset({"NotApplicable", "Unknown", "RST", "RTS", "SRT", "STR", "TRS", "TSR"})
_MAX_INT = 2**31 - 1

CORE = "Core"
FIRMWARE = "FirmwareManagement"
LOCAL_LIST = "LocalAuthListManagement"
RESERVATION = "Reservation"
SMART_CHARGING = "SmartCharging"
REMOTE_TRIGGER = "RemoteTrigger"
PROFILES = (CORE, FIRMWARE, LOCAL_LIST, RESERVATION, SMART_CHARGING, REMOTE_TRIGGER)
"""The feature profiles of OCPP 1.6 §3.3."""

SUPPORTED = "DeviceDataCtrlr.SupportedProfiles"


class Rule(msgspec.Struct, frozen=True):
    """Say what a variable may hold. Bounds are those of integers; `length` names the variable that bounds a list.

    `readonly` can only be given at first start, `secret` cannot be read, `item` tells whether a list may hold an item.
    `profile` names the feature profile (OCPP 1.6 §3.3) without which a box does not have the variable.
    """

    default: str
    kind: Kind = "text"
    low: int = 0
    high: int = _MAX_INT
    readonly: bool = False
    secret: bool = False
    length: str | None = None
    item: Callable[[str], bool] | None = None
    profile: str | None = None

    def read(self, text: str) -> str | None:
        """Return the value as it is kept, None if this is none."""
        match self.kind:
            case "int":
                return self._integer(text.strip())
            case "bool":
                folded = text.strip().lower()
                return folded if folded in ("true", "false") else None
            case "list":
                items = [item.strip() for item in text.split(",")] if text.strip() else []
                known = all(items) and (self.item is None or all(map(self.item, items)))
                return ",".join(items) if known and len(set(items)) == len(items) else None
            case "text":
                return text

    @property
    def allowed(self) -> str:
        """Say in words what `read` takes."""
        match self.kind:
            case "int":
                return f"{self.low} or more" if self.high == _MAX_INT else f"{self.low} to {self.high}"
            case "bool":
                return "true or false"
            case "list":
                what = "items" if self.item is None else "items that this version knows"
                return f"{what}, with commas between them, none of them twice"
            case "text":
                return "text"

    def _integer(self, text: str) -> str | None:
        digits = text[1:] if text[:1] in "+-" else text
        if not digits.isascii() or not digits.isdigit() or not self.low <= int(text) <= self.high:
            return None
        return str(int(text))


@lru_cache(maxsize=512)
def _items(text: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in text.split(",") if item.strip())


_BOOL = {"true": Rule("true", "bool"), "false": Rule("false", "bool")}
_REGISTER = "Energy.Active.Import.Register"
_COUNT = Rule("25", "int", readonly=True)


def _measurands(default: str, length: str) -> Rule:
    return Rule(default, "list", length=length, item=is_supported)


RULES: Mapping[str, Rule] = {
    "OCPPCommCtrlr.HeartbeatInterval": Rule("300", "int"),
    "OCPPCommCtrlr.MessageTimeout": Rule("30", "int", low=1, high=86_400),
    "OCPPCommCtrlr.MessageAttempts": Rule("3", "int", low=1),
    "OCPPCommCtrlr.MessageAttemptInterval": Rule("60", "int"),
    "OCPPCommCtrlr.WebSocketPingInterval": Rule("60", "int"),
    "OCPPCommCtrlr.ResetRetries": Rule("1", "int"),
    "OCPPCommCtrlr.UnlockOnEVSideDisconnect": _BOOL["true"],
    "DeviceDataCtrlr.ItemsPerMessage": Rule("100", "int", low=1, readonly=True),
    SUPPORTED: Rule(",".join(PROFILES), "list", readonly=True, item=PROFILES.__contains__),
    "ChargingStation.NumberOfEvses": Rule("1", "int", readonly=True),
    "ChargingStation.PhaseRotation": Rule("", "list", length="ChargingStation.PhaseRotationMaxLength"),
    "ChargingStation.PhaseRotationMaxLength": Rule("1", "int", readonly=True),
    "ChargingStation.BlinkRepeat": Rule("3", "int"),
    "ChargingStation.LightIntensity": Rule("100", "int", high=100),
    "ChargingStation.MinimumStatusDuration": Rule("0", "int", high=86_400),
    "AuthCtrlr.OfflineTxForUnknownIdEnabled": _BOOL["false"],
    "AuthCtrlr.AuthorizeRemoteStart": _BOOL["true"],
    "AuthCtrlr.LocalAuthorizeOffline": _BOOL["true"],
    "AuthCtrlr.LocalPreAuthorize": _BOOL["false"],
    "AuthCacheCtrlr.Enabled": _BOOL["true"],
    "TxCtrlr.EVConnectionTimeOut": Rule("60", "int", high=86_400 * 7),
    "TxCtrlr.MaxEnergyOnInvalidId": Rule("0", "int"),
    "TxCtrlr.StopTxOnEVSideDisconnect": _BOOL["true"],
    "TxCtrlr.StopTxOnInvalidId": _BOOL["true"],
    "SampledDataCtrlr.TxUpdatedInterval": Rule("60", "int"),
    "SampledDataCtrlr.TxUpdatedMeasurands": _measurands(_REGISTER, "SampledDataCtrlr.TxUpdatedMaxLength"),
    "SampledDataCtrlr.TxUpdatedMaxLength": _COUNT,
    "SampledDataCtrlr.TxEndedMeasurands": _measurands("", "SampledDataCtrlr.TxEndedMaxLength"),
    "SampledDataCtrlr.TxEndedMaxLength": _COUNT,
    "SampledDataCtrlr.TxEndedMaxReadings": Rule("500", "int", low=2, readonly=True),
    "AlignedDataCtrlr.Interval": Rule("0", "int", high=86_400),
    "AlignedDataCtrlr.Measurands": _measurands(_REGISTER, "AlignedDataCtrlr.MeasurandsMaxLength"),
    "AlignedDataCtrlr.MeasurandsMaxLength": _COUNT,
    "AlignedDataCtrlr.TxEndedMeasurands": _measurands("", "AlignedDataCtrlr.TxEndedMaxLength"),
    "AlignedDataCtrlr.TxEndedMaxLength": _COUNT,
    "LocalAuthListCtrlr.Enabled": Rule("true", "bool", profile=LOCAL_LIST),
    "LocalAuthListCtrlr.Entries": Rule("1000", "int", readonly=True, profile=LOCAL_LIST),
    "LocalAuthListCtrlr.ItemsPerMessage": Rule("100", "int", readonly=True, profile=LOCAL_LIST),
    "ReservationCtrlr.NonEvseSpecific": Rule("true", "bool", readonly=True, profile=RESERVATION),
    "SmartChargingCtrlr.ProfileStackLevel": Rule("10", "int", readonly=True, profile=SMART_CHARGING),
    "SmartChargingCtrlr.RateUnit": Rule(
        "Current,Power", "list", readonly=True, item={"Current", "Power"}.__contains__, profile=SMART_CHARGING
    ),
    "SmartChargingCtrlr.PeriodsPerSchedule": Rule("24", "int", low=1, readonly=True, profile=SMART_CHARGING),
    "SmartChargingCtrlr.Phases3to1": Rule("false", "bool", readonly=True, profile=SMART_CHARGING),
    "SmartChargingCtrlr.Entries": Rule("50", "int", readonly=True, profile=SMART_CHARGING),
    "OCPPCommCtrlr.FileTransferProtocols": Rule(
        "HTTP,HTTPS,FTP,FTPS",
        "list",
        readonly=True,
        item={"HTTP", "HTTPS", "FTP", "FTPS"}.__contains__,
        profile=FIRMWARE,
    ),
    "SecurityCtrlr.BasicAuthPassword": Rule("", "text", secret=True),
    "SecurityCtrlr.SecurityProfile": Rule("0", "int", high=3),
    "SecurityCtrlr.OrganizationName": Rule("", "text"),
    "SecurityCtrlr.AdditionalRootCertificateCheck": Rule("false", "bool", readonly=True),
    "SecurityCtrlr.MaxCertificateChainSize": Rule("10000", "int", high=10_000, readonly=True),
    "SecurityCtrlr.CertificateEntries": Rule("20", "int", readonly=True),
}
"""All standard variables. Most defaults and bounds are ours; OCPP 1.6 §9 leaves them open (K-01 … K-52)."""

ABSENT: Mapping[str, str] = {
    "AuthCtrlr.OfflineTxForUnknownIdEnabled": "false",
    "AuthCacheCtrlr.Enabled": "false",
    "ReservationCtrlr.NonEvseSpecific": "false",
    "SmartChargingCtrlr.Phases3to1": "false",
    "TxCtrlr.MaxEnergyOnInvalidId": "0",
    "ChargingStation.MinimumStatusDuration": "0",
    "ChargingStation.BlinkRepeat": "0",
    "ChargingStation.LightIntensity": "0",
    "OCPPCommCtrlr.WebSocketPingInterval": "0",
}
"""What a box may lack (C-08, OCPP 1.6 §9), and the value that stands for not having it."""

_SET_BY_HARDWARE = frozenset({"ChargingStation.NumberOfEvses"})


class Variables:
    """Hold the settings of one box. What equals the default takes no memory."""

    __slots__ = ("_evses", "_fixed", "_pending", "_set", "_settings", "stored")

    def __init__(
        self, evses: int, settings: Mapping[str, KeySpec], *, fixed_cable: bool, security_profile: int
    ) -> None:
        self._evses = evses
        self._settings = settings
        self._set: dict[str, str] = {}
        self._pending: dict[str, str] = {}
        self.stored: bytes | None = None
        """The snapshot's memo of what was changed, None since it last changed."""
        self._fixed = _fixed(evses, security_profile, fixed_cable=fixed_cable)

    # --- Reading ------------------------------------------------------------------------------------------------------

    def text(self, name: str) -> str | None:
        """Return a value as text, None for an unset or unknown variable."""
        given = self._settings.get(name)
        if given is not None and given.absent:
            return ABSENT.get(name)
        if (found := self._set.get(name)) is not None:
            return found
        if given is not None and name not in _SET_BY_HARDWARE:
            rule = RULES.get(name)
            kept = given.value if rule is None else rule.read(given.value)
            if kept is not None:
                return kept
        if (fixed := self._fixed.get(name)) is not None:
            return fixed
        rule = RULES.get(name)
        return None if rule is None or (rule.secret and not rule.default) else rule.default

    def integer(self, name: str) -> int:
        """Return an integer variable."""
        return int(self.text(name) or 0)

    def flag(self, name: str) -> bool:
        """Return a boolean variable."""
        return self.text(name) == "true"

    def items(self, name: str) -> tuple[str, ...]:
        """Return the items of a list variable."""
        return _items(self.text(name) or "")

    def names(self) -> list[str]:
        """Return the names of all variables that can be read, the standard ones first."""
        own = [name for name in self._settings if name not in RULES]
        return [name for name, rule in RULES.items() if not rule.secret and self.knows(name)] + own

    def knows(self, name: str) -> bool:
        """Tell whether there is such a variable: not where the box lacks what it is for (C-08, C-10)."""
        given = self._settings.get(name)
        if given is not None and given.absent:
            return False
        rule = RULES.get(name)
        if rule is None:
            return given is not None
        return rule.profile is None or self.supports(rule.profile)

    def supports(self, profile: str) -> bool:
        """Tell whether the box has a feature profile (OCPP 1.6 §3.3)."""
        return profile in self.items(SUPPORTED)

    def shown(self, name: str) -> VariableValue | None:
        """Show a variable as GetConfiguration does; None for one that is unknown or cannot be read (C-07)."""
        rule = RULES.get(name)
        if not self.knows(name) or (rule is not None and rule.secret):
            return None
        return VariableValue(name, self.readonly(name), self.text(name))

    def configures(self, name: str) -> bool:
        """Tell whether the configuration gives a variable a value of its own."""
        given = self._settings.get(name)
        return given is not None and bool(given.value)

    def readonly(self, name: str) -> bool:
        """Tell whether the Central System may not change a variable."""
        given = self._settings.get(name)
        if given is not None and given.readonly is not None:
            return given.readonly
        if name == "OCPPCommCtrlr.UnlockOnEVSideDisconnect" and name in self._fixed:
            return True
        rule = RULES.get(name)
        return rule is not None and rule.readonly

    # --- Changing -----------------------------------------------------------------------------------------------------

    def change(self, name: str, text: str) -> Verdict:
        """Change a variable as ChangeConfiguration asks (OCPP 1.6 §5.3); a refusal changes nothing (C-02)."""
        if not self.knows(name):
            return "NotSupported"
        if self.readonly(name) or len(text) > MAX_VALUE_LENGTH:
            return "Rejected"
        kept = self._checked(name, text)
        if kept is None:
            return "Rejected"
        given = self._settings.get(name)
        if given is not None and given.reboot_required:
            self._pending[name] = kept
            self.stored = None
            return "RebootRequired"
        self.replace(name, kept)
        return "Accepted"

    def replace(self, name: str, value: str) -> None:
        """Set a variable on the box's own account (B-04: the heartbeat interval of BootNotification.conf)."""
        self._set[name] = value
        self.stored = None

    def rebooted(self) -> None:
        """Let the changes that waited for a reboot take effect."""
        self._set.update(self._pending)
        self.stored = None
        self._pending.clear()

    def _checked(self, name: str, text: str) -> str | None:
        rule = RULES.get(name)
        if rule is None:
            return text
        kept = rule.read(text)
        if kept is None:
            return None
        if name == "SecurityCtrlr.BasicAuthPassword":
            return kept if is_authorization_key(kept) else None
        if name == "ChargingStation.PhaseRotation" and not self._is_rotation(_items(kept)):
            return None
        # C-09, V-26: a list that is longer than its MaxLength companion says is refused whole.
        if rule.length is not None and len(_items(kept)) > self.integer(rule.length):
            return None
        return kept

    def _is_rotation(self, items: Iterable[str]) -> bool:
        seen: set[str] = set()
        for item in items:
            number, _, rotation = item.partition(".")
            known = number.isdigit() and number.isascii() and int(number) <= self._evses and number not in seen
            if not known or rotation not in _ROTATIONS:
                return False
            seen.add(number)
        return True

    # --- Snapshot -----------------------------------------------------------------------------------------------------

    def dump(self) -> dict[str, dict[str, str]]:
        """Return what was changed since the first start."""
        return {"set": self._set, "pending": self._pending}

    def restore(self, data: Mapping[str, Mapping[str, str]]) -> None:
        """Take back what `dump` returned; names that this program does not know any more are left out."""
        self._set = {name: value for name, value in data.get("set", {}).items() if self.knows(name)}
        self._pending = {name: value for name, value in data.get("pending", {}).items() if self.knows(name)}


def is_authorization_key(text: str) -> bool:
    """Tell whether this is an AuthorizationKey: 16 to 20 bytes in hexadecimal (Security whitepaper §7.2)."""
    return 32 <= len(text) <= 40 and len(text) % 2 == 0 and all(c in "0123456789abcdefABCDEF" for c in text)


@lru_cache
def _fixed(evses: int, security_profile: int, *, fixed_cable: bool) -> Mapping[str, str]:
    """Return what follows from the hardware, the same object for all boxes of a kind."""
    fixed = {
        "ChargingStation.NumberOfEvses": str(evses),
        "ChargingStation.PhaseRotation": ",".join(f"{n}.RST" for n in range(evses + 1)),
        "ChargingStation.PhaseRotationMaxLength": str(evses + 1),
        "SecurityCtrlr.SecurityProfile": str(security_profile),
    }
    if fixed_cable:  # E3.83: nothing can be unlocked, so the key is read-only false.
        fixed["OCPPCommCtrlr.UnlockOnEVSideDisconnect"] = "false"
    return fixed


def problem(name: str, spec: KeySpec) -> str | None:
    """Say what is wrong with a value from the configuration, None if nothing is."""
    rule = RULES.get(name)
    if spec.absent:
        return None if name in ABSENT else "allowed: a value, since no charge point lacks this key"
    if rule is None:
        return None if len(spec.value) <= MAX_VALUE_LENGTH else f"longer than {MAX_VALUE_LENGTH} characters"
    if name in _SET_BY_HARDWARE:
        return "follows from the rest of the configuration and cannot be set"
    if rule.read(spec.value) is None:
        return f"allowed: {rule.allowed}"
    if name == SUPPORTED and CORE not in _items(spec.value):
        return f"allowed: a list that holds {CORE}, which every charge point has"
    return None
