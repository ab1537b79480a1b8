from __future__ import annotations

import itertools
import json

import pytest
from fakes.scripted import stored
from fakes.virtual import settle
from fakes.world import T0, spec

from twin.fleet.journal import Journal
from twin.model.effects import Note
from twin.model.terms import LogKind
from twin.store.port import PruneJournal, PutJournal
from twin.turn import Turn


def entries(world, kind=LogKind.DIAGNOSTICS, twin_id="garage"):
    return [json.loads(entry) for _, entry in sorted(world.store.journal.get((twin_id, kind), {}).items())]


async def test_what_happens_is_stored_with_its_turn(world):
    async with world.open("garage") as fleet:
        world.store.held = True
        note = Note("plugged", {"ev": None}, T0, evse=1, request_id="r1")
        world.cast["garage"].next.append(stored(notes=[note]))
        world.listener.heard.clear()
        fleet.command("garage", "plug", lambda: None)
        await settle()
        assert entries(world) == world.listener.notes() == []
        world.store.release()
        await settle()
        assert entries(world)[-1] == {"event": "plugged", "data": {"ev": None}, "evse": 1, "request_id": "r1"}
        assert world.store.twins["garage"]["part"] == b"1"


async def test_sec_21_security_events_have_a_log_of_their_own_as_well(world):
    async with world.open("garage") as fleet:
        notes = [
            Note("security_event", {"security_type": "TamperDetectionActivated", "tech_info": None}, T0),
            Note("door", {}, T0),
        ]
        world.cast["garage"].next.append(Turn(notes=notes))
        fleet.command("garage", "open", lambda: None)
        await settle()
        assert [entry["event"] for entry in entries(world)] == ["security_event", "door"]
        (entry,) = entries(world, LogKind.SECURITY)
        assert entry["data"]["security_type"] == "TamperDetectionActivated"


async def test_a_fault_of_the_program_is_in_the_log_too(world):
    async with world.open("garage") as fleet:
        world.cast["garage"].next.append(ZeroDivisionError("oh"))
        world.network.last.says("hello")
        await settle()
        assert [entry["data"] for entry in entries(world) if entry["event"] == "internal_error"] == [
            {"detail": "ZeroDivisionError: oh"}
        ]
        assert fleet.ids


async def test_a_limit_of_0_keeps_no_log(world):
    async with world.open(spec(journal_limit=0)) as fleet:
        world.cast["garage"].next.append(Turn(notes=[Note("security_event", {}, T0)]))
        fleet.command("garage", "open", lambda: None)
        await settle()
        assert world.store.journal == {}
        assert world.listener.notes("security_event") == [("security_event", {})]


@pytest.mark.parametrize("limit", [1, 10, 1000])
def test_a_log_is_pruned_once_in_an_eighth_of_its_length(limit):
    journal = Journal("garage", limit)
    changes = list(journal.changes(Note("plugged", {}, T0 + number * 0.7) for number in range(limit * 10)))
    prunes = [index for index, change in enumerate(changes) if isinstance(change, PruneJournal)]
    assert {changes[index] for index in prunes} == {PruneJournal("garage", kind, limit) for kind in LogKind}
    gaps = {after - before for before, after in itertools.pairwise(prunes[:: len(LogKind)])}
    assert gaps == {1 + limit // 8 + len(LogKind)}  # the prunes are changes, too


def test_a_process_that_never_lives_long_prunes_as_well():
    limit, lives = 800, 2000
    prunes = 0
    for life in range(lives):
        changes = Journal("garage", limit).changes([Note("booted", {}, T0 + life * 7.013)])
        prunes += any(isinstance(change, PruneJournal) for change in changes)
    assert lives / limit * 4 < prunes < lives / limit * 16


@pytest.mark.parametrize("words", ["\ud800", object(), 1 << 70])
def test_words_that_cannot_be_written_do_not_stop_a_turn(words):
    (change,) = (
        change
        for change in Journal("garage", 10).changes([Note("protocol_error", {"description": words}, T0, evse=1)])
        if isinstance(change, PutJournal)
    )
    assert json.loads(change.entry)["event"] == "protocol_error"
