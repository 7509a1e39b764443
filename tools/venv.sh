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

# A line for the place and one for the extras.  A copied or moved checkout has a .venv that points elsewhere: make it again.
usable() { [ -x .venv/bin/python ] && [ -f "$stamp" ] && [ "$(sed -n 1p "$stamp")" = "$PWD" ] && .venv/bin/python -c '' 2>/dev/null; }
newer() { find "$@" -newer "$stamp" -print -quit; }
changed() { newer pyproject.toml setup.py constraints; }
changed_native() { newer src -name '*.p[yx][xd]'; }
remember() { printf '%s\n%s\n' "$PWD" "$extras" >"$stamp"; }

installed=
if usable; then installed=$(sed -n 2p "$stamp"); fi
extras=$(printf '%s\n' $installed "$@" | sort -u | tr '\n' ' ')
extras=${extras# }
extras=${extras% }
if usable && [ "$extras" = "$installed" ] && [ -z "$(changed)" ]; then
  if [ -z "$(changed_native)" ]; then exit 0; fi
  if .venv/bin/python -c 'import Cython, setuptools; assert int(setuptools.__version__.split(".")[0]) >= 77' 2>/dev/null; then   # what changed alone, seconds instead of minutes
    .venv/bin/python tools/doctor.py
    say "Compiling the native modules that changed (log: $log) ..."
    .venv/bin/python setup.py --quiet build_ext --inplace >"$log" 2>&1 </dev/null || { cat "$log" >&2; exit 1; }
    remember
    exit 0
  fi
fi

if usable; then
  .venv/bin/python tools/doctor.py
  python=$(.venv/bin/python -c 'import sys; print(sys._base_executable)')
else
  python=$(choose)
  if [ -z "$python" ]; then
    say "kolben: expected Python 3.11 or newer, found none${PYTHON:+ (PYTHON=$PYTHON)}."
    say "  Do: install one (Debian, Ubuntu: apt-get install python3 python3-venv python3-dev), or name it: make run PYTHON=/path/to/python3.13"
    exit 1
  fi
  "$python" tools/doctor.py
  say "Making .venv with $("$python" -c 'import sys; print("Python", sys.version.split()[0])') ..."
  rm -rf .venv
  mkdir .venv
fi
target=.${extras:+[${extras// /,}]}
say "Installing kolben${extras:+ with $extras} and compiling its native modules (log: $log) ..."

with_uv() {
  [ -x .venv/bin/python ] || uv venv --quiet --no-project --allow-existing --python "$("$python" -c 'import sys; print(sys.executable)')" .venv
  uv pip install --quiet --python .venv/bin/python --build-constraint constraints/build.txt --constraint constraints/dev.txt --editable "$target"
}

with_pip() {
  if ! .venv/bin/python -c 'import pip' 2>/dev/null; then
    if "$python" -c 'import ensurepip, venv' 2>/dev/null; then "$python" -m venv --clear .venv
    else "$python" -m virtualenv --quiet --clear .venv; fi
  fi
  # pip up to 25.2 gives the one variable to the isolated build, later ones the other
  PIP_CONSTRAINT=constraints/build.txt PIP_BUILD_CONSTRAINT=constraints/build.txt \
    .venv/bin/python -m pip install --quiet --no-input --disable-pip-version-check --constraint constraints/dev.txt --editable "$target"
}

attempt() { local said; said=$("$@" 2>&1 </dev/null) || { mkdir -p .venv; printf '%s\n' "$said" >"$log"; return 1; }; }

# pip may know a certificate or a mirror that uv does not, so it has a try as well.
if command -v uv >/dev/null 2>&1 && attempt with_uv; then :
elif attempt with_pip; then :
else
  cat "$log" >&2
  say "kolben: the installation failed; what was said stands above and in $log"
  exit 1
fi
remember
