# SPDX-License-Identifier: Apache-2.0
# The only front door. `make help` lists what there is.

SWIFT ?= swift
RELEASE := .build/release
# A module may import only what Package.swift lists for it.
STRICT := --explicit-target-dependency-import-check error
# Without it a crash in a test waits for the backtracer instead of failing.
export SWIFT_BACKTRACE ?= enable=no
FORMATTED := Package.swift Sources Tests perf
# The unit suites of levels 1 to 3, but for the embedded cluster, whose suites are whole systems: what the
# sanitizers run.
UNIT := ^(BlockTypes|Locks|ObjectModel|Codecs|BlockDiff|WireProtocol|Kinds|Identity|SecureTransport|VolumeStore|Catalogue|KubernetesClient)Tests\.
KUBERNETES := ^KubernetesTests\.
# Whole systems: on clusters of their own in `test`, on the real API servers in `test-kubernetes`, one test
# after the other there, for a cluster has one set of controllers. Those that were seen to pass there.
WHOLE := ^EndToEndTests\.(EndToEnd|Lease|Rights|ControllerKill|ControllerProcess|Deletion|Document|Drill|Failover|FailoverTrouble|Lossless|LostBase|MigrationOption|NamespaceUser|RecoveryPoint|ScheduleCadence|SeveralSites|WrongInput)Tests/
# The suites of the control plane wait where those of the data plane work: in one process they would
# not get a thread for minutes.
CONTROL := ^(KubernetesClient|EmbeddedCluster|ControlPlane|EndToEnd)Tests\.|^AgentTests\.(ActivateCommand|ClusterCommand|PairCommand|SeedRun|MigrationWait)Tests
# What a transfer costs besides time. In `test` too, with wider bounds for allocations: without optimisation
# there are more.
COSTS := ^AgentTests\.(Cost|MemoryCost)Tests|^ReplicationTests\.WireCostTests
# Our kinds, for servers as old as those of Tools/kubernetes-build.sh: they do not know rules.
CRDS ?= deploy/crds-without-rules
PERF_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup build release demo test test-costs kubernetes test-kubernetes check lint fmt tidy \
	docs-check sanitize perf perf-quick perf-controllers perf-schedules perf-links perf-sparse perf-compare perf-setup clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile

setup: ## install the missing Debian packages (needs root or sudo only when one is missing)
	@bash Tools/setup.sh

build: setup ## build everything for debugging
	$(SWIFT) build $(STRICT)

release: setup ## build the executables, optimised, into .build/release
	$(SWIFT) build -c release

demo: release ## replicate an image between two agents, break it on the way, then migrate a namespace, fail over and back
	$(RELEASE)/godwit demo

test: ## build and run every test that needs no cluster
	@bash Tools/setup.sh test
	$(SWIFT) build --build-tests $(STRICT)
	$(SWIFT) test --skip-build --disable-xctest --skip '$(KUBERNETES)|$(CONTROL)'
	$(SWIFT) test --skip-build --disable-xctest --filter '$(CONTROL)'

test-costs: release ## what a transfer may cost besides time, on optimised executables
	@bash Tools/setup.sh test
	$(SWIFT) build --build-tests $(STRICT)
	GODWIT_BIN=$(CURDIR)/$(RELEASE) $(SWIFT) test --skip-build --disable-xctest --filter '$(COSTS)'

kubernetes: setup ## build the Kubernetes servers of the tests from Debian's sources, once
	@bash Tools/kubernetes-build.sh

test-kubernetes: kubernetes ## the tests that need two real Kubernetes API servers, which it starts
	$(SWIFT) build --build-tests $(STRICT)
	@GODWIT_TEST_CRDS=$(CURDIR)/$(CRDS) bash Tools/kubernetes-run.sh \
		$(SWIFT) test --skip-build --disable-xctest --filter '$(KUBERNETES)'
	@GODWIT_TEST_CRDS=$(CURDIR)/$(CRDS) bash Tools/kubernetes-run.sh \
		$(SWIFT) test --skip-build --disable-xctest --no-parallel --filter '$(WHOLE)'

check: lint test test-kubernetes ## what CI runs: formatting, lint, every test

lint: ## formatting and lint, nothing is changed
	$(SWIFT) format lint --strict --parallel --recursive $(FORMATTED)
	@for script in Tools/*.sh Tools/*/*.sh .ci/run; do bash -n $$script || exit 1; done

fmt: ## format every Swift file in place
	$(SWIFT) format --in-place --parallel --recursive $(FORMATTED)

tidy: setup ## only the rules of the code base: levels, sizes, banned calls, links
	$(SWIFT) test --disable-xctest --filter '^TidyTests\.'

docs-check: setup ## only the documents: links, paths and promise numbers
	$(SWIFT) test --disable-xctest --filter '^TidyTests\.DocumentTests'

sanitize: setup ## the unit suites under the address and the thread sanitizer
	ASAN_OPTIONS=detect_leaks=0 $(SWIFT) test --disable-xctest --sanitize=address \
		--scratch-path .build/address --filter '$(UNIT)'
	$(SWIFT) test --disable-xctest --sanitize=thread --scratch-path .build/thread --filter '$(UNIT)'

perf-setup: ## install the peers and build everything, optimised
	@bash Tools/setup.sh perf
	$(SWIFT) build -c release

perf: perf-setup ## measure Godwit beside its peers: 4 GiB, 7 repeats, all cases (some hours)
	$(RELEASE)/godwit-perf run --size 4GiB --repeats 7 $(PERF_ARGS)

perf-quick: perf-setup ## the same on 512 MiB with 3 repeats (some minutes)
	$(RELEASE)/godwit-perf run --size 512MiB --repeats 3 --small-volumes 50 $(PERF_ARGS)

perf-controllers: release ## measure what 2,000 Migrations cost one controller (some minutes)
	$(RELEASE)/godwit-perf controllers --migrations 2000 --config-maps 1000 $(PERF_ARGS)

perf-schedules: release ## measure what 10,000 MigrationSchedules cost one controller (some minutes)
	$(RELEASE)/godwit-perf schedules --schedules 10000 --triggers 500 $(PERF_ARGS)

perf-links: perf-setup ## measure the codecs over shaped links, as root (about half an hour)
	$(RELEASE)/godwit-perf links $(PERF_ARGS)

perf-sparse: perf-setup ## measure incrementals of 16 TiB by the number of changed leaves, as root (some minutes)
	$(RELEASE)/godwit-perf sparse $(PERF_ARGS)

perf-compare: ## compare two results: make perf-compare A=perf/results/x.json B=perf/results/y.json
	$(RELEASE)/godwit-perf compare $(A) $(B)

clean: ## remove what was built
	rm -rf .build
