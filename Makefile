# Two commands to know: `make run` and `make test`. The rest is for those who work on the program.
SHELL := /bin/sh
PYTHON ?=
export PYTHON

# Evaluated when a recipe runs: on the first run the folder appears only during set-up.
IN_VENV = $$(if [ -d .venv/Scripts ]; then echo .venv/Scripts; else echo .venv/bin; fi)

.PHONY: help run test soak bench lint format wheel clean

help:
	@echo "make run     install into .venv and open the program on a bundled model"
	@echo "make test    install with the test extras and run the suite, headless"
	@echo "make soak    the tests that take minutes"
	@echo "make bench   the benchmarks"
	@echo "make lint    ruff, mypy and the import contracts"
	@echo "make format  let ruff format the code"
	@echo "make wheel   build the wheel into dist/"
	@echo "make clean   remove what was built, .venv included"

run:
	@sh scripts/setup.sh run
	@sh scripts/run.sh

test:
	@sh scripts/setup.sh test
	QT_QPA_PLATFORM=offscreen $(IN_VENV)/python -m pytest

soak:
	@sh scripts/setup.sh test
	QT_QPA_PLATFORM=offscreen $(IN_VENV)/python -m pytest -m soak --timeout 3600

bench:
	@sh scripts/setup.sh run
	$(IN_VENV)/genviewer bench

lint:
	@sh scripts/setup.sh test
	$(IN_VENV)/ruff check .
	$(IN_VENV)/ruff format --check .
	$(IN_VENV)/mypy
	$(IN_VENV)/lint-imports

format:
	@sh scripts/setup.sh test
	$(IN_VENV)/ruff check --fix .
	$(IN_VENV)/ruff format .

wheel:
	@sh scripts/setup.sh run
	$(IN_VENV)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean:
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
