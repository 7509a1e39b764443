# The commands of this project.  Each is a line that calls a script of tools/, so .ci/run and a person do the same.
# `make` alone lists them.  The first one that needs it makes .venv and installs into it; later runs are quick.

.DEFAULT_GOAL := help
.PHONY: help run test lint format types stairs bench judges outside overload flask-suite extensions interop browser asan optimized faults zero-downtime streams fuzz docs build clean

VENV := .venv/bin
SECONDS ?= 60

help:           ## List the commands
	@sed -n 's/^\([a-z-]*\): *## */  make \1\t/p' Makefile | expand -t 22

run:            ## Serve examples/hello.py on http://127.0.0.1:5000/
	@tools/venv.sh
	@$(VENV)/kolben run examples/hello.py

test:           ## The quick test suite
	@tools/venv.sh test
	@tools/test.sh

lint:           ## ruff, its formatter, cython-lint
	@tools/venv.sh dev
	@tools/lint.sh

format:         ## Let ruff put the source in order
	@tools/venv.sh dev
	@$(VENV)/ruff format
	@$(VENV)/ruff check --fix

types:          ## mypy, strict; stubtest on the native modules
	@tools/venv.sh dev
	@tools/types.sh

stairs:         ## Imports point down only
	@tools/venv.sh dev
	@tools/stairs.sh

judges:         ## The HTTP judge, then routing, url_for, JSON, requests, responses and parsers against others (EXAMPLES=n of each)
	@tools/venv.sh test
	@tools/judges.sh $(EXAMPLES)

outside:        ## Clients that others wrote: h2load, slowhttptest (apt-get install nghttp2-client slowhttptest)
	@tools/venv.sh test
	@$(VENV)/python -m pytest -q -m conformance tests/conformance/test_outside.py

overload:       ## Bench: 2,000 slow clients beside a normal one; three times as many requests as can be answered; two workers against one
	@tools/venv.sh test
	@$(VENV)/python bench/slow.py
	@$(VENV)/python bench/overload.py
	@$(VENV)/python bench/workers.py

flask-suite:    ## Flask's own tests, and its examples', against Kolben: by WSGI calls, and as bytes through our server
	@tools/venv.sh test
	@tools/flask_suite.sh

extensions:     ## Real extensions of Flask on Kolben: our smoke tests, and their own tests
	@tools/venv.sh test
	@tools/extensions.sh

interop:        ## Our apps on uvicorn, hypercorn, granian and gunicorn; FastAPI and Django on our server
	@tools/venv.sh test
	@tools/interop.sh

browser:        ## Flask's tutorial application in a headless Chromium; pictures in build/browser/
	@tools/venv.sh test
	@tools/browser.sh

asan:           ## The quick suite on a build with AddressSanitizer and UBSan
	@tools/venv.sh test dev
	@tools/asan.sh

optimized:      ## The quick suite under python -O
	@tools/venv.sh test
	@tools/optimized.sh

faults:         ## Every malloc and system call of a list fails in turn while requests are served (FAULTS=--share=6: a minute)
	@tools/venv.sh test
	@tools/faults.sh $(FAULTS)

zero-downtime:  ## 20 reloads, 5 kills and a broken release under load: what is refused, what is lost
	@tools/venv.sh test
	@$(VENV)/python -m pytest -q -m slow tests/server/test_zero_downtime.py

streams:        ## 1 GiB down and up in bounded memory; 200 clients, half of them killed (STREAMS=--quick)
	@tools/venv.sh test
	@$(VENV)/python -m pytest -q -m slow tests/server/test_killed_clients.py
	@$(VENV)/python bench/streams.py $(STREAMS)

fuzz:           ## Every fuzz target, SECONDS (60) shared among them
	@tools/venv.sh test
	@tools/fuzz.sh $(SECONDS)

bench:          ## Speed beside the peers, start beside Flask, fairness (BENCH=--quick)
	@tools/venv.sh bench
	@tools/bench.sh $(BENCH)

docs:           ## The documentation, into docs/_build/html
	@tools/venv.sh docs
	@$(VENV)/python -m sphinx -n -W --keep-going -q -b html docs docs/_build/html

build:          ## sdist and wheel, into dist/, and a look at what is inside
	@tools/venv.sh dev
	@tools/build.sh

clean:          ## Remove what was made, .venv too
	@rm -rf .venv build dist docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage*
	@find src -name '*.so' -delete
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
