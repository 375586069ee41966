# Every command sets up what it needs: `make demo` and `make test` work on a fresh machine with Python >= 3.11.
PYTHON ?= python3
EXIT   ?=
DEMO   ?=
VENV   := .venv
BIN    := $(VENV)/bin
export UV_PROJECT_ENVIRONMENT := $(VENV)
# Where Python may not keep what it compiles, every process of an installation would compile all its libraries anew.
COMPILE := $(if $(PYTHONDONTWRITEBYTECODE),--compile-bytecode)

.PHONY: setup demo serve test check lock screenshots clean
.DEFAULT_GOAL := help

help:  ## what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(VENV)/.ready  ## a virtual environment with everything in it

$(VENV)/.ready: requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "crowd-broker needs Python 3.11 or newer: run make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV) >/dev/null 2>&1 || sh .ci/venv "$(PYTHON)" $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check uv
	@$(BIN)/uv pip install -q $(COMPILE) --python $(BIN)/python --require-hashes -r requirements-dev.lock \
	  || $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps -r requirements-dev.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(if $(COMPILE),$(BIN)/python -m compileall -q broker workers)
	@touch $@

demo: setup  ## label 1,797 real digits with a simulated crowd, then keep serving (EXIT=1: stop when done)
	@$(BIN)/broker demo $(if $(EXIT),--exit) $(DEMO)

serve: setup  ## the production server on the configured URLs
	@$(BIN)/broker serve

test: setup  ## all tests: SQLite and PostgreSQL, Valkey, RQ workers, Chromium
	@$(BIN)/python -m tests.browser.chromium
	@$(BIN)/python -m pytest $(TESTS)

check: setup  ## ruff, mypy, import-linter, templates, scripts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/djlint templates --check --lint
	@$(BIN)/oxlint --deny-warnings broker/static/js

lock:  ## resolve the locked dependencies anew
	@$(BIN)/uv pip compile pyproject.toml --group dev --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header -q -o requirements-dev.lock
	@$(BIN)/uv pip compile pyproject.toml -c requirements-dev.lock --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header -q -o requirements.lock

screenshots: setup  ## a picture of each main page into docs/screenshots
	@$(BIN)/python -m tests.browser.screenshots

clean:  ## remove what the commands above made
	@rm -rf $(VENV) var .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
