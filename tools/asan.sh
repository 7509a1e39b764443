#!/usr/bin/env bash
# tools/asan.sh [pytest options]: the quick suite on a build with AddressSanitizer and UndefinedBehaviorSanitizer.
# The build stands in build/asan and leaves the one in .venv alone.  Two processes share the tests, as in tools/test.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
python=.venv/bin/python
lib=$PWD/build/asan/lib

KOLBEN_BUILD=asan "$python" setup.py --quiet build --build-base build/asan --build-lib "$lib"
compiler=${CC:-cc}
preload=$("$compiler" -print-file-name=libasan.so):$("$compiler" -print-file-name=libubsan.so)
crypt=$("$compiler" -print-file-name=libcrypt.so.1)     # AddressSanitizer's crypt() calls the one that is there at the start, or crashes
if [ -e "$crypt" ]; then preload=$preload:$crypt; fi

# Memory that Python itself leaves behind at exit is no finding; pymalloc would hide over-reads inside its arenas.
unset PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX=$PWD/build/pycache
LD_PRELOAD=$preload PYTHONMALLOC=malloc PYTHONPATH=$lib ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 \
  "$python" -m pytest -q -p no:cacheprovider -n 2 --dist worksteal "$@"
