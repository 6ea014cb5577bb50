#!/usr/bin/env bash
# Static checks of the whole tree, side by side; prints only what is wrong. Exit 1 when anything is. The slowest, pyright, is
# left out when nothing it reads has changed since it passed.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export PATH="$PWD/node_modules/.bin:$PATH"
if [[ ! -x node_modules/.bin/tsc || ! -x science/.venv/bin/ruff ]]; then
  echo 'check: tools are missing; run: make setup-tests' >&2
  exit 1
fi

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

run() {
  local name=$1; shift
  if "$@" >"$results/$name.out" 2>&1; then touch "$results/$name.ok"; fi
}

check_python_types() {
  local passed=.setup/pyright-passed read
  read=$(find science/contimg_science science/pyproject.toml science/requirements.lock -type f -not -path '*/__pycache__/*' -print0 |
    sort -z | xargs -0 sha256sum | sha256sum)
  [[ -f $passed && $(<"$passed") == "$read" ]] && return 0
  (cd science && .venv/bin/pyright contimg_science) && mkdir -p .setup && printf '%s' "$read" >"$passed"
}

# pyright has one thread and takes longest: the others, which have many, stand back for it.
run pyright check_python_types &
renice -n 10 $BASHPID >/dev/null
run types tsc -p . &
run dashboard-types tsc -p dashboard &
run lint oxlint --type-aware --deny-warnings &
run format biome format . &
run dead-exports knip --no-progress &
run ruff bash -c 'cd science && .venv/bin/ruff check . && .venv/bin/ruff format --check .' &
wait

failed=0
for name in types dashboard-types lint format dead-exports ruff pyright; do
  if [[ -e $results/$name.ok ]]; then
    echo "ok   $name"
  else
    failed=1
    echo "FAIL $name"
    tail -n 60 "$results/$name.out"
  fi
done
exit $failed
