# The commands of the project. `make` alone lists them.
.DEFAULT_GOAL := help
PY := .venv/bin/python

.PHONY: help check fix

help: ## list these commands
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

check: ## formatting, lint, types, walls, sizes
	.venv/bin/ruff format --check
	.venv/bin/ruff check
	.venv/bin/pyright
	.venv/bin/lint-imports

fix: ## format and mend what a machine can mend
	.venv/bin/ruff check --fix
	.venv/bin/ruff format
