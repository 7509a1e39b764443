#!/usr/bin/env bash
# sdist and wheel into dist/, the wheel compiled with a profile (tools/profile.sh; KOLBEN_BUILD=release: without); it is then installed into an environment of its own and looked at.
set -euo pipefail
cd "$(dirname "$0")/.."

rm -rf dist build/wheel-check
if [ -z "${KOLBEN_BUILD:-}" ]; then
  tools/profile.sh
  if [ -d build/profile ]; then export KOLBEN_BUILD=profiled KOLBEN_PROFILE=$PWD/build/profile; fi
fi
# The isolated build takes the Cython that has trained: counts belong to the C of one version.
PIP_CONSTRAINT=constraints/build.txt PIP_BUILD_CONSTRAINT=constraints/build.txt .venv/bin/python -m build --outdir dist .
unset KOLBEN_BUILD
.venv/bin/python -m venv build/wheel-check
build/wheel-check/bin/python -m pip install --quiet --disable-pip-version-check dist/*.whl
cd build      # away from src, so that what is imported is what was installed
wheel-check/bin/python ../tools/check_wheel.py
