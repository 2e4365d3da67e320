# The two commands are `make demo` and `make test`; each does its own set-up on a fresh machine.
# What is installed where: Python packages into .venv from requirements.lock (hashes checked), a few
# Debian packages through apt when root or sudo is there, and a clear message naming them when not.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
DEMO_PACKAGES := mosquitto libportaudio2
OBS_PACKAGES := obs-studio obs-plugins xvfb libgl1-mesa-dri libegl1 libgl1 dbus ffmpeg
TEST_PACKAGES := $(DEMO_PACKAGES) postgresql strace gcc libc6-dev chromium fonts-dejavu-core pulseaudio pulseaudio-utils libasound2-plugins pipewire wireplumber pipewire-pulse poppler-utils $(OBS_PACKAGES)
FOREIGN := tests/wire/obs/foreign
SOURCES := agent central contract drivers siaga webui tests
PYTEST := $(BIN)/python -m pytest

.PHONY: help setup setup-test demo test check format lint types imports duplicates audit bench docs lock screenshots clean

help:
	@sed -n 's/^##: *//p' $(MAKEFILE_LIST)

##: make setup        what `make demo` needs
setup: $(VENV)/run.stamp
	@packages="$(DEMO_PACKAGES)" .ci/packages

setup-test: $(VENV)/test.stamp $(VENV)/foreign.stamp
	@packages="$(TEST_PACKAGES)" .ci/packages

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is wanted, found $$($(PYTHON) --version)"; exit 2; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || packages="python3-venv" .ci/packages
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: requirements.lock pyproject.toml | $(BIN)/python
	$(BIN)/python .ci/lock.py --part run > $(VENV)/run.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(VENV)/run.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/test.stamp: $(VENV)/run.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

# Somebody else's OBS client judges the simulated OBS; it runs in Node.js and is locked by its own file.
$(VENV)/foreign.stamp: $(FOREIGN)/package-lock.json | $(BIN)/python
	@command -v npm >/dev/null || packages="nodejs npm" .ci/packages
	mkdir -p $(VENV)/foreign && cp $(FOREIGN)/package.json $(FOREIGN)/package-lock.json $(VENV)/foreign/
	npm ci --silent --ignore-scripts --no-audit --no-fund --prefix $(VENV)/foreign
	@touch $@

##: make demo         three simulated rooms and central; prints addresses and logins, Ctrl-C ends it
##:                   (`make demo ARGS="--once --out demo-out"` runs the whole loop once and stops)
demo: setup
	@$(BIN)/siaga demo $(ARGS)

##: make test         every test, with a real broker, browser and sound server
test: setup-test
	@$(PYTEST) -n 3 --dist loadfile $(ARGS) || { \
		echo "=== what failed beside others, once more by itself: a real fault fails again"; \
		$(PYTEST) --last-failed --last-failed-no-failures none $(ARGS); }

##: make check        format, lint, types, import rules, duplicated code, dependencies
check: setup-test format lint types imports duplicates audit

format:
	$(BIN)/ruff format --check .

lint:
	$(BIN)/ruff check .

types:
	$(BIN)/mypy

imports:
	$(BIN)/lint-imports

duplicates:
	$(BIN)/pylint --jobs=2 --disable=all --enable=duplicate-code --min-similarity-lines=11 \
		--ignore-imports=yes --ignore-signatures=yes --ignore-docstrings=yes agent central contract drivers siaga webui

audit:
	$(BIN)/python .ci/lock.py --check
	$(BIN)/python -m pip check --disable-pip-version-check
	@echo "known vulnerabilities: NOT AUDITED here (needs a network and an advisory database)"

##: make bench        the measurements of docs/performance.md
bench: setup-test
	$(BIN)/siaga bench $(ARGS)

##: make docs         what is made from the code: AsyncAPI, JSON Schemas of the files, session diagram
docs: setup-test
	$(BIN)/python -m contract.asyncapi
	$(BIN)/python -m siaga.docs

##: make screenshots  the pictures of the README, from the running demo
screenshots: setup-test
	$(BIN)/python -m tests.tools.screenshots docs/pictures

##: make lock         resolve the dependencies anew
lock: | $(BIN)/python
	$(BIN)/python -m pip install --quiet uv
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python .ci/lock.py

##: make clean        remove everything that was made
clean:
	rm -rf $(VENV) demo-data demo-out test-artifacts .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
