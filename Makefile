# `make run` and `make test` are all that is needed on a machine with Python 3.11 and make; both set up .venv first, once.

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
TORCH := 2.13.0

.PHONY: run test test-long lint format lock docs bench clean help

run: $(READY) ## the chat on http://127.0.0.1:7860, with the sample shop
	$(BIN)/answerdesk sample
	exec $(BIN)/answerdesk serve

test: lint ## the quality checks and the tests
	HF_HUB_OFFLINE=1 $(BIN)/python -m pytest

test-long: $(READY) ## the tests that take minutes
	HF_HUB_OFFLINE=1 $(BIN)/python -m pytest -m "long and not gpu"

lint: $(READY) ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY) ## correct what ruff can correct
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(READY) ## answerdesk.toml.example from the settings
	$(BIN)/python docs/settings.py > answerdesk.toml.example

bench: $(READY) ## retrieval against stock LangChain + Chroma: make bench DATA="DIR..."
	@test -n "$(DATA)" || { echo 'Name the data: make bench DATA="DIR..." (each with corpus.jsonl, queries.jsonl, qrels.jsonl)' >&2; exit 2; }
	$(BIN)/python benchmarks/retrieval.py --data $(DATA)

lock: $(BIN)/python ## requirements.lock anew, from the ranges in pyproject.toml
	rm -rf build/lock
	$(BIN)/python -m venv build/lock
	build/lock/bin/pip install -e '.[dev,train]' torch==$(TORCH)
	{ echo '# Made by `make lock` from pyproject.toml: the product and its tests. Local versions (+cpu) are left to your package index.'; \
	  build/lock/bin/pip freeze --all --exclude-editable --exclude pip | sed 's/+.*//'; } > build/requirements.lock
	mv build/requirements.lock requirements.lock
	rm -rf build/lock

clean: ## everything that was made, but not the data folder
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

$(READY): requirements.lock pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(BIN)/python:
	@for python in python3.11 python3; do \
	  if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then \
	    $$python -m venv $(VENV) && exit 0; \
	    rm -rf $(VENV); echo "$$python cannot make a virtual environment. On Debian: apt-get install python3.11-venv" >&2; exit 1; \
	  fi; \
	done; \
	echo "Python 3.11 or newer is needed; found: $$(python3 --version 2> /dev/null || echo none). On Debian: apt-get install python3.11 python3.11-venv" >&2; exit 1
