"""What a reload does where the fleet refuses something; the rest is seen on a real daemon, in tests/integration."""

from __future__ import annotations

import asyncio

import structlog

from bridge.roster import Roster
from twin.errors import Rejected


class Fleet:
    """A fleet to which somebody adds `arriving` at this moment."""

    ids = ()
    arriving = "shed"

    def __init__(self):
        self.added = []

    def add(self, spec, done):
        if spec.id == self.arriving:
            raise Rejected("state_conflict", "There is a charge point 'shed' already")
        self.added.append(spec.id)
        done(None)


class Showing:
    def __init__(self):
        self.shown = []

    def came(self, twin_id):
        self.shown.append(twin_id)


async def test_a_reload_goes_on_where_one_of_its_twins_is_being_added(configured):
    before, after = configured("twins: []"), configured("twins: [{id: attic}, {id: shed}, {id: yard}]")
    fleet, showing, done = Fleet(), Showing(), asyncio.get_running_loop().create_future()
    roster = Roster(before, fleet, showing, load=lambda: after, key_problem=lambda *_: None, changed=lambda: None)
    with structlog.testing.capture_logs() as lines:
        roster.reload(done.set_result, done.set_exception)
        report = await asyncio.wait_for(done, 5)
    assert report["added"] == ["attic", "shed", "yard"]
    assert fleet.added == showing.shown == ["attic", "yard"]
    assert [(line["twin"], line["reason"]) for line in lines if line["event"] == "twin_not_started"] == [
        ("shed", "There is a charge point 'shed' already")
    ]
    assert roster.configured is after


async def test_a_reload_follows_the_output_profile_and_says_what_else_of_its_section_waits(configured):
    async def reloaded(text):
        before, after = configured("{}"), configured(text, home_assistant={"enabled": True})
        done = asyncio.get_running_loop().create_future()
        roster = Roster(
            *(before, Fleet(), Showing()), load=lambda: after, key_problem=lambda *_: None, changed=lambda: None
        )
        roster.reload(done.set_result, done.set_exception)
        return (await asyncio.wait_for(done, 5))["needs_restart"]

    assert await reloaded("mqtt: {profile: quiet, meter_interval: 5s, session_interval: 1min}") == []
    assert await reloaded("mqtt: {profile: quiet, keepalive: 5s}") == ["mqtt"]
