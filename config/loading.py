"""Where settings come from: files, later ones over earlier ones, and the environment above them.

Decides which files count, how they are merged, and of which source a problem is told. Mappings are merged key by key,
lists and values are replaced, and a setting without a value (`url:`) has its default.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import EnvSettingsSource

from config.fields import identity_problem
from config.fleet import Wrong, expand, keys_in
from config.notes import notes_on
from config.problems import ConfigError, Problem, explain, shown, unknown_text
from config.problems import Path as SettingPath
from config.reading import FREE_NAMES, Tree, read
from config.settings import ENV_DELIMITER, ENV_PREFIX, HttpSettings, MqttSettings, Settings
from twin.model.spec import KeySpec, TwinSpec

DEFAULT_FILES = (Path("ocpp-twin.yaml"), Path("/etc/ocpp-twin/ocpp-twin.yaml"))

KeyProblem: TypeAlias = Callable[[str, KeySpec], str | None]
Check: TypeAlias = Callable[[Settings, Sequence[TwinSpec]], list[Wrong]]


@dataclass(frozen=True, slots=True)
class Configuration:
    """Hold all settings, the twins made from them, and the names of the sources that they come from."""

    settings: Settings
    twins: tuple[TwinSpec, ...]
    sources: tuple[str, ...]
    notes: tuple[str, ...] = ()
    """What is allowed, but perhaps not meant."""


def load(
    files: Sequence[Path] = (),
    environment: Mapping[str, str] | None = None,
    *,
    required: bool = True,
    key_problem: KeyProblem = lambda key, spec: None,  # noqa: ARG005
    standard_keys: Sequence[str] = (),
    check: Check = lambda settings, twins: [],  # noqa: ARG005
) -> Configuration:
    """Read and check everything; raises ConfigError with all that is wrong.

    Without `files` the usual places count; where there is nothing either, that is an error unless not `required`.
    `key_problem` knows OCPP's configuration keys, and what is wrong with the value of one; `standard_keys` are
    their names, so that a misspelt one is not taken for a vendor's without a word. `check` finds what is wrong with
    the rest, which others compile.
    """
    layers, merged = _layers(files, os.environ if environment is None else environment, required=required)
    sources = _Sources(layers)
    try:
        settings = Settings.model_validate(merged)
    except ValidationError as error:
        wrong = explain(error, Settings, {name.lower() for name in standard_keys})
        raise ConfigError(sources.problem(*item) for item in [*wrong, *_beyond(merged, wrong)]) from None
    twins, wrong = expand(settings)
    wrong += [
        (path, f"found {'absent' if spec.absent else shown(path, spec.value)}; {text}")
        for path, key, spec in keys_in(settings)
        if (text := key_problem(key, spec)) is not None
    ]
    wrong += _client_certificate(settings.mqtt)
    wrong += check(settings, twins)
    if wrong:
        raise ConfigError(sources.problem(*item) for item in wrong)
    names = tuple(name for name, _ in layers)
    return Configuration(settings, twins, names, notes_on(settings, twins, standard_keys))


def http_settings(files: Sequence[Path] = (), environment: Mapping[str, str] | None = None) -> HttpSettings:
    """Read where metrics and health are served, and look at nothing else; raises ConfigError."""
    layers, merged = _layers(files, os.environ if environment is None else environment, required=False)
    try:
        return Settings.model_validate({name: merged[name] for name in ("http",) if name in merged}).http
    except ValidationError as error:
        sources = _Sources(layers)
        raise ConfigError(sources.problem(*item) for item in explain(error, Settings)) from None


def _layers(
    files: Sequence[Path], environment: Mapping[str, str], *, required: bool
) -> tuple[list[tuple[str, Tree]], Tree]:
    """Return what each source says, and all of it merged."""
    layers = [(str(path), read(path)) for path in files or _default_files(environment, required=required)]
    from_environment = _environment(environment)
    if from_environment:
        layers.append(("environment", from_environment))
    merged: Tree = {}
    for _, tree in layers:
        merged = _merge(merged, tree)
    return layers, merged


def _client_certificate(mqtt: MqttSettings) -> list[Wrong]:
    why = None if mqtt.cert_file is None else identity_problem(mqtt.cert_file, mqtt.key_file)
    if why is None:
        return []
    found = shown((), mqtt.cert_file)
    allowed = "a PEM file with a certificate, and its key there or in key_file"
    return [(("mqtt", "cert_file"), f"found {found} ({why}); allowed: {allowed}")]


def _beyond(merged: Tree, wrong: Sequence[Wrong]) -> list[Wrong]:
    """Find what is wrong with the fleet as well, so that everything is told at once."""
    places = {path[:2] for path, _ in wrong}
    if not places.isdisjoint((name,) for name in FREE_NAMES):
        return []
    no_csms = any(path[0] == "csms" for path in places)
    twins = merged.get("twins", [])
    sound = [index for index in range(len(twins)) if ("twins", index) not in places]
    templates = merged.get("templates", {})
    rest = {
        "csms": {} if no_csms else merged.get("csms", {}),
        # A template that is wrong itself is still known to those who name it.
        "templates": {name: {} if ("templates", name) in places else templates[name] for name in templates},
        "twins": [twins[index] for index in sound],
    }
    found = expand(Settings.model_validate(rest), sound)[1]
    return [(path, text) for path, text in found if not (no_csms and "csms" in path)]


def _default_files(environment: Mapping[str, str], *, required: bool) -> list[Path]:
    found = next((path for path in DEFAULT_FILES if path.exists()), None)
    if found is not None:
        return [found]
    if not required or any(name.startswith(ENV_PREFIX) and value for name, value in environment.items()):
        return []
    looked = " or ".join(map(str, DEFAULT_FILES))
    text = (
        f"there is no {looked}; name a file with --config FILE, or begin with `ocpp-twin demo`, which needs none. "
        "The smallest file is one line: twins: [{id: garage, template: ac-11kw}]"
    )
    raise ConfigError([Problem("configuration", (), text)])


def _merge(below: Tree, above: Tree) -> Tree:
    merged = dict(below)
    for name, value in above.items():
        known = merged.get(name)
        merged[name] = _merge(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return merged


class _Environment(EnvSettingsSource):
    """Read the variables of a given environment instead of the process's own; what is not JSON is a text."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._given = {name.lower(): value for name, value in environment.items() if value}
        super().__init__(Settings)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return self._given

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            return value


def _environment(environment: Mapping[str, str]) -> Tree:
    ours = [name for name in environment if name.upper().startswith(ENV_PREFIX) and environment[name]]
    sections = [name.upper().removeprefix(ENV_PREFIX).partition(ENV_DELIMITER)[0].lower() for name in ours]
    wrong = [
        Problem(f"environment {name}", (), unknown_text(section, list(Settings.model_fields)))
        for name, section in zip(ours, sections, strict=True)
        if section not in Settings.model_fields
    ]
    if wrong:
        raise ConfigError(wrong)
    return _Environment({name: environment[name] for name in ours})()


class _Sources:
    """Know which source said what, to name the one that has to be mended."""

    def __init__(self, layers: Iterable[tuple[str, Tree]]) -> None:
        self._layers = list(layers)

    def problem(self, path: SettingPath, text: str) -> Problem:
        """Attribute a problem to the last source that speaks of the path, or of most of it."""
        best, depth = "defaults", -1
        for name, tree in self._layers:
            found = _depth(tree, path)
            if found >= depth:
                best, depth = name, found
        if best == "environment":
            best = "environment " + ENV_PREFIX + ENV_DELIMITER.join(str(step).upper() for step in path)
        return Problem(best, path, text)


def _depth(tree: Any, path: SettingPath) -> int:
    depth = 0
    for step in path:
        in_list = isinstance(tree, list) and isinstance(step, int) and step < len(tree)
        if not in_list and not (isinstance(tree, dict) and step in tree):
            break
        tree = tree[step]
        depth += 1
    return depth
