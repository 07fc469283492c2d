# SPDX-License-Identifier: MIT
# TinyVMM. `make help` lists the targets. No configure step: the host is looked at here, and what
# differs between hosts is chosen by file, never by #ifdef inside a function.
#
#   CC=clang        another compiler           SAN=address,undefined | thread   a sanitizer build
#   CROSS=aarch64-linux-gnu-  a static build   HARD=1   the hostile build (docs/TESTING.md)
#   V=1             show the commands          WERROR=1 warnings are errors
#   OPT="-O2 -g"    with debug information

CROSS   ?=
ifneq ($(CROSS),)
CC      := $(CROSS)gcc
AR      := $(CROSS)ar
else ifeq ($(origin CC),default)
CC      := cc
endif
PREFIX  ?= /usr/local
PKG_CONFIG ?= pkg-config
V       ?= 0
RUNS    ?= 3
Q       := $(if $(filter 0,$(V)),@)
VERSION := 0.1.0

# ---- as many compilers at once as there are processors; a -j of the command line wins -------------
ifeq ($(MAKELEVEL)$(filter-out all run examples install,$(MAKECMDGOALS)),0)
MAKEFLAGS += -j$(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
endif

# ---- the target: cpu-vendor-os of the compiler --------------------------------------------------
TARGET  := $(shell $(CC) -dumpmachine 2>/dev/null)
OS      := $(if $(findstring darwin,$(TARGET)),macos,$(if $(findstring linux,$(TARGET)),linux,posix))
CPU     := $(if $(filter arm64% aarch64%,$(TARGET)),arm64,$(if $(filter x86_64%,$(TARGET)),x64,other))

# ---- flags ---------------------------------------------------------------------------------------
WARN    := -Wall -Wextra -Wshadow -Wpointer-arith -Wcast-qual -Wstrict-prototypes \
           -Wmissing-prototypes -Wvla -Wno-bitwise-instead-of-logical $(if $(WERROR),-Werror)
# Debug information makes a sixth of the build's time: in the builds that look for faults, and by OPT.
OPT     ?= -O2 $(if $(SAN)$(HARD),-g)
CFLAGS  ?= $(OPT)
ALL_CFLAGS := -std=c11 -D_GNU_SOURCE -D_DARWIN_C_SOURCE -fno-strict-aliasing -ffp-contract=off $(WARN) $(CFLAGS) \
           -DTINYVMM_VERSION='"$(VERSION)"' $(if $(HARD),-DHARD=1) -pthread \
           $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all)
ALL_LDFLAGS := $(LDFLAGS) -pthread $(if $(SAN),-fsanitize=$(SAN)) $(if $(CROSS),-static)
BUILD   ?= build/$(TARGET)$(if $(SAN),-$(subst $(comma),-,$(SAN)))$(if $(HARD),-hard)$(if $(filter clang%,$(CC)),-clang)
comma   := ,

# ---- optional libraries: a part whose library is missing is another file ---------------------------
# Looked for by header and library, with the compiler that will be used; pkg-config tells where else
# to look. A cross build takes those of its own CPU from SYSROOT, if somebody has put them there.
SYSROOT ?= build/$(TARGET)/sysroot
EXTRA   := $(if $(CROSS),$(if $(wildcard $(SYSROOT)),-I$(SYSROOT)/usr/include),$(shell $(PKG_CONFIG) --cflags libfdt zlib libzstd 2>/dev/null))
EXTRA_LD := $(if $(CROSS),-static -L$(SYSROOT)/usr/lib/$(TARGET))
HASH    := \#
has      = $(shell printf '$(HASH)include <$(1)>\nint main(void) { return 0; }\n' | $(CC) $(EXTRA) -x c - -o /dev/null $(EXTRA_LD) $(2) >/dev/null 2>&1 && echo yes)
HAVE_FDT  := $(call has,libfdt.h,-lfdt)
HAVE_ZLIB := $(call has,zlib.h,-lz)
HAVE_ZSTD := $(call has,zstd.h,-lzstd)
VMM_LIBS := $(EXTRA_LD) $(if $(HAVE_FDT),-lfdt) $(if $(HAVE_ZLIB),-lz) $(if $(HAVE_ZSTD),-lzstd)

# ---- rooms: every .c of a folder belongs to it -----------------------------------------------------
VMM_ALT := vmm/dtb vmm/dtb_none vmm/unpack_zlib vmm/unpack_nozlib vmm/unpack_zstd vmm/unpack_nozstd \
           vmm/dev/disk_linux vmm/dev/disk_macos vmm/dev/disk_posix
VMM_SRC := $(filter-out $(VMM_ALT:=.c),$(wildcard vmm/*.c vmm/dev/*.c vmm/mon/*.c)) \
           vmm/dev/disk_$(OS).c vmm/dtb$(if $(HAVE_FDT),,_none).c \
           vmm/unpack_$(if $(HAVE_ZLIB),,no)zlib.c vmm/unpack_$(if $(HAVE_ZSTD),,no)zstd.c
FP_HOST := hv/soft/fp_host_$(subst other,any,$(CPU)).c
CRYPTO_HOST := hv/soft/crypto_host_$(if $(filter x64,$(CPU)),x64,any).c
FENCE_HOST := hv/soft/host_fence_$(if $(filter linux,$(OS)),linux,any).c
HOST_PARTS := $(wildcard hv/soft/fp_host_*.c hv/soft/crypto_host_*.c hv/soft/host_fence_*.c)
SOFT_SRC := $(filter-out $(filter-out $(FP_HOST) $(CRYPTO_HOST) $(FENCE_HOST),$(HOST_PARTS)),$(wildcard hv/soft/*.c))
JIT_SRC := $(if $(filter x64,$(CPU)),$(filter-out hv/soft/jit/none.c,$(wildcard hv/soft/jit/*.c)),$(wildcard hv/soft/jit/none.c))
KVM_SRC := $(if $(filter linux-arm64,$(OS)-$(CPU)),$(wildcard hv/kvm/*.c))
HV_SRC  := $(wildcard hv/*.c) $(SOFT_SRC) $(JIT_SRC) $(KVM_SRC)
BACKENDS := $(if $(KVM_SRC),hv/backends/kvm_soft.c,hv/backends/soft.c)
ifeq ($(OS),macos)
HV_SRC  := $(wildcard hv/apple/*.c)
LIBS    := -framework Hypervisor
INC     := -Ihv/apple/include
# One binary for macOS 11 and later: functions that came later are imported weakly, and what needs them
# asks hvx_backend() first.
ALL_CFLAGS += -mmacosx-version-min=11.0 -Wno-unguarded-availability-new
CODESIGN ?= codesign --sign - --force --entitlements entitlements.plist
else
HV_SRC  += $(BACKENDS) hv/clock/$(if $(filter arm64,$(CPU)),generic_timer,monotonic).c
LIBS    :=
INC     := -Ihv/include
endif

obj      = $(patsubst %.c,$(BUILD)/%.o,$(1))
HV_OBJ  := $(call obj,$(HV_SRC))
VMM_OBJ := $(call obj,$(VMM_SRC) main.c)
PROGRAM := $(BUILD)/tinyvmm
LIB     := $(BUILD)/libhypervisor.a
# Only an ordinary build becomes ./tinyvmm; the others stay in their folder.
PLAIN   := $(if $(SAN)$(HARD)$(CROSS),,yes)

.PHONY: all run test test-cpu test-torture test-kvm check-macos check bench bench-plot lint deps install clean help demo_guest.h examples FORCE
.DELETE_ON_ERROR:
.SECONDARY:

all: $(PROGRAM) $(if $(PLAIN),tinyvmm)

tinyvmm: $(PROGRAM) FORCE
	$(Q)cmp -s $< $@ || { rm -f $@ && cp $< $@; }

$(PROGRAM): $(VMM_OBJ) $(LIB)
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $(VMM_OBJ) $(LIB) $(LIBS) $(VMM_LIBS) $(ALL_LDFLAGS)
	$(if $(filter macos,$(OS)),$(Q)$(CODESIGN) $@)

$(LIB): $(HV_OBJ)
	$(Q)rm -f $@ && $(AR) rcs $@ $(HV_OBJ)

# cmpxchg16b is not in the x86-64 baseline of compilers, but in every CPU of the last fifteen years.
$(BUILD)/hv/soft/host_atomic.o: ALL_CFLAGS += $(if $(filter x64,$(CPU)),-mcx16)

# hv/ sees itself; the monitor sees the public headers alone.
$(BUILD)/hv/%.o: hv/%.c
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) $(INC) -Ihv -MMD -MP -c -o $@ $<
$(BUILD)/vmm/%.o: vmm/%.c
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) $(EXTRA) $(INC) -Ivmm -Iguest -MMD -MP -c -o $@ $<
$(BUILD)/main.o: main.c
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) $(INC) -Iguest -MMD -MP -c -o $@ $<
$(BUILD)/examples/%: examples/%.c $(LIB)
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) $(INC) -Iguest -MMD -MP -o $@ $< $(LIB) $(LIBS) $(ALL_LDFLAGS)
	$(if $(filter macos,$(OS)),$(Q)$(CODESIGN) $@)

# Tests of the API see the public headers alone; "layer" is the layer on a backend of its own.
SIGN     = $(if $(filter macos,$(OS)),&& $(CODESIGN) $@)
$(BUILD)/tests/api/%: tests/api/%.c $(LIB)
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) $(INC) -MMD -MP -o $@ $< $(LIB) $(LIBS) $(ALL_LDFLAGS) $(SIGN)
LAYER   := tests/api/layer.c tests/api/fake.c $(wildcard hv/*.c) hv/clock/monotonic.c
$(BUILD)/tests/api/layer: $(LAYER) tests/api/fake.h tests/test.h hv/hv_internal.h hv/backend.h
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) -Ihv/include -Ihv -o $@ $(LAYER) $(ALL_LDFLAGS)

-include $(wildcard $(BUILD)/tests/api/*.d)
-include $(HV_OBJ:.o=.d) $(VMM_OBJ:.o=.d)

EXAMPLES := $(patsubst %.c,$(BUILD)/%,$(wildcard examples/*.c))
examples: $(EXAMPLES)
	@echo "Built: $(EXAMPLES)"

run: all
	$(Q)./tinyvmm

# ---- tests --------------------------------------------------------------------------------------
# What the suites see: the program under test, its objects, and with what it was built.
TEST_ENV = BUILD='$(BUILD)' CC='$(CC)' SAN='$(SAN)' HARD='$(HARD)' LIBS='$(LIBS) $(VMM_LIBS)' OBJECTS='$(filter-out $(BUILD)/main.o,$(VMM_OBJ))' TINYVMM='$(PROGRAM)' MAKE='$(MAKE)'

# The CPU at length: twenty million instructions three ways (a few seconds' worth is in `make test`).
test-cpu: all
	$(Q)$(TEST_ENV) tests/cpu/suite.sh 900000

# C programs at length: every compiler and level, and hundreds of random programs.
test-torture: all
	$(Q)$(TEST_ENV) tests/torture/suite.sh 300

test: all $(EXAMPLES)
	$(Q)$(TEST_ENV) tests/run.sh $(SUITES)

# KVM on arm64 Linux: here if this is one, else on an emulated board.
test-kvm:
	$(Q)MAKE='$(MAKE)' tests/kvm/suite.sh

# The Mac build, as far as Linux can check it: docs/MACOS.md.
check-macos:
	$(Q)MAKE='$(MAKE)' tests/macos/suite.sh

check: lint test

bench: all
	$(Q)BUILD='$(BUILD)' CC='$(CC)' TINYVMM='$(PROGRAM)' RUNS='$(RUNS)' MAKE='$(MAKE)' bench/run.sh

# The figures of the last `make bench` as a drawing.
bench-plot:
	$(Q)bench/plot.sh '$(BUILD)/bench/result.tsv' > docs/bench.svg
	@echo "docs/bench.svg"

lint:
	$(Q)CC='$(CC)' tools/lint.sh

deps:
	$(Q)tools/deps.sh

# ---- guests: programs for AArch64 ---------------------------------------------------------------
GUEST_CFLAGS ?= -O2 -g
# No FPU (it is off until the guest enables it), and no unaligned accesses (the MMU is off).
GUEST_FLAGS := -std=gnu11 -ffreestanding -fno-pic -fno-pie -fno-stack-protector -fno-builtin \
           -fno-asynchronous-unwind-tables -mgeneral-regs-only -mstrict-align -Wall -Wextra -Iguest
GUEST_LINK := -nostdlib -static -Wl,--build-id=none -Wl,-z,max-page-size=16 \
           -Wl,-T,guest/guest.ld
GUEST_LIB := guest/start.S guest/vectors.S guest/lib.c
GUEST_USES := guest/guest.ld guest/lib.h guest/registers.inc
guest_cc = cc=$$(tools/guest_cc.sh $(1)) || exit 1; $$cc

ELF2BIN := build/tools/elf2bin
$(ELF2BIN): tools/elf2bin.c
	$(Q)mkdir -p $(@D) && $(CC) -O1 -o $@ $<

guest.bin: guest.S guest/tinyvmm.h $(ELF2BIN)
	$(Q)$(call guest_cc,assemble) -Iguest -c -o build/guest.o guest.S
	$(Q)$(ELF2BIN) build/guest.o $@

demo_guest.h: guest.bin
	$(Q)tools/bin2header.sh demo_guest guest.bin > build/demo_guest.h
	$(Q)mv build/demo_guest.h vmm/demo_guest.h

guest/examples/%.elf: guest/examples/%.c $(GUEST_LIB) $(GUEST_USES) guest/tinyvmm.h
	$(Q)$(call guest_cc,link) $(GUEST_CFLAGS) $(GUEST_FLAGS) $(GUEST_LINK) -o $@ $< $(GUEST_LIB)

# Guests of the test suite: C with the library, or assembly alone.
build/guests/%.elf: tests/monitor/guests/%.c tests/monitor/guests/check.h $(GUEST_LIB) $(GUEST_USES)
	$(Q)mkdir -p $(@D) && $(call guest_cc,link) $(GUEST_CFLAGS) $(GUEST_FLAGS) $(GUEST_LINK) -o $@ $< $(GUEST_LIB)
build/guests/%.elf: tests/monitor/guests/%.S guest/guest.ld guest/tinyvmm.h
	$(Q)mkdir -p $(@D) && $(call guest_cc,link) $(GUEST_FLAGS) $(GUEST_LINK) -o $@ $<
build/guests/%.bin: build/guests/%.elf $(ELF2BIN)
	$(Q)$(ELF2BIN) $< $@

guest/examples/%.bin: guest/examples/%.elf $(ELF2BIN)
	$(Q)$(ELF2BIN) $< $@

# ---- install --------------------------------------------------------------------------------------
INSTALL_DIRS := Hypervisor arm64/hv libkern mach os

install: all
	$(Q)install -d '$(DESTDIR)$(PREFIX)/bin'
	$(Q)install -m 755 $(PROGRAM) '$(DESTDIR)$(PREFIX)/bin/tinyvmm'
	$(Q)if [ -f docs/tinyvmm.1 ]; then install -d '$(DESTDIR)$(PREFIX)/share/man/man1' && \
	    install -m 644 docs/tinyvmm.1 '$(DESTDIR)$(PREFIX)/share/man/man1/tinyvmm.1'; fi
ifneq ($(OS),macos)
	$(Q)install -d '$(DESTDIR)$(PREFIX)/lib/pkgconfig' '$(DESTDIR)$(PREFIX)/include/tinyvmm'
	$(Q)install -m 644 $(LIB) '$(DESTDIR)$(PREFIX)/lib/libhypervisor.a'
	$(Q)for d in $(INSTALL_DIRS); do \
	    install -d "$(DESTDIR)$(PREFIX)/include/tinyvmm/$$d" && \
	    install -m 644 hv/include/$$d/*.h "$(DESTDIR)$(PREFIX)/include/tinyvmm/$$d" || exit 1; done
	$(Q)install -m 644 hv/include/hvx.h '$(DESTDIR)$(PREFIX)/include/tinyvmm/hvx.h'
	$(Q)sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' hv/libhypervisor.pc.in \
	    > '$(DESTDIR)$(PREFIX)/lib/pkgconfig/libhypervisor.pc'
endif

clean:
	rm -rf build tinyvmm guest.bin guest/examples/*.bin guest/examples/*.elf

help:
	@echo "make              build ./tinyvmm (a C compiler and make are enough)"
	@echo "make run          the demo: two ARM64 virtual machines in parallel"
	@echo "make test         every test that this machine can run (SUITES=\"monitor fp\": only these)"
	@echo "make test-cpu     the CPU at length; make test-torture: C programs at length"
	@echo "make test-kvm     the KVM backend, on this machine or on an emulated arm64 board"
	@echo "make check-macos  compile, link and look at the Mac build, on Linux"
	@echo "make bench        speed of this build, beside this host and QEMU (RUNS=5, ROWS=sha, SHORT=4)"
	@echo "make bench-plot   draw the last bench: docs/bench.svg"
	@echo "make lint         formatting, folder rules, headers that stand alone"
	@echo "make check        lint and test"
	@echo "make deps         install the optional libraries and test tools (apt, brew)"
	@echo "make install      program, library, headers (PREFIX, DESTDIR)"
	@echo "make guest.bin    assemble the demo guest; make demo_guest.h: keep its bytes"
	@echo "make guest/examples/NAME.bin   compile a guest program (also NAME.elf)"
	@echo "make examples     programs that use the Hypervisor API directly"
	@echo "make clean"
	@echo ""
	@echo "CC=clang  SAN=address,undefined|thread  HARD=1  CROSS=aarch64-linux-gnu-  WERROR=1  V=1"
