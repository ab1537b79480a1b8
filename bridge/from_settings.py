"""Settings as the plain values that the parts of the daemon are made from.

Decides which setting becomes which value; what a value does is known where it is used.
"""

from __future__ import annotations

from importlib.metadata import version

from bridge.homeassistant.options import DiscoveryOptions
from bridge.monitoring.options import HttpOptions
from bridge.options import MqttOptions
from bridge.profiles import Output, output
from config import presets
from config.settings import Settings


def mqtt_options(settings: Settings) -> MqttOptions:
    """Return the settings of the MQTT side as plain values."""
    mqtt = settings.mqtt
    return MqttOptions(
        url=mqtt.url,
        username=mqtt.username,
        password=mqtt.password if mqtt.password is not None else mqtt.password_file,
        ca_file=mqtt.ca_file,
        cert_file=mqtt.cert_file,
        key_file=mqtt.key_file,
        verify_hostname=mqtt.verify_hostname,
        protocol=mqtt.protocol,
        client_id=mqtt.client_id,
        keepalive_s=round(mqtt.keepalive),
        connect_timeout_s=mqtt.connect_timeout,
        start_without_broker_s=mqtt.startup_wait,
        backoff_min_s=mqtt.backoff.min,
        backoff_max_s=mqtt.backoff.max,
        session_expiry_s=round(mqtt.session_expiry),
        base_topic=mqtt.base_topic,
        node=settings.node,
        subscribe=mqtt.subscribe,
        allow=tuple(mqtt.allow),
        max_payload=mqtt.max_payload,
        rate_per_s=mqtt.rate_limit.per_second,
        rate_burst=mqtt.rate_limit.burst,
        stale_after_s=mqtt.stale_after,
        duplicate_window_s=mqtt.duplicate_window,
        output=mqtt_output(settings),
        health_interval_s=mqtt.health_interval,
        error_interval_s=mqtt.error_interval,
        max_backlog=mqtt.max_backlog,
        mask_id_tags=mqtt.mask_id_tags,
        trace=tuple(mqtt.trace),
        cars=presets.cars(),
    )


def mqtt_output(settings: Settings) -> Output:
    """Return what is published of twins and how often: what the profile says, but for what is set."""
    mqtt = settings.mqtt
    return output(mqtt.profile, meter_interval_s=mqtt.meter_interval, session_interval_s=mqtt.session_interval)


def http_options(settings: Settings) -> HttpOptions:
    """Return the settings of the HTTP side as plain values."""
    http = settings.http
    return HttpOptions(
        enabled=http.enabled,
        host=http.host,
        port=http.port,
        twins=tuple(http.twin_metrics),
        node=settings.node,
        version=version("ocpp-twin"),
    )


def discovery_options(settings: Settings) -> DiscoveryOptions:
    """Return the settings of Home Assistant discovery as plain values."""
    found, profile = settings.home_assistant, settings.mqtt.profile
    return DiscoveryOptions(
        enabled=profile != "quiet" if found.enabled is None else found.enabled,
        all_or_none=profile == "fleet" and found.enabled is None,
        hidden=mqtt_output(settings).hidden,
        prefix=found.prefix,
        include=tuple(found.include),
        exclude=tuple(found.exclude),
        max_twins=found.max_twins,
        base_topic=settings.mqtt.base_topic,
        node=settings.node,
        allow=tuple(settings.mqtt.allow),
        mask_id_tags=settings.mqtt.mask_id_tags,
        version=version("ocpp-twin"),
    )
