# The commands of this repository. Each says what it does while it does it, and may be run again at any time: what is there
# already is not made a second time.

.DEFAULT_GOAL := help
.PHONY: help setup demo test check fuzz bench torture soak drill

help:
	@echo "make demo          build everything, run three connectors on real-shaped leads, show what became of each"
	@echo "make demo KEEP=1   the same, and leave the host up to look around"
	@echo "make test          set up what is missing and run every check and every test (.ci/run runs exactly this)"
	@echo "make check         formatting, lints, licences and advisories, without the tests"
	@echo "make fuzz          broken input for everything that reads bytes from outside; SECONDS_EACH= and TARGETS= choose"
	@echo "make bench         measure; with WRITE=1 put the figures into BENCHMARKS.md, with ONLY=commit measure one part"
	@echo "make torture       kill -9 the host KILLS=2000 times, and the long form of every other hard test; PARTS= chooses"
	@echo "make soak          load the host for MINUTES=60 and say what grew; with WRITE=1 draw tests/soak.svg"
	@echo "make drill         release bad versions under load and roll back, RUNS=20 times each of VARIANTS= in both MODES=; WRITE=1 writes the tables"
	@echo "make setup         only install what is missing"

setup:
	@.ci/setup

demo: setup
	@KEEP="$(KEEP)" .ci/demo

test: setup
	@.ci/test

check: setup
	@.ci/check

fuzz: setup
	@SECONDS_EACH="$(SECONDS_EACH)" SEED="$(SEED)" TARGETS="$(TARGETS)" .ci/fuzz

bench: setup
	@WRITE="$(WRITE)" QUICK="$(QUICK)" ONLY="$(ONLY)" .ci/bench

torture: setup
	@KILLS="$(KILLS)" SEED="$(SEED)" PARTS="$(PARTS)" .ci/torture

soak: setup
	@MINUTES="$(MINUTES)" WRITE="$(WRITE)" .ci/soak

drill: setup
	@RUNS="$(RUNS)" PROBATION_RUNS="$(PROBATION_RUNS)" MODES="$(MODES)" VARIANTS="$(VARIANTS)" RATE="$(RATE)" WRITE="$(WRITE)" .ci/drill
