# Parley. The two commands to know: `make run` builds everything and starts the demo, `make test` runs every test.
# `make help` lists the others. Everything below only calls the tools of Go and Node; longer things stand in scripts/.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := check
MAKEFLAGS += --no-print-directory

# One set of flags for build, vet and test, so that nothing is compiled twice.
export CGO_ENABLED ?= 0
export GOFLAGS := $(strip $(filter-out -trimpath,$(GOFLAGS)) -trimpath)

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X parley/internal/cli.version=$(VERSION)
STATICCHECK := go tool -modfile=tools/go.mod staticcheck

# What the built apps are made of: their sources and what they share, without their tests and packages.
web_files = $(shell find $(1) \( -name node_modules -o -name test \) -prune -o -type f -print 2>/dev/null)
WIDGET_FILES := $(call web_files,web/widget web/shared)
OPERATOR_FILES := $(call web_files,web/operator web/shared web/demo)

WIDGET_DEPS := web/widget/node_modules/.package-lock.json
OPERATOR_DEPS := web/operator/node_modules/.package-lock.json
E2E_DEPS := web/e2e/node_modules/.package-lock.json

.PHONY: check
check: fmt-check vet staticcheck ## Go only: format, vet, staticcheck, tests (the default)
	go test ./...

.PHONY: run
run: tools-present build ## build what is not up to date and start the demo (ARGS="…" are passed on)
	@echo "==> starting the demo (stop it with Ctrl-C)"
	@exec bin/parley demo $(ARGS)

.PHONY: test
test: ## every test: Go on SQLite, PostgreSQL and Redis, both web apps, browser tests
	@bash scripts/test.sh

# The long part of the Go build needs no web apps and half the time of npm is waiting, so they go side by side.
.PHONY: build
build: ## build the web apps and bin/parley
	@$(MAKE) -j3 web compile
	@$(MAKE) binary

.PHONY: compile
compile:
	@echo "==> compiling the server"
	@go build ./internal/db ./internal/realtime ./internal/outhttp ./internal/httpapi/rest ./internal/httpapi/visitor

.PHONY: binary
binary: ## build bin/parley with the web apps as they are
	@echo "==> bin/parley ($(VERSION))"
	@go build -ldflags '$(LDFLAGS)' -o bin/parley ./cmd/parley

.PHONY: web
web: web/dist/widget/messenger.js web/dist/operator/index.html ## build the messenger and the Message Center

web/dist/widget/messenger.js: $(WIDGET_DEPS) $(WIDGET_FILES)
	@echo "==> building the messenger (web/widget)"
	@npm --prefix web/widget run --silent build
	@touch $@

web/dist/operator/index.html: $(OPERATOR_DEPS) $(OPERATOR_FILES)
	@echo "==> building the Message Center and the demo pages (web/operator)"
	@npm --prefix web/operator run --silent build
	@touch $@

# npm writes this file last, so it is the stamp of a complete installation.
web/%/node_modules/.package-lock.json: web/%/package.json web/%/package-lock.json
	@echo "==> installing the packages of web/$*"
	@cd web/$* && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: web-deps
web-deps: $(WIDGET_DEPS) $(OPERATOR_DEPS) $(E2E_DEPS) ## install the packages of the web apps and of the browser tests

.PHONY: tools-present
tools-present:
	@bash scripts/tools-present.sh

.PHONY: fmt
fmt: ## format the Go code
	@gofmt -w $$(bash scripts/go-files.sh)

.PHONY: fmt-check
fmt-check: ## fail when a Go file is not formatted
	@out=$$(gofmt -l $$(bash scripts/go-files.sh)); \
	if [ -n "$$out" ]; then printf 'not formatted (run make fmt):\n%s\n' "$$out"; exit 1; fi

.PHONY: vet
vet: ## go vet
	go vet ./...

.PHONY: staticcheck
staticcheck: ## staticcheck, at the version of tools/go.mod
	$(STATICCHECK) ./...

.PHONY: lint
lint: fmt-check vet staticcheck $(WIDGET_DEPS) $(OPERATOR_DEPS) ## every linter, Go and TypeScript
	npm --prefix web/widget run --silent lint
	npm --prefix web/operator run --silent lint

.PHONY: e2e
e2e: build $(E2E_DEPS) ## the browser tests alone
	@cd web/e2e && npm test --silent

.PHONY: bench
bench: build ## measure the built server against the promised figures (BENCH="…" are passed on)
	go run ./cmd/bench -bin bin/parley $(BENCH)

.PHONY: bench-delivery
bench-delivery: build ## measure deliveries against the promised figures (BENCH="…" are passed on)
	go run ./cmd/bench delivery -bin bin/parley $(BENCH)

.PHONY: bench-channel
bench-channel: build ## measure a custom channel, uploads and link cards against the promised figures
	go run ./cmd/bench channel -bin bin/parley $(BENCH)

.PHONY: bench-chats
bench-chats: build ## measure how soon a webhook hears of a new chat
	go run ./cmd/bench chats -bin bin/parley $(BENCH)

.PHONY: generate
generate: ## make the generated files anew
	@bash scripts/generate.sh

.PHONY: generate-check
generate-check: ## fail when a generated file is not what `make generate` makes
	@bash scripts/generate.sh --check

.PHONY: deps
deps: ## write deps.txt, the list of modules in the binary
	@bash scripts/deps.sh > deps.txt.new && mv deps.txt.new deps.txt

.PHONY: deps-check
deps-check: ## fail when the binary holds other modules than deps.txt says
	@bash scripts/deps.sh | diff -u deps.txt - || { echo "the binary's modules changed; if that is meant: make deps, and a reason in docs/dependencies.md"; exit 1; }

.PHONY: clean
clean: ## delete what was built and the installed npm packages
	rm -rf bin web/dist/widget web/dist/operator web/dist/demo web/*/node_modules

.PHONY: help
help: ## this list
	@sed -nE 's/^([a-z0-9-]+):.*## (.*)/  make \1\t\2/p' Makefile | expand -t 24
