"""Fixtures for tests of the configuration."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from config.loading import Configuration, load
from config.problems import ConfigError


@pytest.fixture
def loaded(tmp_path: Path) -> Callable[..., Configuration]:
    """Load pieces of YAML as if each were a file; keywords are the environment."""

    def run(*pieces: str, **environment: str) -> Configuration:
        files = []
        for number, piece in enumerate(pieces):
            file = tmp_path / f"{number}.yaml"
            file.write_text(textwrap.dedent(piece))
            files.append(file)
        return load(files, environment)

    return run


@pytest.fixture
def problems(loaded: Callable[..., Configuration], tmp_path: Path) -> Callable[..., list[str]]:
    """Return the lines that a person sees, without the folder."""

    def run(*pieces: str, **environment: str) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            loaded(*pieces, **environment)
        return str(caught.value).replace(f"{tmp_path}/", "").splitlines()

    return run
