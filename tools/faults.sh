#!/usr/bin/env bash
# tools/faults.sh [options of tests/faults/drive.py]: every call of a list fails, one after the other, while requests are served.
# Linux with glibc; many minutes.  `--share=6` takes one.
set -euo pipefail
cd "$(dirname "$0")/.."
shim=build/faults/shim.so

mkdir -p build/faults
"${CC:-cc}" -shared -fPIC -O2 -Wall -o "$shim" tests/faults/shim.c -ldl
LD_PRELOAD=$PWD/$shim PYTHONMALLOC=malloc PYTHONPATH=src .venv/bin/python tests/faults/drive.py --keep-going "$@"
