# The two commands: `make demo` and `make test`. Both first see to `.venv` (.ci/environment.py).
PYTHON ?= python3
RUN := .venv/bin/python
# Most tests wait for processes. A file's tests stay together, since they share what is dear to start.
WORKERS := -n auto --maxprocesses 4 --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help environment demo test test-fast test-tfx121 lint bench clean

help:
	@echo "make demo              the taxi pipeline three times, ending in a live serving (KEEP=1 leaves it on)"
	@echo "make test              style, types and all tests"
	@echo "make test-fast         the tests that need neither servers nor TensorFlow (seconds)"
	@echo "make test-tfx121       tests and demo with TFX 1.21 on Python 3.13, in a Debian 13 root (needs root; ARGS="tests/rollout" for a part)"
	@echo "make bench NAME=x      one benchmark of benchmarks/, against its bars (ARGS="--runs 100")"

environment:
	@$(PYTHON) .ci/environment.py

demo: environment
	@KEEP="$(KEEP)" PYTHONPATH=pipelines $(RUN) -m taxi.demo

test: lint
	@$(RUN) -m pytest $(WORKERS)

test-fast: environment
	@$(RUN) -m pytest $(WORKERS) -m "not integration"

test-tfx121:
	@$(PYTHON) .ci/tfx121.py $(ARGS)

lint: environment
	@.venv/bin/ruff check --quiet .
	@.venv/bin/ruff format --quiet --check .
	@.venv/bin/mypy

bench: environment
	@PYTHONPATH=pipelines $(RUN) benchmarks/$(subst -,_,$(NAME)).py $(ARGS)

clean:
	rm -rf .venv .tools .demo
