"""Fixtures that tests of several parts use."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog
from fakes.mosquitto import Mosquitto, find
from hypothesis import settings

# In continuous integration the same examples each time: what it says of a change must be about the change.
settings.register_profile("ci", derandomize=True)
if "CI" in os.environ:
    settings.load_profile("ci")


@pytest.fixture(autouse=True)
def _own_log() -> Iterator[None]:
    """Undo what a test set up for the log, whose stream ends with the test."""
    yield
    structlog.reset_defaults()


@pytest.fixture
def make_mosquitto(tmp_path: Path) -> Iterator[Callable[..., Mosquitto]]:
    """Start brokers; the arguments are lines of their configuration, and `anonymous`."""
    if find() is None:
        pytest.fail("Mosquitto is not installed; `make test` installs it, or says how")
    started: list[Mosquitto] = []

    def make(*lines: str, anonymous: bool = True) -> Mosquitto:
        broker = Mosquitto(tmp_path, *lines, anonymous=anonymous)
        started.append(broker)
        broker.start()
        return broker

    yield make
    for broker in started:
        broker.stop()


@pytest.fixture
def mosquitto(make_mosquitto: Callable[..., Mosquitto]) -> Mosquitto:
    """Be a running broker without persistence; `url` and `port` say where."""
    return make_mosquitto()
