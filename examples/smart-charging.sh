#!/bin/sh
# Smart charging at the demo (`make demo`): a car charges, the Central System limits it, and lets go again. What the EVSE
# may draw, and why, stands on MQTT:   mosquitto_sub -p 1883 -v -t ocpp-twin/garage/1/limit
# PORT is what the demo printed behind MQTT.
#   PORT=1883 examples/smart-charging.sh [IDENTITY]
set -eu
identity=${1:-garage}

say() { mosquitto_pub -h "${BROKER:-localhost}" -p "${PORT:-1883}" -q 1 -t "$1" -m "$2"; }
call() { say "demo-csms/$identity/call" "{\"action\": \"$1\", \"payload\": $2, \"request_id\": \"$1\"}"; }
profile() { # connectorId, id, purpose, kind, unit, periods
  call SetChargingProfile "{\"connectorId\": $1, \"csChargingProfiles\": {\"chargingProfileId\": $2, \"stackLevel\": 0,
    \"chargingProfilePurpose\": \"$3\", \"chargingProfileKind\": \"$4\",
    \"chargingSchedule\": {\"chargingRateUnit\": \"$5\", \"chargingSchedulePeriod\": [$6]}}}"
}

say "ocpp-twin/$identity/1/set/plugged" ON
say "ocpp-twin/$identity/1/cmd/swipe" 04A2B3C4
sleep 10
# Every transaction: 10 A in its first half minute, then 6 A.
profile 1 1 TxDefaultProfile Relative A '{"startPeriod": 0, "limit": 10}, {"startPeriod": 30, "limit": 6}'
sleep 10
# The whole station: 3 kW, whatever the transaction's profile says. Nothing below 6 A a phase can be offered: it pauses.
profile 0 2 ChargePointMaxProfile Relative W '{"startPeriod": 0, "limit": 3000}'
call GetCompositeSchedule '{"connectorId": 1, "duration": 300, "chargingRateUnit": "A"}'
sleep 10
call ClearChargingProfile '{"id": 2}'
sleep 10
call ClearChargingProfile '{}'
