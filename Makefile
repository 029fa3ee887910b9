# make run and make test need Python 3.11 or newer (with venv) and make, nothing else.
PYTHON ?= python3
BIN = .venv/bin

.PHONY: run test torture lint bench bench-count bench-large clean

run: .venv/ready
	@if $(BIN)/python -m utils.corpus.download; then \
		$(BIN)/python run.py; \
	else \
		echo "== No treebank to be had: training on the built-in sample instead, in the folder sample-run."; \
		$(BIN)/python run.py --sample --out sample-run; \
	fi

test: .venv/ready
	$(BIN)/python -m pytest -n 2

# Some ten minutes: the training is killed a hundred times, and ten thousand damaged files are read.
torture: .venv/ready
	$(BIN)/python tests/helpers/torture.py
	$(BIN)/python tests/helpers/fuzz.py --cases 10000 --seed 1

lint: .venv/ready
	$(BIN)/ruff check .

bench: .venv/ready
	$(BIN)/python -m utils.corpus.download
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-bench.txt
	$(BIN)/python benchmarks/bench.py --write benchmarks/results.md

bench-count: .venv/ready
	$(BIN)/python -m utils.corpus.download
	$(BIN)/python benchmarks/bench_count.py --write benchmarks/results-count.md

# About an hour.
bench-large: .venv/ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-bench.txt
	$(BIN)/python benchmarks/bench_large.py --write benchmarks/results-large.md

.venv/ready: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "error: Python 3.11 or newer is needed; name one with make PYTHON=..."; exit 1; }
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

clean:
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis
