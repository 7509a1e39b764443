#!/usr/bin/env bash
# ruff's rules and formatter on .py and .pyi, cython-lint on native modules.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"     # cython-lint looks for pycodestyle there

ruff check
ruff format --check
mapfile -d '' native < <(find src -name '*.py[xd]' -type f -print0; find src -name '*.pxd' -type f -size +0 -print0)
if [ "${#native[@]}" -gt 0 ]; then cython-lint "${native[@]}"; else echo "cython-lint: no native modules"; fi
