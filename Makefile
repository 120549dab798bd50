# The commands of this repository. Each says what it does while it does it, and may be run again at any time: nothing is built or
# installed twice.

.DEFAULT_GOAL := help
.PHONY: help setup setup-build demo install quick check test dist dist-test fuzz bench torture soak drill fixture

help:
	@echo "Start"
	@echo "  make demo          build the host, run three connectors on a day's leads, show what became of each"
	@echo "  make demo KEEP=1   the same, and leave the host running to look around"
	@echo "  make install       put handoff into PREFIX/bin: /usr/local as root, else ~/.local"
	@echo "Change"
	@echo "  make quick         formatting, lints, and the tests that build no connector: under two minutes"
	@echo "  make test          every check and every test; continuous integration runs exactly this"
	@echo "  make check         formatting, lints, licences and advisories, without tests"
	@echo "  make setup         only install what is missing"
	@echo "Release"
	@echo "  make dist          an optimized build as a tarball and a Debian package"
	@echo "  make dist-test     install, upgrade, remove and purge the Debian package in a clean chroot (as root, with mmdebstrap)"
	@echo "  make bench         measure that build; WRITE=1 writes the figures into BENCHMARKS.md, ONLY=commit measures one part"
	@echo "Test harder (tests/README.md)"
	@echo "  make fuzz          malformed input for everything that reads bytes from outside; SECONDS_EACH= and TARGETS= choose"
	@echo "  make torture       kill the host KILLS=2000 times, and the long form of every other hard test; PARTS= chooses"
	@echo "  make soak          load the host for MINUTES=60 and say what grew; WRITE=1 draws tests/soak.svg"
	@echo "  make fixture       record the data folder of a new schema for tests/fixtures; once, when the schema is released"
	@echo "  make drill         release bad versions under load and roll back; RUNS=, VARIANTS= and MODES= choose, WRITE=1 writes the tables"

setup:
	@.ci/setup

setup-build:
	@.ci/setup build

demo: setup-build
	@KEEP="$(KEEP)" .ci/demo

install: setup-build
	@PREFIX="$(PREFIX)" .ci/install

quick: setup
	@.ci/quick

check: setup
	@.ci/check

test: setup
	@.ci/test

dist: setup-build
	@BINARY="$(BINARY)" .ci/dist

dist-test:
	@tests/dist.sh

fuzz: setup-build
	@SECONDS_EACH="$(SECONDS_EACH)" SEED="$(SEED)" TARGETS="$(TARGETS)" .ci/fuzz

bench: setup-build
	@WRITE="$(WRITE)" QUICK="$(QUICK)" ONLY="$(ONLY)" .ci/bench

fixture: setup
	RECORD_FIXTURE=1 cargo nextest run --workspace --locked -E 'test(a_data_folder_of_every_schema)'

torture: setup
	@KILLS="$(KILLS)" SEED="$(SEED)" PARTS="$(PARTS)" .ci/torture

soak: setup-build
	@MINUTES="$(MINUTES)" WRITE="$(WRITE)" .ci/soak

drill: setup-build
	@RUNS="$(RUNS)" PROBATION_RUNS="$(PROBATION_RUNS)" MODES="$(MODES)" VARIANTS="$(VARIANTS)" RATE="$(RATE)" WRITE="$(WRITE)" .ci/drill dist-test
