"""Every test of the link runs on asyncio's loop and on uvloop, or on the loops that it asks for."""

from __future__ import annotations

import asyncio

import pytest
import trustme
import uvloop
from fakes.links import JumpingLoop, context_for


def pytest_asyncio_loop_factories(config, item):
    marker = item.get_closest_marker("asyncio")
    loops = {"asyncio": asyncio.SelectorEventLoop, "uvloop": uvloop.new_event_loop, "jumping": JumpingLoop}
    wanted = (marker and marker.kwargs.get("loop_factories")) or ["asyncio", "uvloop"]
    return {name: loops[name] for name in wanted}


@pytest.fixture(scope="session")
def authority():
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(authority, tmp_path_factory):
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture
def server_context(authority):
    return context_for(authority.issue_cert("localhost", "127.0.0.1"))
