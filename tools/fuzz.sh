#!/usr/bin/env bash
# tools/fuzz.sh SECONDS: runs every target of fuzz/, the time shared equally.  A target is a script that takes --seconds N.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}

shopt -s nullglob
targets=(fuzz/[a-z]*.py)
if [ "${#targets[@]}" -eq 0 ]; then echo "fuzz: no target in fuzz/"; exit 0; fi
each=$(( seconds / ${#targets[@]} ))
for target in "${targets[@]}"; do
  echo "fuzz: $target, $(( each > 0 ? each : 1 )) s"
  .venv/bin/python "$target" --seconds "$(( each > 0 ? each : 1 ))"
done
