"""WebSocket connections to Central Systems; knows no OCPP."""
