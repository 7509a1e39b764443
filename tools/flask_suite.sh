#!/usr/bin/env bash
# tools/flask_suite.sh [pytest options]: runs the tests that Flask ships in its source archive, and those of two of its examples, with
# Kolben in Flask's place.  Twice: with WSGI calls, and with HTTP/1.1 bytes through our own server in the place of the test client's
# calls.  Tests that may fail with good reason stand in tests/conformance/flask_suite_exceptions.txt; the run checks that list.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
cd "$(tools/fetch_flask.sh)"
failed=0

# run FOLDER TRANSPORT [pytest options]
run() {
  local folder=$1 transport=$2
  shift 2
  printf '%s, %s: ' "$folder" "$transport"
  (
    cd "$folder"
    PYTHONPATH="$PWD:$root/tests/conformance" "$root/.venv/bin/python" -m pytest -q -rfE -p kolben.flask.pytest_plugin -p expected_failures \
      -p no:cacheprovider "--kolben-transport=$transport" "$@"
  ) || failed=1
}

for transport in wsgi native; do
  run . "$transport" "--expected-failures=$root/tests/conformance/flask_suite_exceptions.txt" "$@"
  run examples/tutorial "$transport"
  run examples/javascript "$transport"
done
exit "$failed"
