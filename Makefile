# make setup | run | check | test | lock — see README.md
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
DATA   ?= .receiptflow
PORT   ?= 4200
RECEIPTS ?=
ONCE   ?=
# Where it is set, each of a stack's processes compiles all modules again.
unexport PYTHONDONTWRITEBYTECODE
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))

.PHONY: check test-slow test-exports bench-exports bench-gateway bench-web bench-review bench-learning fuzz-api setup setup-dev run test accuracy shaken written hostile ocr-cost bench bench-growth bench-scale chaos chaos-ci lint lock schemas texts clean

# Tesseract's data for other scripts, from Debian's packages as apt has them, into the environment and without root.
SCRIPTS := rus ell ara heb kor tha hin
FETCH_SCRIPTS = mkdir -p build/scripts $(VENV)/share/tessdata && rm -rf build/scripts/* && \
	( cd build/scripts && apt-get download -qq -o Acquire::Retries=0 -o Acquire::http::Timeout=20 $(addprefix tesseract-ocr-,$(SCRIPTS)) && \
	for package in *.deb; do dpkg-deb --extract "$$package" . || exit 1; done ) && \
	find build/scripts/usr -name '*.traineddata' -exec cp {} $(VENV)/share/tessdata/ \; ;

setup: $(VENV)/.runtime
setup-dev: $(VENV)/.dev

$(VENV)/.runtime: requirements.lock pyproject.toml
	@$(BIN)/python -c '$(NEW_ENOUGH)' 2>/dev/null || $(PYTHON) -c '$(NEW_ENOUGH)' || { echo "receiptflow: needs Python 3.11 or newer, $(PYTHON) is $$($(PYTHON) -V 2>&1); name one: make setup PYTHON=python3.12"; exit 1; }
	@$(BIN)/python -c '$(NEW_ENOUGH)' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV) || { echo "receiptflow: '$(PYTHON) -m venv' failed; install Python 3.11 or newer with its venv module, or name one: make setup PYTHON=python3.12"; exit 1; }
	@echo "installing the locked dependencies into $(VENV) (a minute or two the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/receiptflow doctor --installation
	@{ $(FETCH_SCRIPTS) } 2>/dev/null || echo "apt has no tesseract-ocr-… here: receipts in Cyrillic, Greek, Arabic, Hebrew, Korean, Thai and Devanagari will wait for a person"
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-dev.lock
	@touch $@

# The same again, once apt has what it had not at set-up.
.PHONY: scripts
scripts: setup
	@{ $(FETCH_SCRIPTS) }
	@$(BIN)/python -c "from flows.reading.ocr.scripts import installed_languages as found; print('read besides Latin, Chinese and Japanese:', *sorted(found()))"

run: setup
	@exec $(BIN)/receiptflow up --data "$(DATA)" --port $(PORT) --demo $(if $(RECEIPTS),--receipts "$(RECEIPTS)") $(if $(ONCE),--once)

# Tests run so many at a time, one more than two cores as they often wait; each takes up to 2 GB of memory with the stacks
# that it starts.
JOBS ?= 3
# A group of tests goes to one worker whole, and the groups in the order of tests/selection.py.
PARALLEL := -n $(JOBS) --dist loadgroup --no-loadscope-reorder

# While you work, in under two minutes: lint, types, and the tests that need no more than PostgreSQL and read no pictures.
check: lint
	$(BIN)/python -m pytest $(PARALLEL) -m "(pure or postgres) and not (ocr or slow)" $(ARGS)

# All that CI runs.
test: setup-dev
	$(BIN)/python -m pytest $(PARALLEL) $(ARGS)

# Outages of whole servers and the loss of whole databases, which take minutes.
test-slow: setup-dev
	$(BIN)/python -m pytest -m slow $(ARGS)

# Every program that exports are for, the large ones too; installs what is missing (root, for apt-get).
EXPORT_PROGRAMS := ledger hledger ofx libreoffice-calc nodejs
ACTUAL := 26.9.0
test-exports: setup-dev
	@for program in ledger hledger ofxdump soffice node; do command -v $$program >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends $(EXPORT_PROGRAMS); break; }; done
	@test -d build/actual/node_modules/@actual-app/sync-server || npm_config_nodedir=/usr npm install --silent --no-audit --no-fund --prefix build/actual @actual-app/api@$(ACTUAL) @actual-app/sync-server@$(ACTUAL)
	RECEIPTFLOW_ALL_PROGRAMS=1 $(BIN)/python -m pytest -m "slow or not slow" tests/test_exports_programs.py tests/test_exports_heavy.py $(ARGS)

# What operators get, run for real; each installs what is missing (root, for apt-get).
# The image: built, run, stopped and run again. Where no registry of images can be reached, PYTHON312=<prefix> makes its
# base here, of Debian and the Python 3.12 under that prefix.
PYTHON312 ?=
IMAGE := docker.io/library/python:3.12-slim-bookworm
IMAGES := tests/fixtures/images
image test-image test-compose test-service: export CONTAINERS_CONF = $(abspath $(IMAGES)/containers.conf)
.PHONY: image test-image test-compose test-service test-monitoring
image: setup-dev
	@command -v podman >/dev/null && command -v runc >/dev/null && command -v debootstrap >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends podman buildah runc debootstrap; }
	@podman image exists $(IMAGE) || $(if $(PYTHON312),$(IMAGES)/base.sh "$(PYTHON312)",podman pull $(IMAGE))
	podman build --format docker --pull=never --tag receiptflow:$$($(BIN)/python -c 'from deployments.version import installed_version; print(installed_version())') .

test-image: image
	$(BIN)/python -m pytest -m slow tests/test_container_image.py $(ARGS)

# compose.yaml, with PostgreSQL and SeaweedFS in images made here of their wheels, two workers, one of which is killed.
test-compose: image
	@command -v dockerd >/dev/null && command -v docker-compose >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends docker.io docker-compose; }
	$(BIN)/python -m pytest -m slow tests/test_compose_up.py $(ARGS)

# `receiptflow service` under a systemd that boots in a container of the image.
test-service: image
	$(BIN)/python -m pytest -m slow tests/test_service_installed.py $(ARGS)

# Prometheus scrapes a stack: each query of the dashboard, each alert.
test-monitoring: setup-dev
	@command -v promtool >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends prometheus; }
	$(BIN)/python -m pytest -m slow tests/test_prometheus.py $(ARGS)

# 200,000 expenses to each file, beside the csv module: make bench-exports [EXPENSES=200000] [JSON=out.json]
EXPENSES ?= 200000
bench-exports: setup-dev
	$(BIN)/python -m benchmarks.exports --expenses $(EXPENSES) $(if $(JSON),--json "$(JSON)")

# A real stack under seeded random faults, and whether every promise held: make chaos SEED=2 FAULTS=200 JSON=out.json
# WRITE=docs/durability-chaos.md writes the page.
SEED     ?= 1
FAULTS   ?= 40
chaos: setup
	$(BIN)/python -m benchmarks.chaos --seed $(SEED) --faults $(FAULTS) --receipts $(if $(RECEIPTS),$(RECEIPTS),$(FAULTS)) $(if $(JSON),--json "$(JSON)") $(if $(WRITE),--write "$(WRITE)") $(if $(ONLY),--only "$(ONLY)")

chaos-ci: setup
	$(BIN)/python -m benchmarks.chaos --seed 4 --faults 6 --receipts 10 --short

# What orchestration costs beside the OCR: make bench [QUICK=1] [JSON=out.json] [ONLY=throughput,latency [ADD=1]]
# ONLY measures some parts, ADD keeps the figures that the JSON file has; docs/performance.md is written without ONLY.
# BASE=97f9a5a measures that commit too, in TURNS (2) with this code: start, memory, rows, CPU, latency, trivial steps.
bench: setup-dev
	$(BIN)/python -m benchmarks.bench $(if $(QUICK),--quick) $(if $(JSON),--json "$(JSON)") $(if $(ADD),--add) $(if $(BASE),--base "$(BASE)") $(if $(TURNS),--turns $(TURNS)) $(if $(ONLY),--only $(ONLY),$(if $(BASE),,--write docs/performance.md))

# Two hosts, two API servers, Redis, PostgreSQL over TCP: make bench-scale [JSON=out.json]
bench-scale: setup-dev
	$(BIN)/python -m benchmarks.bench_scale $(if $(JSON),--json "$(JSON)")

# How large a pipeline becomes, before and after pruning: make bench-growth [N=20000] [WRITE=docs/scaling.md] [JSON=out.json]
# Some 0.4 CPU-seconds a receipt.
N ?= 20000
bench-growth: setup
	$(BIN)/python -m benchmarks.growth --receipts $(N) $(if $(JSON),--json "$(JSON)") $(if $(WRITE),--write "$(WRITE)")

# How well receipts are read: the samples, and the folders of real receipts with truth that are named.
TRUTH ?= $(wildcard ../shared/receipts/sroie ../shared/receipts/german ../shared/receipts/world ../shared/cases)
NEED_TRUTH = $(if $(strip $(1)),,$(error no folder of real receipts with truth.json is here; name some: make $@ $(2)=folder, or see make written, which needs none))
accuracy: setup
	$(call NEED_TRUTH,$(TRUTH),TRUTH)
	$(BIN)/python -m deployments.samples build/samples
	$(BIN)/python -m benchmarks.accuracy build/samples $(TRUTH) --out docs/accuracy.md --readme README.md

# The same receipts photographed worse, which shows rules that fit the known letters alone: make shaken [SEED=1]
shaken: setup
	$(call NEED_TRUTH,$(TRUTH),TRUTH)
	$(BIN)/python -m benchmarks.shaken $(filter-out %/cases,$(TRUTH)) --into build/shaken$(SEED) --seed $(SEED)
	$(BIN)/python -m benchmarks.accuracy $(patsubst %,build/shaken$(SEED)/%,$(notdir $(filter-out %/cases,$(TRUTH)))) --engine auto

# Written receipts of forty countries, photographed: make written [SEED=1] (benchmarks/written)
written: setup
	$(BIN)/python -m benchmarks.written --into build/written$(SEED) --seed $(SEED)
	$(BIN)/python -m benchmarks.accuracy $(patsubst %,build/written$(SEED)/%,europe world europe_again everyday) --engine auto

# 500 broken files of every format through the reader, in processes that can be killed.
hostile: setup
	$(BIN)/python -m benchmarks.hostile

# make ocr-cost [AGAINST=commit or folder] [WITHOUT_16_BITS=1]: the default engine of that commit is measured in the same
# run, on some pictures of each folder of receipts; as on a processor without units for 16-bit floats.
AGAINST ?= 97f9a5a
ocr-cost: setup
	$(call NEED_TRUTH,$(TRUTH),TRUTH)
	$(BIN)/python benchmarks/ocr_cost.py $(filter-out %/cases,$(TRUTH)) $(if $(AGAINST),--against "$(AGAINST)") $(if $(WITHOUT_16_BITS),--without-16-bits)

# How long a sender waits while OCR uses the machine: make bench-gateway [JSON=out.json]
bench-gateway: setup
	$(BIN)/python -m benchmarks.gateway $(if $(JSON),--json "$(JSON)")

# How quickly the gateway lists, searches and sums over 200,000 expenses: make bench-web [JSON=out.json]
bench-web: setup
	$(BIN)/python -m benchmarks.bench_web $(if $(JSON),--json "$(JSON)")

# Keys and clicks that the review of real receipts takes in Chromium: make bench-review [RECEIPTS=folder]
# [WORDS=folder of kept words] [JSON=out.json]. Reads each receipt by OCR unless its words are kept.
bench-review: setup-dev
	$(call NEED_TRUTH,$(RECEIPTS)$(TRUTH),RECEIPTS)
	$(BIN)/python -m benchmarks.bench_review $(if $(RECEIPTS),$(RECEIPTS),$(filter-out %/cases,$(TRUTH))) $(if $(WORDS),--words "$(WORDS)") $(if $(JSON),--json "$(JSON)")

# Corrections that the second half of a folder still needs, with what was learned on the first and without:
# make bench-learning [RECEIPTS=folder] [WORDS=folder of kept words] [JSON=out.json]
bench-learning: setup
	$(call NEED_TRUTH,$(RECEIPTS)$(TRUTH),RECEIPTS)
	$(BIN)/python -m benchmarks.learning $(if $(RECEIPTS),$(RECEIPTS),$(filter-out %/cases,$(TRUTH))) $(if $(WORDS),--words "$(WORDS)") $(if $(JSON),--json "$(JSON)")

# The API against its own OpenAPI schema.
fuzz-api: setup-dev
	$(BIN)/python -m benchmarks.fuzz_api

lint: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# docs/settings.md from the classes that read settings.
.PHONY: settings
settings: setup
	$(BIN)/python -m deployments.settings_page

# Needs uv on the PATH. Writes exact versions with hashes and no index address.
lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --no-emit-index-url --no-emit-find-links --no-emit-package opencv-python --no-emit-package openvino-telemetry --no-emit-package loguru --no-emit-package win32-setctime pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --no-emit-index-url --no-emit-find-links --no-emit-package opencv-python --no-emit-package openvino-telemetry --no-emit-package loguru --no-emit-package win32-setctime --extra dev --extra scale -c requirements.lock pyproject.toml -o requirements-dev.lock

# The tables of a new stack's databases in one script each: after a migration, or another release of Prefect.
schemas: setup
	$(BIN)/python -m deployments.stack.schemas.write

# The pages' texts: new ones into the catalogues, to be translated, and those compiled, which is what is installed.
LOCALE := deployments/gateway/web/locale
texts: setup
	$(BIN)/pybabel -q extract -F babel.cfg --no-location --sort-output -o $(LOCALE)/pages.pot deployments/gateway/web
	$(BIN)/pybabel -q update -D pages -i $(LOCALE)/pages.pot -d $(LOCALE) --no-fuzzy-matching --ignore-pot-creation-date -w 120
	$(BIN)/pybabel -q compile -D pages -d $(LOCALE)
	rm $(LOCALE)/pages.pot

# The list of brands from OpenStreetMap's, by npm: make brands [BRANDS=version]
.PHONY: brands
BRANDS ?= 8.0.20260918
brands: setup
	@mkdir -p build
	npm pack --silent --pack-destination build name-suggestion-index@$(BRANDS)
	tar xzf build/name-suggestion-index-$(BRANDS).tgz -C build
	$(BIN)/python -m deployments.brand_list build/package

# What the parser asks of Unicode's CLDR, by the installed Babel: after another release of it.
.PHONY: cldr
cldr: setup
	$(BIN)/python -m flows.reading.parser.write_cldr

clean:
	rm -rf $(VENV)
