/* SPDX-License-Identifier: MIT */
/*
 * System registers, one row each in sysreg.def:
 *
 *   SYSREG(NAME, op0, op1, crn, crm, op2, "access", reset, mask, read, write)
 *
 * access: two letters for EL0 and two for EL1, each "rw", "r-", "-w" or "--"; a row with "t" in the
 * fifth place is left to the monitor (exit with EC 0x18). The register is sr[SR_NAME] with `reset`
 * as first value; MSR stores value & mask plus the bits outside mask as they are. `read` and
 * `write` replace plain storage for guest accesses: they may raise (return false) and have side
 * effects. The Hypervisor API reads and writes sr[] itself, or goes through sysreg_restore_*()
 * where state lives elsewhere.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct cpu;
struct insn;

/* The 16-bit number of the Hypervisor API: op0 op1 CRn CRm op2. */
#define SYSREG_NUM(op0, op1, crn, crm, op2)                                                        \
    ((uint16_t)((op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2)))

typedef bool sysreg_read_fn(struct cpu *c, const struct insn *i, uint64_t *value);
typedef bool sysreg_write_fn(struct cpu *c, const struct insn *i, uint64_t value);

struct sysreg {
    const char *name;
    uint16_t num;
    uint16_t slot; /* SR_* */
    char access[6];
    uint64_t reset;
    uint64_t mask;
    sysreg_read_fn *read;
    sysreg_write_fn *write;
};

enum {
#define SYSREG(name, op0, op1, crn, crm, op2, access, reset, mask, read, write) SR_##name,
#include "sysreg.def"
#undef SYSREG
    SR_COUNT
};

/* The row of a register number, or NULL. */
const struct sysreg *sysreg_find(uint16_t num);
const char *sysreg_name(unsigned slot); /* SR_* */
void sysreg_reset(struct cpu *c);
/* Restore accesses of hv_vcpu_get/set_sys_reg: no side effects beyond keeping derived state right.
 * False if there is no such register. */
bool sysreg_get(struct cpu *c, uint16_t num, uint64_t *value);
bool sysreg_set(struct cpu *c, uint16_t num, uint64_t value);
