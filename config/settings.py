"""The settings of the daemon: every one with its name, type, default and bounds.

What is said of a setting here is its line in the reference and in the JSON Schema. Where settings come from is the
business of `loading`; what becomes of templates and twins that of `fleet`.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from config.fields import (
    AuthorityFile,
    BrokerUrl,
    Globs,
    Host,
    Name,
    ReadableFile,
    Secret,
    SecretFile,
    Section,
    Topic,
    never_both,
    refuse,
)
from config.outputs import OutputSettings
from config.sensors import DeviceSettings, InferSettings, InputSettings
from config.traffic import TrafficSettings
from config.twins import CsmsSettings, TemplateSettings, TwinSettings
from config.units import duration, size

ENV_PREFIX = "OCPP_TWIN__"
ENV_DELIMITER = "__"


def _version(found: Any) -> Any:
    return str(found) if isinstance(found, int) and not isinstance(found, bool) else found


_SQLITE = re.compile(r"sqlite:///[^?#]+")
_SQLITE_ALLOWED = "sqlite:////var/lib/ocpp-twin/main.db (absolute) or sqlite:///main.db (relative)"


def _perhaps_sqlite(found: Any) -> str:
    if not isinstance(found, str) or not found:
        return ""
    scheme, separator, rest = found.partition(":")
    if found.endswith("/"):
        return "; the name of a file is missing" if scheme == "sqlite" else ""
    if separator and scheme not in ("sqlite", "sqlite3", "file"):
        return "; there is no other database than SQLite"
    # One or two slashes, or a bare path: what stands behind them is meant as it is.
    path = (rest if separator else found).split("?")[0]
    path = f"/{path.lstrip('/')}" if path.startswith("/") else path
    return "" if ":memory:" in path else f"; did you mean sqlite:///{path}?"


MqttVersion = Annotated[Literal["auto", "5", "3.1.1"], BeforeValidator(_version)]


class BackoffSettings(Section):
    """Pause between two attempts to reach the broker."""

    min: Annotated[float, duration(0.05, 3600, "500ms")] = 0.5
    """The first pause."""
    max: Annotated[float, duration(0.05, 3600)] = 10.0
    """The longest pause."""

    @field_validator("max")
    @classmethod
    def _not_below_min(cls, value: float, info: Any) -> float:
        if value < info.data.get("min", 0.0):
            raise refuse("not less than min")
        return value


class RateLimitSettings(Section):
    """Bound how many commands a twin may be sent."""

    per_second: Annotated[float, Field(gt=0, le=1e6)] = 100.0
    """Commands a second and twin, in the long run."""
    burst: Annotated[int, Field(ge=1, le=1_000_000)] = 500
    """Commands at once."""


class MqttSettings(Section):
    """Say how the broker is reached, and what may be done over it."""

    url: BrokerUrl = Field(default="mqtt://localhost:1883", repr=False)
    """The broker: mqtt://, mqtts://, ws:// or wss://; user and password may stand in it."""
    username: str | None = None
    """The user's name at the broker."""
    password: Secret | None = Field(default=None, repr=False)
    """The password at the broker."""
    password_file: SecretFile | None = Field(default=None, repr=False)
    """A file with the password in it, instead of `password`."""
    ca_file: AuthorityFile | None = None
    """Roots for mqtts:// and wss:// (PEM); the system's where not given."""
    cert_file: ReadableFile | None = None
    """The client's certificate (PEM)."""
    key_file: ReadableFile | None = None
    """The key of the client's certificate (PEM)."""
    verify_hostname: bool = True
    """Check that the broker's certificate is for the host in `url`."""
    protocol: MqttVersion = "auto"
    """The MQTT version; auto tries 5, then 3.1.1."""
    client_id: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    """The MQTT client id; ocpp-twin-<node> where not given."""
    keepalive: Annotated[float, duration(1, 65_535, "30s")] = 30.0
    """How often the connection is checked."""
    connect_timeout: Annotated[float, duration(0.1, 300)] = 10.0
    """How long an attempt to connect may take."""
    startup_wait: Annotated[float, duration(0, 3600, "5s")] = 5.0
    """How long twins wait for the broker before they call the Central System without it."""
    backoff: BackoffSettings = BackoffSettings()
    """Pause between two attempts to connect."""
    session_expiry: Annotated[float, duration(0, 4_294_967_294, "300s")] = 300.0
    """How long the broker keeps commands for a daemon that is away."""
    base_topic: Topic = "ocpp-twin"
    """The root of all topics."""
    subscribe: Literal["all", "own"] = "all"
    """all: everything below the root; own: this node's twins only, because several nodes share the root."""
    allow: Globs = Field(default=["*"])
    """Commands and requests that are taken, as globs such as "set/*", "cmd/swipe" or "request/list_twins"."""
    trace: Globs = Field(default=[])
    """Twins whose OCPP frames are published, as globs of ids; true: all."""
    mask_id_tags: bool = False
    """Hide idTags in all that is published."""
    max_payload: Annotated[int, size(256, 16 * 1024 * 1024, "64KiB")] = 64 * 1024
    """The longest message that is taken."""
    rate_limit: RateLimitSettings = RateLimitSettings()
    """How many commands a twin may be sent."""
    stale_after: Annotated[float, duration(1, 86_400 * 365, "300s")] = 300.0
    """How old the `at` of an edge may be."""
    duplicate_window: Annotated[float, duration(1, 86_400, "10min")] = 600.0
    """How long a request_id is remembered."""
    profile: Literal["home", "fleet", "quiet"] = "home"
    """How much is published of twins: home all at once, fleet meters once a minute, quiet no meters and limits."""
    meter_interval: Annotated[float, duration(0.05, 3600, "1s")] | None = None
    """The shortest time between two messages of a meter; where not given, 1s with profile home, 60s with fleet."""
    session_interval: Annotated[float, duration(0.05, 3600)] | None = None
    """How often a running session is published; where not given, 10s with profile home, 60s with fleet."""
    health_interval: Annotated[float, duration(1, 86_400, "60s")] = 60.0
    """How often the node's health is published."""
    error_interval: Annotated[float, duration(0.1, 3600)] = 10.0
    """How often the same error is published at most."""
    max_backlog: Annotated[int, Field(ge=10, le=10_000_000)] = 10_000
    """Events and results kept while the broker is away."""

    _one_password = field_validator("password_file", mode="before")(never_both("password"))

    @field_validator("key_file")
    @classmethod
    def _with_certificate(cls, value: str | None, info: Any) -> str | None:
        if value is not None and info.data.get("cert_file") is None:
            raise refuse("only together with cert_file")
        return value


class StoreSettings(Section):
    """Say where everything is kept that must survive a crash."""

    url: Annotated[str, Field(pattern=r"^sqlite:///[^?#]+$")] = "sqlite:///ocpp-twin.db"
    """The database: sqlite:////var/lib/ocpp-twin/main.db is absolute, sqlite:///main.db relative."""
    queue_limit: Annotated[int, Field(ge=10, le=10_000_000)] = 10_000
    """Messages to the Central System kept for each twin."""
    files: Annotated[str, Field(min_length=1)] | None = None
    """The folder for firmware, logs and private keys; beside the database, with the ending .files, where not given."""
    journal_limit: Annotated[int, Field(ge=0, le=1_000_000)] = 1_000
    """Entries kept in each of a twin's logs for GetDiagnostics and GetLog; 0: there are none to be had."""

    @field_validator("url", mode="before")
    @classmethod
    def _sqlite(cls, value: Any) -> Any:
        if not isinstance(value, str) or not _SQLITE.fullmatch(value) or value.endswith("/"):
            raise refuse(_SQLITE_ALLOWED + _perhaps_sqlite(value))
        return value


class TransferSettings(Section):
    """Bound how firmware is fetched and logs are uploaded."""

    max_size: Annotated[int, size(1024, 64 * 1024**3, "256MiB")] = 256 * 1024 * 1024
    """The largest file that is fetched."""
    timeout: Annotated[float, duration(1, 86_400, "30min")] = 1800.0
    """How long one try may take; one in which nothing moves for a minute ends earlier."""


class ClockSettings(Section):
    """Let the twins' time run faster or slower."""

    rate: Annotated[float, Field(gt=0, le=1000)] = 1.0
    """Seconds of the twins in one real second."""


class LogSettings(Section):
    """Say what is logged to standard error, and how."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important lines that are written; debug: every event, also where many twins tell the same."""
    format: Literal["auto", "console", "json"] = "auto"
    """auto: console at a terminal, text with priorities in the journal of systemd, json elsewhere."""


class HttpSettings(Section):
    """Say where metrics and health are served over HTTP."""

    enabled: bool = False
    """Serve /metrics for Prometheus, /healthz and /readyz."""
    host: Host = "127.0.0.1"
    """The address that is listened on: 0.0.0.0 for all of IPv4, :: for all; whoever reaches it may read."""
    port: Annotated[int, Field(ge=1, le=65_535)] = 9580
    """The TCP port."""
    twin_metrics: Globs = Field(default=[])
    """Twins that have series of their own in the metrics, as globs of ids; true: all."""


class HomeAssistantSettings(Section):
    """Say which twins Home Assistant is told of, so that they appear there as devices."""

    enabled: bool | None = None
    """Publish discovery; false clears it. Where not given: yes in profile home, all or none in fleet, not in quiet."""
    prefix: Topic = "homeassistant"
    """The discovery prefix that Home Assistant is set to."""
    include: Globs = Field(default=["*"])
    """Twins that appear, as globs of ids."""
    exclude: Globs = Field(default=[])
    """Twins that do not, as globs of ids."""
    max_twins: Annotated[int, Field(ge=0, le=100_000)] = 200
    """How many twins appear at most; of more, the rest does not, or none (all or none), and the log says so."""


class Settings(BaseSettings):
    """Hold all settings: what stands in the files, with the environment above it."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        env_prefix=ENV_PREFIX,
        env_nested_delimiter=ENV_DELIMITER,
        env_ignore_empty=True,
        title="Configuration of ocpp-twin",
    )

    node: Name = "main"
    """This daemon's name on MQTT."""
    mqtt: MqttSettings = MqttSettings()
    """The broker."""
    csms: CsmsSettings = CsmsSettings()
    """The Central System, for every twin that does not say otherwise."""
    store: StoreSettings = StoreSettings()
    """What survives a crash."""
    transfers: TransferSettings = TransferSettings()
    """Firmware and logs on their way."""
    clock: ClockSettings | None = None
    """The twins' time; where this section stands, its rate can be changed over MQTT."""
    logs: LogSettings = LogSettings()
    """The log."""
    http: HttpSettings = HttpSettings()
    """Metrics and health over HTTP."""
    home_assistant: HomeAssistantSettings = HomeAssistantSettings()
    """Home Assistant."""
    templates: dict[str, TemplateSettings] = {}
    """Models of charge points by name; one named like a built-in model replaces it."""
    twins: list[TwinSettings] = []
    """The charge points."""
    inputs: list[InputSettings] = []
    """What sensors say, as levels and edges of twins."""
    infer: list[InferSettings] = []
    """What the power of EVSEs tells about plugs and cars."""
    devices: list[DeviceSettings] = []
    """Known devices, with the inputs and outputs of their presets."""
    outputs: list[OutputSettings] = []
    """What the Central System wants, carried to real things."""
    traffic: list[TrafficSettings] = []
    """Cars that come and go by themselves, for load tests and demos."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what `loading` has read and merged, the environment included; nothing else counts."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)
