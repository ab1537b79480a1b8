# make demo    a broker, a Central System and three charging stations on this machine
# make test    all tests      make lint    formatter, linter, types      make bench    figures
# make docs    bring what is written by the code in README.md and docs/ up to date
# make wheel   dist/*.whl      make audit   known vulnerabilities in what the wheel brings along
# Everything lives in .venv; it is installed again only when pyproject.toml changes.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v $$p && break; done)
INSTALL_IT = Install it, or say: make PYTHON=/path/to/python3 $(MAKECMDGOALS)
NOT_INSTALLED = This did not work; pip says why above. Packages come from the network: behind a proxy set HTTPS_PROXY, for \
	a mirror PIP_INDEX_URL. Then say make $(MAKECMDGOALS) again.
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo test lint format docs bench wheel audit clean
.DELETE_ON_ERROR:

demo: .venv/.demo
	@exec $(BIN)/ocpp-twin demo $(ARGS)

test: .venv/.dev
	@.ci/mosquitto
	@.ci/systemd
	@.ci/node-red
	@.ci/prometheus
	$(BIN)/python -m pytest $(ARGS)

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/zizmor --offline --quiet .github

format: .venv/.dev
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

docs: .venv/.dev
	@$(BIN)/python -m docs

bench: .venv/.dev
	$(BIN)/python -m benchmarks $(ARGS)

wheel: .venv/.dev
	$(BIN)/python -m build --wheel

audit: .venv/.dev
	@.ci/audit $(ARGS)

clean:
	rm -rf .venv .venv-homeassistant .mypy_cache .ruff_cache .pytest_cache .hypothesis dist

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "ocpp-twin needs Python 3.11 or newer, and found none. $(INSTALL_IT)"; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "ocpp-twin needs Python 3.11 or newer, and $(PYTHON) is none: $$("$(PYTHON)" --version 2>&1 | head -n 1). $(INSTALL_IT)"; exit 1; }
	@echo "Making a virtual environment in .venv with $(PYTHON)"
	@"$(PYTHON)" -m venv .venv || { rm -rf .venv; echo "Python's venv module is missing. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }

.venv/.demo: pyproject.toml | $(BIN)/python
	@echo "Installing ocpp-twin and what it needs (once; about half a minute)"
	@# Nothing is compiled before it is imported, which Python does by itself. Older versions of pip would warn of setup.py.
	@$(PIP) install --use-pep517 --no-compile --editable '.[demo]' || { echo "$(NOT_INSTALLED)"; exit 1; }
	@touch $@

.venv/.dev: pyproject.toml | $(BIN)/python
	@echo "Installing ocpp-twin and what its tests need (once; about a minute)"
	@$(PIP) install --upgrade 'pip>=25.1'
	@$(PIP) install --editable '.[demo]' --group dev
	@touch $@ .venv/.demo
