#!/bin/sh
# run_conversion.sh INPUT OUTPUT START END: batch conversion under its old name; all arguments go to `contimg convert`.
set -eu
exec "$(CDPATH= cd -- "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd)/ops/bin/contimg" convert "$@"
