#!/usr/bin/env bash
# Installs all that contimg needs, from package registries only: npm packages (Node 24 among them), the tools environment
# (uv, Temporal CLI), the science environment, WSClean, and with `--tests` a browser. Writes only inside the checkout, the
# user's cache and, through apt, the system. Each part leaves a stamp of what it was made from, so that a second run only
# compares stamps and an interrupted run goes on where it stopped. A failure names the part, its log and the remedy.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

stamps=.setup/stamps
logs=.setup/logs
mkdir -p "$stamps" "$logs"

say() { printf 'set-up: %s\n' "$*" >&2; }

# part NAME "REMEDY" FINGERPRINT COMMAND...: runs COMMAND unless the stamp says this very input was installed before.
part() {
  local name=$1 remedy=$2 fingerprint=$3; shift 3
  [[ -f $stamps/$name && $(<"$stamps/$name") == "$fingerprint" ]] && return 0
  say "$name …"
  local started=$SECONDS
  if ! "$@" >"$logs/$name.log" 2>&1; then
    tail -n 15 "$logs/$name.log" >&2
    say "$name FAILED. Log: $logs/$name.log. Remedy: $remedy"
    exit 1
  fi
  printf '%s' "$fingerprint" >"$stamps/$name"
  say "$name done in $((SECONDS - started)) s"
}

digest() { cat -- "$@" | sha256sum | cut -c1-16; }

as_root() {
  if [[ $EUID == 0 ]]; then "$@"
  elif command -v sudo >/dev/null; then sudo -n "$@"
  else return 1; fi
}

# apt_package PROGRAM PACKAGE: only when the program is missing; without the right to install, the one line to run.
apt_package() {
  command -v "$1" >/dev/null && return 0
  if ! as_root true 2>/dev/null || ! command -v apt-get >/dev/null; then
    say "$1 is missing and I may not install it. Run once: sudo apt-get install -y $2"
    exit 1
  fi
  part "$2" "see whether 'apt-get update' works on this machine" "$(date +%s)" \
    as_root bash -c "apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $2"
}

find_python() {
  local candidate
  for candidate in python3.13 python3.12 python3.11 python3; do
    if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then
      command -v "$candidate"
      return 0
    fi
  done
  say 'no Python 3.11, 3.12 or 3.13 on the PATH. Run once: sudo apt-get install -y python3 python3-venv'
  exit 1
}

install_npm() { npm install --no-audit --no-fund --no-progress; }

install_tools() {
  "$python" -m venv --clear .tools || { as_root apt-get install -y -qq python3-venv && "$python" -m venv --clear .tools; }
  .tools/bin/python -m pip install --quiet --require-hashes -r ops/setup/tools.lock
}

install_science() {
  [[ -x science/.venv/bin/python ]] || .tools/bin/uv venv --quiet --python "$python" science/.venv
  .tools/bin/uv pip sync --quiet --require-hashes --python science/.venv/bin/python science/requirements.lock
}

command -v npm >/dev/null || { say 'npm is missing. Run once: sudo apt-get install -y npm'; exit 1; }
python=$(find_python)

[[ -d node_modules ]] || rm -f "$stamps/npm"
[[ -x .tools/bin/uv ]] || rm -f "$stamps/tools"
[[ -x science/.venv/bin/python ]] || rm -f "$stamps/science"

part npm 'see whether the npm registry can be reached: npm ping' "$(digest package.json package-lock.json)" install_npm &
npm_job=$!
part tools 'see whether the Python registry can be reached; python3-venv must be installed' "$(digest ops/setup/tools.lock)" install_tools
part science 'see whether the Python registry can be reached, and for 4 GB of free disk' "$(digest science/requirements.lock)" install_science
apt_package wsclean wsclean
[[ ${1-} != --tests ]] || apt_package chromium chromium
wait $npm_job
