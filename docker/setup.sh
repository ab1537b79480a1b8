#!/bin/sh
# The passwords of compose.yaml. Runs in the broker's image, once at each start: makes what is missing, keeps what is
# there, and gives each service the one file that it needs, readable by that service alone.
#
#   setup.sh               make and hand out
#   setup.sh show [NAME]   print all passwords, or one of them
#   setup.sh set NAME      take a password from standard input, or make a new one if nothing comes; then hand out
set -eu
umask 077

root=${SETUP_ROOT-} # a folder in front of the paths below, to try this elsewhere
vault=$root/vault   # every password in a file of its own; only this script sees them all
broker_users="ocpp-twin operator homeassistant watcher garage demo-csms healthcheck"
names="$broker_users grafana node-red"

give_up() {
  echo "setup: $*" >&2
  exit 1
}

random() { # 128 bits, in signs that mean nothing to YAML, JSON, URLs or shells
  head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n'
}

known() {
  case " $names " in *" $1 "*) ;; *) give_up "there is no password called $1; there are: $names" ;; esac
}

make_missing() {
  for name in $names; do
    [ -s "$vault/$name" ] || put "$name" "$(random)"
  done
}

put() { # NAME PASSWORD: all of it or nothing, whenever the power goes
  printf '%s\n' "$2" >"$vault/.new"
  mv -f "$vault/.new" "$vault/$1"
}

hand() { # FROM SERVICE UID FILE: a copy that only this user can read
  folder=$root/secrets/$2
  cp "$1" "$folder/.new"
  chmod 0400 "$folder/.new"
  if [ "$(id -u)" = 0 ]; then chown "$3" "$folder/.new" "$folder"; fi
  chmod 0700 "$folder"
  mv -f "$folder/.new" "$folder/$4"
}

hand_out() {
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  for user in $broker_users; do
    printf '%s:%s\n' "$user" "$(cat "$vault/$user")"
  done >"$scratch/passwords"
  mosquitto_passwd -U "$scratch/passwords" # hashes them in place: no password stands on a command line
  printf -- '-u healthcheck\n-P %s\n' "$(cat "$vault/healthcheck")" >"$scratch/mosquitto_sub"

  hand "$root/mosquitto.acl" mosquitto 1883 acl
  hand "$scratch/passwords" mosquitto 1883 passwords
  hand "$scratch/mosquitto_sub" mosquitto 1883 mosquitto_sub
  hand "$vault/ocpp-twin" ocpp-twin 10001 mqtt-password
  hand "$vault/demo-csms" csms 10001 mqtt-password
  hand "$vault/operator" node-red 1000 mqtt-password
  hand "$vault/node-red" node-red 1000 editor-password
  hand "$vault/homeassistant" home-assistant 0 mqtt-password
  hand "$vault/grafana" grafana 472 admin-password
}

show() {
  if [ $# -gt 0 ]; then
    known "$1"
    cat "$vault/$1"
    return
  fi
  for name in $names; do printf '%-14s %s\n' "$name" "$(cat "$vault/$name")"; done
}

[ -d "$vault" ] || give_up "there is no folder $vault; this script is for the service setup of compose.yaml"
chmod 0700 "$vault"
case ${1-make} in
make)
  make_missing
  hand_out
  cat <<'TEXT'
The passwords are there. To see them: docker compose --file docker/compose.yaml run --rm setup show
As soon as the services are healthy:
  http://127.0.0.1:1880             Node-RED; user admin, password of the line `node-red`
  http://127.0.0.1:1880/dashboard   Node-RED's dashboard of the charge point garage
  http://127.0.0.1:8123             Home Assistant, which asks you to make a user
  http://127.0.0.1:3000             Grafana; to change things log in as admin, password of the line `grafana`
  http://127.0.0.1:9090             Prometheus
  http://127.0.0.1:9580/metrics     the daemon's metrics
  mqtt://127.0.0.1:1883             the broker; user operator, password of the line `operator`
TEXT
  ;;
show)
  shift
  make_missing
  show "$@"
  ;;
set)
  [ $# = 2 ] || give_up "usage: setup set NAME, with the password on standard input"
  known "$2"
  make_missing
  given=$(head -n 1 | tr -d '\r\n')
  case $given in *[!A-Za-z0-9_.,@%+=/-]*) give_up "only letters, digits and _.,@%+=/- are taken in a password" ;; esac
  put "$2" "${given:-$(random)}"
  hand_out
  echo "The password $2 is set. Restart what uses it: docker compose --file docker/compose.yaml restart"
  ;;
*) give_up "usage: setup [show [NAME] | set NAME]" ;;
esac
