"""Cars come and go by themselves between a real broker and a real Central System, through kill -9 and a reload."""

from __future__ import annotations

import json
import signal

from fakes.witness import Witness

PLAN = {"arrivals": "3600/h", "dwell": "20s", "tags": ["CARD{0001..0999}"], "ends": {"card": 1}}


async def test_traffic_survives_kill_9_and_ends_with_its_plan(mosquitto, settings, make_daemon, books, tmp_path):
    given = settings(mosquitto.url, clock={"rate": 20})
    daemon = await make_daemon(given | {"traffic": [PLAN]})
    async with Witness(mosquitto.port) as witness:
        started = await witness.event("garage", "transaction_started")
        assert started["request_id"].startswith("traffic-")
        await witness.until("garage/1/state", lambda state: (state["ev"] or "").startswith("traffic "))
        await books.until("StopTransaction")
        known = books.mark()
        await books.until("StartTransaction", after=known)
        await daemon.kill()
        await daemon.start()
        await books.until("StopTransaction", after=known)
        known = books.mark()
        await books.until("StartTransaction", after=known)

        (tmp_path / "given.yaml").write_text(json.dumps(given))
        mark = witness.mark()
        daemon.send(signal.SIGHUP)
        await books.until("StopTransaction", after=known)
        await witness.until(
            "garage/1/state", lambda state: (state["status"], state["ev"]) == ("Available", None), after=mark
        )
        assert await daemon.stop() == 0
    starts = {(start["timestamp"], start["meterStart"]) for start in books.all("StartTransaction")}
    assert len({stop["transactionId"] for stop in books.all("StopTransaction")}) == len(starts) >= 3
    assert all(start["idTag"].startswith("CARD") for start in books.all("StartTransaction"))
