#!/bin/sh
# Firmware and diagnostics at the demo (`make demo`), which serves images and takes logs: an update that works, the box's
# log, an update that fails. FILES is the address that the demo printed, PORT the port behind MQTT.
#   PORT=1883 FILES=http://127.0.0.1:9080 examples/firmware.sh [IDENTITY]
set -eu
identity=${1:-garage} files=${FILES:-http://127.0.0.1:9080}

say() { mosquitto_pub -h "${BROKER:-localhost}" -p "${PORT:-1883}" -q 1 -t "$1" -m "$2"; }
call() { say "demo-csms/$identity/call" "{\"action\": \"$1\", \"payload\": $2, \"request_id\": \"$1\"}"; }
update() { # name of the image
  call UpdateFirmware "{\"location\": \"$files/firmware/$1\", \"retrieveDate\": \"$(date -u +%Y-%m-%dT%H:%M:%SZ)\"}"
}

# Downloading, Downloaded, Installing, a reboot, Installed: then firmware_version is 2.0.0.
update fw-2.0.0.bin
sleep 30
# The log arrives at $files/logs/ under the name that the answer on demo-csms/<identity>/result tells.
call GetDiagnostics "{\"location\": \"$files/logs\"}"
sleep 5
say "ocpp-twin/$identity/set/firmware_outcome" installation_failed
update fw-3.0.0.bin
sleep 30
say "ocpp-twin/$identity/set/firmware_outcome" ok
