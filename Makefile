# SPDX-License-Identifier: BSD-3-Clause
# CPChain's build. `make help` lists the verbs. Sources are found by their place, so that adding
# a file needs no change here; everything built goes under $(B).
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
SHELL := /bin/bash

B ?= build
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 60
SIM_SEEDS ?= 10000
V ?=

ifeq ($(MAKELEVEL),0)
ifeq ($(filter -j%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc)
endif
endif
MAKEFLAGS += --no-builtin-rules --no-print-directory
export CPC_BUILD := $(B)

# ---- what is installed ---------------------------------------------------------------------
# config.mk holds what pkg-config says; making it first installs what is missing.
PACKAGES := libnl-3.0 libnl-genl-3.0 libbpf libssl libcrypto sqlite3 libsystemd jansson inih libzstd
ifneq ($(filter-out help clean format,$(or $(MAKECMDGOALS),all)),)
include $(B)/config.mk
endif

$(B)/config.mk: tools/setup Makefile
	@tools/setup build test
	@mkdir -p $(B)
	@{ echo "PKG_CFLAGS := $$(pkg-config --cflags $(PACKAGES))"; \
	   echo "PKG_LIBS := $$(pkg-config --libs $(PACKAGES))"; \
	   echo "CHECK_LIBS := $$(pkg-config --libs check)"; } > $@.$$$$ && mv $@.$$$$ $@

$(B)/setup-%: tools/setup
	@tools/setup $*
	@mkdir -p $(B) && touch $@

# ---- sources ------------------------------------------------------------------------------
CORE_SRC := $(wildcard kmod/core/*.c)
AGENT_SRC := $(wildcard agent/*/*.c)
AGENT_MAINS := $(wildcard agent/*.c)
TOOL_MAINS := $(wildcard tools/*/main.c)
TOOLS_SRC := $(filter-out $(TOOL_MAINS),$(wildcard tools/*/*.c))
UNIT_SRC := $(wildcard tests/unit/*_test.c)
SIM_SRC := $(wildcard tests/sim/*.c)
BENCH_SRC := $(wildcard tests/bench/*.c)
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
LIBRARIES := cpcore cpagent cptools

# What a user installs; the other programs are for tests and the demo.
PRODUCT := cpchaind cpchainctl v2xgen canreplay
PROGRAMS := $(AGENT_MAINS:agent/%.c=$(B)/%) $(TOOL_MAINS:tools/%/main.c=$(B)/%)
UNITS := $(UNIT_SRC:tests/unit/%.c=$(B)/san/unit/%)
UNIT_SCRIPTS := $(wildcard tests/unit/*_test.sh)
SIMS := $(if $(SIM_SRC),$(B)/cpc-sim $(B)/san/cpc-sim)
BENCHES := $(BENCH_SRC:tests/bench/%.c=$(B)/bench/%)
FUZZERS := $(FUZZ_SRC:tests/fuzz/%.c=$(B)/fuzz/%)
VM_TESTS := $(sort $(wildcard tests/vm/[0-9]*.sh))

# ---- flags --------------------------------------------------------------------------------
WARN := -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes
CPPFLAGS += -D_GNU_SOURCE -I. -Iinclude -Iinclude/uapi $(PKG_CFLAGS)
BASE := -std=gnu11 -g -fno-strict-aliasing -fno-common
SAN := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
LIBS = -Wl,--as-needed $(PKG_LIBS) -pthread -lm
quiet = @$(if $(V),,echo '  $1	$(@:$(B)/%=%)';)

# ---- one variant: directory, compiler, flags ------------------------------------------------
# Each variant compiles the same sources, without a define that would tell them apart.
define variant
$1/obj/%.o: %.c $(B)/config.mk
	@mkdir -p $$(@D)
	$$(call quiet,CC)$2 $$(CPPFLAGS) $$(BASE) $3 $$(CFLAGS) -MMD -MP -c -o $$@ $$<

# The list of members is a prerequisite, so that a source file that goes also leaves the archive.
$1/lib%.list: FORCE
	@mkdir -p $$(@D)
	@echo '$$(sort $$(SRC_$$*))' | cmp -s - $$@ || echo '$$(sort $$(SRC_$$*))' > $$@
$(foreach lib,$(LIBRARIES),
$1/lib$(lib).a: $(SRC_$(lib):%.c=$1/obj/%.o) $1/lib$(lib).list
	$$(call quiet,AR)rm -f $$@ && ar rcs $$@ $$(filter %.o,$$^)
)
LINK_$1 = $2 $3 $$(LDFLAGS) -o $$@ $$(filter %.o,$$^) \
	-Wl,--start-group $(LIBRARIES:%=$1/lib%.a) -Wl,--end-group
LIBRARIES_$1 := $(LIBRARIES:%=$1/lib%.a)
endef
SRC_cpcore := $(CORE_SRC)
SRC_cpagent := $(AGENT_SRC)
SRC_cptools := $(TOOLS_SRC)

HARDEN := -O2 -D_FORTIFY_SOURCE=2 -fstack-protector-strong
$(eval $(call variant,$(B),gcc,$(WARN) $(HARDEN)))
$(eval $(call variant,$(B)/san,gcc,$(WARN) -O1 $(SAN)))
$(eval $(call variant,$(B)/fuzz,clang,-w -O1 $(SAN) -fsanitize=fuzzer-no-link))

.SECONDARY:
FORCE:
-include $(foreach d,$(wildcard $(B)/obj $(B)/san/obj $(B)/fuzz/obj),$(shell find $d -name '*.d'))

# ---- bpf --------------------------------------------------------------------------------------
# Programs and their skeletons, which agent/bpf includes as "bpf/NAME.skel.h" from $(B). Only headers
# of the kernel's user interface go in, so that neither this machine nor the target needs BTF.
BPF_SRC := $(wildcard bpf/*.bpf.c bpf/policy/*.bpf.c)
BPF_SRC += $(wildcard tests/bpf/*.bpf.c)
BPF_OBJECTS := $(BPF_SRC:%.c=$(B)/%.o)
BPF_SKELETONS := $(BPF_SRC:%.bpf.c=$(B)/%.skel.h)
BPF_TEST_SRC := $(wildcard tests/bpf/*_test.c)
BPF_TESTS := $(BPF_TEST_SRC:tests/bpf/%.c=$(B)/san/bpf/%)
BPF_SCRIPTS := $(wildcard tests/bpf/*_test.sh)
BPF_FLAGS := -target bpf -mcpu=v3 -std=gnu11 -O2 -g -Wall -Wextra -Werror -I. -Iinclude \
	-Iinclude/uapi -I/usr/include/$(shell gcc -print-multiarch)

$(BPF_OBJECTS): $(B)/%.bpf.o: %.bpf.c $(B)/config.mk
	@mkdir -p $(@D)
	$(call quiet,BPF)clang $(BPF_FLAGS) -MMD -MP -MF $(@:.o=.d) -MT $@ -c -o $@ $< && llvm-strip -g $@
$(BPF_SKELETONS): %.skel.h: %.bpf.o
	$(call quiet,SKEL)bpftool gen skeleton $< name $(notdir $*)_bpf > $@.$$$$ && mv $@.$$$$ $@
BPF_USERS := $(wildcard agent/bpf/*.c tests/bpf/*.c tests/bench/bpf*.c)
$(foreach d,obj san/obj fuzz/obj,$(BPF_USERS:%.c=$(B)/$d/%.o)): $(BPF_SKELETONS)
CPPFLAGS += -I$(B)
-include $(BPF_OBJECTS:.o=.d)

$(BPF_TESTS): $(B)/san/bpf/%: $(B)/san/obj/tests/bpf/%.o $(LIBRARIES_$(B)/san)
	@mkdir -p $(@D)
	$(call quiet,LD)$(LINK_$(B)/san) $(CHECK_LIBS) $(LIBS)

## check-bpf     the BPF programs on this machine's own kernel; needs root
.PHONY: check-bpf
check-bpf: $(B)/config.mk
	+@tests/run --timeout 600 'step:build:$(MAKE) userspace bpf-tests' --timeout 120 \
	$(BPF_TESTS) $(BPF_SCRIPTS)
.PHONY: bpf-tests
bpf-tests: $(BPF_OBJECTS) $(BPF_TESTS)

# ---- programs -------------------------------------------------------------------------------
$(AGENT_MAINS:agent/%.c=$(B)/%): $(B)/%: $(B)/obj/agent/%.o $(LIBRARIES_$(B))
	$(call quiet,LD)$(LINK_$(B)) $(LIBS)
$(TOOL_MAINS:tools/%/main.c=$(B)/%): $(B)/%: $(B)/obj/tools/%/main.o $(LIBRARIES_$(B))
	$(call quiet,LD)$(LINK_$(B)) $(LIBS)
$(B)/cpc-sim: $(SIM_SRC:%.c=$(B)/obj/%.o) $(LIBRARIES_$(B))
	$(call quiet,LD)$(LINK_$(B)) $(LIBS)
$(B)/san/cpc-sim: $(SIM_SRC:%.c=$(B)/san/obj/%.o) $(LIBRARIES_$(B)/san)
	$(call quiet,LD)$(LINK_$(B)/san) $(LIBS)
$(BENCHES): $(B)/bench/%: $(B)/obj/tests/bench/%.o $(LIBRARIES_$(B))
	@mkdir -p $(@D)
	$(call quiet,LD)$(LINK_$(B)) $(LIBS)
$(UNITS): $(B)/san/unit/%: $(B)/san/obj/tests/unit/%.o $(LIBRARIES_$(B)/san)
	@mkdir -p $(@D)
	$(call quiet,LD)$(LINK_$(B)/san) $(CHECK_LIBS) $(LIBS)
$(FUZZERS): $(B)/fuzz/%: $(B)/fuzz/obj/tests/fuzz/%.o $(LIBRARIES_$(B)/fuzz)
	$(call quiet,LD)$(LINK_$(B)/fuzz) -fsanitize=fuzzer $(LIBS)
$(FUZZ_SRC:%.c=$(B)/fuzz/obj/%.o): $(B)/setup-fuzz

# ---- the kernel module ------------------------------------------------------------------------
# Debian's kernels, newest of each series; the running kernel does not matter. The headers of 6.1
# are installed, those of 6.12 only unpacked beside its image (tools/setup says why).
CPC_CACHE ?= /var/cache/cpchain
HEADER_ROOTS := /usr/src $(CPC_CACHE)/kernels/*/usr/src
headers_dir = $(lastword $(wildcard $(HEADER_ROOTS:%=%/linux-headers-$1)))
headers = $(shell ls -d $(HEADER_ROOTS:%=%/linux-headers-$1.*-amd64) 2>/dev/null | \
	sed 's|.*/linux-headers-||' | sort -V | tail -n 1)
KVER ?= $(call headers,6.1)
MODULE = $(B)/kmod/$(KVER)
KMOD_SRC := $(wildcard kmod/*.c)

.PHONY: module module-sparse
module: $(B)/config.mk
	$(if $(KMOD_SRC),$(call kbuild))
module-sparse: $(B)/config.mk
	$(if $(KMOD_SRC),$(call kbuild,C=2 CF="-D__CHECK_ENDIAN__ -Wsparse-error"))

# The farm's links are renewed each time, its objects stay. The lock keeps two builds apart.
define kbuild
	@[ -d "$(call headers_dir,$(KVER))" ] || { echo "no headers for kernel '$(KVER)'" >&2; exit 1; }
	@mkdir -p $(MODULE)/include/uapi
	+@exec 8>$(MODULE).lock && flock 8 && find $(MODULE) -type l -delete && \
	cp -rs $(CURDIR)/Kbuild $(CURDIR)/kmod $(CURDIR)/include $(MODULE)/ && \
	set -o pipefail && $(MAKE) -C $(call headers_dir,$(KVER)) M=$(abspath $(MODULE)) W=1 \
		KCFLAGS=-Werror $1 modules 2>&1 | tee $(MODULE)/log && ! grep -E 'warning:|error:' $(MODULE)/log
endef

# ---- verbs ------------------------------------------------------------------------------------
.PHONY: all userspace tests fuzzers bench demo check check-fast check-vm check-kernels fuzz
.PHONY: bench-cell soak check-model install deb clean format help

## all           the agent, the tools and the kernel module (default)
all: userspace module
userspace: $(PROGRAMS)
tests: $(UNITS) $(SIMS) $(BENCHES) $(PROGRAMS)
fuzzers: $(FUZZERS)

## demo          four vehicles in a virtual machine agree on a drive (N, LOSS, BYZANTINE, URGENT)
demo: all $(B)/setup-vm
	@tools/demo

# The steps and tests that tests/run judges; a function's argument is a kernel version or a number.
HOUSE := tests/tidy tests/purity
# Half a minute and more each: planted bugs, whole drives, exhaustive searches, crowds of strangers.
# They come first, as two run at a time.
SLOW := %/sim_mutants_test.sh %/drive_test %/tetra_test %/net_strangers_test %/net_test
UNIT_ALL := $(filter $(SLOW),$(UNIT_SCRIPTS) $(UNITS)) $(filter-out $(SLOW),$(UNITS) $(UNIT_SCRIPTS))
step_build = 'step:build:$(MAKE) -k userspace tests bpf-tests $1'
step_module = 'step:module-$1:$(MAKE) module KVER=$1'
step_sparse = 'step:sparse-$1:$(MAKE) module-sparse KVER=$1'
steps_fuzz = $(foreach f,$(FUZZERS),'step:$(notdir $f):tests/fuzz/run $f $1')
steps_sim = $(if $(SIM_SRC),'step:sim:$(B)/cpc-sim --seeds $1' \
	'step:sim-sanitized:$(B)/san/cpc-sim --seeds $2')
# One boot runs all of tests/vm in order; each leaves its TAP in build/vm/tap/KERNEL/.
steps_vm = 'live:vm-$1:tests/vm/run $1' $(VM_TESTS:tests/vm/%.sh=$(B)/vm/tap/$1/%.tap)

## check         everything; the last line says "N passed, N failed"
check: $(B)/setup-vm $(B)/setup-fuzz
	+@tests/run --timeout 3600 $(call step_build,fuzzers) $(HOUSE) --jobs 2 --timeout 240 $(UNIT_ALL) \
	--jobs 1 --timeout 600 tests/model/run $(BPF_TESTS) $(BPF_SCRIPTS) \
	--timeout 3600 $(call steps_sim,$(SIM_SEEDS),200) $(call steps_fuzz,2) \
	$(call step_sparse,$(KVER)) $(call step_module,$(KVER)) $(call steps_vm,$(KVER))

## check-fast    the same without virtual machine, sparse, long simulations and the slowest tests
check-fast: $(B)/setup-fuzz
	+@tests/run --timeout 600 $(call step_build,fuzzers) $(call step_module,$(KVER)) $(HOUSE) \
	--jobs 2 --timeout 240 $(filter-out $(SLOW),$(UNIT_ALL)) \
	--jobs 1 --timeout 600 $(call steps_sim,500,50) $(call steps_fuzz,1)

## check-vm      only the tests in the virtual machine, on the 6.1 kernel (or KVER=...)
check-vm: $(B)/setup-vm
	+@tests/run --timeout 3600 $(call step_build) $(call step_module,$(KVER)) \
	$(call steps_vm,$(KVER))

## check-model   the voting rules by exhaustive search (spin); with three views: 6 GB, 5 minutes
check-model: $(B)/setup-test
	@tests/run --timeout 1800 'step:model-full:tests/model/run --full'

## check-kernels the module and the tests in the virtual machine, on 6.1 and on 6.12
check-kernels: $(B)/setup-vm $(B)/setup-kernels
	+@tests/run --timeout 3600 $(call step_build) $(foreach k,$(call headers,6.1) \
	$(call headers,6.12),$(call step_sparse,$k) $(call step_module,$k) $(call steps_vm,$k))

## fuzz          each fuzz target for FUZZ_SECONDS (60)
fuzz:
	+@tests/run --timeout 7200 'step:build:$(MAKE) fuzzers' $(call steps_fuzz,$(FUZZ_SECONDS))

## bench         the measurements: a table on screen, JSON in build/bench/
bench: all $(BENCHES)
	@if [ -x tests/bench/run ]; then tests/bench/run; else echo 'no benches yet'; fi

## bench-cell    how fast, at what cost a cell decides; with plots (PARTS="simulator twin ...")
bench-cell: all $(BENCHES)
	@tests/bench/cell.sh $(PARTS)

## soak          the simulator over SEEDS (1000000) seeds; can be stopped and started again
SEEDS ?= 1000000
soak: $(B)/cpc-sim
	@tests/soak $(SEEDS)

## install       programs under PREFIX, the module for KVER, the service; DESTDIR is honoured
install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/cpchain/overlays
	install -s -m 755 $(PRODUCT:%=$(B)/%) $(DESTDIR)$(PREFIX)/bin/
	install -m 644 agent/gateway/overlays/*.json $(DESTDIR)$(PREFIX)/share/cpchain/overlays/
	@if [ -e $(MODULE)/cpchain.ko ]; then \
		install -D -m 644 $(MODULE)/cpchain.ko $(DESTDIR)/lib/modules/$(KVER)/updates/cpchain.ko; \
		strip --strip-debug $(DESTDIR)/lib/modules/$(KVER)/updates/cpchain.ko; fi
	install -d $(DESTDIR)/lib/systemd/system $(DESTDIR)/etc/cpchain
	sed 's|/usr/local/bin|$(PREFIX)/bin|' tools/systemd/cpchaind.service \
		>$(DESTDIR)/lib/systemd/system/cpchaind.service
	install -m 644 tools/systemd/cpchaind.conf.example $(DESTDIR)/etc/cpchain/

VERSION := 0.1
DEB := $(B)/deb
DEB_DEPENDS := libc6, libnl-3-200, libnl-genl-3-200, libbpf1, libssl3, libsqlite3-0, libsystemd0, \
	libjansson4, libinih1, libzstd1, kmod
## deb           a Debian package of what install installs
deb:
	@rm -rf $(DEB)
	+@$(MAKE) install DESTDIR=$(abspath $(DEB)) PREFIX=/usr
	@mkdir -p $(DEB)/DEBIAN
	@printf '%s\n' 'Package: cpchain' 'Version: $(VERSION)' 'Architecture: amd64' \
		'Section: net' 'Priority: optional' 'Depends: $(DEB_DEPENDS)' \
		'Maintainer: The CPChain developers <cpchain@localhost>' \
		'Description: vehicles agree inside the radio frames they already send' \
		' The agent, the tools and the module for kernel $(KVER).' >$(DEB)/DEBIAN/control
	@printf '%s\n' '#!/bin/sh' 'depmod $(KVER) || true' >$(DEB)/DEBIAN/postinst
	@cp $(DEB)/DEBIAN/postinst $(DEB)/DEBIAN/postrm
	@chmod 755 $(DEB)/DEBIAN/postinst $(DEB)/DEBIAN/postrm
	dpkg-deb --root-owner-group --build $(DEB) $(B)/cpchain_$(VERSION)_amd64.deb

## format        rewrites the C sources by .clang-format
format:
	clang-format -i $$(git ls-files '*.c' '*.h')

## clean         removes everything built
clean:
	rm -rf $(B)

## help          this list
help:
	@sed -n 's/^## /  /p' Makefile
