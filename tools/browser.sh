#!/usr/bin/env bash
# tools/browser.sh: Flask's tutorial application, served by Kolben, used in a headless Chromium.  Pictures: build/browser/.
# Needs a Chromium and its driver (Debian, Ubuntu: apt-get install chromium chromium-driver) and Flask's source archive.
set -euo pipefail
cd "$(dirname "$0")/.."

for program in chromium chromedriver; do
  command -v "$program" >/dev/null || { echo "browser: expected $program, found none: apt-get install chromium chromium-driver" >&2; exit 1; }
done
tools/fetch_flask.sh >/dev/null
exec .venv/bin/python -m pytest -q -m browser tests/conformance/test_browser.py
