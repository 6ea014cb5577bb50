#!/usr/bin/env bash
# Installs all that contimg needs, from package registries only: npm packages (Node 24 among them), the tools environment
# (uv, Temporal CLI), the science environment, WSClean, the built dashboard and compiled kernels; with `--tests` a browser
# and the sqlite3 program too. Writes only inside the checkout, the user's cache and, through apt, the system. Each part
# leaves a stamp of what it was made from, so that a second run only compares stamps and an interrupted one goes on where
# it stopped. A failure names the part, its log and the remedy. Two runs at once wait for each other.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

stamps=.setup/stamps
logs=.setup/logs
mkdir -p "$stamps" "$logs"

say() { printf 'set-up: %s\n' "$*" >&2; }

# Descriptor 9 is the lock; what a part starts does not keep it.
exec 9>.setup/lock
flock -n 9 || { say 'another set-up runs in this checkout; waiting for it'; flock 9; }

# part NAME "REMEDY" FINGERPRINT COMMAND...: runs COMMAND unless the stamp says this very input was installed before.
part() {
  local name=$1 remedy=$2 fingerprint=$3; shift 3
  [[ -f $stamps/$name && $(<"$stamps/$name") == "$fingerprint" ]] && return 0
  rm -f "$stamps/$name"
  say "$name …"
  local started=$SECONDS ticker outcome=0
  (while sleep 20 >/dev/null 2>&1; do say "$name … $((SECONDS - started)) s"; done) 9>&- &
  ticker=$!
  ("$@") >"$logs/$name.log" 2>&1 9>&- || outcome=$?
  kill "$ticker" && wait "$ticker" 2>/dev/null || true
  if ((outcome != 0)); then
    tail -n 15 "$logs/$name.log" >&2
    say "$name FAILED. Log: $logs/$name.log. Remedy: $remedy"
    exit 1
  fi
  printf '%s' "$fingerprint" >"$stamps/$name"
  say "$name done in $((SECONDS - started)) s"
}

# One digest over the contents and names of files and of all files below folders.
digest() { find "$@" -type f -not -path '*/__pycache__/*' -not -path '*/dist/*' -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -c1-16; }

# The step is made again when what it made is gone.
needs() { [[ -e $2 ]] || rm -f "$stamps/$1"; }

as_root() {
  if [[ $EUID == 0 ]]; then "$@"
  elif command -v sudo >/dev/null; then sudo -n "$@"
  else return 1; fi
}

# apt_packages NAME...: those whose program (of the same name) is missing; without the right to install, the one line to run.
apt_packages() {
  local missing=() name
  for name in "$@"; do command -v "$name" >/dev/null || missing+=("$name"); done
  ((${#missing[@]} > 0)) || return 0
  if ! as_root true 2>/dev/null || ! command -v apt-get >/dev/null; then
    say "missing: ${missing[*]}, and I may not install them. Run once: sudo apt-get install -y ${missing[*]}"
    exit 1
  fi
  part system-packages "see whether 'apt-get update' works on this machine" "$EPOCHREALTIME" install_system_packages "${missing[@]}"
}

install_system_packages() {
  as_root apt-get update -qq || return 1
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq -o DPkg::Lock::Timeout=300 --no-install-recommends "$@" || return 1
  local name
  for name in "$@"; do command -v "$name" || return 1; done
}

find_python() {
  local candidate
  for candidate in python3.11 python3.12 python3.13 python3; do
    if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then
      command -v "$candidate"
      return 0
    fi
  done
  say 'no Python 3.11, 3.12 or 3.13 on the PATH. Run once: sudo apt-get install -y python3 python3-venv'
  exit 1
}

# Not `npm ci`: it demands the optional packages of every platform in the lock. `--no-save` leaves the lock as it is. Of all
# install scripts only Node's own runs: the others would compile what their packages bring ready-made, and fetch headers for it.
install_npm() {
  npm install --no-save --ignore-scripts --no-audit --no-fund --no-progress &&
    (cd node_modules/node && node installArchSpecificPackage) &&
    ln -sf ../node/bin/node node_modules/.bin/node && node_modules/.bin/node --version
}

# Debian leaves ensurepip out of Python; the package that brings it back is added when it is missing.
install_tools() {
  "$python" -c 'import ensurepip' || as_root apt-get install -y -qq python3-venv || return 1
  "$python" -m venv --clear .tools && .tools/bin/python -m pip install --quiet --require-hashes -r ops/setup/tools.lock
}

install_science() {
  science/.venv/bin/python --version || .tools/bin/uv venv --quiet --clear --python "$python" science/.venv || return 1
  .tools/bin/uv pip sync --quiet --require-hashes --python science/.venv/bin/python science/requirements.lock
}

build_dashboard() { PATH="$PWD/node_modules/.bin:$PATH" npm run --silent build:dashboard; }

# What is compiled now does not make the first group wait.
compile_kernels() { cd science && NUMBA_CACHE_DIR="$PWD/.numba_cache" .venv/bin/python -m contimg_science.warm_up; }

command -v npm >/dev/null || { say 'npm is missing. Run once: sudo apt-get install -y npm'; exit 1; }
python=$(find_python)

needs npm node_modules/node/bin/node
needs tools .tools/bin/uv
needs science science/.venv/bin/python
needs dashboard dashboard/dist/index.html
needs kernels science/.numba_cache

# npm works beside the Python parts, as a process group of its own: when those fail it is ended, not left behind.
set -m
part npm 'see whether the npm registry can be reached: npm ping' "$(digest package.json package-lock.json)" install_npm &
npm_job=$!
set +m
trap 'kill -- "-$npm_job" 2>/dev/null && wait "$npm_job" || true' EXIT

apt_packages wsclean
[[ ${1-} != --tests ]] || apt_packages chromium sqlite3
part tools 'see whether the Python registry can be reached; python3-venv must be installed' \
  "$PWD $(digest ops/setup/tools.lock)" install_tools
part science 'see whether the Python registry can be reached, and for 4 GB of free disk' \
  "$PWD $(digest science/requirements.lock)" install_science
wait "$npm_job"
trap - EXIT
part dashboard 'see the log: the sources of dashboard/ do not build' "$(digest dashboard src/domain package-lock.json)" build_dashboard
part kernels 'see the log: the science environment is installed but does not run' \
  "$(digest science/contimg_science science/requirements.lock)" compile_kernels
