#!/usr/bin/env bash
# tools/flask_suite.sh [pytest options]: runs the tests that Flask ships in its source archive, with Kolben in Flask's place.
# Tests that may fail with good reason stand in tests/conformance/flask_suite_exceptions.txt, each with its reason.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
version=3.1.3
suite=build/flask-suite

if [ ! -d "$suite/flask-$version/tests" ]; then
  mkdir -p "$suite"
  .venv/bin/python -m pip download --quiet --no-deps --no-binary flask --dest "$suite" "flask==$version"
  tar -xzf "$suite/flask-$version.tar.gz" -C "$suite"
fi
exceptions=()
while IFS= read -r line; do
  line=${line%%#*}
  line=${line%"${line##*[![:space:]]}"}
  [ -z "$line" ] || exceptions+=(--deselect "$line")
done <tests/conformance/flask_suite_exceptions.txt

cd "$suite/flask-$version"
exec "$root/.venv/bin/python" -m pytest -q -p kolben.flask.pytest_plugin -p no:cacheprovider "${exceptions[@]}" "$@" tests
