#!/usr/bin/env bash
# tools/extensions.sh [pytest options]: real extensions of Flask, as they are released, on Kolben.  They are installed into a folder of
# their own, with the Flask that they ask for; `kolben flask adopt --replace` sets that aside, so that nothing here opens a door by hand.
# First our smoke tests, each by WSGI calls and as bytes through our own server; then, where a source archive carries its tests, those,
# with what they may fail in tests/extensions/expected_failures/NAME.txt.  What each said is in build/extensions/logs/; a table comes last.
#
# LIMIT  seconds for each run of tests, and for each installation (300)
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
python=$root/.venv/bin/python
home=$root/build/extensions
packages=$home/packages
limit=${LIMIT:-300}
pip="timeout $limit $python -m pip --quiet --disable-pip-version-check"
table=$home/table.txt
failed=0

mkdir -p "$home/logs"
: >"$table"

if [ ! -f "$home/installed" ] || [ tests/extensions/requirements.txt -nt "$home/installed" ]; then
  rm -rf "$packages"
  $pip install --target "$packages" --requirement tests/extensions/requirements.txt
  "$python" -m kolben flask adopt --target "$packages" --replace
  touch "$home/installed"
fi

# run NAME FOLDER PATHS pytest-options...: one line of the table; the end of the log if it failed.  PATHS are searched first.
run() {
  local name=$1 folder=$2 path=$3 log status=0
  shift 3
  log=$home/logs/${name//[ ,]/-}.log
  (cd "$folder" && PYTHONPATH="$path$packages:$root/src" timeout "$limit" "$python" -m pytest -q -rfE -o filterwarnings=default "$@") \
    >"$log" 2>&1 || status=$?
  [ "$status" = 0 ] || { failed=1; tail -n 40 "$log"; }
  [ "$status" != 124 ] || printf 'not done after %s s\n' "$limit" >>"$log"
  printf '%-36s %s\n' "$name" "$(tail -n 1 "$log")" | tee -a "$table"
}

# fetch ARCHIVE FOLDER: unpack a source archive, once.
fetch() {
  [ -d "$home/$2" ] && return
  $pip download --no-deps --no-binary :all: --dest "$home" "$1" && tar -xzf "$home/$2.tar.gz" -C "$home"
}

# beside NAME REQUIREMENT...: a folder with what one archive's tests need in other versions, or alone.
beside() {
  local folder=$home/beside/$1
  shift
  [ -d "$folder" ] || $pip install --no-deps --target "$folder" "$@" || { rm -rf "$folder"; return 1; }
  printf '%s:' "$folder"
}

run 'smoke tests' "$root" '' -m extensions tests/extensions "$@"

while read -r archive folder needs tests; do
  case $archive in '' | '#'*) continue ;; esac
  name=${archive%%==*}
  listing=$root/tests/extensions/expected_failures/$name.txt
  if ! fetch "$archive" "$folder" || ! first=$([ "$needs" = - ] || beside "$name" ${needs//,/ }); then
    printf '%-36s %s\n' "$name" 'not installed' | tee -a "$table"
    failed=1
    continue
  fi
  for transport in wsgi native; do
    run "$name, $transport" "$home/$folder" "$first$root/tests/conformance:$home/$folder:" -p kolben.flask.pytest_plugin -p expected_failures \
      -p no:cacheprovider -o addopts= -c /dev/null --rootdir . "--kolben-transport=$transport" \
      $([ -f "$listing" ] && printf -- '--expected-failures=%s' "$listing") $tests
  done
done <tests/extensions/archives.txt

printf '\n%s\n' "$(cat "$table")"
exit "$failed"
