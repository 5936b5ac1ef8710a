# shellcheck shell=bash disable=SC2153  # LOGS is from the environment
# What the commands of a page find: daemons run beside them until the page is through,
# then are asked to end and must end well.
set -euo pipefail
shopt -s nullglob

declare -A daemons=() log_of=()
logs=0

stop_daemon() {
  local key=$1 pid=${daemons[$1]} status=0
  unset "daemons[$key]"
  kill "$pid"
  wait "$pid" || status=$?
  ((!status)) || { echo "'$key' ended with $status"; cat "${log_of[$pid]}"; return 1; }
}

# start_daemon KEY WORD PROGRAM ARGS… — in the background, once it has said the word; one
# of the same key gives way to it.
start_daemon() {
  local key=$1 word=$2 log pid end=$((SECONDS + 600))
  shift 2
  [[ -z ${daemons[$key]:-} ]] || stop_daemon "$key"
  log=$LOGS/$((++logs))
  command "$@" >"$log" 2>&1 &
  pid=$!
  daemons[$key]=$pid
  log_of[$pid]=$log
  until grep -qsE "$word" "$log"; do
    kill -0 "$pid" 2>/dev/null || { unset "daemons[$key]"; cat "$log"; return 1; }
    ((SECONDS < end)) || { cat "$log"; echo "'$*' did not say '$word'"; return 1; }
    sleep 0.02
  done
}

# flag NAME ARGS… — the value of --NAME=.
flag() {
  local name=$1 argument
  shift
  for argument; do [[ $argument != --"$name"=* ]] || echo "${argument#*=}"; done
}

vitrine-indexer() {
  if [[ " $* " =~ \ --(once|verify|repair|help)\  ]]; then
    command vitrine-indexer "$@"
  else
    local word=watching
    [[ -z $(flag queue "$@") ]] || word='reading redis'
    start_daemon "indexer $(flag index "$@") $(flag partition "$@")" "$word" vitrine-indexer "$@"
  fi
}

vitrine-server() {
  [[ " $* " != *" --help "* ]] || { command vitrine-server "$@"; return; }
  local listen end=$((SECONDS + 600))
  listen=$(flag listen "$@")
  if [[ -z $listen ]]; then
    listen=$VITRINE_SERVER
    set -- "$@" "--listen=$listen"
  fi
  start_daemon "server ${listen##*:}" 'listening on' vitrine-server "$@"
  # One with a certificate answers those alone who trust it.
  [[ -z $(flag tls-cert "$@") ]] || return 0
  until vitrine describe --server="$listen" >/dev/null 2>&1; do
    ((SECONDS < end)) || { echo "the server has no index"; return 1; }
    sleep 0.02
  done
}

vitrine-gallery() {
  [[ -n $(flag listen "$@") ]] || set -- "$@" "--listen=127.0.0.1:$GALLERY_PORT"
  start_daemon gallery 'http://' vitrine-gallery "$@"
}

redis-cli() { command redis-cli -p "$REDIS_PORT" "$@"; }

# Those that have ended by themselves are found out, too.
end_page() {
  local key
  for key in "${!daemons[@]}"; do stop_daemon "$key"; done
}
trap 'for pid in "${daemons[@]}"; do kill -9 "$pid" 2>/dev/null || true; done' EXIT
