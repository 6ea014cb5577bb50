#!/usr/bin/env bash
# The tests that need no server, browser or whole pipeline: TypeScript and science side by side, under 30 s on two cores.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export PATH="$PWD/node_modules/.bin:$PATH"
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

(cd science && NUMBA_CACHE_DIR="$PWD/.numba_cache" .venv/bin/python -m pytest -m 'not slow') >"$results/science.out" 2>&1 &
science=$!
status=0
node --experimental-vm-modules --disable-warning=ExperimentalWarning node_modules/jest/bin/jest.js --selectProjects fast --maxWorkers=2 || status=1
wait $science || status=1
cat "$results/science.out"
exit $status
