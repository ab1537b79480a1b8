import json

import pytest

from bridge.monitoring.conditions import Conditions
from bridge.monitoring.pages import document, healthz, readyz


def conditions(*, lost=False, connected=True, loaded=True):
    made = Conditions(store_lost=lambda: lost, broker_connected=lambda: connected)
    made.loaded = loaded
    return made


@pytest.mark.parametrize(
    ("make", "given", "status", "word"),
    [
        (healthz, {}, 200, "healthy"),
        (healthz, {"connected": False, "loaded": False}, 200, "healthy"),
        (healthz, {"lost": True}, 503, "unhealthy"),
        (readyz, {}, 200, "ready"),
        (readyz, {"connected": False}, 503, "not ready"),
        (readyz, {"loaded": False}, 503, "not ready"),
        (readyz, {"lost": True}, 503, "not ready"),
    ],
)
async def test_what_they_say(make, given, status, word):
    page = await make(conditions(**given))("")
    content = json.loads(page.body)
    assert (page.status, content["status"]) == (status, word)
    assert (status == 200) == (content == {"status": word})


def test_a_document_is_a_line_of_json():
    page = document(404, {"error": "nothing – here"})
    assert (page.status, page.kind) == (404, "application/json; charset=utf-8")
    assert page.body.decode() == '{"error": "nothing – here"}\n'
