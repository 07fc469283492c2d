/* SPDX-License-Identifier: MIT */
/* See machine.h. Single thread. */
#include "machine.h"

#include <Hypervisor/Hypervisor.h>
#include <libkern/OSCacheControl.h>
#include <stdio.h>
#include <stdlib.h>

#define TABLES_ADDR  UINT64_C(0x50000000)
#define TABLES_BYTES UINT64_C(0x10000)
#define VECTORS      UINT64_C(0x8000) /* in the tables' region */
#define RWX          (HV_MEMORY_READ | HV_MEMORY_WRITE | HV_MEMORY_EXEC)
#define GRANULE      UINT64_C(0x4000)

struct machine {
    uint8_t *data, *pattern, *tables;
    hv_vcpu_t vcpu;
    hv_vcpu_exit_t *exit;
};

static bool good(hv_return_t result, const char *what)
{
    if (result == HV_SUCCESS)
        return true;
    printf("# %s: %#x\n", what, (unsigned)result);
    return false;
}
#define GOOD(call) good((call), #call)

static uint8_t *map(uint64_t addr, uint64_t bytes)
{
    void *p;
    if (posix_memalign(&p, GRANULE, bytes))
        return NULL;
    fill_pattern(p, addr, bytes);
    return GOOD(hv_vm_map(p, addr, bytes, RWX)) ? p : NULL;
}

static void put64(uint8_t *at, uint64_t x)
{
    memcpy(at, &x, 8);
}

/* Granule 4 KiB, 39 bits: level 1 at 0, level 2 at 0x1000 for the first GiB, level 3 at 0x2000 for
 * DATA's 2 MiB. Attributes: access flag, inner shareable, MAIR index 0. */
#define LEAF UINT64_C(0x701)
static void make_tables(struct machine *m)
{
    uint8_t *t = m->tables;
    memset(t, 0, TABLES_BYTES);
    put64(t, (TABLES_ADDR + 0x1000) | 3);
    put64(t + 8, UINT64_C(0x40000000) | LEAF);
    put64(t + 0x1000 + 8 * (DATA_ADDR >> 21), (TABLES_ADDR + 0x2000) | 3);
    for (uint64_t at = 0; at < DATA_BYTES; at += 4096)
        put64(t + 0x2000 + at / 4096 * 8, (DATA_ADDR + at) | LEAF | 2);
    for (uint64_t at = 0; at < 0x800; at += 4)
        memcpy(t + VECTORS + at, &(uint32_t){0xd4000022 /* hvc #1 */}, 4);
}

static bool set_sys_regs(struct machine *m)
{
    const hv_vcpu_t v = m->vcpu;
    /* T0SZ 25, cacheable and inner shareable walks, no TTBR1; 40-bit physical addresses. */
    const uint64_t tcr = 25 | 1u << 8 | 1u << 10 | 3u << 12 | 1u << 23 | UINT64_C(2) << 32;
    return GOOD(hv_vcpu_set_sys_reg(v, HV_SYS_REG_TTBR0_EL1, TABLES_ADDR)) &&
           GOOD(hv_vcpu_set_sys_reg(v, HV_SYS_REG_TCR_EL1, tcr)) &&
           GOOD(hv_vcpu_set_sys_reg(v, HV_SYS_REG_MAIR_EL1, 0xff)) &&
           GOOD(hv_vcpu_set_sys_reg(v, HV_SYS_REG_VBAR_EL1, TABLES_ADDR + VECTORS)) &&
           GOOD(hv_vcpu_set_sys_reg(v, HV_SYS_REG_CPACR_EL1, 3u << 20)) &&
           /* RES1 bits, I, C and M. */
           GOOD(hv_vcpu_set_sys_reg(v, HV_SYS_REG_SCTLR_EL1, 0x30d01805));
}

struct machine *machine_new(void)
{
    struct machine *m = calloc(1, sizeof *m);
    if (m && GOOD(hv_vm_create(NULL)) && (m->data = map(DATA_ADDR, DATA_BYTES)) &&
        (m->pattern = map(PATTERN_ADDR, PATTERN_SIZE)) &&
        (m->tables = map(TABLES_ADDR, TABLES_BYTES)) &&
        GOOD(hv_vcpu_create(&m->vcpu, &m->exit, NULL))) {
        make_tables(m);
        if (set_sys_regs(m))
            return m;
    }
    free(m);
    return NULL;
}

void machine_delete(struct machine *m)
{
    GOOD(hv_vcpu_destroy(m->vcpu));
    GOOD(hv_vm_destroy());
    free(m->data);
    free(m->pattern);
    free(m->tables);
    free(m);
}

uint8_t *machine_data(struct machine *m)
{
    return m->data;
}

void machine_set_words(struct machine *m, const uint32_t *words, unsigned count)
{
    uint8_t *slots = m->pattern + (SLOT_ADDR - PATTERN_ADDR);
    for (unsigned n = 0; n < count; n++) {
        const uint32_t code[2] = {words[n], 0xd4000002 /* hvc #0 */};
        memcpy(slots + 8 * n, code, 8);
    }
    sys_icache_invalidate(slots, 8 * SLOTS);
}

static bool set_registers(struct machine *m, const struct test_state *s)
{
    bool ok = true;
    for (unsigned n = 0; n < 31; n++)
        ok &= hv_vcpu_set_reg(m->vcpu, HV_REG_X0 + n, s->x[n]) == HV_SUCCESS;
    for (unsigned n = 0; n < 32; n++) {
        hv_simd_fp_uchar16_t q;
        memcpy(&q, s->v[n], 16);
        ok &= hv_vcpu_set_simd_fp_reg(m->vcpu, HV_SIMD_FP_REG_Q0 + n, q) == HV_SUCCESS;
    }
    return ok && GOOD(hv_vcpu_set_reg(m->vcpu, HV_REG_FPSR, s->fpsr)) &&
           GOOD(hv_vcpu_set_reg(m->vcpu, HV_REG_FPCR, 0)) &&
           GOOD(hv_vcpu_set_reg(m->vcpu, HV_REG_CPSR, 0x3c5)) &&
           GOOD(hv_vcpu_set_sys_reg(m->vcpu, HV_SYS_REG_SP_EL1, s->x[31]));
}

static bool get_registers(struct machine *m, struct test_state *s)
{
    bool ok = true;
    for (unsigned n = 0; n < 31; n++)
        ok &= hv_vcpu_get_reg(m->vcpu, HV_REG_X0 + n, &s->x[n]) == HV_SUCCESS;
    for (unsigned n = 0; n < 32; n++) {
        hv_simd_fp_uchar16_t q = {0};
        ok &= hv_vcpu_get_simd_fp_reg(m->vcpu, HV_SIMD_FP_REG_Q0 + n, &q) == HV_SUCCESS;
        memcpy(s->v[n], &q, 16);
    }
    return ok && GOOD(hv_vcpu_get_reg(m->vcpu, HV_REG_FPSR, &s->fpsr)) &&
           GOOD(hv_vcpu_get_sys_reg(m->vcpu, HV_SYS_REG_SP_EL1, &s->x[31]));
}

bool machine_run(struct machine *m, unsigned slot, struct test_state *s, struct outcome *o)
{
    const hv_vcpu_t v = m->vcpu;
    if (!set_registers(m, s) || !GOOD(hv_vcpu_set_reg(v, HV_REG_PC, SLOT_ADDR + 8 * slot)) ||
        !GOOD(hv_vcpu_run(v)) || !get_registers(m, s))
        return false;
    if (m->exit->reason != HV_EXIT_REASON_EXCEPTION) {
        printf("# exit reason %u\n", (unsigned)m->exit->reason);
        return false;
    }
    o->ec = (unsigned)(m->exit->exception.syndrome >> 26);
    o->imm = m->exit->exception.syndrome & 0xffff;
    o->ipa = m->exit->exception.physical_address;
    return GOOD(hv_vcpu_get_reg(v, HV_REG_PC, &o->pc)) &&
           GOOD(hv_vcpu_get_sys_reg(v, HV_SYS_REG_ESR_EL1, &o->esr)) &&
           GOOD(hv_vcpu_get_sys_reg(v, HV_SYS_REG_FAR_EL1, &o->far)) &&
           GOOD(hv_vcpu_get_sys_reg(v, HV_SYS_REG_ELR_EL1, &o->elr));
}

/* A write of TTBR0 with another ASID in between makes sure that no translation is remembered. */
void machine_map_page(struct machine *m, uint64_t addr, bool present)
{
    static uint64_t asid;
    put64(m->tables + 0x2000 + (addr - DATA_ADDR) / 4096 * 8, present ? addr | LEAF | 2 : 0);
    asid = (asid + 1) & 0xff;
    GOOD(hv_vcpu_set_sys_reg(m->vcpu, HV_SYS_REG_TTBR0_EL1, TABLES_ADDR | asid << 48));
}

bool machine_map_memory(struct machine *m, uint64_t from, bool present)
{
    const uint64_t bytes = DATA_ADDR + DATA_BYTES - from;
    return present ? GOOD(hv_vm_map(m->data + (from - DATA_ADDR), from, bytes, RWX))
                   : GOOD(hv_vm_unmap(from, bytes));
}
