"""What watches twins, between a broker, a daemon and a Central System that are all real."""

from __future__ import annotations

import asyncio
import io
import json

from fakes.record import PATIENCE_S
from fakes.witness import Witness

from bridge.options import MqttOptions
from bridge.watching.app import WatchApp
from bridge.watching.feed import Feed
from bridge.watching.knowledge import Knowledge
from bridge.watching.trace import Wanted, trace


class Lines(io.StringIO):
    """Be an output that wakes whoever waits for a line."""

    def __init__(self):
        super().__init__()
        self.news = asyncio.Event()

    def flush(self):
        self.news.set()

    async def until(self, word):
        async with asyncio.timeout(PATIENCE_S):
            while word not in self.getvalue():
                self.news.clear()
                await self.news.wait()


async def test_frames_are_traced_on_request_only_and_no_longer_when_nobody_looks(mosquitto, settings, make_daemon):
    await make_daemon(settings(mosquitto.url))
    async with Witness(mosquitto.port) as witness:
        await witness.until("garage/state", lambda state: state["registration"] == "Accepted")
        await witness.ok("garage/1/set/plugged", "ON")
        assert not [said for said in witness.said if "/ocpp/" in said.topic]
        output, said = Lines(), []
        wanted = Wanted(["garage"], as_json=True)
        tracing = asyncio.create_task(trace(MqttOptions(url=mosquitto.url), wanted, output, said.append))
        await witness.until("bridge/main/response/trace", lambda result: result["data"]["until"] is not None)
        await witness.ok("garage/1/cmd/swipe", "04A2B3C4")
        await output.until('"StartTransaction", "message_id"')
        await output.until('"kind": "RESULT", "action": "StartTransaction"')
        tracing.cancel()
        await witness.until("bridge/main/response/trace", lambda result: result["data"]["until"] is None)
        mark = witness.mark()
        await witness.ok("garage/1/cmd/stop", "")
        await witness.event("garage", "transaction_stopped", after=mark)
        assert not [said for said in witness.said.since(mark) if "/ocpp/" in said.topic]
    frames = [json.loads(line) for line in output.getvalue().splitlines()]
    answers = [frame for frame in frames if frame["kind"] == "RESULT" and frame["action"] == "StartTransaction"]
    assert 0 <= answers[0]["took_ms"] < PATIENCE_S * 1000
    assert said == []


async def test_a_reload_and_a_restart_of_the_twin_leave_it_traced(mosquitto, settings, make_daemon):
    daemon = await make_daemon(settings(mosquitto.url))
    async with Witness(mosquitto.port) as witness:
        await witness.until("garage/state", lambda state: state["registration"] == "Accepted")
        result = await witness.ask("trace", ids=["garage", "shed"], for_s=600)
        assert (result["data"]["matched"], result["data"]["unknown"]) == (1, ["shed"])
        changed = settings(mosquitto.url, twins=[{"id": "garage", "evses": 2}, {"id": "shed"}])
        (daemon._folder / "given.yaml").write_text(json.dumps(changed))
        for verb, fields in (("reload", {}), ("restart_twin", {"id": "garage"})):
            mark = witness.mark()
            assert (await witness.ask(verb, **fields))["status"] == "ok"
            await witness.until("garage/ocpp/sent", lambda sent: sent["action"] == "BootNotification", after=mark)
        assert not [said for said in witness.said if said.topic.startswith("shed/ocpp/")]


async def test_a_car_is_charged_from_the_screen(mosquitto, settings, make_daemon):
    await make_daemon(settings(mosquitto.url))
    known = Knowledge("ocpp-twin")
    app = WatchApp(known, Feed(MqttOptions(url=mosquitto.url), known), "ocpp-twin")
    async with Witness(mosquitto.port) as witness, app.run_test(size=(80, 24)) as pilot:

        async def until(words):
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    mark = witness.mark()
                    app.look()
                    await pilot.pause()
                    text = "\n".join(strip.text for strip in app.screen._compositor.render_strips())
                    if words in text:
                        return
                    # Something comes at least once a second: the node's health.
                    await witness.said.until(lambda _: True, "anything", after=mark)

        await until("1 twin  1 connected  0 charging")
        await pilot.press("enter", "p")
        await until("✔ plug in at garage/1: ok")
        await until("◔ Preparing")
        await pilot.press("c", *"04A2B3C4", "enter")
        await until("▶ Charging")
        await until("← StartTransaction")
        await pilot.press("s")
        await until("✔ stop at garage/1: ok")
        await until("Session ended")
