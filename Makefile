# partaware: one header, its examples, tests, benches and tools. `make help` lists the targets.
# CC CXX CFLAGS CXXFLAGS CPPFLAGS LDFLAGS LDLIBS are yours; B is where everything is built.
# PREFIX and DESTDIR say where make install goes; PROGRAMS= installs the header alone; MPI=1 builds
# the programs for mpirun.

CC = cc
CXX = c++
CFLAGS = -O2 -g -std=c99
CXXFLAGS = -O2 -g -std=c++11
B = build
# The code, compiled once for the programs that use what is public; each alone is one compiler call
# as well.
OBJECT := $(B)/partaware.o
LINKED := $(B)/tests/image $(B)/tools/retrieve_npy $(B)/tools/soak
# MPI=1: the programs for mpirun, by OpenMPI's compiler wrapper, into a folder of their own.
EXAMPLE_CC = $(CC)
ifneq (,$(MPI))
override B := $(B)/mpi
EXAMPLE_CC = OMPI_CC="$(CC)" mpicc -DCLI_MPI
.DEFAULT_GOAL = examples
endif
# Where make install puts what is built; DESTDIR stands before it and in no file.
PREFIX = /usr/local
DESTDIR =
PROGRAMS = $(EXAMPLES)

COMMON_WARN = -Wall -Wextra -Wpedantic -Wshadow -Wundef -Wconversion -Wsign-conversion \
	-Wcast-align -Wcast-qual -Wpointer-arith -Wwrite-strings -Wvla -Wdouble-promotion \
	-Wimplicit-fallthrough
WARN = $(COMMON_WARN) -Wstrict-prototypes -Wmissing-prototypes
CXXWARN = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion

# Asked when a recipe runs, so that a pkg-config that setup has just installed counts.
PKG_CFLAGS = $(shell pkg-config --cflags sleef stb 2>/dev/null)
PKG_LIBS = $(shell pkg-config --libs sleef 2>/dev/null || echo -lsleef)
C_FLAGS = -I. $(CPPFLAGS) $(PKG_CFLAGS) $(WARN) $(CFLAGS) $(CHECKED)
C = $(CC) $(C_FLAGS)
CXXC = $(CXX) -I. $(CPPFLAGS) $(PKG_CFLAGS) $(CXXWARN) $(CXXFLAGS)
LIBS = $(LDFLAGS) $(LDLIBS) $(PKG_LIBS) -lm -lpthread

# Of the sources that an example is built from; reports name it.
COMMIT = $(patsubst %,-DCLI_COMMIT='"%"',$(shell git describe --always --dirty 2>/dev/null))

HEADERS = partaware.h $(wildcard tests/*.h examples/*.h bench/*.h)
EXAMPLES = $(patsubst %.c,$(B)/%,$(wildcard examples/*.c)) \
	$(patsubst %.cpp,$(B)/%,$(wildcard examples/*.cpp))
TESTS = $(patsubst %.c,$(B)/%,$(wildcard tests/*.c))
SCRIPTS = $(filter-out tests/run.sh tests/t.sh,$(wildcard tests/*.sh))
BENCHES = $(patsubst %.c,$(B)/%,$(wildcard bench/*.c))
PEERS = $(B)/bench/peers
TOOLS = $(patsubst %.c,$(B)/%,$(wildcard tools/*.c))
SOURCES = partaware.h $(wildcard tests/*.[ch] tests/*/*.[ch] tests/*/*.cc examples/*.[ch] \
	examples/*.cpp bench/*.c tools/*.c)

# One job per CPU unless -j says otherwise.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 2)
endif
# test and demo install what is missing before anything is compiled.
ifneq (,$(filter test demo,$(MAKECMDGOALS)))
READY = setup
endif

all: examples tests benches tools ## build everything

examples: $(EXAMPLES) ## build the examples; MPI=1: for mpirun, in build/mpi/examples
tests: $(TESTS)
benches: $(BENCHES)
tools: $(TOOLS)

$(B)/%: %.c $(HEADERS) | $(READY)
	@mkdir -p $(@D)
	$(C) -o $@ $< $(LIBS)

$(OBJECT): partaware.h | $(READY)
	@mkdir -p $(@D)
	$(C) -DPARTAWARE_IMPLEMENTATION -x c -c -o $@ $<

$(B)/examples/%: examples/%.c $(OBJECT) $(HEADERS) | $(READY)
	@mkdir -p $(@D)
	$(EXAMPLE_CC) $(C_FLAGS) -DPAW_NO_CODE $(COMMIT) -o $@ $< $(OBJECT) $(LIBS)

$(LINKED): $(B)/%: %.c $(OBJECT) $(HEADERS) | $(READY)
	@mkdir -p $(@D)
	$(C) -DPAW_NO_CODE -o $@ $< $(OBJECT) $(LIBS)

$(B)/bench/%: bench/%.c $(HEADERS) | $(READY)
	@mkdir -p $(@D)
	$(C) -DPAW_BENCH_FLAGS='"$(CFLAGS)"' -o $@ $< $(LIBS)

$(B)/%: %.cpp $(HEADERS) | $(READY)
	@mkdir -p $(@D)
	$(CXXC) -o $@ $< $(LIBS)

setup: ## check for the SLEEF and stb headers; install by apt-get what is missing
	@CC="$(CC)" CPPFLAGS="$(CPPFLAGS)" sh tools/setup.sh

ifneq (,$(wildcard tools/make_fixtures.c))
FIXTURES = $(B)/fixtures/.made
$(FIXTURES): $(B)/tools/make_fixtures
	@mkdir -p $(@D)
	$(RUN) $(B)/tools/make_fixtures $(@D)
	@touch $@
endif

test: setup tests examples tools $(B)/bench/kernels $(B)/bench/encoder $(FIXTURES) ## build and run all tests; last line: N passed, N failed, N skipped
	@B="$(B)" CC="$(CC)" CXX="$(CXX)" CPPFLAGS="$(CPPFLAGS)" sh tests/run.sh $(TESTS) $(SCRIPTS)

CHECKS = $(filter-out $(WITHOUT:%=$(B)/tests/%),$(TESTS))
check: $(CHECKS) $(FIXTURES) ## the test programs only, WITHOUT="name..."; no setup, no scripts
	@B="$(B)" RUN="$(RUN)" sh tests/run.sh $(CHECKS)

hostile: $(B)/tests/hostile examples tools $(FIXTURES) ## hostile files, numbers and faults, row by row; prints "81 rows: N passed, N explained"
	$(B)/tests/hostile --scripts

warn: $(SOURCES) ## every program past the compiler's front end, warnings as errors
	@bad=0; for f in $(filter %.c,$(SOURCES)); do \
	    $(C) -Werror -fsyntax-only $$f || bad=1; done; exit $$bad
	@bad=0; for f in $(filter %.cpp %.cc,$(SOURCES)); do \
	    $(CXXC) -Werror -fsyntax-only $$f || bad=1; done; exit $$bad

# Without optimisation: clang's sanitizers take a minute a program over the unrolled kernels else.
# golden, with its thousand real images, would then run for minutes; api runs the same code.
SANITIZE = -O0 -g -std=c99 -fno-omit-frame-pointer
# Wrap-around and narrowing are defined, so that no other check sees them; in readers of files they
# are mistakes but where tests/integer.ignore says why not.
READERS = $(patsubst %,$(B)/tests/%,fuzz load data image)
INTEGER = -fsanitize=integer,implicit-conversion -fsanitize-ignorelist=tests/integer.ignore
asan: ## the test programs under AddressSanitizer and UBSan (clang sees masked loads); readers of files under integer and implicit-conversion checks too
	$(MAKE) B=$(B)/asan CC=clang WITHOUT=golden LINKED= READING='$(INTEGER)' \
	    CFLAGS="$(SANITIZE) -fsanitize=address,undefined -fno-sanitize-recover=all" check
$(READERS): CHECKED = $(READING)
# faults draws with stb_image_write, which shifts bits out of an int; asan lets it do so there only.
ubsan: ## the test programs under gcc's UBSan
	$(MAKE) B=$(B)/ubsan CC=gcc WITHOUT="golden faults" \
	    CFLAGS="$(SANITIZE) -fsanitize=undefined -fno-sanitize-recover=all" check
# Without golden and faults, which would take hours; hostile, which bounds times; store, whose
# children start threads after fork, where qemu 7 fails an assertion of its own.
arm: ## test programs for AArch64, cross-compiled, under qemu
	$(MAKE) B=$(B)/aarch64 CC=aarch64-linux-gnu-gcc CPPFLAGS="$(CPPFLAGS) -DPAW_NO_SLEEF" \
	    CFLAGS="-O1 -std=gnu99" PKG_LIBS= LDFLAGS=-static RUN=qemu-aarch64 \
	    WITHOUT="golden faults hostile store" check
# Needs clang with libFuzzer. What is new goes to $(B)/fuzz; tests/corpus/README.md has the log.
MINUTES = 10
JOBS = 1
fuzz: ## every reader of files on changed files under ASan and UBSan: MINUTES=10 in all, JOBS=1, TARGETS=
	@B="$(B)" CPPFLAGS="$(CPPFLAGS)" JOBS="$(JOBS)" sh tools/fuzz.sh "$(MINUTES)" $(TARGETS)
coverage: ## lines and branches of the readers that the replay of tests/corpus takes, at least 95 and 85 %
	@B="$(B)" CPPFLAGS="$(CPPFLAGS)" sh tools/coverage.sh
# store forks while threads of its own run, which is what it tests.
tsan: ## api, store under ThreadSanitizer: pool, dispatch, hooks, one model in many threads, shards
	$(MAKE) B=$(B)/tsan CC=clang CFLAGS="$(SANITIZE) -fsanitize=thread" \
	    $(B)/tsan/tests/api $(B)/tsan/tests/store
	$(B)/tsan/tests/api
	TSAN_OPTIONS=die_after_fork=0 $(B)/tsan/tests/store
# Without SLEEF, whose library is not instrumented.
msan: ## api under MemorySanitizer, AVX2 and AVX-512
	$(MAKE) B=$(B)/msan CC=clang CPPFLAGS="$(CPPFLAGS) -DPAW_NO_SLEEF" \
	    CFLAGS="$(SANITIZE) -fsanitize=memory" $(B)/msan/tests/api
	@set -e; for isa in avx2 avx512; do PAW_ISA=$$isa $(B)/msan/tests/api; done
# Its cpuid has no AVX-512 (3.19), and PAW_ISA says so to later ones.
valgrind: $(B)/tests/hostile ## failing allocations, instruction sets, odd modes under memcheck
	PAW_ISA=avx2 valgrind -q --leak-check=full --error-exitcode=9 $(B)/tests/hostile G1 G10 G13

demo: setup $(B)/tools/make_creatures $(B)/examples/part_retrieval ## draw creatures, retrieve their parts, write a report
	$(B)/tools/make_creatures --out $(B)/demo/creatures
	$(B)/examples/part_retrieval --dataset cub --root $(B)/demo/creatures --parts all \
	    --random deit_tiny --cache $(B)/demo/cache --report $(B)/demo
	@echo "report: $(B)/demo/report.html"

bench: benches ## build and run the benches
	@set -e; for b in $(filter-out $(PEERS),$(BENCHES)); do echo "== $$b"; $$b; done

bench-peers: ## OpenBLAS, BLIS and oneDNN (installed by apt-get) beside us, one and two threads
	@WITH=peers CC="$(CC)" CPPFLAGS="$(CPPFLAGS)" sh tools/setup.sh
	@$(MAKE) $(PEERS)
	@for n in 1 2; do $(PEERS) --threads $$n --min-time 0.02 --markdown || exit 1; echo; done

INSTALL = PREFIX="$(PREFIX)" DESTDIR="$(DESTDIR)" CPPFLAGS="$(CPPFLAGS)" RUN="$(RUN)" \
	sh tools/install.sh
install: $(PROGRAMS) ## header, partaware.pc, CMake package, programs, man pages, completion: PREFIX, DESTDIR
	@$(INSTALL) install $(PROGRAMS)
uninstall: ## remove what install put there
	@$(INSTALL) uninstall $(EXAMPLES)
check-install: examples ## install into a folder, build a project against it each way, remove it
	@B="$(B)" CC="$(CC)" CXX="$(CXX)" sh tests/install.sh

matrix: ## compilers, standards, flags, machines: the same bits? LEGS=PATTERN; prints a table
	@B="$(B)" CC="$(CC)" CXX="$(CXX)" CPPFLAGS="$(CPPFLAGS)" sh tools/matrix.sh "$(LEGS)"

VERSION = $(shell sed -n '1s/.* - v\([0-9.]*\) - .*/\1/p' partaware.h)
dist: ## build/partaware-VERSION.tar.gz of the last commit; the same commit gives the same bytes
	@mkdir -p $(B)
	git archive --prefix=partaware-$(VERSION)/ HEAD | gzip -9n >$(B)/partaware-$(VERSION).tar.gz

soak: MINUTES = 30
soak: $(B)/tools/soak $(B)/tools/make_creatures ## encode, retrieve, train, resume under random kills: MINUTES=30
	@B="$(B)" sh tools/soak.sh $(MINUTES)

lint: ## map, columns, macros, budgets; silent when clean
	@sh tools/lint.sh

format: ## clang-format every source in place
	clang-format -i $(SOURCES)

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-14s %s\n", $$1, $$2}' Makefile

clean: ## remove what was built
	rm -rf $(B)

.PHONY: all examples tests benches tools setup test check hostile warn asan ubsan tsan \
	msan valgrind arm fuzz coverage demo bench bench-peers install uninstall check-install matrix \
	soak dist lint format help clean
.DELETE_ON_ERROR:
