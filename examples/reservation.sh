#!/bin/sh
# Reservation at the demo (`make demo`): an EVSE is kept for a card, another card is turned away, the right one charges.
# PORT is what the demo printed behind MQTT.
#   PORT=1883 examples/reservation.sh [IDENTITY]
set -eu
identity=${1:-garage}

say() { mosquitto_pub -h "${BROKER:-localhost}" -p "${PORT:-1883}" -q 1 -t "$1" -m "$2"; }
call() { say "demo-csms/$identity/call" "{\"action\": \"$1\", \"payload\": $2, \"request_id\": \"$1\"}"; }
reserve() { # reservationId
  call ReserveNow "{\"connectorId\": 1, \"reservationId\": $1, \"idTag\": \"CAFE0001\", \"expiryDate\": \"2037-01-01T00:00:00Z\"}"
}

reserve 1
sleep 2
say "ocpp-twin/$identity/1/cmd/swipe" 04A2B3C4      # event authorization_failed: it is not for this card
say "ocpp-twin/$identity/1/cmd/swipe" CAFE0001
say "ocpp-twin/$identity/1/set/plugged" ON          # StartTransaction carries the reservationId, and the reservation ends
sleep 10
say "ocpp-twin/$identity/1/cmd/swipe" CAFE0001
say "ocpp-twin/$identity/1/set/plugged" OFF
sleep 2
reserve 2
sleep 5
call CancelReservation '{"reservationId": 2}'
