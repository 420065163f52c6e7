# Everything a newcomer or a developer types. `make help` lists it.

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
PROTOS := $(shell find protos/puppet -name '*.proto' | sort)
GEN ?= protos/gen
SCHEMA ?= docs/persona.schema.json
# What of the documentation is generated: the pages of persona fields, of commands, and of each service's API.
PAGES ?= docs
IMAGES := agents memory llm trading social gateway sandbox
PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
VENV_DOCS := .venv-docs

.PHONY: help setup run docs newcomer test check security kills clients npm format gen schemas release-protos lock bench bench-llm bench-memory bench-agents bench-character coverage pin-images release clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

setup: $(VENV)/.ready ## install everything, from hashed locks, into .venv

$(VENV)/.ready: requirements/dev.txt requirements/model.txt requirements/uv.txt pyproject.toml tools/distribution.py
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, and this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else 0'
	@$(PYTHON) tools/machine.py
	@$(PYTHON) tools/setup.py $(VENV)
	@touch $@

run: setup ## start the whole suite and watch the characters live; Ctrl-C stops it; MODEL=qwen has a better model write
	@$(BIN)/python -m puppetctl up $(if $(MODEL),--model $(MODEL)) $(ARGS)

docs: setup $(VENV_DOCS)/.ready ## the documentation as a site, in var/site: open var/site/index.html
	@$(BIN)/python -m tools.docs_site var/docs
	@rm -rf var/site && $(VENV_DOCS)/bin/zensical build --strict

$(VENV_DOCS)/.ready: requirements/docs.txt | $(VENV)/.ready
	@$(PYTHON) -m venv $(VENV_DOCS)
	@$(UV) pip sync --quiet --python $(VENV_DOCS)/bin/python --require-hashes requirements/docs.txt
	@touch $@

newcomer: ## time a newcomer's way: clone, run, first post, a character of one's own
	@$(PYTHON) tools/newcomer.py $(ARGS)

check: setup ## the quick gate: format, lint, types, import rules, protos, drift of what is generated
	ruff format --check .
	ruff check .
	mypy
	lint-imports
	buf lint protos
	buf breaking protos --against protos/released.binpb
	@$(MAKE) --no-print-directory gen GEN=var/gen SCHEMA=var/persona.schema.json PAGES=var/pages
	@diff -r -x __pycache__ protos/gen var/gen && diff docs/persona.schema.json var/persona.schema.json
	@diff docs/persona.md var/pages/persona.md && diff docs/puppetctl.md var/pages/puppetctl.md && diff -r docs/api var/pages/api
	@rm -r var/gen var/persona.schema.json var/pages

# Rewriting their asserts is half of what collecting the tests takes, in each worker: what comes of it is kept.
test: export PYTHONDONTWRITEBYTECODE =
test: check ## the whole gate: check, then every test
	pytest -n auto --dist worksteal $(ARGS)

security: setup ## what thieves, neighbours, strangers and floods try
	pytest tests/security --fuzz 20000 --fuzz-seed 0 --payloads 300 $(ARGS)

kills: setup ## kill memory 200 times while it is written to, then all services 300 times while characters live, on each database: hours
	pytest tests/e2e/test_memory_kills.py --kills 200 -o log_cli=true -o log_cli_level=INFO $(ARGS)
	pytest tests/e2e/test_life_kills.py --kills 300 -o log_cli=true -o log_cli_level=INFO $(ARGS)

coverage: setup ## the tests without the processes, with their coverage
	pytest -m "not e2e" --cov --cov-report=term --cov-report=html $(ARGS)

format: setup ## put the code into shape
	ruff format .
	ruff check --fix .

gen: setup ## generate the stubs and the pages of the API from the protos, and the schema and page of persona files from their models
	@rm -rf $(GEN)/puppet && mkdir -p $(GEN)
	@$(BIN)/python -m grpc_tools.protoc -I protos --python_out=$(GEN) --mypy_out=quiet:$(GEN) \
		--grpc_python_out=$(GEN) --mypy_grpc_out=quiet,only_async:$(GEN) $(PROTOS)
	@touch $(GEN)/puppet/py.typed
	@$(BIN)/python -m tools.persona_schema $(SCHEMA)
	@rm -rf $(PAGES)/api && mkdir -p $(PAGES)
	@$(BIN)/python -m tools.persona_reference $(PAGES)/persona.md
	@$(BIN)/python -m tools.api_reference $(PAGES)/api
	@COLUMNS=120 $(BIN)/python -m tools.cli_reference $(PAGES)/puppetctl.md

schemas: setup ## write what the migrations make of a new SQLite file, which such files begin with
	@$(BIN)/python -m tools.schemas

release-protos: setup ## accept the protos as they are: what `make check` compares with from now on, a descriptor set
	buf build protos --exclude-source-info --output protos/released.binpb

COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header

lock: ## resolve the dependencies anew and write the hashed locks; the images get the same versions as dev
	$(COMPILE) --group all --group dev --upgrade --output-file requirements/dev.txt
	$(COMPILE) --group docs --upgrade --output-file requirements/docs.txt
	for image in $(IMAGES); do \
		$(COMPILE) --group $$image --constraint requirements/dev.txt --output-file requirements/$$image.txt || exit; \
	done

clients: setup ## the example clients in other languages, against a suite that is started for them
	@$(BIN)/python -m tests.e2e.clients $(ARGS)

npm: setup ## the contracts as a typed npm package, in var/npm
	@$(BIN)/python -m tools.npm $(ARGS)

release: setup ## make what a release consists of, in dist; with VERSION=0.2.0 only begin that version
	@$(BIN)/python -m tools.release $(VERSION)

pin-images: setup ## pin the base images to their digests, in .env; needs a network and docker, crane or skopeo
	@$(BIN)/python -m tools.pin

bench: setup ## measure start, memory and calls beside a bare echo, a minute; ARGS=--whole for all tables
	$(BIN)/python -m benchmarks $(ARGS)

bench-llm: setup ## measure what the llm service adds to a call of the SDK to the same local server
	$(BIN)/python -m benchmarks.words

bench-memory: setup ## measure speed and recall of the memory service beside simple peers, about ten minutes
	$(BIN)/python -m benchmarks.memory $(ARGS)

bench-agents: setup ## measure 10,000 characters, and posts at saturation beside bare workflows, about ten minutes
	$(BIN)/python -m benchmarks.agents $(ARGS)

bench-character: setup ## have ten characters write, and count what of it can be counted; ARGS="--model qwen --baseline"; hours
	$(BIN)/python -m benchmarks.character --output var/character $(ARGS)

clean: ## remove the environment and all data of the embedded suite
	rm -rf $(VENV) $(VENV_DOCS) var
