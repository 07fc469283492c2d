/* SPDX-License-Identifier: MIT */
/*
 * The crash report: what happened in words, where, the syndrome decoded, all registers, the code
 * around PC. Built in memory and written at once to standard error, so that reports of several VMs
 * stay whole. On the vCPU's thread; reads guest memory only through the translator.
 */
#include "vmm.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define CODE_BEFORE 4
#define CODE_AFTER  4

struct report {
    char text[6144];
    size_t used;
};

static void put(struct report *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put_list(struct report *r, const char *format, va_list args)
{
    size_t room = sizeof(r->text) - r->used;
    int n = vsnprintf(r->text + r->used, room, format, args);
    if (n > 0)
        r->used += (size_t)n < room ? (size_t)n : room - 1;
}

static void put(struct report *r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    put_list(r, format, args);
    va_end(args);
}

/* ---- the syndrome in words (DDI 0487, ESR_ELx) ---- */

static const char *fault_name(unsigned fsc)
{
    switch (fsc >> 2) {
    case 0: return "address size fault";
    case 1: return "translation fault";
    case 2: return "access flag fault";
    case 3: return "permission fault";
    case 5: return "external abort on a table walk";
    default: break;
    }
    switch (fsc) {
    case 0x10: return "external abort";
    case 0x21: return "alignment fault";
    case 0x30: return "TLB conflict";
    default: return "fault";
    }
}

static void put_abort(struct report *r, uint64_t esr, bool data)
{
    unsigned fsc = esr & 0x3f;
    if (data)
        put(r, ", %s", esr >> 6 & 1 ? "write" : "read");
    if (data && esr >> 24 & 1)
        put(r, " of %u byte%s, register x%u", 1u << (esr >> 22 & 3), esr >> 22 & 3 ? "s" : "",
            (unsigned)(esr >> 16 & 31));
    put(r, ", %s", fault_name(fsc));
    if (fsc < 0x10 || fsc >> 2 == 5)
        put(r, " at level %u", fsc & 3);
}

static void put_esr(struct report *r, uint64_t esr)
{
    unsigned ec = esr >> 26 & 63;
    const char *name = exit_class_name(ec);
    put(r, "  ESR  0x%08" PRIx64 "  class 0x%02x: %s", esr, ec, name ? name : "reserved");
    if (ec == 0x20 || ec == 0x21)
        put_abort(r, esr, false);
    else if (ec == 0x24 || ec == 0x25)
        put_abort(r, esr, true);
    else if (ec == 0x15 || ec == 0x16 || ec == 0x17 || ec == 0x3c)
        put(r, " #0x%x", (unsigned)(esr & 0xffff));
    else if (ec == 0x18)
        put(r, ", %s S%u_%u_C%u_C%u_%u", esr & 1 ? "read" : "write", (unsigned)(esr >> 20 & 3),
            (unsigned)(esr >> 14 & 7), (unsigned)(esr >> 10 & 15), (unsigned)(esr >> 1 & 15),
            (unsigned)(esr >> 17 & 7));
    put(r, "\n");
}

/* ---- registers and code ---- */

static void put_cpsr(struct report *r, uint64_t cpsr)
{
    static const char *const modes[16] = {[0] = "EL0", [4] = "EL1t", [5] = "EL1h"};
    const char *mode = cpsr & 0x10 ? "AArch32" : modes[cpsr & 15];
    put(r, "  CPSR 0x%08" PRIx64 "  %s, flags %c%c%c%c, masked %c%c%c%c\n", cpsr,
        mode ? mode : "reserved mode", cpsr >> 31 & 1 ? 'N' : 'n', cpsr >> 30 & 1 ? 'Z' : 'z',
        cpsr >> 29 & 1 ? 'C' : 'c', cpsr >> 28 & 1 ? 'V' : 'v', cpsr >> 9 & 1 ? 'D' : '-',
        cpsr >> 8 & 1 ? 'A' : '-', cpsr >> 7 & 1 ? 'I' : '-', cpsr >> 6 & 1 ? 'F' : '-');
}

static void put_registers(struct report *r, struct vcpu *v)
{
    static const struct {
        const char *name;
        hv_sys_reg_t reg;
    } system[] = {
        {"SP_EL0", HV_SYS_REG_SP_EL0},       {"SP_EL1", HV_SYS_REG_SP_EL1},
        {"ELR_EL1", HV_SYS_REG_ELR_EL1},     {"SPSR_EL1", HV_SYS_REG_SPSR_EL1},
        {"ESR_EL1", HV_SYS_REG_ESR_EL1},     {"FAR_EL1", HV_SYS_REG_FAR_EL1},
        {"VBAR_EL1", HV_SYS_REG_VBAR_EL1},   {"SCTLR_EL1", HV_SYS_REG_SCTLR_EL1},
        {"TTBR0_EL1", HV_SYS_REG_TTBR0_EL1}, {"TCR_EL1", HV_SYS_REG_TCR_EL1},
    };
    for (unsigned n = 0; n < 31; n++) {
        char name[8];
        snprintf(name, sizeof(name), "x%u", n);
        put(r, "  %-4s 0x%016" PRIx64 "%s", name, vcpu_x(v, n), n % 3 == 2 || n == 30 ? "\n" : "");
    }
    for (unsigned i = 0; i < sizeof(system) / sizeof(system[0]); i++)
        put(r, "  %-9s 0x%016" PRIx64 "%s", system[i].name, vcpu_sys_reg(v, system[i].reg),
            i % 2 ? "\n" : "");
}

static uint32_t code_word(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* PC as a physical address: right while the MMU is off or maps one to one. */
static void put_code(struct report *r, struct vcpu *v, uint64_t pc)
{
    put(r, "  code ");
    if (vcpu_sys_reg(v, HV_SYS_REG_SCTLR_EL1) & 1)
        put(r, "(if mapped one to one) ");
    bool any = false;
    for (int i = -CODE_BEFORE; i <= CODE_AFTER; i++) {
        const uint8_t *at = mem_at(&v->vm->mem, gpa((pc & ~UINT64_C(3)) + (uint64_t)(i * 4)), 4);
        if (!at)
            continue;
        any = true;
        put(r, i == 0 ? "[%08x] " : "%08x ", code_word(at));
    }
    put(r, any ? "\n" : "none: PC is outside guest memory\n");
}

int crash(struct vcpu *v, uint64_t esr, uint64_t far, const char *format, ...)
{
    struct report r = {.used = 0};
    uint64_t pc = vcpu_reg(v, HV_REG_PC);
    va_list args;
    console_flush(&v->vm->console);
    put(&r, "[VM %u] The guest crashed: ", v->vm->config.id);
    va_start(args, format);
    put_list(&r, format, args);
    va_end(args);
    put(&r, "\n  PC   0x%016" PRIx64 "  vCPU %u\n", pc, v->index);
    put_cpsr(&r, vcpu_reg(v, HV_REG_CPSR));
    if (esr)
        put_esr(&r, esr);
    if (far)
        put(&r, "  FAR  0x%016" PRIx64 "\n", far);
    put_registers(&r, v);
    put_code(&r, v, pc);
    (void)write_all(STDERR_FILENO, r.text, r.used);
    vm_stop(v->vm, VM_END_CRASH, 0);
    return 0;
}
