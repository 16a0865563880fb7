# Each target sets up .venv by itself when it is missing or older than what it is made of.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime
READY := $(VENV)/.ready
export OMP_NUM_THREADS ?= 1

# a process for each core, eight at the most: each is of one thread and holds a gigabyte; whoever is
# done takes over tests of the others
SPREAD := -n auto --maxprocesses=8 --dist=worksteal

FUZZ := POLARS_MAX_THREADS=1 $(BIN)/python -m tests.fuzz.prices -timeout=5 -artifact_prefix=runs/fuzz/
FUZZ_RUNS ?= 500000

.PHONY: demo full test check frozen calendars fuzz bench choices pretrain proof docs pages picture notebook \
	lock wheel-test clean

# the package as anybody installs it, without extras
demo: $(RUNTIME)
	$(BIN)/nextclose demo

# the published run: every year possible; a minute or two on two cores
full: $(READY)
	$(BIN)/nextclose backtest sample --config examples/full.toml --out runs/full

test: $(READY)
	$(BIN)/python -m pytest -q $(SPREAD) -m "not slow and not gpu"

check: $(READY)
	$(BIN)/ruff format --check src tests benchmarks docs
	$(BIN)/ruff check src tests benchmarks docs
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_architecture.py tests/test_public_api.py

# nothing that is computed has moved since a commit: make frozen BASE=HEAD~1
frozen: $(READY)
	$(BIN)/python -m tests.frozen $(BASE)

# the slower proofs: all worlds and cuts, null and planted panels, the README against its run
proof: $(READY)
	$(BIN)/python -m pytest -q $(SPREAD) -m "slow and not gpu"

# the calendars kept beside the code, of the release of exchange_calendars in constraints.txt
calendars: $(READY)
	$(BIN)/python -m docs.calendars

# a million inputs that no vendor would send, two processes; some twenty minutes on two cores
fuzz: $(READY)
	$(BIN)/pip install -q -c constraints.txt -e '.[fuzz]'
	mkdir -p runs/fuzz/one runs/fuzz/two
	$(FUZZ) runs/fuzz/one -seed=1 -runs=$(FUZZ_RUNS) & one=$$!; \
	$(FUZZ) runs/fuzz/two -seed=2 -runs=$(FUZZ_RUNS) && wait $$one

# claims of speed; the first needs TensorFlow and some ten minutes
bench: $(READY)
	$(BIN)/pip install -q -c constraints.txt -e '.[bench]'
	$(BIN)/python benchmarks/training_rate.py --write
	$(BIN)/python benchmarks/csv_loading.py --write
	$(BIN)/python benchmarks/zero_shot_speed.py --write
	$(BIN)/pip install -q -c constraints.txt build uv
	$(BIN)/python benchmarks/installation.py --write
	$(BIN)/python benchmarks/historical_simulation.py --write
	$(BIN)/python benchmarks/garch_fits.py --write
	$(BIN)/python benchmarks/demo_time.py --write
	$(BIN)/python benchmarks/backtest_time.py --write
	$(BIN)/python benchmarks/tutorial_job.py --write

# the experiments behind the defaults, hours; only the data files of two packages are used
choices: $(READY)
	$(BIN)/pip install -q --no-deps skfolio==1.12.2
	$(BIN)/python benchmarks/twenty_stocks.py --write

# the editions of the universal LSTM that come with the package, taught anew, in hours; it goes on
# where it was stopped: make pretrain PANEL=prices/, of hundreds of companies,
# NOTE="how they were chosen"
UNTIL ?= 2004-12-31 2017-10-31
NOTE ?= no word on how the companies were chosen
pretrain: $(READY)
	@test -n "$(PANEL)" || { echo "Fix: name prices of many companies, as PANEL=prices/"; exit 2; }
	for day in $(UNTIL); do \
	$(BIN)/nextclose pretrain $(PANEL) --until $$day --work runs/pretrain \
	--note "$(NOTE); code: commit $$(git rev-parse --short HEAD)" \
	--out src/nextclose/models/lstm/weights/until-$$day.safetensors || exit $$?; done

# the documentation as a site, in build/site: opens without a server or a network
docs: $(READY)
	$(BIN)/zensical build --strict --clean

# the pages that are written from tables of the program; a test holds them equal
pages: $(READY)
	for page in catalogue formats commands glossary; do $(BIN)/python -m docs.$$page || exit $$?; done

# the README's and the pages' pictures, drawn by a real browser
picture: $(READY)
	$(BIN)/python docs/picture.py runs/full/report.html docs
	$(BIN)/python -m docs.terminal

# the versions of constraints.txt with the hash of every file, for each system and Python at once
# (the package itself, and with its extras; torch is in neither: it has a build for each processor)
LOCK := $(BIN)/uv pip compile -q --universal --generate-hashes -c constraints.txt \
	--custom-compile-command "make lock" pyproject.toml
lock: $(READY)
	$(BIN)/pip install -q -c constraints.txt uv
	$(LOCK) --python-version 3.11 -o requirements.lock
	$(LOCK) --python-version 3.11.5 --extra indicators --extra trees --extra postgres --extra yahoo \
	--extra news -o requirements-all.lock

# the wheel in new environments, one a Python, and what would be installed elsewhere
wheel-test: $(READY)
	$(BIN)/pip install -q -c constraints.txt build uv
	$(BIN)/python benchmarks/installation.py

$(RUNTIME): pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install -q -c constraints.txt -e .
	touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	{ echo "Python 3.11 or newer is needed. Fix: name one, as in: make demo PYTHON=python3.11"; exit 2; }
	$(PYTHON) -m venv $(VENV)

# the first notebook with fresh outputs
notebook: $(READY)
	$(BIN)/python docs/notebook.py examples/first.ipynb

$(READY): pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[dev]'
	touch $@ $(RUNTIME)

clean:
	rm -rf $(VENV) runs build
