# SPDX-License-Identifier: MIT
# TinyVMM. `make help` lists the targets. No configure step: the host is looked at here, and what
# differs between hosts is chosen by file, never by #ifdef inside a function.
#
#   CC=clang        another compiler           SAN=address,undefined | thread   a sanitizer build
#   CROSS=aarch64-linux-gnu-  a static build   HARD=1   the hostile build (docs/TESTING.md)
#   V=1             show the commands          WERROR=1 warnings are errors

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
Q       := $(if $(filter 0,$(V)),@)
VERSION := 0.1.0

# ---- the target: cpu-vendor-os of the compiler --------------------------------------------------
TARGET  := $(shell $(CC) -dumpmachine 2>/dev/null)
OS      := $(if $(findstring darwin,$(TARGET)),macos,$(if $(findstring linux,$(TARGET)),linux,posix))
CPU     := $(if $(filter arm64% aarch64%,$(TARGET)),arm64,$(if $(filter x86_64%,$(TARGET)),x64,other))

# ---- flags ---------------------------------------------------------------------------------------
WARN    := -Wall -Wextra -Wshadow -Wpointer-arith -Wcast-qual -Wstrict-prototypes \
           -Wmissing-prototypes -Wvla $(if $(WERROR),-Werror)
OPT     ?= -O2 -g
CFLAGS  ?= $(OPT)
ALL_CFLAGS := -std=c11 -D_GNU_SOURCE -D_DARWIN_C_SOURCE -fno-strict-aliasing -ffp-contract=off $(WARN) $(CFLAGS) \
           -DTINYVMM_VERSION='"$(VERSION)"' $(if $(HARD),-DHARD=1) -pthread \
           $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all)
ALL_LDFLAGS := $(LDFLAGS) -pthread $(if $(SAN),-fsanitize=$(SAN)) $(if $(CROSS),-static)
BUILD   ?= build/$(TARGET)$(if $(SAN),-$(subst $(comma),-,$(SAN)))$(if $(HARD),-hard)$(if $(filter clang%,$(CC)),-clang)
comma   := ,

# ---- optional libraries: a part whose library is missing is another file ---------------------------
# Looked for by header, with the compiler that will be used; pkg-config tells where else to look.
EXTRA   := $(if $(CROSS),,$(shell $(PKG_CONFIG) --cflags libfdt zlib libzstd 2>/dev/null))
has      = $(shell printf '\#include <$(1)>\n' | $(CC) $(EXTRA) -E -x c - >/dev/null 2>&1 && echo yes)
HAVE_FDT  := $(call has,libfdt.h)
HAVE_ZLIB := $(call has,zlib.h)
HAVE_ZSTD := $(call has,zstd.h)
VMM_LIBS := $(if $(HAVE_FDT),-lfdt) $(if $(HAVE_ZLIB),-lz) $(if $(HAVE_ZSTD),-lzstd)

# ---- rooms: every .c of a folder belongs to it -----------------------------------------------------
VMM_ALT := vmm/dtb vmm/dtb_none vmm/unpack_zlib vmm/unpack_nozlib vmm/unpack_zstd vmm/unpack_nozstd \
           vmm/dev/disk_linux vmm/dev/disk_macos vmm/dev/disk_posix
VMM_SRC := $(filter-out $(VMM_ALT:=.c),$(wildcard vmm/*.c vmm/dev/*.c vmm/mon/*.c)) \
           vmm/dev/disk_$(OS).c vmm/dtb$(if $(HAVE_FDT),,_none).c \
           vmm/unpack_$(if $(HAVE_ZLIB),,no)zlib.c vmm/unpack_$(if $(HAVE_ZSTD),,no)zstd.c
FP_HOST := hv/soft/fp_host_$(subst other,any,$(CPU)).c
SOFT_SRC := $(filter-out $(filter-out $(FP_HOST),$(wildcard hv/soft/fp_host_*.c)),$(wildcard hv/soft/*.c))
JIT_SRC := $(if $(filter x64,$(CPU)),$(filter-out hv/soft/jit/none.c,$(wildcard hv/soft/jit/*.c)),$(wildcard hv/soft/jit/none.c))
KVM_SRC := $(if $(filter linux-arm64,$(OS)-$(CPU)),$(wildcard hv/kvm/*.c))
HV_SRC  := $(wildcard hv/*.c) $(SOFT_SRC) $(JIT_SRC) $(KVM_SRC)
BACKENDS := $(if $(KVM_SRC),hv/backends/kvm_soft.c,hv/backends/soft.c)
ifeq ($(OS),macos)
HV_SRC  := $(wildcard hv/apple/*.c)
LIBS    := -framework Hypervisor
INC     := -Ihv/apple/include
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

.PHONY: all run test bench lint deps install clean help
.DELETE_ON_ERROR:
.SECONDARY:

all: tinyvmm

tinyvmm: $(PROGRAM)
	$(Q)cp -f $< $@

$(PROGRAM): $(VMM_OBJ) $(LIB)
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $(VMM_OBJ) $(LIB) $(LIBS) $(VMM_LIBS) $(ALL_LDFLAGS)
	$(if $(filter macos,$(OS)),$(Q)codesign --sign - --force --entitlements entitlements.plist $@)

$(LIB): $(HV_OBJ)
	$(Q)rm -f $@ && $(AR) rcs $@ $(HV_OBJ)

# hv/ sees itself; the monitor sees the public headers alone.
$(BUILD)/hv/%.o: hv/%.c
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) $(INC) -Ihv -MMD -MP -c -o $@ $<
$(BUILD)/vmm/%.o: vmm/%.c
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) $(EXTRA) $(INC) -Ivmm -Iguest -MMD -MP -c -o $@ $<
$(BUILD)/main.o: main.c
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) $(INC) -Iguest -MMD -MP -c -o $@ $<

-include $(HV_OBJ:.o=.d) $(VMM_OBJ:.o=.d)

run: all
	$(Q)./tinyvmm

clean:
	rm -rf build tinyvmm guest.bin

help:
	@echo "make            build ./tinyvmm (a C compiler and make are enough)"
	@echo "make run        the demo: two ARM64 virtual machines in parallel"
	@echo "make test       every test that this machine can run"
	@echo "make bench      speed, as ratios against what is installed here"
	@echo "make lint       formatting, folder rules, warnings"
	@echo "make deps       install the optional libraries and test tools (apt, brew)"
	@echo "make install    library, headers, program (PREFIX, DESTDIR)"
	@echo "make clean"
