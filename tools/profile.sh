#!/usr/bin/env bash
# tools/profile.sh [PYTHON]: counts, while tools/training.py drives a server, how often each branch of the native modules is taken.
# The counts go to build/profile; `KOLBEN_BUILD=profiled` compiles with them, and that is what a wheel is.
# Needs GCC (another compiler: no counts, and a wheel is then a plain release build), and what Kolben and its build need in PYTHON's environment.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:-.venv/bin/python}
compiler=${CC:-cc}

rm -rf build/profile build/training build/cython/release     # C of another Cython, or of other settings, has other lines
if ! "$compiler" --version 2>/dev/null | grep -q 'Free Software Foundation'; then
  echo "profile: $compiler is not GCC: the wheel will be a plain release build" >&2
  exit 0
fi
# GCC knows a function by the name of its object file, too: this build and the one that uses its counts put theirs into build/temp.*
rm -rf build/temp.*
KOLBEN_BUILD=training "$python" setup.py --quiet build --build-lib build/training/lib
PYTHONPATH=$PWD/build/training/lib "$python" tools/training.py

mkdir -p build/profile
find build/temp.* -name '*.gcda' | while read -r counts; do
  name=${counts##*/src/}                                  # kolben/wire/_head.gcda
  cp "$counts" "build/profile/${name//\//.}"
done
rm -rf build/temp.* build/training
echo "profile: counts of $(find build/profile -name '*.gcda' | wc -l) native modules"
