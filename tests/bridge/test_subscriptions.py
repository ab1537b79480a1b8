from __future__ import annotations

from bridge.options import MqttOptions
from bridge.subscriptions import Subscriptions


def of(subscribe="all", ids=("garage", "office")):
    return Subscriptions(MqttOptions(subscribe=subscribe), lambda: ids)


def test_the_filters():
    assert of().filters() == [
        "ocpp-twin/+/set/#",
        "ocpp-twin/+/+/set/#",
        "ocpp-twin/+/cmd/#",
        "ocpp-twin/+/+/cmd/#",
        "ocpp-twin/bridge/main/request/#",
    ]
    own = of("own").filters()
    assert len(own) == 9
    assert "ocpp-twin/garage/+/set/#" in own


def test_what_would_overlap():
    assert of("own").overlapping() == of().filters()[:-1]
    assert of().overlapping() == of("own").filters()[:-1]


def test_what_is_left_over():
    assert of().is_left_over("old/garage/1/set/plugged")
    assert not of().is_left_over("ocpp-twin/elsewhere/1/set/plugged")
    assert of("own").is_left_over("ocpp-twin/elsewhere/1/set/plugged")
    assert not of("own").is_left_over("ocpp-twin/garage/1/set/plugged")
    assert of().is_left_over("ocpp-twin/bridge/other/request/reload")
    assert not of().is_left_over("ocpp-twin/bridge/main/request/reload")
    assert not of().is_left_over("ocpp-twin/bridge/main/request")


def test_our_own_filters_are_never_given_up():
    subscriptions = of("own")
    found = subscriptions.to_unsubscribe("ocpp-twin/elsewhere/1/set/plugged")
    assert "ocpp-twin/+/+/set/#" in found
    assert not set(found) & set(subscriptions.filters())
    assert subscriptions.to_unsubscribe("ocpp-twin/elsewhere/1/set/plugged") == []
    assert not set(of().to_unsubscribe("ocpp-twin/bridge/old/request/x")) & set(of().filters())


def test_inputs_are_subscribed_to_and_not_left_over():
    subscriptions = Subscriptions(MqttOptions(), lambda: (), ["shellies/+/emeter/#"])
    assert subscriptions.filters()[-1] == "shellies/+/emeter/#"
    assert not subscriptions.is_left_over("shellies/em/emeter/0/power")
    assert subscriptions.is_left_over("shellies/em/relay/0")


def test_the_filter_of_an_input_that_is_gone_is_given_up():
    subscriptions = Subscriptions(MqttOptions(), lambda: (), ["zigbee2mqtt/+"])
    found = subscriptions.to_unsubscribe("zigbee2mqtt/garage/plug")
    assert {"zigbee2mqtt/#", "zigbee2mqtt/garage/plug", "+/garage/+", "zigbee2mqtt/+/plug", "#"} <= set(found)
    assert len(found) == len(set(found)) == 15
    assert subscriptions.to_unsubscribe("zigbee2mqtt/garage/plug") == []
    assert "zigbee2mqtt/+" not in subscriptions.to_unsubscribe("zigbee2mqtt/shed")
    assert len(subscriptions.to_unsubscribe("/".join("abcdefghijkl"))) < 100
