# NOVA: `make demo` to see it, `make test` to prove it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := .make
DEMO_LISTEN ?= 127.0.0.1:8800
SCALE_DATA ?= build/scale
# More than a small machine has cores: tests wait for disks and sockets most of the time. Six kept
# two cores busy for 72 % of it.
TEST_PROCESSES ?= 6
# For slow tests that state no time limit of their own; the ordinary limit is pytest's, in pyproject.toml.
SLOW_TIMEOUT_S ?= 7200
# Laws are tried on so many times the examples that they state by `make test-slow`; `make test`
# tries a quarter of them.
TEST_EXAMPLES ?= 20
# Schedules of faults of each kind that `make test-faults` runs, and the seed of the first.
FAULT_SCHEDULES ?= 10
FAULT_SEED ?= 100
# The browser tests of `make test-slow`, in a whole Chromium: a headless one starts twice as fast.
WHOLE_BROWSER ?= chromium
# Tests start some hundred processes: each would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE
LOCKED := --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-emit-package nova-sdk --no-emit-package nova-native

.PHONY: help demo native schema api test test-slow test-faults check lint format web wheel bench scale lock clean

help: ## This list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(STAMP)/python $(STAMP)/web ## NOVA with a simulated satellite, live in your browser
	@$(BIN)/nova demo --listen $(DEMO_LISTEN)

# Types and the page are checked beside the tests, which mostly wait at their start; a fault of any
# is named in the last line. The first collection compiles all tests once for all processes.
test: lint $(STAMP)/system $(STAMP)/web $(STAMP)/native ## All checks and tests but the slow ones
	@echo "mypy and the page's tests run beside pytest; what they print comes after it"
	@failed=; folder=$$(scripts/test-folder $$$$); \
	$(BIN)/mypy > $(STAMP)/mypy.log 2>&1 & mypy=$$!; \
	npm --prefix web test > $(STAMP)/page.log 2>&1 & page=$$!; \
	$(BIN)/pytest -q -m "not slow" --collect-only > $(STAMP)/collected.log 2>&1; \
	TMPDIR=$${folder:-$${TMPDIR:-/tmp}} $(BIN)/pytest -q -m "not slow" -n $(TEST_PROCESSES) \
	  --dist loadfile --no-loadscope-reorder -o tmp_path_retention_policy=failed \
	  $${folder:+--basetemp=$$folder/t} || failed="$$failed pytest"; \
	wait $$mypy || failed="$$failed mypy"; \
	wait $$page || failed="$$failed npm"; \
	cat $(STAMP)/page.log $(STAMP)/mypy.log; \
	[ -z "$$failed" ] || { echo "make test: failed:$$failed"; exit 1; }; \
	[ -z "$$folder" ] || rm -rf $$folder

test-slow: $(STAMP)/python $(STAMP)/system $(STAMP)/web $(STAMP)/native ## The tests that take minutes
	@command -v $(WHOLE_BROWSER) >/dev/null || scripts/system-packages $(WHOLE_BROWSER)
	NOVA_TEST_BROWSER=$$(command -v $(WHOLE_BROWSER)) $(BIN)/pytest -q -m "slow or browser" \
	  --timeout $(SLOW_TIMEOUT_S)
	NOVA_TEST_EXAMPLES=$(TEST_EXAMPLES) $(BIN)/pytest -q -m "law or hypothesis"

test-faults: $(STAMP)/python $(STAMP)/system ## Kills, failing system calls, power cuts and damage, decided by seeds
	@failed=; run() { $(BIN)/python -m tests.faults $$1 --seed $(FAULT_SEED) --schedules $$2 || failed="$$failed $$1"; }; \
	run kills $(FAULT_SCHEDULES); run calls $(FAULT_SCHEDULES); run cuts $(FAULT_SCHEDULES); \
	run merges $$(($(FAULT_SCHEDULES) / 5)); run instances 1; run flips $$((20 * $(FAULT_SCHEDULES))); \
	[ -z "$$failed" ] || { echo "make test-faults: failed:$$failed"; exit 1; }

check: lint ## Lint, import contracts, types
	$(BIN)/mypy

lint: $(STAMP)/python
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

format: $(STAMP)/python ## Put the code into its one format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

web: $(STAMP)/web ## The browser's half, built into edge/nova/edge/static

native: ## The native part of ingest, if cargo is here; NOVA runs without it
	@rm -f $(STAMP)/native
	@$(MAKE) --no-print-directory $(STAMP)/native

wheel: $(STAMP)/python $(STAMP)/web ## One file to install anywhere, with the web page in it: dist/
	rm -rf build/lib build/bdist.*
	$(BIN)/pip wheel -q --no-deps --wheel-dir dist ./sdk .
	@! command -v cargo >/dev/null || PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/pip wheel -q --no-build-isolation --no-deps --wheel-dir dist ./native

schema: $(STAMP)/python $(STAMP)/web ## The browser's message types, made from the server's structs
	$(BIN)/python -m nova.sdk.protocol.schema > web/src/api/protocol.schema.json
	npm --prefix web run schema

api: $(STAMP)/python ## The page of the public API, made from its docstrings: docs/api.md
	$(BIN)/python scripts/api_page.py > docs/api.md

bench: $(STAMP)/python $(STAMP)/system $(STAMP)/web $(STAMP)/native ## One table: ingest, replay, seek, size, latency, against others
	$(BIN)/python -m bench

scale: $(STAMP)/python ## One archive grown to 50 million events in SCALE_DATA, plotted; hours, and can be stopped
	$(BIN)/python -m bench.scale --data $(SCALE_DATA)

lock: $(STAMP)/python ## Lock the newest versions that pyproject.toml allows
	$(BIN)/pip install -q uv
	$(BIN)/uv pip compile -q pyproject.toml --all-extras $(LOCKED) --upgrade -o requirements.lock
	$(BIN)/uv pip compile -q pyproject.toml --extra cel --extra kafka --extra mqtt --extra nats --extra notify --extra oidc --extra s3 --extra formats \
	  --extra mcap --extra parquet $(LOCKED) \
	  --constraints requirements.lock --upgrade -o requirements.runtime.lock

clean: ## Forget everything that was built
	rm -rf $(VENV) $(STAMP) build dist native/target web/node_modules edge/nova/edge/static

$(STAMP)/python: requirements.lock pyproject.toml sdk/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "NOVA needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || scripts/system-packages python3-venv
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --require-hashes -r requirements.lock
	rm -rf *.egg-info  # of an older layout: it would shadow the entry points
	$(BIN)/pip install -q --no-deps -e ./sdk -e .
	@mkdir -p $(STAMP) && touch $@

$(STAMP)/native: $(STAMP)/python scripts/build-native native/pyproject.toml native/Cargo.toml native/Cargo.lock $(wildcard native/src/*.rs)
	@scripts/build-native $(BIN)/pip
	@touch $@

$(STAMP)/web: web/package-lock.json web/index.html web/vite.config.ts $(shell find web/src web/openmct web/public -type f 2>/dev/null)
	@command -v npm >/dev/null || scripts/system-packages nodejs npm
	npm --prefix web ci --no-audit --no-fund
	npm --prefix web run build
	@mkdir -p $(STAMP) && touch $@

$(STAMP)/system: scripts/system-packages Makefile ## (what the tests need from the system)
	@command -v chromium-headless-shell >/dev/null || scripts/system-packages chromium-headless-shell \
	  || command -v chromium >/dev/null || scripts/system-packages chromium
	@command -v cc >/dev/null || scripts/system-packages gcc libc6-dev
	@command -v java >/dev/null || scripts/system-packages openjdk-17-jre-headless
	@command -v mvn >/dev/null || scripts/system-packages maven
	@command -v kcat >/dev/null || scripts/system-packages kcat
	@command -v mosquitto >/dev/null || test -x /usr/sbin/mosquitto || scripts/system-packages mosquitto mosquitto-clients
	@mkdir -p $(STAMP) && touch $@
