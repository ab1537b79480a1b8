from __future__ import annotations

import sys

from bridge.demo.guide import guide, moved, program_name


def test_the_addresses_stand_on_lines_of_their_own():
    urls = ("mqtt://127.0.0.1:1884", "ws://127.0.0.1:9001/ocpp", "http://127.0.0.1:9081", "http://127.0.0.1:9581")
    text = guide(*urls, ["Port 1883 is taken."])
    lines = text.splitlines()
    assert {
        "MQTT mqtt://127.0.0.1:1884",
        "OCPP ws://127.0.0.1:9001/ocpp",
        "FILES http://127.0.0.1:9081",
        "HTTP http://127.0.0.1:9581",
        "Port 1883 is taken.",
    } <= set(lines)
    assert any(line.strip() == "mosquitto_pub -p 1884 -t ocpp-twin/garage/1/set/plugged -m ON" for line in lines)
    assert "1883 -t" not in text


def test_lines_can_be_copied(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/home/my user/ocpp-twin", "demo"])
    assert program_name() == "'/home/my user/ocpp-twin'"
    monkeypatch.setattr(sys, "argv", ["/x/bridge/__main__.py", "demo"])
    assert program_name() == f"{sys.executable} -m bridge"


def test_a_port_is_mentioned_only_if_it_moved():
    assert moved("broker", 1883, 1883) is None
    assert moved("broker", 1883, 1884) == "Port 1883 is taken: the broker listens on 1884."
