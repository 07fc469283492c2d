/* SPDX-License-Identifier: MIT */
/*
 * Between the GIC model and the CPU: system registers, frames in guest memory, interrupt lines,
 * timer PPIs, and the gic_* operations of the backend.
 *
 * The VM's GIC lives from gic_create to vm_destroy. A line that rises kicks its vCPU out of a chain
 * of blocks or out of WFI; the dispatcher then reads the line itself (c->gic_lines).
 */
#include "soft_gic.h"
#include "gic.h"
#include "sysreg_fn.h"
#include "timer.h"

static struct gic *gic;

static const _Atomic uint32_t no_lines;

static void wake(void *ctx, unsigned vcpu)
{
    (void)ctx;
    cpu_kick_index(vcpu, KICK_IRQ);
}

/* ---- life ---- */

bool soft_gic_available(void)
{
    return true;
}

hv_return_t soft_gic_create(const struct hvi_gic_config *config)
{
    struct gic_config gc = {
        .dist_base = config->distributor_base,
        .redist_base = config->redistributor_base,
        .msi_base = config->msi_base,
        .msi_intid = config->msi_intid,
        .msi_count = config->msi_count,
        .wake = wake,
    };
    gic = gic_new(&gc);
    if (!gic)
        return HV_NO_RESOURCES;
    machine.has_gic = true;
    return HV_SUCCESS;
}

void soft_gic_destroy(void)
{
    gic_free(gic);
    gic = NULL;
    machine.has_gic = false;
}

/* The lock may be held by a thread that is not there any more: the parent's copy is left alone. */
void soft_gic_after_fork(void)
{
    gic = NULL;
}

hv_return_t soft_gic_attach(struct cpu *c, uint32_t index)
{
    c->gic_lines = &no_lines;
    if (!gic)
        return HV_SUCCESS;
    if (!gic_vcpu_attach(gic, index))
        return HV_NO_RESOURCES;
    c->gic_lines = gic_lines_of(gic, index);
    cpu_broadcast_foreign(MAIL_TLB_ALL, 0, 0); /* soft_gic_claims() */
    return HV_SUCCESS;
}

void soft_gic_detach(struct cpu *c)
{
    if (!gic)
        return;
    gic_vcpu_detach(gic, c->index);
}

void soft_gic_set_affinity(struct cpu *c, uint64_t mpidr)
{
    if (gic)
        gic_vcpu_set_affinity(gic, c->index, mpidr);
}

/* ---- the guest's accesses ---- */

/* Fields of ISS for a data abort, and the fault status of a stage 2 translation fault (D17.2.37).
 */
enum { ISS_ISV = 1 << 24, ISS_SSE = 1 << 21, ISS_SF = 1 << 15, ISS_WNR = 1 << 6 };
#define IS_TRANSLATION_FAULT(iss) (((iss)&0x3c) == 0x04)

bool soft_gic_claims(uint64_t ipa)
{
    return gic && gic_claims(gic, ipa);
}

bool soft_gic_emulate(struct cpu *c, uint32_t syndrome, uint64_t ipa)
{
    if (!(syndrome & ISS_ISV) || !IS_TRANSLATION_FAULT(syndrome))
        return false;
    unsigned size = 1u << (syndrome >> 22 & 3), rt = syndrome >> 16 & 31;
    bool write = syndrome & ISS_WNR;
    uint64_t value = c->x[rt]; /* x[31] reads as zero */
    if (!gic_mmio(gic, ipa, size, write, &value, c->index))
        return false;
    if (write || rt == X_ZR)
        return true;
    if (syndrome & ISS_SSE)
        value = (uint64_t)sign_extend(value, size * 8);
    c->x[rt] = syndrome & ISS_SF ? value : (uint32_t)value;
    return true;
}

/* Without a GIC the CPU interface is the monitor's business (section 9.2). */
static bool left_to_monitor(struct cpu *c, const struct insn *i)
{
    if (gic)
        return false;
    cpu_exit(c, i, ESR(EC_SYSREG, sysreg_iss(i->raw)), 0, 0, 0);
    return true;
}

bool gic_read_icc(struct cpu *c, const struct insn *i, uint64_t *value)
{
    const struct sysreg *r = (const struct sysreg *)(uintptr_t)i->imm;
    if (left_to_monitor(c, i))
        return false;
    if (gic_icc_read(gic, c->index, r->num, value))
        return true;
    cpu_undefined(c, i);
    return false;
}

bool gic_write_icc(struct cpu *c, const struct insn *i, uint64_t value)
{
    const struct sysreg *r = (const struct sysreg *)(uintptr_t)i->imm;
    if (left_to_monitor(c, i))
        return false;
    if (gic_icc_write(gic, c->index, r->num, value))
        return true;
    cpu_undefined(c, i);
    return false;
}

void timer_drive_gic(struct cpu *c, bool virt, bool phys)
{
    if (!gic)
        return;
    gic_set_ppi(gic, c->index, GIC_PPI_VTIMER, virt);
    gic_set_ppi(gic, c->index, GIC_PPI_PTIMER, phys);
}

/* ---- operations of backend.h: hv.c has checked that there is a GIC ---- */

static hv_return_t answer(bool ok)
{
    return ok ? HV_SUCCESS : HV_BAD_ARGUMENT;
}

static unsigned index_of(struct hvi_vcpu *v)
{
    return ((struct cpu *)(void *)v)->index;
}

hv_return_t soft_gic_set_spi(uint32_t intid, bool level)
{
    return answer(gic_set_spi(gic, intid, level));
}

hv_return_t soft_gic_send_msi(uint32_t intid)
{
    return answer(gic_send_msi(gic, intid));
}

hv_return_t soft_gic_get_dist_reg(uint32_t offset, uint64_t *value)
{
    return answer(gic_get_dist_reg(gic, offset, value));
}

hv_return_t soft_gic_set_dist_reg(uint32_t offset, uint64_t value)
{
    return answer(gic_set_dist_reg(gic, offset, value));
}

hv_return_t soft_gic_get_redist_reg(struct hvi_vcpu *v, uint32_t offset, uint64_t *value)
{
    return answer(gic_get_redist_reg(gic, index_of(v), offset, value));
}

hv_return_t soft_gic_set_redist_reg(struct hvi_vcpu *v, uint32_t offset, uint64_t value)
{
    return answer(gic_set_redist_reg(gic, index_of(v), offset, value));
}

hv_return_t soft_gic_get_icc_reg(struct hvi_vcpu *v, hv_gic_icc_reg_t reg, uint64_t *value)
{
    return answer(gic_get_icc_reg(gic, index_of(v), reg, value));
}

hv_return_t soft_gic_set_icc_reg(struct hvi_vcpu *v, hv_gic_icc_reg_t reg, uint64_t value)
{
    return answer(gic_set_icc_reg(gic, index_of(v), reg, value));
}

hv_return_t soft_gic_get_msi_reg(hv_gic_msi_reg_t reg, uint64_t *value)
{
    return answer(gic_get_msi_reg(gic, reg, value));
}

hv_return_t soft_gic_set_msi_reg(hv_gic_msi_reg_t reg, uint64_t value)
{
    return answer(gic_set_msi_reg(gic, reg, value));
}

hv_return_t soft_gic_state_save(void *buf, size_t *size)
{
    return answer(gic_state_save(gic, buf, size));
}

/* The lines of the timers are the timers': they say again what they are. */
static void drive_timers(void)
{
    for (unsigned n = 0; n < CPU_MAX; n++)
        cpu_kick_index(n, KICK_TIMER);
}

hv_return_t soft_gic_state_restore(const void *buf, size_t size)
{
    bool ok = gic_state_restore(gic, buf, size);
    drive_timers();
    return answer(ok);
}

hv_return_t soft_gic_reset(void)
{
    gic_reset(gic);
    drive_timers();
    return HV_SUCCESS;
}
