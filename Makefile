# The ways in. `make demo` and `make test` do all the set-up themselves; nothing else needs to run first.
SHELL := bash
.DEFAULT_GOAL := help
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

.PHONY: help setup setup-tests demo up doctor check test test-fast lock format clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

setup: ## everything a pipeline host needs
	@ops/setup/setup.sh

setup-tests: ## the same, and what tests need
	@ops/setup/setup.sh --tests

demo: setup ## one simulated night end to end, then the dashboard (DEMO_EXIT=1: check and end)
	@node ops/demo/demo.ts

up: setup ## the pipeline on real data: make up INPUT=/data/incoming OUTPUT=/data/products
	@ops/bin/contimg up $(if $(INPUT),--input-dir $(INPUT)) $(if $(OUTPUT),--output-dir $(OUTPUT))

doctor: ## what is there, what is missing, what to do
	@ops/bin/contimg doctor

check: ## types, lint, format, dead exports, Python checks: under 20 s
	@ops/setup/check.sh

test-fast: setup-tests ## tests without a server, a browser or a whole pipeline: under 30 s
	@ops/setup/test-fast.sh

test: setup-tests ## everything
	@ops/setup/test-all.sh

lock: ## renew the lock files from their loose sources
	npm install --package-lock-only --no-audit --no-fund
	.tools/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --upgrade ops/setup/tools.in -o ops/setup/tools.lock
	.tools/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --upgrade science/pyproject.toml --group science/pyproject.toml:dev -o science/requirements.lock

format: ## write every file the way `check` wants it
	@biome format --write .
	@cd science && .venv/bin/ruff format -q . && .venv/bin/ruff check -q --fix .
