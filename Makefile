# Everlog in a few commands. Everything real is in .ci/ and in `everlog`; this is the index.
.DEFAULT_GOAL := help
.PHONY: help up down status logs test check bench fmt contracts mutation chaos drills

EVERLOG := .venv/bin/everlog

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  EVERLOG_HOME (.everlog) and EVERLOG_PORT (8080) name another copy; EVERLOG_SAMPLE=none starts empty."

.venv/.synced: uv.lock
	@.ci/bootstrap

up: .venv/.synced ## install, start everything, print where to sign in; a sample workspace moves in once
	@$(EVERLOG) up

down: .venv/.synced ## stop every process of this copy; its data stays
	@$(EVERLOG) down

status: .venv/.synced ## what runs, how well, and how much memory it takes
	@$(EVERLOG) status

logs: .venv/.synced ## the ends of all logs (everlog logs NAME --follow for one)
	@$(EVERLOG) logs

test: .venv/.synced ## install what the tests need and run them all (ARGS="-k deal" for some)
	@.ci/test $(ARGS)

check: .venv/.synced ## style, types, imports, house rules: what CI checks
	@.ci/check

fmt: .venv/.synced ## format the code and mend what can be mended
	@.venv/bin/ruff check --fix --quiet . ; .venv/bin/ruff format --quiet .

contracts: .venv/.synced ## write the published events' schemas anew, for review
	@$(EVERLOG) contracts

mutation: .venv/.synced ## take every guard out, one by one: some test has to notice (ARGS="--only lock")
	@$(EVERLOG) install
	@.venv/bin/python -m tests.mutation $(ARGS)

chaos: .venv/.synced ## kill and freeze everything under load for ten minutes (ARGS="--seconds 60 --seed 7")
	@$(EVERLOG) install
	@.venv/bin/python -m tests.chaos $(ARGS)

drills: .venv/.synced ## lose topics, read models, stores and whole homes, and bring them back
	@$(EVERLOG) install
	@.venv/bin/pytest -m "long or not long" tests/drills $(ARGS)

bench: .venv/.synced ## measure how fast it is against ceilings and peers (ARGS="--only rebuilding")
	@$(EVERLOG) install
	@.venv/bin/python benchmarks/run.py $(ARGS)
