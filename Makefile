# ohmprop: everything runs in .venv, installed from the hash-locked requirements.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.PHONY: help install demo test long bench lint lock clean
.DEFAULT_GOAL := help

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(STAMP)  ## create .venv and install the locked dependencies

$(STAMP): requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --require-hashes -r requirements.lock
	$(BIN)/python -m pip install -q --no-deps --no-build-isolation -e .
	touch $@

demo: $(STAMP)  ## train the Iris network on simulated memristors
	$(BIN)/ohmprop train ebana-iris-biolek-pwm --out runs/demo --overwrite

test: $(STAMP)  ## run the tests
	$(BIN)/python -m pytest -q -n 2 --dist loadfile -m "not long"

long: $(STAMP)  ## run the tests that take minutes: every model in every law, every fit
	$(BIN)/python -m pytest -q -n 2 --dist loadfile -m long

bench: $(STAMP)  ## run the benchmarks
	$(BIN)/python -m benchmarks

lint: $(STAMP)  ## check style and types
	$(BIN)/ruff check .
	$(BIN)/pyright

lock:  ## renew requirements.lock (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--extra dev --upgrade pyproject.toml -o requirements.lock

clean:  ## remove the environment and caches (runs/ is kept)
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis build dist
