# Everything here sets up what it needs; `make help` lists what there is.
PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url
# uv does not read pip's settings: hand the machine's own index on, if it has one.
INDEX := $(shell $(PYTHON) -m pip config get global.index-url 2>/dev/null)
export UV_DEFAULT_INDEX ?= $(INDEX)
ifeq ($(strip $(UV_DEFAULT_INDEX)),)
unexport UV_DEFAULT_INDEX
endif
# What is compiled is kept, so that not every process does it anew, and kept out of the folders of the code.
unexport PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX ?= $(CURDIR)/var/pycache
# Many a story waits: one process more than there are processors keeps them busy.
JOBS ?= $(shell expr $$(nproc 2>/dev/null || echo 2) + 1)

.PHONY: help demo run test check format bench lock clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/run.stamp ## A release day of a small bank, told in the terminal (KEEP=1: leave it running)
	@$(BIN)/python -m bot demo $(if $(KEEP),--keep)

run: .venv/run.stamp ## Web and worker in one process, with the settings of the environment
	@$(BIN)/python -m bot serve

test: .venv/dev.stamp ## Every test, and the coverage that is demanded
	@$(BIN)/python -m tests.payloads
	@rm -f .coverage .coverage.*
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal --cov --cov-report=
	@$(BIN)/python -m tests.coverage

check: .venv/dev.stamp ## Linters and types
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: .venv/dev.stamp ## Format the code
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

bench: .venv/dev.stamp ## Figures of speed and cost, next to a minimal Probot app
	@$(BIN)/python -m bench

lock: .venv/uv.stamp ## Renew requirements/*.txt from pyproject.toml
	@echo 'uv>=0.13.9,<0.14' | $(COMPILE) - -o requirements/uv.txt
	@$(COMPILE) pyproject.toml -o requirements/run.txt
	@$(COMPILE) pyproject.toml --group dev -o requirements/dev.txt

clean: ## Remove the virtual environment and everything that was made in var/
	rm -rf .venv var

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Countersign needs Python 3.11 or newer; name one with `make PYTHON=python3.12 ...`.")'
	@$(PYTHON) -m venv .venv 2>/dev/null || { rm -rf .venv var/virtualenv; \
	  $(PYTHON) -m pip install --quiet --target var/virtualenv virtualenv && \
	  PYTHONPATH=var/virtualenv $(PYTHON) -m virtualenv --quiet .venv; }

.venv/uv.stamp: requirements/uv.txt | .venv/bin/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

.venv/run.stamp: requirements/run.txt .venv/uv.stamp
	@$(UV) pip install --quiet --python .venv --require-hashes -r requirements/run.txt
	@touch $@

.venv/dev.stamp: requirements/dev.txt .venv/uv.stamp
	@$(UV) pip install --quiet --python .venv --require-hashes -r requirements/dev.txt
	@touch $@ .venv/run.stamp
