#!/usr/bin/env bash
# All suites, one after the other; each runs even when an earlier one failed. The last line counts the tests of all of them.
# Suites that start servers, browsers or the whole demo run one file at a time: on two cores they would wait for each other.
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
echo '== pytest'
(cd science && NUMBA_CACHE_DIR="$PWD/.numba_cache" .venv/bin/python -m pytest --junit-xml="$results/pytest.xml") || status=1
jest slow 1
jest server 1

node ops/setup/count-tests.ts "$status" "$results/pytest.xml" "$results"/{fast,slow,server}.json
