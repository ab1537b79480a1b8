from __future__ import annotations

import signal

import pytest
from fakes.watching import fleet

from bridge.watching.dialogs import Help


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
async def test_keys_that_quit(watching, key):
    async with watching(fleet("garage")) as screen:
        await screen.press("enter", key)
        assert screen.app._exit
        assert screen.app.return_code == 0
    assert screen.line.closed


async def test_a_signal_ends_it_as_a_key_does(watching):
    async with watching(fleet("garage")) as screen:
        signal.raise_signal(signal.SIGTERM)
        await screen.press("up")
        assert screen.app._exit


async def test_help_fits_a_small_terminal_and_tells_every_key(watching):
    async with watching(fleet("garage")) as screen:
        await screen.press("enter", "question_mark", "question_mark")
        assert not isinstance(screen.app.screen, Help)
        await screen.press("question_mark")
        text = await screen.text()
        for words in ("choose a twin", "press the emergency stop", "quit, as Ctrl-C", "‖ SuspendedEVSE", "✖ Faulted"):
            assert words in text, words
        await screen.press("escape")
        assert "EVSE 1" in await screen.text()


async def test_letters_in_a_filter_are_no_keys(watching):
    async with watching(fleet("garage")) as screen:
        await screen.press("slash", "q", "question_mark")
        assert "'q?'" in await screen.text()
