/* SPDX-License-Identifier: MIT */
/*
 * Data and instruction aborts from stage 2: the guest touched an address that is not RAM. Either a
 * device lives there, or nobody does; then the guest gets what a bus without an answer gives a CPU,
 * a synchronous external abort. On the vCPU's thread. Syndrome layout: DDI 0487, ISS encodings for
 * data and instruction aborts.
 */
#include "vmm.h"

#include <inttypes.h>

#define ISS_ISV              (UINT64_C(1) << 24)
#define ISS_SSE              (UINT64_C(1) << 21)
#define ISS_SF               (UINT64_C(1) << 15)
#define ISS_CM               (UINT64_C(1) << 8)
#define ISS_S1PTW            (UINT64_C(1) << 7)
#define ISS_WNR              (UINT64_C(1) << 6)
#define EC_INSTRUCTION_ABORT 0x20

/* Each saves the registers that it needs itself. */
#define NOINLINE __attribute__((noinline))

static unsigned iss_width(uint64_t esr)
{
    return 1u << (esr >> 22 & 3);
}

static unsigned iss_register(uint64_t esr)
{
    return esr >> 16 & 31;
}

/* What a load puts into its register: sign-extended if the instruction says so, to 32 or 64 bits.
 */
static uint64_t extend(uint64_t value, uint64_t esr)
{
    unsigned bits = iss_width(esr) * 8;
    if ((esr & ISS_SSE) && bits < 64 && value >> (bits - 1) & 1)
        value |= UINT64_MAX << bits;
    return esr & ISS_SF ? value : value & UINT32_MAX;
}

static NOINLINE bool device_write(struct vcpu *v, uint64_t esr, uint64_t ipa)
{
    return bus_write(&v->vm->bus, &v->device, ipa, iss_width(esr), vcpu_x(v, iss_register(esr)));
}

static NOINLINE bool device_read(struct vcpu *v, uint64_t esr, uint64_t ipa)
{
    uint64_t value;
    if (!bus_read(&v->vm->bus, &v->device, ipa, iss_width(esr), &value))
        return false;
    vcpu_set_x(v, iss_register(esr), extend(value, esr));
    return true;
}

static const char *words(const struct abort_info *abort)
{
    if (abort->walk)
        return "page-table walk";
    return abort->fetch ? "instruction fetch" : abort->write ? "write" : "read";
}

/* An instruction abort, or a data abort that is not an access to a device which the syndrome
 * describes. */
int exit_abort(struct vcpu *v)
{
    const hv_vcpu_exit_exception_t *e = &v->exit->exception;
    uint64_t esr = e->syndrome, ipa = e->physical_address;
    struct abort_info abort = {
        .fetch = esr >> 26 == EC_INSTRUCTION_ABORT,
        .write = esr & ISS_WNR,
        .walk = esr & ISS_S1PTW,
        .level = esr & 3,
        .va = e->virtual_address,
    };
    bool plain = !abort.fetch && !abort.walk;
    if (plain && (esr & ISS_CM)) {
        vcpu_skip(v); /* cleaning a cache that holds nothing */
        return 0;
    }
    if (plain && !(esr & ISS_ISV) && bus_find(&v->vm->bus, ipa, 1))
        log_verbose("device access at 0x%" PRIx64 " by an instruction that the CPU does not "
                    "describe (pair, write-back, SIMD): external abort",
                    ipa);
    if (!inject_possible(v))
        return crash(v, esr, e->virtual_address,
                     "%s at 0x%" PRIx64 ", which is outside guest memory", words(&abort), ipa);
    if (abort.fetch && inject_would_loop(v, vcpu_reg(v, HV_REG_PC)))
        return crash(v, esr, e->virtual_address,
                     "the vector table at 0x%" PRIx64 " is outside guest memory",
                     vcpu_sys_reg(v, HV_SYS_REG_VBAR_EL1));
    return inject_abort(v, &abort);
}

int exit_data_abort(struct vcpu *v)
{
    uint64_t esr = v->exit->exception.syndrome;
    bool described = (esr & (ISS_ISV | ISS_S1PTW)) == ISS_ISV;
    uint64_t ipa = v->exit->exception.physical_address;
    if (!described || !(esr & ISS_WNR ? device_write(v, esr, ipa) : device_read(v, esr, ipa)))
        return exit_abort(v);
    v->stats.mmio++;
    vcpu_skip(v);
    return 0;
}
