#!/usr/bin/env bash
# tools/extensions.sh [pytest options]: real extensions of Flask, as they are released, on Kolben.  They are installed into a folder of
# their own, with the Flask that they ask for; `kolben flask adopt --replace` sets that aside, so that nothing here opens a door by hand.
# First our smoke tests, each by WSGI calls and as bytes through our own server; then, where a source archive carries its tests, those,
# with what they may fail in tests/extensions/expected_failures/NAME.txt.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
python=$root/.venv/bin/python
home=build/extensions
packages=$root/$home/packages

if [ ! -f "$home/installed" ] || [ tests/extensions/requirements.txt -nt "$home/installed" ]; then
  rm -rf "$packages"
  "$python" -m pip install --quiet --target "$packages" --requirement tests/extensions/requirements.txt
  "$python" -m kolben flask adopt --target "$packages" --replace
  touch "$home/installed"
fi
export PYTHONPATH="$packages:$root/src"
failed=0
"$python" -m pytest -q -o filterwarnings=default -m extensions tests/extensions "$@" || failed=1

while read -r archive folder tests; do
  case $archive in ''|'#'*) continue ;; esac
  if [ ! -d "$home/$folder" ]; then
    "$python" -m pip download --quiet --no-deps --no-binary :all: --dest "$home" "$archive"
    tar -xzf "$home/$folder.tar.gz" -C "$home"
  fi
  for transport in wsgi native; do
    printf '%s, %s: ' "$archive" "$transport"
    (
      cd "$home/$folder"
      listing=$root/tests/extensions/expected_failures/${archive%%==*}.txt
      PYTHONPATH="$PYTHONPATH:$root/tests/conformance:$PWD" "$python" -m pytest -q -rfE -p kolben.flask.pytest_plugin -p expected_failures \
        -p no:cacheprovider -o addopts= -o filterwarnings=default -c /dev/null --rootdir . "--kolben-transport=$transport" \
        ${listing:+$([ -f "$listing" ] && echo "--expected-failures=$listing")} $tests
    ) || failed=1
  done
done <tests/extensions/archives.txt
exit "$failed"
