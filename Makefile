# make demo · make test · make check — each sets up what it needs, in .venv.
SHELL   := /bin/sh
PYTHON  ?= python3
VENV    := .venv
BIN     := $(VENV)/bin
READY   := $(VENV)/.ready
ARGS    ?=

export PTB_TIMEDELTA := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test picture check container format docs lock clean

help:
	@echo "make demo    a whole newsroom on this machine, no account needed"
	@echo "make test    every test          (ARGS='-k pacing' passes options on)"
	@echo "make check   format, lint, types, import contracts"
	@echo "make container the image built and run without an engine (as root, on Linux)"
	@echo "make format  let ruff put the code in shape"
	@echo "make docs    renew what the reference takes from the code"
	@echo "make picture draw the README's pictures of the demo (wants chromium)"
	@echo "make lock    renew the three locks (wants uv)"

demo: $(READY)
	@$(BIN)/harkara demo $(ARGS)

test: $(READY)
	@.ci/browser
	@.ci/postgres
	@$(BIN)/python -m pytest $(ARGS)

picture: $(READY)
	@$(BIN)/python docs/picture.py

check: $(READY)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

container: $(READY)
	@.ci/container $(ARGS)

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

# All of it, what running takes, and what building takes: one resolution.
lock: EXPORT := uv export --quiet --format requirements-txt --no-header --no-emit-project
lock:
	$(EXPORT) --upgrade --all-extras --all-groups --output-file requirements.lock
	$(EXPORT) --no-default-groups --output-file requirements-run.lock
	$(EXPORT) --only-group build --output-file requirements-build.lock
	rm -f uv.lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
