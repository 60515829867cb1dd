# Every target sets up what it needs; on a fresh machine Python 3.11+, make and git are enough.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SETUP := $(VENV)/.setup
FUZZ := $(VENV)/fuzz/.setup
PAGE := genet/web/static/index.html
NPM := tests/npm/node_modules/.package-lock.json
PORT ?= 8080
SCENARIO ?= small
COUNT ?= 20000
SEED ?=

.PHONY: help setup demo test check e2e browser bench fuzz chaos mutants frontend lock format clean

help:  ## this list
	@grep -E '^[a-z0-9]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

setup: $(SETUP) $(PAGE) $(NPM)  ## virtual environment, page, programs that tests start

$(SETUP): requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

# The page is built with the Node.js that comes from the Python index, whatever the machine has.
$(PAGE): $(SETUP) frontend/package-lock.json $(shell find frontend/src frontend/*.html frontend/vite.config.ts -type f)
	cd frontend && PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --no-audit --no-fund && PATH="$(CURDIR)/$(BIN):$$PATH" npm run build
	touch $@

frontend: $(PAGE)

# What tests borrow from the npm registry: a company's provider, an independent OpenID client.
$(NPM): $(SETUP) tests/npm/package-lock.json
	cd tests/npm && PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --no-audit --no-fund
	touch $@

demo: setup  ## the product on an embedded cluster: http://127.0.0.1:8080 (PORT=, SCENARIO=small|mixed|large)
	$(BIN)/genet demo --port $(PORT) --scenario $(SCENARIO)

test: setup  ## everything that needs no cluster and no browser
	$(BIN)/pytest -m "not e2e and not browser" --hypothesis-show-statistics
	cd frontend && PATH="$(CURDIR)/$(BIN):$$PATH" npm run test

check: setup  ## linters, types, import layers, generated files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	cd frontend && PATH="$(CURDIR)/$(BIN):$$PATH" npm run check
	$(BIN)/genet openapi | diff -u frontend/openapi.json - || { echo "frontend/openapi.json is stale: make types"; exit 1; }

types:  ## the page's API types from the server's OpenAPI document
	$(BIN)/genet openapi > frontend/openapi.json
	cd frontend && PATH="$(CURDIR)/$(BIN):$$PATH" npm run api:types

e2e: setup  ## the whole story on the cluster in KUBECONFIG
	GENET_TEST_KUBECONFIG="$(KUBECONFIG)" $(BIN)/pytest tests/helm tests/e2e tests/contract tests/kube -m "not browser" -s

browser: setup  ## the page in Debian's or Playwright's Chromium
	$(BIN)/pytest tests/browser -m browser

bench: setup  ## what things cost, as ratios (SCENARIO=large)
	$(BIN)/python -m tests.bench.run $(if $(filter command line,$(origin SCENARIO)),$(SCENARIO),large)

fuzz: setup $(FUZZ)  ## made-up requests to every operation (COUNT=20000, SEED=)
	$(BIN)/python -m tests.fuzz.run $(VENV)/fuzz/bin/python $(COUNT) $(SEED)

# Apart from the other packages, see pyproject.toml.
$(FUZZ): requirements-fuzz.lock
	test -x $(VENV)/fuzz/bin/python || $(PYTHON) -m venv $(VENV)/fuzz
	$(VENV)/fuzz/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-fuzz.lock
	touch $@

chaos: setup  ## 400 operations of twenty people on two replicas that are killed at random (SEED=)
	GENET_CHAOS_OPERATIONS=400 GENET_CHAOS_SEED="$(or $(SEED),random)" $(BIN)/pytest tests/live/test_chaos.py -s

mutants: setup  ## take each defence out and see its tests fail (MUTANTS=--seconds 900)
	$(BIN)/python tests/mutants/run.py $(MUTANTS)

lock: pyproject.toml  ## choose versions anew
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --extra server --group dev --python-version 3.11 --universal --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-header --no-annotate --output-file requirements.lock
	$(BIN)/uv pip compile --group fuzz --python-version 3.11 --universal --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-header --no-annotate --output-file requirements-fuzz.lock

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) frontend/node_modules tests/npm/node_modules genet/web/static dist
