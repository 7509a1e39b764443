#!/usr/bin/env bash
# tools/optimized.sh [pytest options]: the quick suite under `python -O`: nothing may rest on an assert of ours.
# Those of the tests are still there: pytest makes them into other statements.
set -euo pipefail
cd "$(dirname "$0")/.."
.venv/bin/python -O -m pytest -q -p no:cacheprovider -W "ignore:assertions not in test modules:pytest.PytestConfigWarning" "$@"
