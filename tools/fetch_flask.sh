#!/usr/bin/env bash
# tools/fetch_flask.sh: puts Flask's source archive, with its tests and examples, into build/flask-suite/; prints the folder's name.
set -euo pipefail
cd "$(dirname "$0")/.."
version=3.1.3
suite=build/flask-suite

if [ ! -d "$suite/flask-$version/tests" ]; then
  mkdir -p "$suite"
  .venv/bin/python -m pip download --quiet --no-deps --no-binary flask --dest "$suite" "flask==$version"
  tar -xzf "$suite/flask-$version.tar.gz" -C "$suite"
fi
echo "$suite/flask-$version"
