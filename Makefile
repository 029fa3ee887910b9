# `make run` and `make test` need make and Python 3.11 or newer with venv. Packages go into the folder VENV.
PYTHON = python3
VENV = .venv
RUN = $(VENV)/bin/python
READY = $(VENV)/ready
EXAMPLE_TEXT = $(or $(TEXT),utils/datasets/text8/text8)

# For recipes; their texts have no commas, which would separate arguments.
fail = { echo "error: $(1)" >&2; exit 1; }
install = @$(RUN) -m pip install --disable-pip-version-check -r $(1) >$(VENV)/pip.log 2>&1 || \
	$(call fail,pip cannot install the packages of $(1): \
	$$(sed -n 's/^ERROR: //p' $(VENV)/pip.log 2>/dev/null | tail -n 1) (more in $(VENV)/pip.log). Go online or set PIP_INDEX_URL or \
	PIP_FIND_LINKS to where pip finds packages; a Python that already has them needs no set-up: python run.py)

.PHONY: run example test torture lint bench bench-count bench-large optional clean

run: $(READY)
	@if $(RUN) -m utils.corpus.download; then \
		$(RUN) run.py; \
	else \
		echo "== The treebank is not available: training on the built-in sample instead, in the folder sample-run."; \
		$(RUN) run.py --sample --out sample-run; \
	fi

# Skip-gram, CBOW, counts and GloVe learn from one text: text8, or any other with TEXT=FILE make example
example: $(READY)
ifndef TEXT
	$(RUN) -m utils.corpus.download text8
endif
	@[ -n "$$EVAL_SETS" ] || $(RUN) -m utils.corpus.download evaluation || \
		echo "== Some evaluation sets are missing: the table is shorter without them." >&2
	$(RUN) run.py --corpus "$(EXAMPLE_TEXT)" --out example/skip-gram --save example/skip-gram.txt
	$(RUN) run.py --corpus "$(EXAMPLE_TEXT)" --model cbow --out example/cbow --save example/cbow.txt
	$(RUN) count.py --corpus "$(EXAMPLE_TEXT)" --window 5 --weighting linear --dim 100 --out example/counts --save example/ppmi-svd.txt
	$(RUN) count.py --corpus "$(EXAMPLE_TEXT)" --method glove --dim 100 --iterations 8 --out example/glove --save example/glove.txt
	$(RUN) evaluate.py example/skip-gram.txt example/cbow.txt example/ppmi-svd.txt example/glove.txt --json example/scores.json
	$(RUN) evaluate.py map example/ppmi-svd.txt --top 1000 --out example/map.html

test: $(READY)
	$(RUN) -m pytest -n 2

# About ten minutes: the training is killed a hundred times, and ten thousand damaged files are read.
torture: $(READY)
	$(RUN) tests/helpers/torture.py
	$(RUN) tests/helpers/fuzz.py --cases 10000 --seed 1

lint: $(READY)
	$(RUN) -m ruff check .

bench: $(READY)
	$(call install,requirements-bench.txt)
	$(RUN) -m utils.corpus.download
	$(RUN) benchmarks/bench.py --write benchmarks/results.md

bench-count: $(READY)
	$(RUN) -m utils.corpus.download
	$(RUN) benchmarks/bench_count.py --write benchmarks/results-count.md

# Hours, with all dimensions, epochs and seeds: TEXT=FILE SETS=FOLDER make bench-large
bench-large: $(READY)
	$(call install,requirements-bench.txt)
	$(RUN) benchmarks/bench_epochs.py "$(TEXT)" --sets "$(SETS)" --write benchmarks/results-epochs.md
	$(RUN) benchmarks/bench_glove.py "$(TEXT)" --sets "$(SETS)" --write benchmarks/results-glove.md

# What some tests are skipped without.
optional: $(READY)
	$(call install,requirements-optional.txt)

# `ready` is made last, so a folder that was only half set up is set up anew.
$(READY): requirements.txt $(RUN)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		$(call fail,Python 3.11 or newer is needed; $(PYTHON) --version says: $$($(PYTHON) --version 2>&1 | head -n 1). \
		Name another one: make PYTHON=FILE)
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		$(call fail,$(PYTHON) lacks the module venv: install it (on Debian and Ubuntu: apt install python3-venv) \
		or name another Python: make PYTHON=FILE)
	@echo "== Setting up $(VENV) with the packages of requirements.txt"
	@said=$$($(PYTHON) -m venv --clear $(VENV) 2>&1) || \
		$(call fail,cannot set up $(VENV): $$(echo "$$said" | tail -n 1))
	$(call install,requirements.txt)
	@touch $@

# No recipe: where the folder's Python is missing or gone, this makes the rule above run.
$(RUN): ;

clean:
	rm -rf .venv .venv-* .pytest_cache .ruff_cache .hypothesis
