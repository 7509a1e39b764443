#!/usr/bin/env bash
# tools/test.sh [pytest options]: the quick suite, in one process more than there are cores, since some tests wait; in four at most.
#
# Bytecode goes to build/pycache, also where the environment wants none: a hundred tests start processes, each of which would compile
# all that it imports, and every process of the suite all the tests.
set -euo pipefail
cd "$(dirname "$0")/.."
processes=$(($(getconf _NPROCESSORS_ONLN) + 1))
unset PYTHONDONTWRITEBYTECODE
PYTHONPYCACHEPREFIX=$PWD/build/pycache exec .venv/bin/python -m pytest -q -n $((processes < 4 ? processes : 4)) --dist worksteal "$@"
