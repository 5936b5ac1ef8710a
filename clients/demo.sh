#!/bin/bash
# What ./dev demo runs once everything is built: the main job on one catalogue,
# with the programs and the flags that one would use oneself.
#
# The catalogue is only read. The demo works on a copy of it under build/demo
# (of hard links, where the file system has them), because it drops a picture in.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bin=build/bin

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
run() { printf '\033[2m$ %s\033[0m\n' "$*"; "$@"; }
die() { printf 'demo: %s\n' "$*" >&2; exit 1; }

# Seconds since the epoch, to the microsecond, and the seconds since then.
now() { echo "$EPOCHREALTIME"; }
since() { awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN {printf "%.2f", b - a}'; }

steps=()
step() { steps+=("$(printf '%-52s %8s s' "$1" "$2")"); }

# Whatever was started is stopped, by its own process id, however the demo ends.
server='' indexer=''
stop() {
  local pid=$1
  kill "$pid" 2>/dev/null || true
  wait "$pid"
}
trap '[[ -z $server ]] || stop "$server" || true; [[ -z $indexer ]] || stop "$indexer" || true' EXIT
trap 'exit 130' INT TERM

# wait_for WHAT PID LOG SECONDS COMMAND… — until the command succeeds.
wait_for() {
  local what=$1 pid=$2 log=$3 end=$((SECONDS + $4))
  shift 4
  until "$@"; do
    kill -0 "$pid" 2>/dev/null || { cat "$log" >&2; die "$what ended"; }
    ((SECONDS < end)) || { tail -20 "$log" >&2; die "$what was not there in time"; }
    sleep 0.02
  done
}

# ---- The catalogue, and a picture of it to come later

began=$(now)
if (($#)); then
  [[ -d $1 ]] || die "'$1' is no folder; give the folder that holds your product photos"
  original=$(cd "$1" && pwd)
  demo=build/demo/$(basename "$original")-$(cksum <<<"$original" | cut -d' ' -f1)
  mkdir -p "$demo"
else
  demo=build/demo/sample
  original=$demo/original
  if [[ ! -f $original/styles.csv ]]; then
    say "A catalogue of drawn garments"
    mkdir -p "$demo"
    start=$(now)
    run $bin/vitrine sample --out="$original.part" --products=300 --seed=7
    mv "$original.part" "$original"
    step "draw the sample catalogue" "$(since "$start")"
  fi
fi
catalogue=$demo/catalogue index=$demo/index sheets=$demo/sheets

say "The catalogue $original"
start=$(now)
rm -rf "$catalogue"
mkdir -p "$sheets"
# A hard link is another name for the same bytes: it takes no room and no time.
if ! cp -al "$original" "$catalogue" 2>/dev/null; then
  rm -rf "$catalogue"
  cp -a --reflink=auto "$original" "$catalogue"
fi
find "$catalogue" -type d -exec chmod u+rwx {} +
mapfile -t photos < <(cd "$catalogue" && find . -type f ! -path '*/.*/*' ! -name '.*' \
  ! -path '*/__MACOSX/*' \( -iname '*.jpg' -o -iname '*.jpeg' -o -iname '*.png' -o -iname '*.webp' \) \
  -printf '%P\n' | grep -E '^[A-Za-z0-9 ._/-]+$' | sort)
((${#photos[@]} >= 2)) || die "'$original' holds ${#photos[@]} JPEG, PNG or WebP pictures; at least 2 are needed"

# The late picture: one that no other has the bytes of.
has_a_twin() {
  local twin
  while read -r -d '' twin; do
    [[ $twin -ef $catalogue/$1 ]] || ! cmp -s "$twin" "$catalogue/$1" || return 0
  done < <(find "$catalogue" -type f -size "$(stat -c %s "$catalogue/$1")c" -print0)
  return 1
}
at=$((${#photos[@]} * 2 / 3))
for ((tries = 0; tries < 20; tries++)); do
  has_a_twin "${photos[at]}" || break
  at=$(((at + 1) % ${#photos[@]}))
done
late=${photos[at]}
unset "photos[at]"
photos=("${photos[@]}")
# That of an earlier demo may be another name of the same bytes, which mv refuses.
rm -f "$demo"/late.*
mv "$catalogue/$late" "$demo/late.${late##*.}"
late_photo=$demo/late.${late##*.}
step "lay out the working copy" "$(since "$start")"
# 1 is for problems that it has named: at least the row of the late picture.
run $bin/vitrine check "$catalogue" || (($? == 1))
echo "Held back, to be dropped in later: $late"

# ---- Index, serve, ask

say "Index it"
start=$(now)
run $bin/vitrine-indexer --catalog="$catalogue" --index="$index" --once
step "index ${#photos[@]} pictures (only what is new or changed)" "$(since "$start")"

say "Serve it"
echo "\$ $bin/vitrine-server --index=$index --listen=127.0.0.1:0"
start=$(now)
$bin/vitrine-server --index="$index" --listen=127.0.0.1:0 >"$demo/server.log" 2>&1 &
server=$!
answers() {
  address=$(grep -oE 'listening on [^ ]+' "$demo/server.log") || return 1
  address=${address##* }
  $bin/vitrine describe --server="$address" >"$demo/describe.txt" 2>&1
}
wait_for "the server" "$server" "$demo/server.log" 60 answers
step "start the server" "$(since "$start")"
cat "$demo/describe.txt"

say "Ask it, as a backend service would"
for i in 1 2 3; do
  photo=$catalogue/${photos[$((${#photos[@]} * i / 4))]}
  start=$(now)
  run $bin/vitrine search --server="$address" --image="$photo" --k=6 --sheet="$sheets/search-$i.png"
  step "search with a picture, and draw its sheet ($i of 3)" "$(since "$start")"
done
photo=$catalogue/${photos[$((${#photos[@]} / 4))]}
start=$(now)
run $bin/vitrine recommend --server="$address" --image="$photo" --k=4 --sheet="$sheets/recommend.png"
step "recommend for a picture, and draw its sheet" "$(since "$start")"
start=$(now)
$bin/vitrine search --server="$address" --image="$catalogue" --k=1 --format=json >"$demo/itself.jsonl"
asked=$(wc -l <"$demo/itself.jsonl")
found=$(grep -c '"same_content":true' "$demo/itself.jsonl" || true)
echo "Each of the $asked pictures as a query: $found find themselves first."
step "search with each of $asked pictures" "$(since "$start")"

# ---- A new photo arrives

say "Drop a new photo in"
echo "\$ $bin/vitrine-indexer --catalog=$catalogue --index=$index"
$bin/vitrine-indexer --catalog="$catalogue" --index="$index" >"$demo/indexer.log" 2>&1 &
indexer=$!
start=$(now)
wait_for "the indexer's watch" "$indexer" "$demo/indexer.log" 120 grep -qsi watching "$demo/indexer.log"
step "start the indexer, which watches" "$(since "$start")"

first_is() {
  local answer
  answer=$($bin/vitrine search --server="$address" --image="$late_photo" --k=1 --format=json) || return 1
  [[ $(grep -o '"image":"[^"]*"' <<<"$answer" | head -1) == "\"image\":\"$1\"" ]]
}
! first_is "$late" || die "$late is found before it was dropped"
cp "$late_photo" "$demo/arriving"
start=$(now)
run mv "$demo/arriving" "$catalogue/$late"
wait_for "the dropped photo" "$server" "$demo/indexer.log" 60 first_is "$late"
found_after=$(since "$start")
step "from the drop of a photo to its being found" "$found_after"
echo "Found after $found_after s."
run $bin/vitrine search --server="$address" --image="$late_photo" --k=6 --sheet="$sheets/dropped.png"

# ---- The end

start=$(now)
stop "$indexer" || die "the indexer ended with status $?; see $demo/indexer.log"
indexer=''
stop "$server" || die "the server ended with status $?; see $demo/server.log"
server=''
step "stop both" "$(since "$start")"

say "How long each step took"
printf '%s\n' "${steps[@]}"
printf '%-52s %8s s\n' "in all" "$(since "$began")"
say "Contact sheets"
ls "$sheets"/*.png
say "See it in the browser"
echo "\$ $bin/vitrine-server --index=$index &"
echo "\$ $bin/vitrine-gallery          # then open http://127.0.0.1:8080/"
