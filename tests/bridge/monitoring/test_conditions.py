from bridge.monitoring.conditions import Conditions


class Daemon:
    lost = False
    connected = True


def test_a_lost_store_is_the_only_disease():
    daemon = Daemon()
    daemon.connected = False
    conditions = Conditions(store_lost=lambda: daemon.lost, broker_connected=lambda: daemon.connected)
    assert conditions.unhealthy() == []
    daemon.lost = True
    (reason,) = conditions.unhealthy()
    assert reason.startswith("the store: ")


def test_what_is_missing():
    daemon = Daemon()
    conditions = Conditions(store_lost=lambda: False, broker_connected=lambda: daemon.connected)
    assert conditions.missing() == ["the twins: they are being loaded"]
    conditions.loaded = True
    assert conditions.missing() == []
    daemon.connected = False
    (broker,) = conditions.missing()
    assert broker.startswith("the broker: not connected")
    conditions.stopping = True
    assert conditions.missing() == ["the daemon: it is ending"]
