#!/usr/bin/env bash
# The stairs of .py files by import-linter; those of .pyx and .pxd, which it cannot read, are a test of the quick suite.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"

lint-imports
