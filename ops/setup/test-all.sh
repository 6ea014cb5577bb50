#!/usr/bin/env bash
# All suites; each runs even when an earlier one failed. The last line counts the tests of all of them.
# Suites that start browsers or the whole demo have the machine to themselves. Those that talk to a Temporal server wait most of
# their time, and the science tests run beside them.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export PATH="$PWD/node_modules/.bin:$PATH"
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
status=0

jest() {
  local project=$1 workers=$2
  echo "== jest $project"
  node --experimental-vm-modules --disable-warning=ExperimentalWarning node_modules/jest/bin/jest.js \
    --selectProjects "$project" --maxWorkers="$workers" --json --outputFile="$results/$project.json" || status=1
}

echo '== checks'
ops/setup/check.sh || status=1
jest fast 2
jest slow 1
(cd science && NUMBA_CACHE_DIR="$PWD/.numba_cache" .venv/bin/python -m pytest --junit-xml="$results/pytest.xml") >"$results/pytest.out" 2>&1 &
science=$!
jest server 1
wait "$science" || status=1
echo '== pytest'
cat "$results/pytest.out"

node ops/setup/count-tests.ts "$status" "$results/pytest.xml" "$results"/{fast,slow,server}.json
