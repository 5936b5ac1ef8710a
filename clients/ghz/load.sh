#!/bin/bash
# What ./dev load runs once everything is built: ghz against a server, once for each
# configuration beside this file, and a table and a plot of what it has measured.
# All it writes is in build/load, and ghz in build/load-env where it installs it.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
bin=build/bin load=build/load env=build/load-env
ghz_version=v0.117.0  # The newest that Go 1.19, Debian 12's, compiles.

usage() {
  cat <<'END_OF_USAGE'
./dev load [OPTIONS] [NAME…] [-- GHZ_ARGS…]

Asks a server as much as it can answer, by ghz, with each configuration NAME of
clients/ghz (default: all), and prints requests, errors, requests a second and
percentiles of the latency in milliseconds. In build/load are then table.txt,
table.json, latencies.png, and ghz's own reports in reports/.

  vectors    Search by a vector          products   Search by a product's id
  images     Search by a picture         recommend  Recommend by a product's id
  stream     SearchStream: a request is a stream of 8 batches of 16 vectors

  --server=HOST:PORT  a server that runs; what it is asked comes from its index
                      (default: starts one on an index of drawn garments)
  --pictures=FOLDER   the photos that `images` sends (default: the drawn ones, or the
                      thumbnails of the index of --server)
  --duration=TIME     how long each configuration asks, such as 30s or 2m (10s)
  --concurrency=N     requests at once (8; of `stream` 2)
  --quick             2 s each
  --json              print one JSON object a line: name, requests, errors, rate,
                      p50, p95, p99

What follows -- is given to ghz, such as --rps=100, or for a server with TLS
--no-insecure --cacert=ca.pem. Exit status: 0 done, 1 a request failed, 2 the
command line is wrong, 3 there is no ghz.
END_OF_USAGE
}

say() { printf '\033[1m== %s\033[0m\n' "$*" >&2; }
die() { printf 'load: %s\n' "$*" >&2; exit 1; }
wrong() { printf 'load: %s\n' "$*" >&2; exit 2; }

names=() extra=() format=() server='' pictures='' duration='' concurrency=''
all=()
for config in clients/ghz/*.json; do
  config=${config##*/}
  all+=("${config%.json}")
done
while (($#)); do
  case $1 in
    --help | -h) usage; exit 0 ;;
    --json) format=(--json) ;;
    --quick) duration=${duration:-2s} ;;
    --server=?*) server=${1#*=} ;;
    --pictures=?*)
      pictures=${1#*=}
      [[ -d $pictures ]] || wrong "--pictures='$pictures' is no folder; give one that holds photos"
      ;;
    --duration=*)
      duration=${1#*=}
      [[ $duration =~ ^[1-9][0-9]*[smh]$ ]] ||
        wrong "--duration='$duration' is no time; give a number and its unit, such as 30s or 2m"
      ;;
    --concurrency=*)
      concurrency=${1#*=}
      [[ $concurrency =~ ^[1-9][0-9]{0,3}$ ]] ||
        wrong "--concurrency='$concurrency' is out of range; give 1 to 9999"
      ;;
    --) shift; extra=("$@"); break ;;
    --server | --server= | --pictures | --pictures= | --duration | --concurrency)
      wrong "'$1' needs a value, after '=': './dev load --help' shows each" ;;
    -*) wrong "there is no option '$1'; './dev load --help' lists them, and options of ghz follow '--'" ;;
    *)
      [[ " ${all[*]} " == *" $1 "* ]] || wrong "there is no configuration '$1'; there are: ${all[*]}"
      names+=("$1")
      ;;
  esac
  shift
done
((${#names[@]})) || names=("${all[@]}")

# Whatever was started is stopped, by its own process id, however this ends.
started='' job=''
stop() {
  local pid=$1
  kill "$pid" 2>/dev/null || true
  wait "$pid"
}
trap '[[ -z $job ]] || stop "$job" || true; [[ -z $started ]] || stop "$started" || true' EXIT
trap 'exit 130' INT TERM

# run COMMAND… — so that a signal need not wait for it to end.
run() {
  local status=0
  "$@" &
  job=$!
  wait "$job" || status=$?
  job=''
  return "$status"
}

# Sets `ghz`: that on PATH, or ours, which is compiled where it is not there yet.
find_ghz() {
  local go
  ghz=$(command -v ghz || true)
  [[ -z $ghz ]] || return 0
  ghz=$env/ghz
  [[ ! -x $ghz || "$(cat $env/version 2>/dev/null || true)" != "$ghz_version" ]] || return 0
  go=$(command -v go || command -v /usr/local/go/bin/go || true)
  if [[ -z $go ]]; then
    cat >&2 <<END_OF_ADVICE
load: there is no ghz, and no Go to compile it with. Either put ghz on PATH, from
  https://github.com/bojand/ghz/releases, or run: apt-get install golang-go
END_OF_ADVICE
    exit 3
  fi
  say "installing ghz $ghz_version with $go, into $env"
  mkdir -p "$env"
  if ! run env GOBIN="$PWD/$env" "$go" install "github.com/bojand/ghz/cmd/ghz@$ghz_version" >&2; then
    cat >&2 <<END_OF_ADVICE
load: ghz $ghz_version was not installed: what $("$go" version) said stands above. It takes Go 1.18
  or newer and a Go module proxy (GOPROXY). Or put ghz on PATH, from
  https://github.com/bojand/ghz/releases
END_OF_ADVICE
    exit 3
  fi
  echo "$ghz_version" >$env/version
}

# Sets `server`: one of our own, on an index of drawn garments.
start_server() {
  local sample=$load/sample log=$load/server.log end=$((SECONDS + 60))
  if [[ ! -f $sample/styles.csv ]]; then
    say "drawing a sample catalogue"
    rm -rf "$sample.part"
    run $bin/vitrine sample --out="$sample.part" --products=300 --seed=7 >&2
    mv "$sample.part" "$sample"
  fi
  pictures=${pictures:-$sample}
  say "indexing what is new of it"
  run $bin/vitrine-indexer --catalog="$sample" --index="$load/index" --once >&2
  $bin/vitrine-server --index="$load/index" --listen=127.0.0.1:0 >"$log" 2>&1 &
  started=$!
  until server=$(grep -oE 'listening on [^ ]+' "$log") && server=${server##* } &&
    $bin/vitrine describe --server="$server" >"$load/describe.txt" 2>&1; do
    kill -0 "$started" 2>/dev/null || { cat "$log" >&2; die "the server ended"; }
    ((SECONDS < end)) || { tail -20 "$log" >&2; die "the server was not there in time"; }
    sleep 0.05
  done
}

find_ghz
mkdir -p $load/reports
[[ -n $server ]] || start_server
say "writing what $server will be asked"
run /usr/bin/python3 clients/ghz/write_data.py --vitrine=$bin/vitrine --server="$server" \
  --out=$load/data ${pictures:+"--pictures=$pictures"} "${names[@]}"

reports=()
for name in "${names[@]}"; do
  say "$name"
  report=$load/reports/$name.json
  run "$ghz" --config="clients/ghz/$name.json" --format=json --output="$report" \
    ${duration:+"--duration=$duration"} ${concurrency:+"--concurrency=$concurrency"} \
    "${extra[@]}" "$server" >&2 || die "ghz could not ask '$name' of $server"
  reports+=("$report")
done
say "the table, the plot and ghz's reports are in $load"
/usr/bin/python3 clients/ghz/write_table.py "${format[@]}" --out=$load "${reports[@]}"
