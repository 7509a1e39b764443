#!/usr/bin/env bash
# tools/judges.sh [EXAMPLES]: the HTTP judge against `kolben run`, then the differential properties on many more examples than in
# the quick suite: routing and url_for against Werkzeug and Flask, JSON against Flask's provider, requests and responses against
# Werkzeug's, messages and chunks against h11 and the grammar.
#
# Without EXAMPLES each takes two to three minutes.  For millions: `make judges EXAMPLES=1000000`, which is some hours for each
# property, since an example of routing or url_for makes whole apps and asks them dozens of questions.  Every process draws
# examples of its own, so as many as there are cores find more in the same time:
#
#   for core in 0 1 2 3; do KOLBEN_EXAMPLES=250000 .venv/bin/python -m pytest -q --timeout=0 tests/properties/test_routing.py & done; wait
#
# tools/differential.py SECONDS asks the same questions of routing and of JSON for a time, without hypothesis around them, and says how many
# results it compared: a million of each takes some four minutes of a core.
set -euo pipefail
cd "$(dirname "$0")/.."
python=.venv/bin/python

status=0
"$python" -m pytest -q -m conformance tests/conformance || status=1
for judge in routing:5000 url_for:1500 json_differential:2000 json_seeded:10000 http_request:2000 http_response:4000 wire_h11:20000 wire_chunk:20000; do
  examples=${1:-${judge#*:}}
  echo "judges: ${judge%:*}, $examples examples of each property"
  KOLBEN_EXAMPLES=$examples "$python" -m pytest -q --timeout=0 "tests/properties/test_${judge%:*}.py" || status=1
done
exit "$status"
