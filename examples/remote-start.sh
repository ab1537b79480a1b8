#!/bin/sh
# Play Central System at the demo (`make demo`): have it start a transaction at a twin, and later reset the twin.
# PORT is what the demo printed behind MQTT.
#   PORT=1883 examples/remote-start.sh [IDENTITY]
set -eu
identity=${1:-garage}

say() { mosquitto_pub -h "${BROKER:-localhost}" -p "${PORT:-1883}" -q 1 -t "$1" -m "$2"; }
call() { say "demo-csms/$identity/call" "{\"action\": \"$1\", \"payload\": $2, \"request_id\": \"$1\"}"; }

say "ocpp-twin/$identity/1/set/plugged" ON
call RemoteStartTransaction '{"connectorId": 1, "idTag": "04A2B3C4"}'
sleep 20
call TriggerMessage '{"requestedMessage": "MeterValues", "connectorId": 1}'
call Reset '{"type": "Soft"}'
