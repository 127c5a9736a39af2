# Every target does one thing; `make` alone lists them. Needs Python 3.11, git and a package registry.
PYTHON  ?= python3
DATA    ?=
FILES   ?=
GATEWAY ?= 127.0.0.1:8080
BENCH   ?=
PROCESSES ?= 1
POSTGRESQL ?=
REPLICAS ?= 1
NATS ?=

RUN   := .venv/.installed
DEV   := .venv/.installed-dev
TOOLS := build/protoc/.installed
PROTOS := $(shell find protos/veilgraph -name '*.proto')

.DEFAULT_GOAL := help
.PHONY: help run tour test web faults lint release-check protos stubs baseline bench locks clean

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  DATA=mapping.toml     run: import these purchases instead of the demonstration data"
	@echo "  FILES=folder          run, tour: where the files lie that the mapping names"
	@echo "  GATEWAY=host:port     run, tour: where the gateway listens (127.0.0.1:8080)"
	@echo "  PROCESSES=4           run: a process a service instead of one for all"
	@echo "  POSTGRESQL=uri        run: keep the tables in this database instead of SQLite files"
	@echo "  REPLICAS=2            run: with both of the above, a second process of each service, beside the first or standing by"
	@echo "  NATS=url              run: have a NATS server (JetStream) announce news of events"

run: $(RUN) ## Set up, import a year of purchases, train, serve until Ctrl-C.
	@.venv/bin/python -m services run --gateway $(GATEWAY) --processes $(PROCESSES) --replicas $(REPLICAS) $(if $(NATS),--nats $(NATS)) $(if $(POSTGRESQL),--postgresql $(POSTGRESQL)) $(if $(DATA),--data $(DATA)) $(if $(FILES),--files $(FILES))

tour: $(RUN) ## Walk one household through a running suite and check every claim.
	@.venv/bin/python -m services tour --gateway $(GATEWAY) $(if $(DATA),--data $(DATA)) $(if $(FILES),--files $(FILES))

test: $(DEV) ## Run all tests.
	.venv/bin/python -m pytest

faults: $(DEV) ## Break a running suite in many ways; print fault, promise and result.
	.venv/bin/python -m tests.faults

lint: $(DEV) stubs ## Check style, types, imports, the contract, and that the stubs are its.
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/python -m services lint-contract
	.venv/bin/python -m services contract-pages build/contract.binpb --check
	.venv/bin/buf lint build/contract.binpb --config protos/buf.yaml --path veilgraph
	.venv/bin/buf breaking build/contract.binpb --against protos/baseline.binpb --config protos/buf.yaml --path veilgraph
	.venv/bin/python -m services contract-breaking build/contract.binpb --against protos/baseline.binpb
	.venv/bin/python -m tests.deploy
	@diff -r -x '*.proto' -x client -x __pycache__ -x '*.typed' build/stubs/veilgraph protos/veilgraph \
	  && diff -x '*.proto' -x __pycache__ -x __init__.py build/stubs/tests/probe/v1 tests/probe/v1 \
	  || { echo 'The stubs are not those of the contract: run make protos.'; exit 1; }

release-check: $(DEV) ## Refuse manifests and images in which something stands in for what only you know.
	.venv/bin/python -m tests.deploy --release

protos: $(RUN) stubs ## Generate the stubs, docs/contract, docs/openapi.json, docs/errors.md, the gateway's files of deploy/.
	cp -r build/stubs/veilgraph protos/
	cp build/stubs/tests/probe/v1/* tests/probe/v1/
	.venv/bin/python -m services contract-pages build/contract.binpb
	@set -e; for one in production/settings dev; do \
	  .venv/bin/python -m services render-gateway deploy/overlays/$$one/suite.toml deploy/overlays/$$one/gateway; done

baseline: stubs ## At a release: from now on callers have the contract as it is.
	@cp build/baseline.binpb protos/baseline.binpb

web: $(DEV) ## Build the TypeScript client of docs/examples/web in build/web; needs node and npm.
	@.venv/bin/python -m tests.e2e.web_build

bench: $(DEV) ## Measure, print a table, write build/bench.json; BENCH=name: only that one.
	.venv/bin/python -m tests.bench $(BENCH)

locks: $(DEV) ## Lock the newest versions the project allows.
	.venv/bin/uv pip compile -q --upgrade --universal --generate-hashes --python-version 3.11 --no-header --no-annotate pyproject.toml -o requirements.lock
	.venv/bin/uv pip compile -q --upgrade --universal --generate-hashes --python-version 3.11 --no-header --no-annotate pyproject.toml --group dev -o requirements-dev.lock
	.venv/bin/uv pip compile -q --upgrade --universal --generate-hashes --python-version 3.11 --no-header --no-annotate --group pyproject.toml:protoc -o requirements-protoc.lock

clean: ## Remove everything built; data and keys under var/ stay.
	rm -rf .venv build protos/build
	find . -name __pycache__ -prune -exec rm -rf {} +

$(RUN): requirements.lock pyproject.toml protos/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; set PYTHON=…") if sys.version_info < (3, 11) else None'
	test -d .venv || $(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	.venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e protos -e .
	@touch $@

$(DEV): $(RUN) requirements-dev.lock
	.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

$(TOOLS): requirements-protoc.lock
	$(PYTHON) -m venv build/protoc
	build/protoc/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-protoc.lock
	@touch $@

stubs: $(TOOLS)
	@rm -rf build/stubs && mkdir -p build/stubs
	@set -e; tools=build/protoc/bin/python; \
	google=$$($$tools -c 'import google.api; print(list(google.api.__path__)[0][:-len("google/api")])'); \
	protoc="$$tools -m grpc_tools.protoc -I protos -I . -I $$google"; \
	$$protoc --python_out=build/stubs --pyi_out=build/stubs --grpc_python_out=build/stubs $(PROTOS:protos/%=%) tests/probe/v1/probe.proto; \
	$$protoc --include_imports --descriptor_set_out=build/baseline.binpb $(PROTOS:protos/%=%); \
	$$protoc --include_imports --include_source_info --descriptor_set_out=build/contract.binpb $(PROTOS:protos/%=%)
