"""The settings of the MQTT side, as plain values that the composition root fills in.

Knows nothing about files or environments; `config` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from bridge.profiles import Output
from twin.model.spec import EvSpec

Protocol = Literal["auto", "5", "3.1.1"]
Subscribe = Literal["all", "own"]


@dataclass(frozen=True, slots=True)
class MqttOptions:
    """Say how the broker is reached and what may be done over it. Times in seconds, sizes in bytes.

    `url`: mqtt://, mqtts://, ws:// or wss://; user and password may stand in it. `protocol` "auto" tries MQTT 5,
    then 3.1.1. `allow` holds globs such as "set/*" or "cmd/swipe", `trace` globs of the twins whose OCPP frames
    are published. `output` says what is shown of twins, and how often.
    `cars` are the car models that `set/plugged` knows by name.
    Twins connect upstream `start_without_broker_s` after the start even if no broker was reached.
    """

    url: str = "mqtt://localhost:1883"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    verify_hostname: bool = True
    protocol: Protocol = "auto"
    client_id: str | None = None
    keepalive_s: int = 30
    connect_timeout_s: float = 10.0
    start_without_broker_s: float = 5.0
    backoff_min_s: float = 0.5
    backoff_max_s: float = 10.0
    session_expiry_s: int = 300
    base_topic: str = "ocpp-twin"
    node: str = "main"
    subscribe: Subscribe = "all"
    allow: tuple[str, ...] = ("*",)
    max_payload: int = 64 * 1024
    rate_per_s: float = 100.0
    rate_burst: int = 500
    stale_after_s: float = 300.0
    duplicate_window_s: float = 600.0
    output: Output = field(default_factory=Output)
    health_interval_s: float = 60.0
    error_interval_s: float = 10.0
    max_backlog: int = 10_000
    mask_id_tags: bool = False
    trace: tuple[str, ...] = ()
    cars: Mapping[str, EvSpec] = field(default_factory=dict)

    @property
    def identifier(self) -> str:
        """Return the MQTT client id, the same at every start."""
        return self.client_id or f"ocpp-twin-{self.node}"
