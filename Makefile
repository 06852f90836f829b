# The commands of the project: `make` alone lists them. All of them need Python 3.11 or newer and nothing else.
.DEFAULT_GOAL := help
.SUFFIXES:

PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v $$p && break; done)
NEED_PYTHON = $(or $(PYTHON),$(error Python 3.11 or newer is needed: install it, or say where it is: make $@ PYTHON=/path/to/python3.11))
PY := .venv/bin/python
LOCK := .tools/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock"

.PHONY: help setup setup-dev up test check fix e2e bench bench-gateway screenshots full lock

help: ## list these commands
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

setup: ## all that running needs; starts nothing
	@$(NEED_PYTHON) scripts/setup.py

setup-dev:
	@$(NEED_PYTHON) scripts/setup.py --dev --browser

up: setup ## set up and start: http://localhost:8080
	@.venv/bin/mecum up

test: setup-dev ## all checks and all tests, with a summary of what was left out and why
	@$(PY) scripts/check.py --tests

check: setup-dev ## format, lint, types, walls, sizes, docs, web client
	@$(PY) scripts/check.py

fix: setup-dev ## format, mend what a machine can mend, write the generated parts of the docs
	@.venv/bin/ruff check --fix --quiet; .venv/bin/ruff format
	@$(PY) -m scripts.docs

e2e: setup-dev ## the tests in a real browser alone
	@$(PY) -m pytest tests/e2e

full: setup-dev ## the long tests too: 100 kills, soak, embedded model
	@$(PY) scripts/check.py --full

bench: setup-dev ## measure, and write docs/benchmarks.md
	@$(PY) -m bench.run

bench-gateway: setup-dev ## measure the relay alone, beside a bare upstream and LiteLLM's proxy
	@$(PY) -m bench.gateway

screenshots: setup-dev ## take the pictures of the docs again
	@$(PY) -m pytest -q tests/e2e tests/surfaces/terminal -m pictures

lock: ## resolve the dependencies anew (UPGRADE=--upgrade takes the newest)
	@$(NEED_PYTHON) scripts/setup.py --tools
	$(LOCK) $(UPGRADE) pyproject.toml -o requirements.lock
	$(LOCK) $(UPGRADE) pyproject.toml --extra scale --group dev -c requirements.lock -o requirements-dev.lock
	$(LOCK) $(UPGRADE) requirements-tools.in -o requirements-tools.lock
