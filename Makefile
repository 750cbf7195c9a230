# The commands for working with this checkout. `make check` runs every check and test that CI runs.

VENV := .venv
BIN := $(VENV)/bin
# The first Python on this machine that is new enough; `make PYTHON=…` selects another one.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

.PHONY: help demo up test lint format check docs bench kill-test soak runbook-urls prometheusrule lock clean
help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: $(VENV)/.runtime ## scan a simulated AWS organization and print the metrics
	$(BIN)/tag-compliance demo

up: $(VENV)/.runtime ## like demo, but keep running: Dagster's UI on port 3000, the exporter on port 8080
	$(BIN)/tag-compliance demo --up

# A worker waits for a third of its time, so three workers use two cores fully.
WORKERS ?= $(shell echo $$((3 * $$(getconf _NPROCESSORS_ONLN) / 2)))
PYTEST := $(BIN)/pytest -n $(WORKERS) --dist worksteal
test: $(VENV)/.dev ## run the tests except the slow ones
	$(PYTEST) -m "not slow" $(ARGS)

lint: $(VENV)/.dev ## check style, types and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/dg check defs
	$(BIN)/hadolint Dockerfile
	$(BIN)/shellcheck scripts/*.sh .ci/run

format: $(VENV)/.dev ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

check: lint ## run the linters and every test, with coverage
	$(PYTEST) --cov --cov-report=term:skip-covered $(ARGS)

docs: $(VENV)/.docs ## build the documentation into site/; a broken link is an error
	$(BIN)/sphinx-build --builder html --fail-on-warning --keep-going --fresh-env --quiet docs site

COMPILE := uv pip compile pyproject.toml --universal --generate-hashes --no-annotate \
	--no-emit-index-url --custom-compile-command "make lock"
EXTRAS := --extra postgres --extra k8s --group build --group image
bench: $(VENV)/.dev ## compare with a sequential baseline; ARGS="--json F" also writes JSON
	$(BIN)/python -m benchmarks $(ARGS)

kill-test: $(VENV)/.dev ## kill 100 scans with SIGKILL while an exporter is scraped
	TAG_COMPLIANCE_TESTS_KILLS=$(or $(KILLS),100) \
		$(BIN)/pytest -s tag_compliance_tests/endurance/test_kill.py -k no_scrape $(ARGS)

soak: $(VENV)/.dev ## run everything for 10 minutes while 5 % of the AWS API calls fail
	TAG_COMPLIANCE_TESTS_SOAK_MINUTES=$(or $(MINUTES),10) \
		$(BIN)/pytest -s tag_compliance_tests/endurance/test_soak.py $(ARGS)

# One setting: `html_baseurl` in docs/conf.py, the address of the documentation. RUNBOOK_URL may also be another page with
# the same headings, such as docs/operations.md on a Git server.
RUNBOOK_URL ?= $(shell sed -nE 's/^html_baseurl = "(.*)"$$/\1/p' docs/conf.py)operations.html
PAGES := tag_compliance/exporter/html_pages.py
runbook-urls: ## write the address of your documentation into the alert rules and the exporter's page
	sed -E 's|^(BLIND_SPOTS_URL = ").*"|\1$(subst operations.,metrics.,$(RUNBOOK_URL))#blind-spots"|' $(PAGES) >$(PAGES).new && mv $(PAGES).new $(PAGES)
	for file in monitoring/alerts.yaml monitoring/alerts_test.yaml; do \
		sed -E 's|^( *runbook_url: )[^#]*#|\1$(RUNBOOK_URL)#|' $$file >$$file.new && mv $$file.new $$file || exit 1; \
	done
	$(MAKE) --no-print-directory prometheusrule

RULE := k8s/components/servicemonitor/prometheusrule.yaml
prometheusrule: ## copy monitoring/alerts.yaml into the manifest for the Prometheus operator
	{ sed '/^spec:/q' $(RULE); sed 's/^./  &/' monitoring/alerts.yaml; } >$(RULE).new
	mv $(RULE).new $(RULE)

lock: ## pin the dependencies again, with hashes
	$(COMPILE) $(EXTRAS) $(ARGS) -o requirements.txt
	$(COMPILE) $(EXTRAS) --group dev -c requirements.txt $(ARGS) -o requirements-dev.txt
	uv pip compile --group exporter --group image --group build -c requirements.txt --universal \
		--generate-hashes --no-annotate --no-emit-index-url --custom-compile-command "make lock" \
		$(ARGS) -o requirements-exporter.txt
	uv pip compile --group docs -c requirements-dev.txt --universal \
		--generate-hashes --no-annotate --no-emit-index-url --custom-compile-command "make lock" \
		$(ARGS) -o requirements-docs.txt

clean: ## remove the virtual environment and all generated files
	rm -rf $(VENV) state site .coverage* .hypothesis .mypy_cache .ruff_cache

# uv is faster (figures in CONTRIBUTING.md); without it, pip of the virtual environment installs.
UV := $(shell command -v uv)
PIP_INSTALL := $(if $(UV),$(UV) pip install --quiet --python $(BIN)/python,\
	$(BIN)/python -m pip install --quiet --disable-pip-version-check)
INSTALL := $(PIP_INSTALL) --no-deps --require-hashes -r

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is required; select it with: make PYTHON=…" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot create a virtual environment. On Debian and Ubuntu, install python3-venv." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements.txt pyproject.toml | $(VENV)/bin/python
	$(INSTALL) requirements.txt
	$(PIP_INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.docs: requirements-docs.txt | $(VENV)/bin/python
	$(INSTALL) requirements-docs.txt
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.txt
	$(INSTALL) requirements-dev.txt
	@touch $@
