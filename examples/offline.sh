#!/bin/sh
# A transaction without the Central System: the uplink is cut, a known card charges by the offline rules, the uplink
# comes back, and everything arrives with the times at which it happened.
#   examples/offline.sh [TWIN [EVSE [CARD]]]
set -eu
twin=${1:-garage} evse=${2:-1} card=${3:-04A2B3C4}

say() { mosquitto_pub -h "${BROKER:-localhost}" -p "${PORT:-1883}" -q 1 -t "ocpp-twin/$twin/$1" -m "$2"; }

# The first visit is online: the twin learns from the Central System that the card is good (authorization cache).
say "$evse/set/plugged" ON
say "$evse/cmd/swipe" "$card"
sleep 5
say "$evse/cmd/swipe" "$card"
say "$evse/set/plugged" OFF

say set/network OFF
say "$evse/set/plugged" ON
say "$evse/cmd/swipe" "$card"
sleep 20
say "$evse/cmd/swipe" "$card"
say "$evse/set/plugged" OFF
say set/network ON
