#!/usr/bin/env bash
# tools/venv.sh [EXTRA...]: makes .venv, installs this checkout into it, editable, with the extras named and those already there.
# Does nothing when nothing changed since the last time.
#
# PYTHON  the interpreter to take (default: the newest of python3.14 ... python3.11 that can do it)
set -euo pipefail
cd "$(dirname "$0")/.."

stamp=.venv/.kolben
log=.venv/install.log
say() { printf '%s\n' "$*" >&2; }

candidates() {
  if [ -n "${PYTHON:-}" ]; then printf '%s\n' "$PYTHON"; return; fi
  printf '%s\n' python3.14 python3.13 python3.12 python3.11 python3 python
}

# The first interpreter that can build us; else the first that runs, so that the check below tells what it lacks.
choose() {
  local python first=
  while read -r python; do
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || continue
    if "$python" tools/doctor.py >/dev/null 2>&1; then printf '%s\n' "$python"; return; fi
    first=${first:-$python}
  done < <(candidates)
  printf '%s\n' "$first"
}

have_uv() { command -v uv >/dev/null 2>&1; }

# A line for the place and one for the extras.  A copied or moved checkout has a .venv that points elsewhere: make it again.
usable() { [ -x .venv/bin/python ] && [ -f "$stamp" ] && [ "$(sed -n 1p "$stamp")" = "$PWD" ] && .venv/bin/python -c '' 2>/dev/null; }
changed() {
  find pyproject.toml setup.py constraints src \( -name '*.toml' -o -name 'setup.py' -o -name '*.txt' -o -name '*.pyx' -o -name '*.pxd' \) \
    -newer "$stamp" -print -quit
}

installed=
if usable; then installed=$(sed -n 2p "$stamp"); fi
extras=$(printf '%s\n' $installed "$@" | sort -u | tr '\n' ' ')
extras=${extras# }
extras=${extras% }
if usable && [ "$extras" = "$installed" ] && [ -z "$(changed)" ]; then exit 0; fi

if ! usable; then
  python=$(choose)
  if [ -z "$python" ]; then
    say "kolben: expected Python 3.11 or newer, found none${PYTHON:+ (PYTHON=$PYTHON)}."
    say "  Do: install one (Debian, Ubuntu: apt-get install python3 python3-venv python3-dev), or name it: make run PYTHON=/path/to/python3.13"
    exit 1
  fi
  "$python" tools/doctor.py
  say "Making .venv with $("$python" -c 'import sys; print("Python", sys.version.split()[0])') ..."
  rm -rf .venv
  if have_uv; then uv venv --quiet --no-project --python "$("$python" -c 'import sys; print(sys.executable)')" .venv
  elif "$python" -c 'import ensurepip, venv' 2>/dev/null; then "$python" -m venv .venv
  else "$python" -m virtualenv --quiet .venv; fi
else
  .venv/bin/python tools/doctor.py
fi

say "Installing kolben${extras:+ with $extras} and compiling its native modules (log: $log) ..."
target=.${extras:+[${extras// /,}]}
if have_uv; then
  install=(uv pip install --quiet --python .venv/bin/python --build-constraint constraints/build.txt)
else  # pip up to 25.2 gives the one variable to the isolated build, later ones the other
  export PIP_CONSTRAINT=constraints/build.txt PIP_BUILD_CONSTRAINT=constraints/build.txt
  install=(.venv/bin/python -m pip install --quiet --no-input --disable-pip-version-check)
fi
if ! "${install[@]}" --constraint constraints/dev.txt --editable "$target" >"$log" 2>&1 </dev/null; then
  cat "$log" >&2
  say "kolben: the installation failed; what it said stands above and in $log"
  exit 1
fi
printf '%s\n%s\n' "$PWD" "$extras" >"$stamp"
