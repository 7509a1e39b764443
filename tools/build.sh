#!/usr/bin/env bash
# sdist and wheel into dist/; the wheel is then installed into an environment of its own and looked at.
set -euo pipefail
cd "$(dirname "$0")/.."

rm -rf dist build/wheel-check
.venv/bin/python -m build --outdir dist .
.venv/bin/python -m venv build/wheel-check
build/wheel-check/bin/python -m pip install --quiet --disable-pip-version-check dist/*.whl
cd build      # away from src, so that what is imported is what was installed
wheel-check/bin/python ../tools/check_wheel.py
