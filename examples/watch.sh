#!/bin/sh
# Show what happens to a twin, one line for each message: its states, its events and the results of commands.
#   examples/watch.sh [TWIN]
# `ocpp-twin watch` shows all twins on one screen, `ocpp-twin trace TWIN` their OCPP frames.
set -eu
twin=${1:-+}
exec mosquitto_sub -h "${BROKER:-localhost}" -p "${PORT:-1883}" -F '%I  %t  %p' \
  -t "ocpp-twin/$twin/state" -t "ocpp-twin/$twin/+/state" -t "ocpp-twin/$twin/+/session" \
  -t "ocpp-twin/$twin/event" -t "ocpp-twin/$twin/result" -t 'ocpp-twin/bridge/+/error'
