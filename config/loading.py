"""Where settings come from: files, later ones over earlier ones, and the environment above them.

Decides which files count, how they are merged, and of which source a problem is told. Mappings are merged key by key,
lists and values are replaced, and a setting without a value (`url:`) has its default.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import yaml
from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import EnvSettingsSource

from config.fields import is_open
from config.fleet import Wrong, expand, keys_in
from config.problems import ConfigError, Problem, explain, shown, unknown_text, written
from config.problems import Path as SettingPath
from config.settings import ENV_DELIMITER, ENV_PREFIX, Settings
from twin.model.spec import KeySpec, TwinSpec

DEFAULT_FILES = (Path("ocpp-twin.yaml"), Path("/etc/ocpp-twin/ocpp-twin.yaml"))

_NO_KEY = "allowed: a text; a number or a word such as on needs quotes to be one"
_ALIKE = 0.85
_FREE_NAMES = ("templates", "twins")

Tree: TypeAlias = dict[str, Any]
KeyProblem: TypeAlias = Callable[[str, KeySpec], str | None]
Check: TypeAlias = Callable[[Settings, Sequence[TwinSpec]], list[Wrong]]


@dataclass(frozen=True, slots=True)
class Configuration:
    """Hold all settings, the twins made from them, and the names of the sources that they come from."""

    settings: Settings
    twins: tuple[TwinSpec, ...]
    sources: tuple[str, ...]
    look_alikes: tuple[str, ...] = ()
    open_keys: tuple[str, ...] = ()

    @property
    def notes(self) -> list[str]:
        """Say what is allowed, but perhaps not meant."""
        return [*self.look_alikes, *self.open_keys]


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
    environment = os.environ if environment is None else environment
    layers = [(str(path), read(path)) for path in files or _default_files(environment, required=required)]
    from_environment = _environment(environment)
    merged: Tree = {}
    for _, tree in layers:
        merged = _merge(merged, tree)
    if from_environment:
        layers.append(("environment", from_environment))
        merged = _merge(merged, from_environment)
    sources = _Sources(layers)
    try:
        settings = Settings.model_validate(merged)
    except ValidationError as error:
        wrong = explain(error, Settings)
        raise ConfigError(sources.problem(*item) for item in [*wrong, *_beyond(merged, wrong)]) from None
    twins, wrong = expand(settings)
    wrong += [
        (path, f"found {'absent' if spec.absent else shown(path, spec.value)}; {text}")
        for path, key, spec in keys_in(settings)
        if (text := key_problem(key, spec)) is not None
    ]
    wrong += check(settings, twins)
    if wrong:
        raise ConfigError(sources.problem(*item) for item in wrong)
    names = tuple(name for name, _ in layers)
    return Configuration(settings, twins, names, _look_alikes(settings, standard_keys), _open_keys(twins))


def _look_alikes(settings: Settings, standard: Sequence[str]) -> tuple[str, ...]:
    by_lower = {name.lower(): name for name in standard}
    notes: list[str] = []
    for path, key, _ in keys_in(settings):
        close = difflib.get_close_matches(key.lower(), by_lower, n=1, cutoff=_ALIKE)
        if close and key.lower() not in by_lower:
            notes.append(f"{written(path)}: taken for a vendor key; did you mean {by_lower[close[0]]}?")
    return tuple(notes)


def _open_keys(twins: Iterable[TwinSpec]) -> tuple[str, ...]:
    # Told, but not refused: the secrets of containers are files which everybody in there may read.
    files = {twin.csms.key_file or twin.csms.certificate_file for twin in twins}
    return tuple(
        f"csms.key_file: everybody on this machine may read the private key in {path}; chmod 600 mends that"
        for path in sorted(path for path in files if path is not None and is_open(path))
    )


def _beyond(merged: Tree, wrong: Sequence[Wrong]) -> list[Wrong]:
    """Find what is wrong with the fleet as well, so that everything is told at once."""
    places = {path[:2] for path, _ in wrong}
    if not places.isdisjoint((name,) for name in _FREE_NAMES):
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
    raise ConfigError([Problem("configuration", (), f"there is no {looked}; name a file with --config FILE")])


class _Loader(yaml.SafeLoader):
    """Read YAML, but refuse a key that stands twice in a mapping: one of the two would be lost in silence."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value} stands twice", key.start_mark)
            seen.add(key.value if isinstance(key, yaml.ScalarNode) else "")
        return node


def read(path: Path) -> Tree:
    """Return what stands in a file. Raises ConfigError."""
    try:
        with path.open(encoding="utf-8") as file:
            return _tree(path, yaml.load(file, _Loader))  # noqa: S506 - a SafeLoader
    except OSError as error:
        raise _unreadable(path, f"cannot be read: {(error.strerror or str(error)).lower()}") from None
    except UnicodeDecodeError:
        raise _unreadable(path, "is not text in UTF-8") from None
    except RecursionError:
        raise _unreadable(path, "is nested too deeply") from None
    except (yaml.YAMLError, ValueError) as error:
        raise _unreadable(path, f"is not YAML: {_yaml_text(error)}") from None


def _tree(path: Path, found: Any) -> Tree:
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise _unreadable(path, f"found {shown((), found)}; allowed: settings such as node: main")
    wrong = [Problem(str(path), at, f"found the key {shown((), key)}; {_NO_KEY}") for at, key in _odd_keys(found)]
    if wrong:
        raise ConfigError(wrong)
    return _without_blanks(found)


def _odd_keys(found: Any, path: SettingPath = ()) -> Iterator[tuple[SettingPath, Any]]:
    if isinstance(found, dict):
        yield from ((path, key) for key in found if not isinstance(key, str))
        for key, value in found.items():
            yield from _odd_keys(value, (*path, str(key)))
    elif isinstance(found, list):
        for index, value in enumerate(found):
            yield from _odd_keys(value, (*path, index))


def _unreadable(path: Path, text: str) -> ConfigError:
    return ConfigError([Problem(str(path), (), text)])


def _yaml_text(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    text = getattr(error, "problem", None) or str(error).splitlines()[0]
    return f"line {mark.line + 1}, column {mark.column + 1}: {text}" if mark is not None else text


def _without_blanks(tree: Tree) -> Tree:
    return {
        name: _without_blanks(value) if isinstance(value, dict) and name not in _FREE_NAMES else value
        for name, value in tree.items()
        if value is not None
    }


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
