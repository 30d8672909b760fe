# One command set, the same on every machine and in CI. Everything is set up in .venv and target/ inside the checkout.
SHELL := /bin/sh
BIN := .venv/bin
# Real invoices and third-party test vectors, where they are at hand.
ifeq ($(LIANHENG_DATA),)
ifneq ($(wildcard ../shared/data),)
export LIANHENG_DATA := $(abspath ../shared/data)
endif
endif
export LIANHENG_DATA
CARGO := $(BIN)/python -m tools.cargo
CRATES := --workspace --exclude lianheng-python

.PHONY: demo test test-long test-faults lint fmt fuzz bench setup setup-dev cometbft lock
# Two steps of the set-up at once would spoil each other.
.NOTPARALLEL:

demo: setup $(if $(filter network governance,$(ARGS)),cometbft)
	@$(BIN)/lianheng demo $(ARGS)

test: setup-dev cometbft
	@$(CARGO) test --release --locked $(CRATES) --quiet
	@$(BIN)/pytest -n 2 -m "not long" $(ARGS)

test-long: setup-dev cometbft
	@$(CARGO) test --release --locked $(CRATES) -- --include-ignored
	@$(BIN)/pytest -m "" $(ARGS)

test-faults: setup-dev cometbft
	@LIANHENG_FAULT_RUNS=300 LIANHENG_NETWORK_FAULT_RUNS=40 $(BIN)/pytest -m faults $(ARGS)

lint: setup-dev
	@$(BIN)/python -m tools.lint $(CHECKS)

fmt: setup-dev
	@cargo fmt --all
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format --quiet .

# Coverage-guided, SECONDS for each of the TARGETS, or of all.
fuzz: setup-dev
	@$(BIN)/python -m tools.fuzz --seconds $(or $(SECONDS),60) $(TARGETS)

bench: setup
	@$(BIN)/lianheng bench all $(ARGS)

setup:
	@PYTHON="$(PYTHON)" tools/setup run

setup-dev:
	@PYTHON="$(PYTHON)" tools/setup dev

# The consensus engine of a network. The embedded ledger does without it, and without Go.
cometbft: $(BIN)/python
	@$(BIN)/python -m tools.cometbft

$(BIN)/python:
	@PYTHON="$(PYTHON)" tools/setup run

lock: setup-dev
	@tools/lock-requirements
