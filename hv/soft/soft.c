/* SPDX-License-Identifier: MIT */
/* The software CPU as a backend: life of the VM and its vCPUs, registers. See backend.h. */
#include "a64.h"
#include "cpu.h"
#include "debug.h"
#include "host_fence.h"
#include "jit/jit.h"
#include "perf_map.h"
#include "soft_gic.h"
#include "timer.h"
#include "tlb.h"
#include "verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define IPA_BITS_MAX     48
#define IPA_BITS_DEFAULT 36 /* as on Apple Silicon */

static struct cpu *cpu_of(struct hvi_vcpu *v)
{
    return (struct cpu *)(void *)v;
}

static bool probe(struct hvi_limits *limits, char *why, size_t why_size)
{
    (void)why, (void)why_size;
    *limits = (struct hvi_limits){.max_vcpus = CPU_MAX,
                                  .max_ipa_bits = IPA_BITS_MAX,
                                  .default_ipa_bits = IPA_BITS_DEFAULT,
                                  .gic = soft_gic_available()};
    return true;
}

/* A forked child begins with nothing: the parent's threads are not there. */
static void after_fork(void)
{
    pthread_mutex_init(&machine.lock, NULL);
    memset(machine.cpus, 0, sizeof machine.cpus);
    atomic_store(&machine.count, 0);
    machine.created = machine.has_gic = false;
    timer_after_fork();
    soft_gic_after_fork();
    cpu_kicks_after_fork();
    perf_map_after_fork();
}

static hv_return_t vm_create(const struct hvi_vm_config *config)
{
    if (machine.perf_map && !perf_map_open())
        return HV_ERROR;
    timer_reset_alarms();
    machine.fence_all = host_fence_init();
    machine.ipa_bits = config->ipa_bits;
    machine.has_gic = false;
    machine.created = true;
    return HV_SUCCESS;
}

static void vm_destroy(void)
{
    soft_gic_destroy();
    perf_map_close();
    machine.has_gic = false;
    machine.created = false;
}

/* ---- memory: hv_mem.c keeps the list, the TLBs look there when they miss ---- */

static hv_return_t mem_map(const struct hvi_region *region)
{
    (void)region; /* what the TLBs know of unmapped pages ends with hvi_mem_version() */
    return HV_SUCCESS;
}

static hv_return_t mem_unmap(const struct hvi_region *region)
{
    (void)region;
    cpu_broadcast_foreign(MAIL_TLB_ALL, 0, 0);
    cpu_broadcast_foreign(MAIL_CODE_IPA, region->ipa, region->size);
    return HV_SUCCESS;
}

static hv_return_t mem_protect(const struct hvi_region *region, hv_memory_flags_t flags)
{
    (void)region, (void)flags;
    cpu_broadcast_foreign(MAIL_TLB_ALL, 0, 0);
    return HV_SUCCESS;
}

static hv_return_t mem_split(const struct hvi_region *region, size_t first_size)
{
    (void)region, (void)first_size;
    return HV_SUCCESS;
}

static void icache_invalidate(const void *host, size_t size)
{
    struct hvi_region part;
    hv_ipa_t next = 0;
    while (hvi_mem_next_host(host, size, &next, &part))
        cpu_broadcast_foreign(MAIL_CODE_IPA, part.ipa, part.size);
}

/* ---- vCPU ---- */

static void reset(struct cpu *c)
{
    sysreg_reset(c);
    c->el = 1;
    c->spsel = 1;
    c->daif = DAIF_D | DAIF_A | DAIF_I | DAIF_F;
    c->alarm = UINT64_MAX;
    c->fetch_gen = 1; /* nothing that is all zeroes is of this generation */
    pauth_keys_changed(c);
    tlb_reset(c);
    cpu_state_changed(c);
}

/* How warm a block must be. Verification waits just long enough for blocks to be joined. */
#define VERIFY_HEAT 4
static uint32_t first_heat(void)
{
    if (machine.jit_off)
        return UINT32_MAX;
    if (machine.jit_heat)
        return machine.jit_heat;
    return machine.jit_verify ? VERIFY_HEAT : JIT_HEAT;
}

/* Zeroed pages on demand: the structure is large and little of it is used by a small guest. */
static hv_return_t vcpu_create(uint32_t index, struct hvi_vcpu **vcpu)
{
    struct cpu *c =
        mmap(NULL, sizeof *c, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (c == MAP_FAILED)
        return HV_NO_RESOURCES;
    c->code = code_cache_new(code_bytes() / 2);
    c->verify = machine.jit_verify ? verify_new() : NULL;
    if (!c->code || (machine.jit_verify && !c->verify) || soft_gic_attach(c, index) != HV_SUCCESS) {
        code_cache_free(c->code);
        verify_free(c->verify);
        munmap(c, sizeof *c);
        return HV_NO_RESOURCES;
    }
    c->index = index;
    c->jit_heat = first_heat();
    pthread_mutex_init(&c->mail_lock, NULL);
    sem_init(&c->wake, 0, 0);
    reset(c);
    cpu_set_kickable(index, c);
    pthread_mutex_lock(&machine.lock);
    machine.cpus[index] = c;
    atomic_fetch_add(&machine.count, 1);
    pthread_mutex_unlock(&machine.lock);
    *vcpu = (struct hvi_vcpu *)(void *)c;
    return HV_SUCCESS;
}

static void vcpu_destroy(struct hvi_vcpu *v)
{
    struct cpu *c = cpu_of(v);
    timer_forget(c);
    soft_gic_detach(c);
    cpu_set_kickable(c->index, NULL);
    pthread_mutex_lock(&machine.lock);
    machine.cpus[c->index] = NULL;
    atomic_fetch_sub(&machine.count, 1);
    pthread_mutex_unlock(&machine.lock);
    pthread_mutex_destroy(&c->mail_lock);
    sem_destroy(&c->wake);
    jit_free(c->jit);
    verify_free(c->verify);
    code_cache_free(c->code);
    munmap(c, sizeof *c);
}

static hv_return_t vcpu_run(struct hvi_vcpu *v, hv_vcpu_exit_t *exit)
{
    return cpu_run(cpu_of(v), exit);
}

static void vcpu_cancel(struct hvi_vcpu *v)
{
    cpu_kick(cpu_of(v), KICK_CANCEL);
}

/* ---- registers ---- */

static uint64_t *plain_reg(struct hvi_vcpu *v, hv_reg_t reg)
{
    struct cpu *c = cpu_of(v);
    return reg < HV_REG_PC ? &c->x[reg] : reg == HV_REG_PC ? &c->pc : NULL;
}

static hv_return_t get_reg(struct hvi_vcpu *v, hv_reg_t reg, uint64_t *value)
{
    const struct cpu *c = cpu_of(v);
    if (reg == HV_REG_CPSR)
        *value = cpu_get_cpsr(c);
    else
        *value = reg == HV_REG_FPCR ? c->fpcr : c->fpsr;
    return HV_SUCCESS;
}

static hv_return_t set_reg(struct hvi_vcpu *v, hv_reg_t reg, uint64_t value)
{
    struct cpu *c = cpu_of(v);
    if (reg == HV_REG_CPSR)
        cpu_set_cpsr(c, (uint32_t)value);
    else if (reg == HV_REG_FPCR)
        c->fpcr = value & (a64_feature(FEAT_FP16) ? 0x07c80000 : 0x07c00000);
    else
        c->fpsr = value & 0x0800009f;
    return HV_SUCCESS;
}

static hv_return_t get_simd(struct hvi_vcpu *v, hv_simd_fp_reg_t reg, hv_simd_fp_uchar16_t *value)
{
    memcpy(value, &cpu_of(v)->v[reg], 16);
    return HV_SUCCESS;
}

static hv_return_t set_simd(struct hvi_vcpu *v, hv_simd_fp_reg_t reg, hv_simd_fp_uchar16_t value)
{
    memcpy(&cpu_of(v)->v[reg], &value, 16);
    return HV_SUCCESS;
}

static hv_return_t get_sys_reg(struct hvi_vcpu *v, hv_sys_reg_t reg, uint64_t *value)
{
    return sysreg_get(cpu_of(v), reg, value) ? HV_SUCCESS : HV_UNSUPPORTED;
}

static hv_return_t set_sys_reg(struct hvi_vcpu *v, hv_sys_reg_t reg, uint64_t value)
{
    return sysreg_set(cpu_of(v), reg, value) ? HV_SUCCESS : HV_UNSUPPORTED;
}

/* ---- interrupts, debug, time ---- */

static hv_return_t get_pending(struct hvi_vcpu *v, hv_interrupt_type_t type, bool *pending)
{
    const struct cpu *c = cpu_of(v);
    *pending = type == HV_INTERRUPT_TYPE_FIQ ? c->line_fiq : c->line_irq;
    return HV_SUCCESS;
}

static hv_return_t set_pending(struct hvi_vcpu *v, hv_interrupt_type_t type, bool pending)
{
    struct cpu *c = cpu_of(v);
    *(type == HV_INTERRUPT_TYPE_FIQ ? &c->line_fiq : &c->line_irq) = pending;
    return HV_SUCCESS;
}

static hv_return_t set_trap_debug(struct hvi_vcpu *v, bool exceptions, bool reg_accesses)
{
    struct cpu *c = cpu_of(v);
    c->trap_debug = exceptions;
    c->trap_debug_regs = reg_accesses;
    debug_changed(c);
    cpu_state_changed(c);
    return HV_SUCCESS;
}

static hv_return_t get_exec_time(struct hvi_vcpu *v, uint64_t *time)
{
    *time = cpu_exec_time(cpu_of(v));
    return HV_SUCCESS;
}

static hv_return_t get_vtimer_mask(struct hvi_vcpu *v, bool *masked)
{
    *masked = cpu_of(v)->vtimer_masked;
    return HV_SUCCESS;
}

static hv_return_t set_vtimer_mask(struct hvi_vcpu *v, bool masked)
{
    cpu_of(v)->vtimer_masked = masked;
    timer_update(cpu_of(v));
    return HV_SUCCESS;
}

static hv_return_t get_vtimer_offset(struct hvi_vcpu *v, uint64_t *offset)
{
    *offset = cpu_of(v)->cntvoff;
    return HV_SUCCESS;
}

static hv_return_t set_vtimer_offset(struct hvi_vcpu *v, uint64_t offset)
{
    cpu_of(v)->cntvoff = offset;
    timer_update(cpu_of(v));
    return HV_SUCCESS;
}

/* ---- what is announced ---- */

static hv_return_t get_feature_reg(hv_feature_reg_t reg, uint64_t *value)
{
    static const uint16_t numbers[] = {
        [HV_FEATURE_REG_ID_AA64DFR0_EL1] = HV_SYS_REG_ID_AA64DFR0_EL1,
        [HV_FEATURE_REG_ID_AA64DFR1_EL1] = HV_SYS_REG_ID_AA64DFR1_EL1,
        [HV_FEATURE_REG_ID_AA64ISAR0_EL1] = HV_SYS_REG_ID_AA64ISAR0_EL1,
        [HV_FEATURE_REG_ID_AA64ISAR1_EL1] = HV_SYS_REG_ID_AA64ISAR1_EL1,
        [HV_FEATURE_REG_ID_AA64MMFR0_EL1] = HV_SYS_REG_ID_AA64MMFR0_EL1,
        [HV_FEATURE_REG_ID_AA64MMFR1_EL1] = HV_SYS_REG_ID_AA64MMFR1_EL1,
        [HV_FEATURE_REG_ID_AA64MMFR2_EL1] = HV_SYS_REG_ID_AA64MMFR2_EL1,
        [HV_FEATURE_REG_ID_AA64PFR0_EL1] = HV_SYS_REG_ID_AA64PFR0_EL1,
        [HV_FEATURE_REG_ID_AA64PFR1_EL1] = HV_SYS_REG_ID_AA64PFR1_EL1,
        [HV_FEATURE_REG_CLIDR_EL1] = SYSREG_NUM(3, 1, 0, 0, 1),
    };
    if (reg == HV_FEATURE_REG_CTR_EL0) {
        *value = SYSREG_CTR;
        return HV_SUCCESS;
    }
    if (reg == HV_FEATURE_REG_DCZID_EL0) {
        *value = SYSREG_DCZID;
        return HV_SUCCESS;
    }
    if (reg >= sizeof numbers / sizeof numbers[0] || !numbers[reg])
        return HV_UNSUPPORTED;
    return sysreg_id_value(numbers[reg], value) ? HV_SUCCESS : HV_UNSUPPORTED;
}

static hv_return_t get_ccsidr(hv_cache_type_t type, uint64_t values[8])
{
    for (unsigned level = 0; level < 8; level++)
        values[level] = level > 1 || (level == 1 && type == HV_CACHE_TYPE_INSTRUCTION)
                            ? 0
                            : sysreg_ccsidr(level, type == HV_CACHE_TYPE_INSTRUCTION);
    return HV_SUCCESS;
}

/* ---- extras ---- */

static bool set_option(const char *name, const char *value)
{
    if (strcmp(name, "irq_exit") == 0) {
        machine.irq_exit = strcmp(value, "on") == 0;
        return machine.irq_exit || strcmp(value, "off") == 0;
    }
    if (strcmp(name, "jit") == 0) {
        machine.jit_off = strcmp(value, "off") == 0;
        machine.jit_verify = strcmp(value, "verify") == 0;
        return machine.jit_verify ? jit_available() : machine.jit_off || strcmp(value, "on") == 0;
    }
    if (strcmp(name, "count") == 0) {
        machine.count_insns = strcmp(value, "on") == 0;
        return machine.count_insns || strcmp(value, "off") == 0;
    }
    if (strcmp(name, "perf-map") == 0) {
        machine.perf_map = strcmp(value, "on") == 0;
        return jit_available() && (machine.perf_map || strcmp(value, "off") == 0);
    }
    if (strcmp(name, "jit-code") == 0) {
        unsigned long long bytes = strtoull(value, NULL, 10);
        if (bytes < CODE_MEMORY_MIN || bytes > CODE_MEMORY_MAX)
            return false;
        machine.code_bytes = (uint32_t)bytes & ~0x1fffu; /* two halves of whole pages */
        return true;
    }
    if (strcmp(name, "jit-heat") == 0) {
        machine.jit_heat = (uint32_t)strtoul(value, NULL, 10);
        return machine.jit_heat > 0;
    }
    return false;
}

static const char *last_error(void)
{
    const char *said = verify_text();
    return *said ? said : perf_map_text();
}

static bool counter(struct hvi_vcpu *v, unsigned index, const char **name, uint64_t *value)
{
    static const char *const names[STAT_COUNT] = {
        [STAT_BLOCKS] = "blocks decoded",
        [STAT_DECODED] = "instructions decoded",
        [STAT_DECODED_MEMORY] = "loads and stores decoded",
        [STAT_TRANSLATED] = "blocks translated",
        [STAT_CODE_BYTES] = "bytes of host code written",
        [STAT_DISPATCHED] = "entries by the dispatcher",
        [STAT_LINKED] = "links made between blocks",
        [STAT_EXTENDED] = "blocks joined with the next",
        [STAT_ARENA_DROPS] = "times all code was dropped for room",
        [STAT_TLB_FILLS] = "data TLB fills",
        [STAT_TLB_FLUSHES] = "TLB flushes",
        [STAT_EXCEPTIONS] = "exceptions",
        [STAT_INTERRUPTS] = "interrupts",
        [STAT_MAILS] = "broadcasts served",
        [STAT_VERIFIED] = "blocks verified",
        [STAT_VERIFY_ONCE] = "blocks run once, not verified",
        [STAT_VERIFY_AGAIN] = "verifications repeated",
    };
    const struct cpu *c = cpu_of(v);
    if (index < STAT_COUNT) {
        *name = names[index];
        *value = c->stats[index];
        return true;
    }
    *name = "instructions";
    *value = c->icount;
    return index == STAT_COUNT && (counts_insns() || machine.jit_off);
}

const struct hvi_backend hvi_soft = {
    .name = "soft",
    .title = "ARM64 software CPU",
    .probe = probe,
    .vm_create = vm_create,
    .vm_destroy = vm_destroy,
    .after_fork = after_fork,
    .mem_map = mem_map,
    .mem_unmap = mem_unmap,
    .mem_protect = mem_protect,
    .mem_split = mem_split,
    .icache_invalidate = icache_invalidate,
    .vcpu_create = vcpu_create,
    .vcpu_destroy = vcpu_destroy,
    .vcpu_run = vcpu_run,
    .vcpu_cancel = vcpu_cancel,
    .plain_reg = plain_reg,
    .get_reg = get_reg,
    .set_reg = set_reg,
    .get_simd = get_simd,
    .set_simd = set_simd,
    .get_sys_reg = get_sys_reg,
    .set_sys_reg = set_sys_reg,
    .get_pending = get_pending,
    .set_pending = set_pending,
    .set_trap_debug = set_trap_debug,
    .get_exec_time = get_exec_time,
    .get_vtimer_mask = get_vtimer_mask,
    .set_vtimer_mask = set_vtimer_mask,
    .get_vtimer_offset = get_vtimer_offset,
    .set_vtimer_offset = set_vtimer_offset,
    .gic_create = soft_gic_create,
    .gic_set_spi = soft_gic_set_spi,
    .gic_send_msi = soft_gic_send_msi,
    .gic_get_dist_reg = soft_gic_get_dist_reg,
    .gic_set_dist_reg = soft_gic_set_dist_reg,
    .gic_get_redist_reg = soft_gic_get_redist_reg,
    .gic_set_redist_reg = soft_gic_set_redist_reg,
    .gic_get_icc_reg = soft_gic_get_icc_reg,
    .gic_set_icc_reg = soft_gic_set_icc_reg,
    .gic_get_msi_reg = soft_gic_get_msi_reg,
    .gic_set_msi_reg = soft_gic_set_msi_reg,
    .gic_state_save = soft_gic_state_save,
    .gic_state_restore = soft_gic_state_restore,
    .gic_reset = soft_gic_reset,
    .get_feature_reg = get_feature_reg,
    .get_ccsidr = get_ccsidr,
    .set_option = set_option,
    .counter = counter,
    .last_error = last_error,
};
