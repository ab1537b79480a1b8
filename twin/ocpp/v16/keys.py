"""The configuration keys of OCPP 1.6 (§9) as views of the twin's variables.

Decides which key is which variable and how its name is spelled; must not know values, bounds or access rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import msgspec

from twin.model.spec import KeySpec

KEYS: Mapping[str, str] = {
    "AllowOfflineTxForUnknownId": "AuthCtrlr.OfflineTxForUnknownIdEnabled",
    "AuthorizationCacheEnabled": "AuthCacheCtrlr.Enabled",
    "AuthorizationKey": "SecurityCtrlr.BasicAuthPassword",
    "AuthorizeRemoteTxRequests": "AuthCtrlr.AuthorizeRemoteStart",
    "BlinkRepeat": "ChargingStation.BlinkRepeat",
    "ClockAlignedDataInterval": "AlignedDataCtrlr.Interval",
    "ConnectionTimeOut": "TxCtrlr.EVConnectionTimeOut",
    "ConnectorPhaseRotation": "ChargingStation.PhaseRotation",
    "ConnectorPhaseRotationMaxLength": "ChargingStation.PhaseRotationMaxLength",
    "GetConfigurationMaxKeys": "DeviceDataCtrlr.ItemsPerMessage",
    "HeartbeatInterval": "OCPPCommCtrlr.HeartbeatInterval",
    "LightIntensity": "ChargingStation.LightIntensity",
    "LocalAuthorizeOffline": "AuthCtrlr.LocalAuthorizeOffline",
    "LocalPreAuthorize": "AuthCtrlr.LocalPreAuthorize",
    "MaxEnergyOnInvalidId": "TxCtrlr.MaxEnergyOnInvalidId",
    "MessageTimeout": "OCPPCommCtrlr.MessageTimeout",
    "MeterValuesAlignedData": "AlignedDataCtrlr.Measurands",
    "MeterValuesAlignedDataMaxLength": "AlignedDataCtrlr.MeasurandsMaxLength",
    "MeterValuesSampledData": "SampledDataCtrlr.TxUpdatedMeasurands",
    "MeterValuesSampledDataMaxLength": "SampledDataCtrlr.TxUpdatedMaxLength",
    "MeterValueSampleInterval": "SampledDataCtrlr.TxUpdatedInterval",
    "MinimumStatusDuration": "ChargingStation.MinimumStatusDuration",
    "NumberOfConnectors": "ChargingStation.NumberOfEvses",
    "ResetRetries": "OCPPCommCtrlr.ResetRetries",
    "SecurityProfile": "SecurityCtrlr.SecurityProfile",
    "StopTransactionMaxMeterValues": "SampledDataCtrlr.TxEndedMaxReadings",
    "StopTransactionOnEVSideDisconnect": "TxCtrlr.StopTxOnEVSideDisconnect",
    "StopTransactionOnInvalidId": "TxCtrlr.StopTxOnInvalidId",
    "StopTxnAlignedData": "AlignedDataCtrlr.TxEndedMeasurands",
    "StopTxnAlignedDataMaxLength": "AlignedDataCtrlr.TxEndedMaxLength",
    "StopTxnSampledData": "SampledDataCtrlr.TxEndedMeasurands",
    "StopTxnSampledDataMaxLength": "SampledDataCtrlr.TxEndedMaxLength",
    "SupportedFeatureProfiles": "DeviceDataCtrlr.SupportedProfiles",
    "TransactionMessageAttempts": "OCPPCommCtrlr.MessageAttempts",
    "TransactionMessageRetryInterval": "OCPPCommCtrlr.MessageAttemptInterval",
    "UnlockConnectorOnEVSideDisconnect": "OCPPCommCtrlr.UnlockOnEVSideDisconnect",
    "WebSocketPingInterval": "OCPPCommCtrlr.WebSocketPingInterval",
    "LocalAuthListEnabled": "LocalAuthListCtrlr.Enabled",
    "LocalAuthListMaxLength": "LocalAuthListCtrlr.Entries",
    "SendLocalListMaxLength": "LocalAuthListCtrlr.ItemsPerMessage",
    "ReserveConnectorZeroSupported": "ReservationCtrlr.NonEvseSpecific",
    "ChargeProfileMaxStackLevel": "SmartChargingCtrlr.ProfileStackLevel",
    "ChargingScheduleAllowedChargingRateUnit": "SmartChargingCtrlr.RateUnit",
    "ChargingScheduleMaxPeriods": "SmartChargingCtrlr.PeriodsPerSchedule",
    "ConnectorSwitch3to1PhaseSupported": "SmartChargingCtrlr.Phases3to1",
    "MaxChargingProfilesInstalled": "SmartChargingCtrlr.Entries",
    "SupportedFileTransferProtocols": "OCPPCommCtrlr.FileTransferProtocols",
    "CpoName": "SecurityCtrlr.OrganizationName",
    "AdditionalRootCertificateCheck": "SecurityCtrlr.AdditionalRootCertificateCheck",
    "CertificateSignedMaxChainSize": "SecurityCtrlr.MaxCertificateChainSize",
    "CertificateStoreMaxLength": "SecurityCtrlr.CertificateEntries",
}
"""Each standard key and its variable."""

_VENDOR = "Vendor."
_LABELS = {name: key for key, name in KEYS.items()}
_SPELLINGS = {key.casefold(): key for key in KEYS}


class KeyTable(msgspec.Struct, frozen=True):
    """Translate keys for boxes that were configured alike.

    `settings` has the configured values by variable, `vendor` the spelling of each vendor key by its folded form.
    """

    settings: Mapping[str, KeySpec]
    vendor: Mapping[str, str]

    def spelling(self, key: str) -> str:
        """Return a key as it is written here; an unknown one as it came. Keys fold case (OCPP 1.6 §7.17, C-03)."""
        folded = key.casefold()
        return _SPELLINGS.get(folded) or self.vendor.get(folded, key)

    def variable(self, key: str) -> str:
        """Return the variable behind a key. An unknown key gets a vendor variable's name that no box has."""
        spelling = self.spelling(key)
        return KEYS.get(spelling) or _VENDOR + spelling

    def label(self, name: str) -> str:
        """Return the key of a variable."""
        return _LABELS.get(name) or name.removeprefix(_VENDOR)


def key_table(keys: Mapping[str, KeySpec]) -> KeyTable:
    """Return the table for these configured keys; boxes that were configured alike share it."""
    return _table(tuple(keys.items()))


@lru_cache(maxsize=1024)
def _table(items: tuple[tuple[str, KeySpec], ...]) -> KeyTable:
    vendor = {key.casefold(): key for key, _ in items if key.casefold() not in _SPELLINGS}
    names = KeyTable({}, vendor)
    return KeyTable({names.variable(key): spec for key, spec in items}, vendor)


def settings(keys: Mapping[str, KeySpec]) -> Mapping[str, KeySpec]:
    """Return configured values by variable instead of by key."""
    return key_table(keys).settings
