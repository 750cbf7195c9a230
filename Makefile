# What a person does with this checkout. `make check` is all that CI runs.

VENV := .venv
BIN := $(VENV)/bin
# The first Python of this machine that is new enough; `make PYTHON=…` takes another.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

.PHONY: help demo up test lint format check bench kill-test soak prometheusrule lock clean
help: ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: $(VENV)/.runtime ## scan a simulated AWS organization: metrics on stdout
	$(BIN)/tag-compliance demo

up: $(VENV)/.runtime ## the same, kept running: Dagster's UI on 3000, the exporter on 8080
	$(BIN)/tag-compliance demo --up

# A third of a worker's time is waiting: three workers keep two cores busy.
WORKERS ?= $(shell echo $$((3 * $$(getconf _NPROCESSORS_ONLN) / 2)))
PYTEST := $(BIN)/pytest -n $(WORKERS) --dist worksteal
test: $(VENV)/.dev ## the tests, without the slow ones
	$(PYTEST) -m "not slow" $(ARGS)

lint: $(VENV)/.dev ## style, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/hadolint Dockerfile
	$(BIN)/shellcheck scripts/*.sh .ci/run

format: $(VENV)/.dev ## put the code into form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

check: lint ## all that CI runs: every test
	$(PYTEST) --cov --cov-report=term:skip-covered $(ARGS)

COMPILE := uv pip compile pyproject.toml --universal --generate-hashes --no-annotate \
	--no-emit-index-url --custom-compile-command "make lock"
EXTRAS := --extra postgres --extra k8s --group build --group image
bench: $(VENV)/.dev ## measure against a sequential baseline; tables, and JSON with ARGS="--json F"
	$(BIN)/python -m benchmarks $(ARGS)

kill-test: $(VENV)/.dev ## 100 SIGKILLs while scanning and publishing, an exporter being scraped
	TAG_COMPLIANCE_TESTS_KILLS=$(or $(KILLS),100) \
		$(BIN)/pytest -s tag_compliance_tests/endurance/test_kill.py -k no_scrape $(ARGS)

soak: $(VENV)/.dev ## everything for 10 minutes while 5 % of the calls to AWS fail
	TAG_COMPLIANCE_TESTS_SOAK_MINUTES=$(or $(MINUTES),10) \
		$(BIN)/pytest -s tag_compliance_tests/endurance/test_soak.py $(ARGS)

RULE := k8s/components/servicemonitor/prometheusrule.yaml
prometheusrule: ## copy monitoring/alerts.yaml into the manifest for the Prometheus operator
	{ sed '/^spec:/q' $(RULE); sed 's/^./  &/' monitoring/alerts.yaml; } >$(RULE).new
	mv $(RULE).new $(RULE)

lock: ## pin every dependency again, with hashes
	$(COMPILE) $(EXTRAS) $(ARGS) -o requirements.txt
	$(COMPILE) $(EXTRAS) --group dev -c requirements.txt $(ARGS) -o requirements-dev.txt
	uv pip compile --group exporter --group image --group build -c requirements.txt --universal \
		--generate-hashes --no-annotate --no-emit-index-url --custom-compile-command "make lock" \
		$(ARGS) -o requirements-exporter.txt

clean: ## remove what was installed and made
	rm -rf $(VENV) state .coverage* .hypothesis .mypy_cache .ruff_cache

$(VENV)/.runtime: requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; name it: make PYTHON=…" >&2; exit 1; }
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.txt
	@touch $@
