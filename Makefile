# make quickstart   sets everything up and runs the example comparison
# make check        the fast checks: format, types, import rules, fast tests (under a minute)
# make behaviours   after code changed that decides results: record raised versions, or prove that results are the same
# make test         everything, with a Docker engine where one answers
.DEFAULT_GOAL := help
.PHONY: help setup setup-dev quickstart check test lint types imports format golden behaviours reliability fuzz audit docs pin-bases gpu-check clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STORE ?= .sirr
PHOTOS ?=

help: ## Show this help
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

# What uv.lock has, each file by its hash, from whatever index pip is set up with. $(1): which groups, $(2): pip's options.
locked = $(BIN)/uv export --quiet --frozen --no-emit-project $(1) --output-file $(VENV)/locked.txt >/dev/null && \
  $(BIN)/pip install --quiet --require-hashes $(2) --requirement $(VENV)/locked.txt

$(BIN)/sirr-orch: pyproject.toml uv.lock
	$(PYTHON) -c 'import sys; sys.exit(not ((3, 11) <= sys.version_info < (3, 15) and sys.platform == "linux") and "uv.lock is for Linux and Python 3.11 to 3.14; name one: make PYTHON=python3.11 …")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes --only-binary :all: --requirement images/uv.txt
	$(call locked,--only-group build,--only-binary :all:)
	$(call locked,--no-dev,--only-binary :all:)
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev: $(BIN)/sirr-orch
	$(call locked,--group dev,--no-build-isolation)
	@touch $@

setup: $(BIN)/sirr-orch ## Make the environment of the orchestrator

setup-dev: $(VENV)/dev ## The same with the tools of its developers

quickstart: setup ## Run examples/quickstart.yaml from nothing to its report
	@PATH="$(abspath $(BIN)):$$PATH" scripts/quickstart --store $(STORE) $(foreach folder,$(PHOTOS),--photos $(folder))

lint: setup-dev
	$(BIN)/uv lock --check --quiet
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup-dev
	$(BIN)/mypy

imports: setup-dev
	$(BIN)/lint-imports

# Kept bytecode is a third of a worker's start, and most of that of a program that a test starts.
check: export PYTHONDONTWRITEBYTECODE :=
check: lint types imports ## Format, types, import rules and the fast tests
	$(BIN)/pytest -q -n logical -m "not docker and not environment and not browser and not slow"

test: lint types imports ## Everything; Docker tests where an engine answers
	PATH="$(abspath $(BIN)):$$PATH" scripts/test

format: setup-dev ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

golden: setup-dev ## Accept the present output as the golden files, after looking at the difference
	SIRR_ACCEPT_GOLDEN=1 $(BIN)/pytest -q -m "not docker and not environment and not browser and not slow" || true
	git diff --stat -- tests

HOURS ?= 1
ENGINE ?= local
SEED ?= 1
reliability: setup-dev ## Kill runs on ENGINE at random moments for HOURS hours, and say what differs from undisturbed ones
	$(BIN)/python -m tests.reliability.kills --engine $(ENGINE) --hours $(HOURS) --seed $(SEED)

MINUTES ?= 60
TARGET ?=
fuzz: setup-dev ## Fuzz what reads strangers' files for MINUTES each, all of them or TARGET="a b"
	$(call locked,--only-group fuzz,--only-binary :all:)
	PYTHONPATH=.:images $(BIN)/python -m tests.fuzz --minutes $(MINUTES) $(TARGET)

behaviours: setup-dev ## Record raised behaviour versions, or prove that changed code gives the same results
	$(BIN)/python scripts/behaviours.py

docs: setup-dev ## Build the documentation as a site, build/site/index.html
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

audit: setup-dev ## Ask for known holes in everything that a lock names: make audit OSV=ADDRESS asks a mirror
	$(BIN)/python scripts/audit.py $(if $(OSV),--osv $(OSV))

gpu-check: ## Measure training and exactness on this machine's GPU, with whatever PYTHON has; about 10 minutes
	$(PYTHON) benchmarks/gpu.py

pin-bases: setup-dev ## Ask the registry for the official base images' digests, and pin them
	$(BIN)/python scripts/pin_bases.py $(if $(MIRROR),--mirror $(MIRROR))

clean: ## Remove environments and results
	rm -rf $(VENV) $(STORE) .mypy_cache .pytest_cache .ruff_cache
