#!/usr/bin/env bash
# All suites; each runs even when an earlier one failed. The last line counts the tests of all of them.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export PATH="$PWD/node_modules/.bin:$PATH"
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
status=0

ops/setup/check.sh || status=1

node --experimental-vm-modules --disable-warning=ExperimentalWarning node_modules/jest/bin/jest.js \
  --json --outputFile="$results/jest.json" --maxWorkers=2 || status=1
(cd science && .venv/bin/python -m pytest --junit-xml="$results/pytest.xml") || status=1

node ops/setup/count-tests.ts "$results/jest.json" "$results/pytest.xml" "$status"
