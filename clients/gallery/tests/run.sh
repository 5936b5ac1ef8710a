#!/bin/bash
# The gallery in Debian's Chromium, through playwright-core: what ./dev test runs once all
# is built. Names choose tests: run.sh sliders. Exit status: 0 all passed, 1 not, 3 skipped
# where npm cannot be reached.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
# The last that runs with Debian 12's Node.
out=build/gallery-test version=1.61.1

mkdir -p "$out"
[[ -f $out/package.json ]] || echo '{"private": true}' >"$out/package.json"
installed=$(sed -n 's/^ *"version": "\(.*\)",$/\1/p' $out/node_modules/playwright-core/package.json 2>/dev/null || true)
if [[ $installed != "$version" ]]; then
  echo "installing playwright-core $version with npm, into $out"
  if ! npm install --silent --no-fund --no-audit --prefix "$out" "playwright-core@$version"; then
    echo "skipped: npm could not install playwright-core, through which the browser is driven"
    exit 3
  fi
fi
node clients/gallery/tests/browser_test.mjs "$@"
