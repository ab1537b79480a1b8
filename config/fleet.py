"""From templates, ranges and overrides to one TwinSpec for each charge point.

Decides which value wins: built-in default, `csms` of the whole daemon, template, twin, EVSE, in this order. Twins that
are equal but for their names share what they consist of, because a fleet has thousands of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any, TypeVar

from config.fields import certificates, identity_problem, validity
from config.presets import chargers
from config.problems import Path, shown, unknown_text
from config.ranges import ALLOWED, MAX_ITEMS, unrolled
from config.settings import Settings
from config.twins import CsmsSettings, EvseDefaults, KeySettings, TemplateSettings, TwinSettings
from twin.model.spec import CsmsSpec, EvseSpec, KeyAs, KeySpec, OnRestart, TwinSpec

Wrong = tuple[Path, str]
"""Where something is wrong, and what."""

_EVSE_FIELDS = tuple(EvseDefaults.model_fields)
_PLAIN_FIELDS = ("vendor", "model", "firmware_version", "meter_type", "manufacturer_ca_file")
# OCPP 1.6 §6.9: lengths of BootNotification's fields. The identity is a twin's user name and URL segment, too.
_OWN_FIELDS = {
    "identity": 255,
    "serial_number": 25,
    "charge_box_serial_number": 25,
    "meter_serial_number": 25,
    "iccid": 20,
    "imsi": 20,
}

_OWN = "each twin needs one of its own"
_BACKOFF_FIELDS = {"min": "backoff_min_s", "max": "backoff_max_s", "jitter": "backoff_jitter"}

_Value = TypeVar("_Value")


def expand(settings: Settings, indexes: Iterable[int] | None = None) -> tuple[tuple[TwinSpec, ...], list[Wrong]]:
    """Make the specs of all twins, and a list of what is wrong; `indexes` says where in the file the twins stand."""
    fleet = _Expansion(settings)
    for index, twin in zip(count() if indexes is None else indexes, settings.twins, strict=False):
        fleet.add(("twins", index), twin)
    for name, template in settings.templates.items():
        fleet.check_csms(("templates", name, "csms"), [settings.csms, template.csms])
    if not settings.twins:
        fleet.check_csms(("csms",), [settings.csms])
    return tuple(fleet.specs), fleet.wrong


def spec_of(twin: TwinSettings, settings: Settings) -> tuple[tuple[TwinSpec, ...], list[Wrong]]:
    """Make the specs of one entry alone, as if it stood in the configuration."""
    fleet = _Expansion(settings)
    fleet.add((), twin)
    return tuple(fleet.specs), fleet.wrong


def keys_in(settings: Settings) -> Iterator[tuple[Path, str, KeySpec]]:
    """Yield all OCPP configuration keys that are given a value, and where."""
    layers: list[tuple[Path, TemplateSettings]] = [
        (("twins", index), twin) for index, twin in enumerate(settings.twins)
    ]
    layers += [(("templates", name), template) for name, template in settings.templates.items()]
    for path, layer in layers:
        for key, found in layer.keys.items():
            yield (*path, "keys", key), key, _key(found)


def seed(twin_id: str) -> int:
    """Derive a twin's seed from its id: the same at every start and on every machine."""
    return int.from_bytes(hashlib.blake2b(twin_id.encode(), digest_size=7).digest(), "big")


class _Expansion:
    """Gather specs and problems; remember ids and identities that are taken, and values to share."""

    def __init__(self, settings: Settings) -> None:
        self.specs: list[TwinSpec] = []
        self.wrong: list[Wrong] = []
        self._settings = settings
        self._ids: dict[str, Path] = {}
        self._identities: dict[tuple[str, str], Path] = {}
        self._shared: dict[Any, Any] = {}
        self._certificates: dict[str, tuple[str, ...]] = {}
        self._validities: dict[str, tuple[float, float] | None] = {}
        self._identity_problems: dict[tuple[str, str | None], str | None] = {}

    def add(self, path: Path, twin: TwinSettings) -> None:
        """Add the twins of one entry, or what is wrong with it."""
        template = self._template(path, twin)
        ids = self._ids_of(path, twin)
        if template is None or ids is None:
            return
        layers: list[TemplateSettings] = [template, twin]
        csms_layers = [self._settings.csms, *(layer.csms for layer in layers)]
        if not self.check_csms((*path, "csms"), csms_layers):
            return
        common = self._common(layers, self._share(self._csms(csms_layers)))
        own = self._own(path, twin, len(ids))
        for position, twin_id in enumerate(ids):
            fields: dict[str, Any] = {name: values[position] for name, values in own.items()}
            identity = fields.pop("identity", None) or twin_id
            if self._is_new(path, twin_id, identity, common["csms"].url):
                self.specs.append(TwinSpec(id=twin_id, identity=identity, seed=seed(twin_id), **fields, **common))

    def check_csms(self, path: Path, layers: Sequence[CsmsSettings]) -> bool:
        """Check what only the sum of all layers shows; tell whether it is well."""
        spec = self._csms(layers)
        if spec.backoff_min_s > spec.backoff_max_s:
            self.wrong.append(
                (
                    (*path, "backoff"),
                    f"min is {spec.backoff_min_s:g}s, max {spec.backoff_max_s:g}s; allowed: min <= max",
                )
            )
            return False
        if spec.certificate_file is None:
            if spec.key_file is not None:
                self.wrong.append(((*path, "key_file"), "allowed: a file beside one in certificate_file"))
            return spec.key_file is None
        why = self._identity_problem(spec.certificate_file, spec.key_file)
        if why is not None:
            found = shown((), spec.certificate_file)
            text = f"found {found} ({why}); allowed: a PEM file with a certificate, and its key there or in key_file"
            self.wrong.append(((*path, "certificate_file"), text))
        return why is None

    def _csms(self, layers: Sequence[CsmsSettings]) -> CsmsSpec:
        fields = _csms_fields(layers)
        key_as = KeyAs(fields.pop("authorization_key_as", KeyAs.BYTES))
        return CsmsSpec(
            **fields,
            authorization_key_as=key_as,
            roots=self._roots(fields.get("ca_file")),
            certificate_validity=self._validity(fields.get("certificate_file")),
        )

    def _identity_problem(self, certificate: str, key: str | None) -> str | None:
        known = (certificate, key)
        if known not in self._identity_problems:
            self._identity_problems[known] = identity_problem(certificate, key)
        return self._identity_problems[known]

    def _validity(self, path: str | None) -> tuple[float, float] | None:
        if path is None:
            return None
        if path not in self._validities:
            self._validities[path] = validity(path)
        return self._validities[path]

    def _roots(self, path: str | None) -> tuple[str, ...]:
        if path is None:
            return ()
        if path not in self._certificates:
            self._certificates[path] = certificates(path)
        return self._certificates[path]

    def _template(self, path: Path, twin: TwinSettings) -> TemplateSettings | None:
        if twin.template is None:
            return TemplateSettings()
        found = self._settings.templates.get(twin.template) or chargers().get(twin.template)
        if found is None:
            known = [*self._settings.templates, *chargers()]
            text = f"found {shown((), twin.template)}: {unknown_text(twin.template, known)}"
            self.wrong.append(((*path, "template"), text))
        return found

    def _ids_of(self, path: Path, twin: TwinSettings) -> list[str] | None:
        where = (*path, "id")
        ids = unrolled(twin.id)
        if len(self.specs) + len(ids) > MAX_ITEMS:
            self.wrong.append((where, f"this makes more than {MAX_ITEMS} twins; share them out over several daemons"))
            return None
        return ids

    def _unrolled(self, where: Path, text: str) -> list[str] | None:
        try:
            return unrolled(text)
        except ValueError:
            self.wrong.append((where, f"found {shown((), text)}; allowed: {ALLOWED}"))
            return None

    def _own(self, path: Path, twin: TwinSettings, wanted: int) -> dict[str, list[str]]:
        own: dict[str, list[str]] = {}
        for name, longest in _OWN_FIELDS.items():
            text, where = getattr(twin, name), (*path, name)
            values = self._unrolled(where, text) if text is not None else None
            if values is None:
                continue
            if len(values) == 1 and name != "identity":
                values *= wanted
            if len(values) != wanted:
                self.wrong.append(
                    (where, f"found {shown((), text)}, {len(values)} of it; allowed: {wanted}, as many as ids")
                )
            elif len(values[-1]) > longest:
                self.wrong.append((where, f"found {shown((), text)}; allowed: at most {longest} characters"))
            else:
                own[name] = values
        return own

    def _is_new(self, path: Path, twin_id: str, identity: str, url: str) -> bool:
        taken = self._ids.setdefault(twin_id, path)
        if taken is not path:
            self.wrong.append(((*path, "id"), f'found "{twin_id}", which {_spoken(taken)} has already; {_OWN}'))
            return False
        taken = self._identities.setdefault((url, identity), path)
        if taken is not path:
            at = (*path, "identity")
            self.wrong.append(
                (at, f'found "{identity}", which {_spoken(taken)} has already at the same Central System; {_OWN}')
            )
            return False
        return True

    def _common(self, layers: Sequence[TemplateSettings], csms: CsmsSpec) -> dict[str, Any]:
        given = _given(layers)
        fields = {name: given[name] for name in _PLAIN_FIELDS if name in given}
        if roots := self._roots(fields.get("manufacturer_ca_file")):
            fields["manufacturer_roots"] = roots
        evses = [self._share(_evse(given, evse)) for evse in given.get("evses", layers[0].evses)]
        return fields | {
            "csms": csms,
            "evses": self._share(tuple(evses)),
            "keys": self._keys(layers),
            "on_restart": OnRestart(given.get("on_restart", OnRestart.RESUME)),
            "reboot_time_s": given.get("reboot_time", 5.0),
            "queue_limit": self._settings.store.queue_limit,
            "journal_limit": self._settings.store.journal_limit,
        }

    def _keys(self, layers: Sequence[TemplateSettings]) -> Mapping[str, KeySpec]:
        # OCPP 1.6 §7: keys are CiStrings, so a twin's HEARTBEATINTERVAL replaces its template's HeartbeatInterval.
        found: dict[str, tuple[str, KeySpec]] = {}
        for layer in layers:
            found |= {name.lower(): (name, _key(key)) for name, key in layer.keys.items()}
        keys = dict(found.values())
        shared: Mapping[str, KeySpec] = self._shared.setdefault(tuple(keys.items()), keys)
        return shared

    def _share(self, value: _Value) -> _Value:
        shared: _Value = self._shared.setdefault(value, value)
        return shared


def _given(layers: Sequence[Any]) -> dict[str, Any]:
    """Return what was said in any layer, later ones winning."""
    return {name: getattr(layer, name) for layer in layers for name in layer.model_fields_set}


def _evse(given: Mapping[str, Any], evse: EvseDefaults) -> EvseSpec:
    fields = {name: given[name] for name in _EVSE_FIELDS if name in given} | _given([evse])
    return EvseSpec(**fields)


def _key(key: KeySettings) -> KeySpec:
    value = key.value if key.value is not None else key.value_file
    return KeySpec(value or "", key.readonly, key.reboot_required, key.absent)


def _csms_fields(layers: Sequence[CsmsSettings]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for layer in layers:
        given = _given([layer])
        backoff = given.pop("backoff", None)
        fields |= {"password" if name == "password_file" else name: value for name, value in given.items()}
        if backoff is not None:
            fields |= {_BACKOFF_FIELDS[name]: value for name, value in _given([backoff]).items()}
    return fields


def _spoken(path: Path) -> str:
    return f"{path[0]}[{path[1]}]" if path else "another twin"
