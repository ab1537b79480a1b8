#!/bin/sh
# Play the devices of sensors.yaml: a car is plugged in, a card is swiped, the meter runs, the car leaves.
# Needs mosquitto_pub, and ocpp-twin running with that configuration.
#   examples/sensors.sh [CARD [MINUTES]]        BROKER=host examples/sensors.sh 04-A2-B3-C4 5
set -eu
card=${1:-04-A2-B3-C4} minutes=${2:-2}
meter=shellypro3em-ac15186b1b5c wh=659724

say() { mosquitto_pub -h "${BROKER:-localhost}" -p "${PORT:-1883}" -q 1 -t "$1" -m "$2" ${3:+"$3"}; }

measure() { # W, A
    say $meter/status/em:0 "{\"id\":0,\"a_current\":$2,\"a_voltage\":230.1,\"b_current\":$2,\"b_voltage\":231.0,\
\"c_current\":$2,\"c_voltage\":229.8,\"a_freq\":50,\"n_current\":null,\"total_act_power\":$1}"
    say $meter/status/emdata:0 "{\"id\":0,\"total_act\":$wh.4,\"total_act_ret\":0}"
}

measure 0 0
say carport-box/binary_sensor/plug/state ON -r
say carport-reader/tag "$card"
while [ "$minutes" -gt 0 ]; do
    measure 10800 15.6
    sleep 60
    wh=$((wh + 180)) minutes=$((minutes - 1))
done
measure 10800 15.6
say carport-reader/tag "$card"
measure 0 0
say carport-box/binary_sensor/plug/state OFF -r
