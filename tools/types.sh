#!/usr/bin/env bash
# mypy in strict mode on src; stubtest compares each native module with its .pyi.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"

mypy
mapfile -t native < <(cd src && find kolben -name '_*.pyx' | sed 's/\.pyx$//; s#/#.#g' | sort)
if [ "${#native[@]}" -gt 0 ]; then
  stubtest --allowlist tools/stubtest_allowlist.txt --ignore-unused-allowlist "${native[@]}"
else
  echo "stubtest: no native modules"
fi
