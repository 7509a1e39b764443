#!/usr/bin/env bash
# tools/test.sh [pytest options]: the quick suite, in as many processes as there are cores, up to four.
#
# Bytecode goes to build/pycache, also where the environment wants none: a hundred tests start processes, each of which would compile
# all that it imports, and every process of the suite all the tests.
set -euo pipefail
cd "$(dirname "$0")/.."
unset PYTHONDONTWRITEBYTECODE
PYTHONPYCACHEPREFIX=$PWD/build/pycache exec .venv/bin/python -m pytest -q -n auto --maxprocesses 4 --dist worksteal "$@"
