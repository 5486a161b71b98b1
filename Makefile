# `make` lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

export PATH := $(CURDIR)/.tools/bin:$(PATH)
TARGET := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)
PROGRAMS := -p otpost-daemon -p otpost-radius -p otpost-portal -p otpost-ctl

# The checks build upon each other, and cargo uses all cores by itself.
.NOTPARALLEL:
.PHONY: help demo check bench prove-radius-fuzz prove-api screens prove-screens setup fmt format-check lint deny build test

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1 /p' Makefile | while read -r name text; do printf '  make %-18s %s\n' "$$name" "$$text"; done

demo: ## watch a VPN login that needs a code by text, and try the portal, without account or phone
	@scripts/setup.sh demo
	@cargo build --locked $(PROGRAMS)
	@$(TARGET)/debug/otpostctl demo

check: setup format-check deny lint build test ## everything that must hold before a change lands

bench: setup ## measure logins per second and latency, next to FreeRADIUS
	cargo build --locked --release $(PROGRAMS)
	cargo build --locked --profile pam -p otpost-pam
	tests/bench/run.sh

prove-api: setup ## try the REST API against its description at length
	cargo build --workspace --locked
	OTPOST_API_EXAMPLES=100 cargo test --locked -p otpost-tests --test api schemathesis

prove-radius-fuzz: ## hostile packets against otpost-radius for half an hour; goes on where it was stopped
	OTPOST_RADIUS_FUZZ_MINUTES=30 cargo test --locked -p otpost-radius --test it fuzz -- --nocapture

screens: setup ## pictures of the portal's screens, into docs/screens
	cargo build --workspace --locked
	OTPOST_SCREENS=1 cargo test --locked -p otpost-tests --test browser_screens

prove-screens: setup ## look at every screen in every language, theme and width
	cargo build --workspace --locked
	OTPOST_SCREENS=full cargo test --locked -p otpost-tests --test browser_screens

setup: ## install what the checks need (asks first)
	@scripts/setup.sh check

fmt: ## format the code
	cargo fmt --all

format-check: ## is the code formatted?
	cargo fmt --all -- --check

lint: ## clippy, warnings are errors
	cargo clippy --workspace --all-targets --locked -- -D warnings

deny: ## licences, banned crates and sources of all dependencies
	cargo deny --offline --locked check licenses bans sources

build: ## every program and the PAM module
	cargo build --workspace --locked

test: build ## the tests only
	@scripts/test.sh
