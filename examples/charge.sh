#!/bin/sh
# Charge at a twin from the shell: plug in, swipe, wait, swipe again, unplug. Needs mosquitto_pub, and ocpp-twin running.
#   examples/charge.sh [TWIN [EVSE [CARD [SECONDS]]]]        BROKER=host examples/charge.sh garage
set -eu
twin=${1:-garage} evse=${2:-1} card=${3:-04A2B3C4} seconds=${4:-60}
root=ocpp-twin/$twin/$evse

say() { mosquitto_pub -h "${BROKER:-localhost}" -p "${PORT:-1883}" -q 1 -t "$1" -m "$2"; }

say "$root/set/plugged" '{"value": "ON", "ev": {"battery_kwh": 58, "soc_pct": 40, "max_a": 16, "phases": 3}}'
say "$root/cmd/swipe" "{\"value\": \"$card\", \"request_id\": \"charge-$$\"}"
sleep "$seconds"
say "$root/cmd/swipe" "$card"
say "$root/set/plugged" OFF
