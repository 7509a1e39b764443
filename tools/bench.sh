#!/usr/bin/env bash
# tools/bench.sh [--quick]: speed beside the peers, start beside Flask, fairness, freezes.  Needs bench/peers/setup.sh once, for the peers.
set -euo pipefail
cd "$(dirname "$0")/.."
export PEERS_HOME=${PEERS_HOME:-/tmp/peers}
python=$PWD/.venv/bin/python

for tool in wrk strace taskset; do
  command -v "$tool" >/dev/null || { echo "make bench: expected $tool, found none.  Do: apt-get install $tool (taskset: util-linux)" >&2; exit 2; }
done
[ -x "$PEERS_HOME/climit" ] || bench/peers/setup.sh c
PYTHON=$python bench/peers/setup.sh kolben

status=0
"$python" bench/bars.py "$@" || status=1
"$python" bench/start.py "$@" || status=1
"$python" bench/fairness.py "$@" || status=1
"$python" bench/freeze.py "$@" || status=1
exit "$status"
