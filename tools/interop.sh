#!/usr/bin/env bash
# tools/interop.sh [pytest options]: our apps behind other people's servers, other people's applications behind ours.  These are installed
# into a folder of their own.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
python=$root/.venv/bin/python
home=build/interop
packages=$root/$home/packages

if [ ! -f "$home/installed" ] || [ tests/interop/requirements.txt -nt "$home/installed" ]; then
  rm -rf "$packages"
  "$python" -m pip install --quiet --target "$packages" --requirement tests/interop/requirements.txt
  touch "$home/installed"
fi
PYTHONPATH="$packages:$root/src" exec "$python" -m pytest -q -m "" tests/interop "$@"
