/* SPDX-License-Identifier: MIT */
/*
 * From KVM's exits to Apple's. The hard case is an access to memory that is not there: Apple leaves
 * the instruction to the client, which writes the register and moves PC, or injects an exception
 * instead; KVM wants the value and does both itself in the next KVM_RUN. So the access stays open
 * until that run, where kvm_settle_mmio looks at what the client did: the ordinary answer goes to
 * KVM as it likes it, at no cost; anything else is undone by an empty KVM_RUN first.
 */
#include "kvm/kvm.h"
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define EC(class)    ((uint64_t)(class) << 26)
#define IL           (1ull << 25)
#define DFSC_UNKNOWN 0x07 /* translation fault, level 3 */
#define DFSC_DENIED  0x0f /* permission fault, level 3 */
#define BIT(reg)     (1ull << (reg))

/* ---- unfinished accesses --------------------------------------------------------------------- */

hv_return_t kvm_finish_mmio(struct hvi_vcpu *v)
{
    /* The kernel finishes the access, sees immediate_exit, and does not enter the guest. */
    v->run->immediate_exit = 1;
    int error = kvm_vcpu_ioctl(v, KVM_RUN, NULL) < 0 ? errno : 0;
    v->run->immediate_exit = 0;
    v->mmio.waiting = false;
    v->valid = v->dirty; /* of the rest, PC and a loaded register have changed */
    return error == EINTR ? HV_SUCCESS : kvm_fail(HV_ERROR, "KVM_RUN to finish an access", error);
}

hv_return_t kvm_drop_mmio(struct hvi_vcpu *v)
{
    uint64_t ignored;
    if (!v->mmio.waiting)
        return HV_SUCCESS;
    /* What the kernel is about to change: fetch it first, then have it written again. An undecoded
     * access may load into any register. CPSR: stepping PC clears BTYPE and SS. */
    uint64_t changed = BIT(HV_REG_PC) | BIT(HV_REG_CPSR);
    if (!v->mmio.known)
        changed |= BIT(31) - 1;
    else if (!v->mmio.write && v->mmio.rt < 31)
        changed |= BIT(v->mmio.rt);
    for (hv_reg_t reg = 0; reg <= HV_REG_CPSR; reg++)
        if (changed >> reg & 1 && kvm_get_reg(v, reg, &ignored) != HV_SUCCESS)
            return HV_ERROR;
    v->dirty |= changed;

    return kvm_finish_mmio(v);
}

/* Is this what the kernel makes of a load of `len` bytes? Not asked for sign-extending loads: the
 * kernel extends by the syndrome's SSE bit, which QEMU 7.2, as the host of a nested KVM, leaves 0.
 */
static bool kernel_agrees(uint64_t value, const struct mmio *m)
{
    return !m->sign && (m->len == 8 || value >> (8 * m->len) == 0);
}

hv_return_t kvm_settle_mmio(struct hvi_vcpu *v, uint64_t *keep)
{
    const struct mmio *m = &v->mmio;
    *keep = 0;
    if (!m->waiting)
        return HV_SUCCESS;
    bool load = !m->write && m->rt < 31;
    uint64_t wanted = BIT(HV_REG_PC) | (load ? BIT(m->rt) : 0);
    if (!m->known || (v->dirty & wanted) != wanted || v->dirty & BIT(HV_REG_CPSR) ||
        v->reg[HV_REG_PC] != m->pc + 4)
        return kvm_drop_mmio(v);
    if (load) {
        uint64_t value = v->reg[m->rt];
        if (!kernel_agrees(value, m))
            return kvm_drop_mmio(v);
        memcpy(v->run->mmio.data, &value, m->len);
    }
    *keep = wanted;
    return HV_SUCCESS;
}

/* ---- aborts ---------------------------------------------------------------------------------- */

static unsigned fault_status(hv_ipa_t ipa)
{
    hv_memory_flags_t flags;
    return kvm_region_flags(ipa, &flags) ? DFSC_DENIED : DFSC_UNKNOWN;
}

/* The instruction that caused the exit, if it can be seen. */
static bool current_insn(struct hvi_vcpu *v, uint64_t *pc, uint32_t *insn)
{
    return kvm_get_reg(v, HV_REG_PC, pc) == HV_SUCCESS && kvm_fetch_insn(v, *pc, insn);
}

/* ISV = 1: a load or store of one register. KVM says address, size and direction; the register and
 * the extension come from the instruction. If another vCPU has overwritten it meanwhile, the two do
 * not fit and the client gets an access without description. */
static void translate_mmio(struct hvi_vcpu *v, hv_vcpu_exit_t *exit)
{
    struct mmio *m = &v->mmio, seen = {0};
    uint64_t pc = 0;
    uint32_t insn;
    hv_ipa_t ipa = v->run->mmio.phys_addr;
    bool write = v->run->mmio.is_write;
    uint64_t syndrome = EC(0x24) | IL | (uint64_t)write << 6 | fault_status(ipa);

    bool known = current_insn(v, &pc, &insn) && kvm_decode_access(insn, &seen) &&
                 seen.write == write && seen.len == v->run->mmio.len;
    *m = (struct mmio){.waiting = true, .write = write, .len = (uint8_t)v->run->mmio.len};
    if (known) {
        *m = seen;
        m->waiting = m->known = true;
        m->pc = pc;
        syndrome |= 1ull << 24 | (uint64_t)__builtin_ctz(m->len) << 22 | (uint64_t)m->sign << 21 |
                    (uint64_t)m->rt << 16 | (uint64_t)m->sf << 15;
        exit->exception.virtual_address = kvm_access_address(v, insn, pc, ipa);
    }
    exit->exception.syndrome = syndrome;
    exit->exception.physical_address = ipa;
    v->mmio_exits++;
}

/* ISV = 0: pairs, write-back, vectors, atomics. PC stays at the instruction, nothing is open. */
static void translate_nisv(struct hvi_vcpu *v, hv_vcpu_exit_t *exit)
{
    uint64_t pc;
    uint32_t insn;
    hv_ipa_t ipa = v->run->arm_nisv.fault_ipa;
    uint64_t iss = v->run->arm_nisv.esr_iss & (1u << 8 | 1u << 6); /* CM, WnR */
    exit->exception.syndrome = EC(0x24) | IL | iss | fault_status(ipa);
    exit->exception.physical_address = ipa;
    if (current_insn(v, &pc, &insn))
        exit->exception.virtual_address = kvm_access_address(v, insn, pc, ipa);
    v->mmio_exits++;
}

/* ---- calls ----------------------------------------------------------------------------------- */

/* KVM has moved PC past the instruction, HVC and SMC alike. Apple leaves an SMC under PC. The
 * immediate is not reported, so it is read from the instruction. */
static hv_return_t translate_call(struct hvi_vcpu *v, hv_vcpu_exit_t *exit)
{
    uint64_t flags, pc;
    uint32_t insn = 0;
    memcpy(&flags,
           (const char *)&v->run->hypercall + offsetof(__typeof__(v->run->hypercall), longmode),
           sizeof flags);
    bool smc = flags & KVM_HYPERCALL_EXIT_SMC;
    v->hypercalls++;
    hv_return_t result = kvm_get_reg(v, HV_REG_PC, &pc);
    if (result != HV_SUCCESS)
        return result;
    unsigned immediate = 0;
    if (kvm_fetch_insn(v, pc - 4, &insn) && (insn & 0xffe0001f) == (smc ? 0xd4000003 : 0xd4000002))
        immediate = insn >> 5 & 0xffff;
    exit->exception.syndrome = EC(smc ? 0x17 : 0x16) | IL | immediate;
    return smc ? kvm_set_reg(v, HV_REG_PC, pc - 4) : HV_SUCCESS;
}

/* The kernel gave up. */
static hv_return_t run_failed(const struct kvm_run *run)
{
    char why[120];
    switch (run->exit_reason) {
    case KVM_EXIT_FAIL_ENTRY:
        snprintf(why, sizeof why,
                 "KVM_EXIT_FAIL_ENTRY: the CPU does not take this guest state (reason 0x%llx)",
                 (unsigned long long)run->fail_entry.hardware_entry_failure_reason);
        return kvm_fail(HV_ILLEGAL_GUEST_STATE, why, 0);
    case KVM_EXIT_INTERNAL_ERROR:
        snprintf(why, sizeof why,
                 "KVM_EXIT_INTERNAL_ERROR: the kernel cannot run this guest (error %u)",
                 run->internal.suberror);
        return kvm_fail(HV_ERROR, why, 0);
    default:
        snprintf(why, sizeof why, "KVM ended the run for a reason (%u) that is not known here",
                 run->exit_reason);
        return kvm_fail(HV_ERROR, why, 0);
    }
}

bool kvm_translate_exit(struct hvi_vcpu *v, hv_vcpu_exit_t *exit, hv_return_t *result)
{
    *result = HV_SUCCESS;
    exit->reason = HV_EXIT_REASON_EXCEPTION;
    switch (v->run->exit_reason) {
    case KVM_EXIT_INTR: return false; /* the timer's output changed */
    case KVM_EXIT_HYPERCALL: *result = translate_call(v, exit); return true;
    case KVM_EXIT_MMIO:
        v->mmio.waiting = true;
        if (kvm_gic_mmio(v)) {
            *result = kvm_finish_mmio(v);
            return *result != HV_SUCCESS;
        }
        translate_mmio(v, exit);
        return true;
    case KVM_EXIT_ARM_NISV: translate_nisv(v, exit); return true;
    case KVM_EXIT_DEBUG: *result = kvm_translate_debug(v, exit); return true;
    default: *result = run_failed(v->run); return true;
    }
}
