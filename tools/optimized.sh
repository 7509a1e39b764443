#!/usr/bin/env bash
# tools/optimized.sh [pytest options]: the quick suite under `python -O`: nothing may rest on an assert of ours.
# Those of the tests are still there: pytest makes them into other statements.  Three processes share the tests, as in tools/test.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
unset PYTHONDONTWRITEBYTECODE
PYTHONPYCACHEPREFIX=$PWD/build/pycache .venv/bin/python -O -m pytest -q -p no:cacheprovider \
  --dist worksteal --tx '3*popen//python=.venv/bin/python -O' \
  -W "ignore:assertions not in test modules:pytest.PytestConfigWarning" "$@"
