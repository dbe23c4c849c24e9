# make demo · make test · make check — each sets up what it needs, in .venv.
SHELL   := /bin/sh
PYTHON  ?= python3
VENV    := .venv
BIN     := $(VENV)/bin
READY   := $(VENV)/.ready
OTHERS  := .venv-bench
ARGS    ?=

export PTB_TIMEDELTA := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test picture check bench container format docs lock clean chaos

help:
	@echo "make demo    a whole newsroom on this machine, no account needed"
	@echo "make test    every test          (ARGS='-k pacing' passes options on)"
	@echo "make simulate the broadcaster in virtual time (SEEDS=100000, or SEED=123 again)"
	@echo "make check   format, lint, types, import contracts"
	@echo "make bench   Harkara beside the others (ARGS='telegram --rounds 5'; wants a C compiler)"
	@echo "make chaos   workers killed, frozen and cut off on a PostgreSQL (some minutes)"
	@echo "make container the image built and run without an engine (as root, on Linux)"
	@echo "make format  let ruff put the code in shape"
	@echo "make docs    renew what the reference takes from the code"
	@echo "make picture draw the README's pictures of the demo (wants chromium)"
	@echo "make lock    renew the locks (wants uv)"

demo: $(READY)
	@$(BIN)/harkara demo $(ARGS)

test: $(READY)
	@.ci/browser
	@.ci/postgres
	@$(BIN)/python -m pytest $(ARGS)

chaos: $(READY)
	@.ci/postgres
	@$(BIN)/python -m tests.chaos.cluster $(ARGS)

# Unpredictable hashes would make two runs of a seed differ.
simulate: $(READY)
	@PYTHONHASHSEED=0 $(BIN)/python -m tests.simulation \
		$(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),1000)) $(ARGS)

picture: $(READY)
	@$(BIN)/python docs/picture.py

check: $(READY)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

container: $(READY)
	@.ci/container $(ARGS)

bench: $(READY) $(OTHERS)/.ready
	@$(BIN)/python -m benchmarks $(ARGS)

format: $(READY)
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

docs: $(READY)
	@$(BIN)/python docs/generate.py

# Everything comes from the lock, by hash; the project itself is linked in.
$(READY): requirements.lock pyproject.toml
	@echo "Setting up $(VENV) (about a minute, once) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Harkara needs Python 3.11 or newer; name one with make PYTHON=python3.12")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "No venv module: on Debian, apt-get install python3-venv" >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# Those that are measured beside us want other versions of some libraries. sniffio lies
# apart: with it python-telegram-bot is faster, and a fresh install has none.
$(OTHERS)/.ready: benchmarks/requirements.lock benchmarks/sniffio.lock
	@echo "Setting up $(OTHERS) (about a minute, once) ..."
	@test -x $(OTHERS)/bin/python || $(PYTHON) -m venv $(OTHERS)
	@$(OTHERS)/bin/python -m pip install --quiet --require-hashes --requirement benchmarks/requirements.lock
	@$(OTHERS)/bin/python -m pip install --quiet --require-hashes --upgrade --target $(OTHERS)/sniffio --requirement benchmarks/sniffio.lock
	@touch $@

# All of it, what running takes, and what building takes: one resolution. Beside it,
# those that are measured beside us, with the same versions where they can have them.
lock: EXPORT := uv export --quiet --format requirements-txt --no-header --no-emit-project
lock: COMPILE := uv pip compile --quiet --generate-hashes --no-header --no-annotate --no-emit-index-url --universal --python-version 3.11 --exclude-newer "1 week"
lock:
	$(EXPORT) --upgrade --all-extras --all-groups --output-file requirements.lock
	$(EXPORT) --no-default-groups --extra cluster --output-file requirements-run.lock
	$(EXPORT) --only-group build --output-file requirements-build.lock
	uv export --quiet --no-hashes --no-annotate --no-header --no-emit-project --all-extras | grep -v '^pydantic' > .constraints
	$(COMPILE) --upgrade --constraint .constraints benchmarks/requirements.in --output-file benchmarks/requirements.lock
	echo sniffio | $(COMPILE) --upgrade - --output-file benchmarks/sniffio.lock
	rm -f uv.lock .constraints

clean:
	rm -rf $(VENV) $(OTHERS) .bench .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
