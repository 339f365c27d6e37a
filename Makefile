# `make help` lists what can be done here.
.DEFAULT_GOAL := help
.PHONY: help run test build web check setup setup-test fuzz simulate bench clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## set everything up, build, and start Tidegate with a demo feed (DEMO=0: without)
	@scripts/run.sh

test: ## install what the tests need, and run them all
	@scripts/test.sh

build: setup web ## build the program with the dashboard in it
	@cargo build --release --locked -p tidegate
	@echo "Built $$(scripts/target.sh)/release/tidegate"

web: ## build the dashboard into web/dist
	@scripts/web.sh build

check: ## format, lints, dependency rules
	@scripts/check.sh

setup: ## install the Debian packages that building and running need
	@scripts/setup.sh run

setup-test: ## install the real peers that the tests are run against
	@scripts/setup.sh test

fuzz: setup ## run every fuzz target for SECONDS_EACH seconds (default 60)
	@fuzz/run.sh $${SECONDS_EACH:-60}

simulate: setup ## run SRT through SEEDS random networks (default 5000; 100000 for a night), and switches through random failures
	@TIDEGATE_SIM_SEEDS=$${SEEDS:-5000} cargo test --locked -p tidegate-srt --test simulation
	@TIDEGATE_SWITCH_SEEDS=1000 cargo test --locked -p tidegate-switch --test simulation

bench: setup-test ## measure what everything costs beside real peers; an hour, JSON in target/
	@scripts/bench.sh --json "$$(scripts/target.sh)/figures.json"

clean: ## remove what was built (not the data folder)
	@cargo clean --quiet
	@rm -rf fuzz/target web/dist web/node_modules .cache
