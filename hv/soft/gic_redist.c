/* SPDX-License-Identifier: MIT */
/*
 * A redistributor (GIC 12.11): the RD frame and, 64 KiB above, the SGI frame with the private
 * interrupts of its vCPU. With the lock held, but for the restore functions at the end. Anybody may
 * access any redistributor.
 */
#include "gic_model.h"

static bool is_last(const struct gic *g, const struct gic_vcpu *v)
{
    for (unsigned i = 0; i < GIC_MAX_VCPUS; i++) {
        if (g->vcpu[i].attached && g->vcpu[i].frame > v->frame) {
            return false;
        }
    }
    return true;
}

static uint64_t zero_read(struct gic *g, struct gic_vcpu *v, unsigned n)
{
    (void)g, (void)v, (void)n;
    return 0;
}

static uint64_t typer_read(struct gic *g, struct gic_vcpu *v, unsigned n)
{
    (void)n;
    uint64_t aff3 =
        v->affinity >> 32 & 0xff; /* MPIDR has it at bit 32; here the four are side by side */
    uint64_t affinity = aff3 << 24 | (v->affinity & 0xffffff);
    return affinity << 32 | (uint64_t)v->frame << 8 | (is_last(g, v) ? 1u << 4 : 0);
}

static uint64_t waker_read(struct gic *g, struct gic_vcpu *v, unsigned n)
{
    (void)g, (void)n;
    return v->waker;
}

/* ChildrenAsleep follows ProcessorSleep at once: there is no CPU interface to wait for. Sleep takes
 * the vCPU out of the choice for 1-of-N interrupts. It does not hold back the others: a guest must
 * switch its groups off before it sleeps, and one that never woke its redistributor gets its
 * interrupts, as on KVM. */
static void waker_write(struct gic *g, struct gic_vcpu *v, unsigned n, uint64_t value)
{
    (void)n;
    v->waker = value & GICR_WAKER_SLEEP ? GICR_WAKER_SLEEP | GICR_WAKER_ASLEEP : 0;
    gic_respread(g);
}

#define SGI 0x10000
static const struct gic_reg redist_regs[] = {
    {0x0000, 1, 4, false, zero_read, NULL, NULL}, /* GICR_CTLR: no LPIs, nothing in flight */
    {0x0004, 1, 4, false, gic_iidr_read, NULL, NULL},
    {0x0008, 1, 8, false, typer_read, NULL, NULL},
    {0x0014, 1, 4, false, waker_read, waker_write, NULL},
    {0xffe8, 1, 4, false, gic_pidr2_read, NULL, NULL},
    {SGI + 0x080, 1, 4, false, gic_group_read, gic_group_write, NULL},
    {SGI + 0x100, 1, 4, false, gic_enable_read, gic_enable_set, NULL},
    {SGI + 0x180, 1, 4, false, gic_enable_read, gic_enable_clear, NULL},
    {SGI + 0x200, 1, 4, false, gic_pending_read, gic_pending_set, gic_latch_read},
    {SGI + 0x280, 1, 4, false, gic_pending_read, gic_pending_clear, gic_latch_read},
    {SGI + 0x300, 1, 4, false, gic_active_read, gic_active_set, NULL},
    {SGI + 0x380, 1, 4, false, gic_active_read, gic_active_clear, NULL},
    {SGI + 0x400, 8, 4, true, gic_priority_read, gic_priority_write, NULL},
    {SGI + 0xc00, 2, 4, false, gic_config_read, gic_config_write, NULL},
};
#define REDIST_ROWS (sizeof redist_regs / sizeof *redist_regs)

uint64_t gic_redist_access(struct gic *g, struct gic_vcpu *v, uint32_t offset, unsigned size,
                           bool write, uint64_t value)
{
    if (!write) {
        return gic_reg_read(g, v, redist_regs, REDIST_ROWS, offset, size);
    }
    gic_reg_write(g, v, redist_regs, REDIST_ROWS, offset, size, value);
    return 0;
}

void gic_redist_reset(struct gic_vcpu *v)
{
    v->waker = GICR_WAKER_SLEEP | GICR_WAKER_ASLEEP;
    gic_bank_reset(&v->bank);
    v->bank.edge = 0x0000ffff; /* SGIs */
}

bool gic_get_redist_reg(struct gic *g, unsigned vcpu, uint32_t offset, uint64_t *value)
{
    gic_lock(g);
    bool ok = gic_reg_get(g, &g->vcpu[vcpu], redist_regs, REDIST_ROWS, offset, value);
    gic_unlock(g);
    return ok;
}

bool gic_set_redist_reg(struct gic *g, unsigned vcpu, uint32_t offset, uint64_t value)
{
    gic_lock(g);
    bool ok = gic_reg_set(g, &g->vcpu[vcpu], redist_regs, REDIST_ROWS, offset, value);
    gic_unlock(g);
    return ok;
}
