/* SPDX-License-Identifier: MIT */
/*
 * The CPU interface: the ICC_* system registers (GIC 12.2), priorities and preemption (GIC 4.8),
 * end of interrupt (GIC 4.5), SGIs. Guest accesses come on the vCPU's own thread.
 *
 * Priorities have 5 bits, so there are 32 preemption levels and one register of active priorities
 * per group: bit n stands for group priority 8 * n.
 */
#include "gic_model.h"

enum {
    ICC_PMR = 0xc230,
    ICC_IAR0 = 0xc640,
    ICC_EOIR0 = 0xc641,
    ICC_HPPIR0 = 0xc642,
    ICC_BPR0 = 0xc643,
    ICC_AP0R0 = 0xc644,
    ICC_AP1R0 = 0xc648,
    ICC_DIR = 0xc659,
    ICC_RPR = 0xc65b,
    ICC_SGI1R = 0xc65d,
    ICC_ASGI1R = 0xc65e,
    ICC_SGI0R = 0xc65f,
    ICC_IAR1 = 0xc660,
    ICC_EOIR1 = 0xc661,
    ICC_HPPIR1 = 0xc662,
    ICC_BPR1 = 0xc663,
    ICC_CTLR = 0xc664,
    ICC_SRE = 0xc665,
    ICC_IGRPEN0 = 0xc666,
    ICC_IGRPEN1 = 0xc667,
};

#define SRE_FIXED 7u /* SRE, DFB, DIB: system registers only, no bypass */

void gic_cpuif_reset(struct gic_vcpu *v)
{
    v->pmr = 0;
    v->bpr[0] = ICC_BPR0_MIN;
    v->bpr[1] = ICC_BPR1_MIN;
    v->apr[0] = v->apr[1] = 0;
    v->ctlr = 0;
    v->igrpen[0] = v->igrpen[1] = 0;
}

/* ---- priorities
 * ------------------------------------------------------------------------------------- */

/* The part of a priority that decides about preemption. BPR0 = n leaves bits 7..n+1, BPR1 = n
 * bits 7..n; with CBPR the former rules both groups. */
static unsigned group_priority(const struct gic_vcpu *v, unsigned prio, unsigned group)
{
    unsigned low = group && !(v->ctlr & ICC_CTLR_CBPR) ? v->bpr[1] : v->bpr[0] + 1u;
    return prio & (0xffu << low) & 0xff;
}

uint8_t gic_running_priority(const struct gic_vcpu *v)
{
    uint32_t active = v->apr[0] | v->apr[1];
    return active ? (uint8_t)(__builtin_ctz(active) << 3) : GIC_IDLE_PRIO;
}

/* Both sides are taken by the binary point of the pending one's group: where the groups' points
 * differ, an interrupt of lower priority must not look more urgent for having lost more bits. */
bool gic_can_signal(const struct gic_vcpu *v, unsigned prio, unsigned group)
{
    unsigned running = gic_running_priority(v);
    return prio < v->pmr && (running == GIC_IDLE_PRIO ||
                             group_priority(v, prio, group) < group_priority(v, running, group));
}

/* ---- acknowledge and end
 * ---------------------------------------------------------------------------- */

static struct gic_bank *bank_at(struct gic *g, struct gic_vcpu *v, unsigned intid)
{
    return intid < 32 ? &v->bank : &g->bank[intid / 32];
}

static void interrupt_changed(struct gic *g, struct gic_vcpu *v, unsigned intid)
{
    gic_bank_changed(g, intid < 32 ? v : NULL, intid / 32, 1u << (intid % 32));
}

static unsigned acknowledge(struct gic *g, struct gic_vcpu *v, unsigned group)
{
    uint32_t lines = atomic_load_explicit(&v->lines, memory_order_relaxed);
    if (!(lines & (group ? GIC_LINE_IRQ : GIC_LINE_FIQ))) {
        return GIC_SPURIOUS;
    }
    unsigned intid = v->hppi;
    struct gic_bank *b = bank_at(g, v, intid);
    v->apr[group] |= 1u << (group_priority(v, v->hppi_prio, group) >> 3);
    b->active |= 1u << (intid % 32);
    b->latch &= ~(1u << (intid % 32));
    interrupt_changed(g, v, intid);
    return intid;
}

static void deactivate(struct gic *g, struct gic_vcpu *v, unsigned intid)
{
    bank_at(g, v, intid)->active &= ~(1u << (intid % 32));
    interrupt_changed(g, v, intid);
}

/* Only the group that runs now can drop its priority; an end for the other one is a guest's mistake
 * (UNPREDICTABLE) and changes nothing. */
static bool drop_priority(struct gic_vcpu *v, unsigned group)
{
    uint32_t mine = v->apr[group], other = v->apr[!group];
    if (!mine || (other && __builtin_ctz(other) < __builtin_ctz(mine))) {
        return false;
    }
    v->apr[group] = mine & (mine - 1);
    return true;
}

static void end_of_interrupt(struct gic *g, struct gic_vcpu *v, unsigned group, uint64_t value)
{
    unsigned intid = value & 0xffffff;
    if (intid >= GIC_SPI_BASE + GIC_SPI_COUNT || !drop_priority(v, group)) {
        return;
    }
    if (!(v->ctlr & ICC_CTLR_EOIMODE)) {
        deactivate(g, v, intid);
    }
    gic_eval(g, v);
}

static void deactivate_write(struct gic *g, struct gic_vcpu *v, uint64_t value)
{
    unsigned intid = value & 0xffffff;
    if (intid < GIC_SPI_BASE + GIC_SPI_COUNT && v->ctlr & ICC_CTLR_EOIMODE) {
        deactivate(g, v, intid);
    }
}

static unsigned highest_pending(const struct gic_vcpu *v, unsigned group)
{
    return v->hppi != GIC_SPURIOUS && v->hppi_group == group ? v->hppi : GIC_SPURIOUS;
}

/* ---- SGIs
 * ------------------------------------------------------------------------------------------- */

static bool sgi_targets(const struct gic_vcpu *v, uint64_t value)
{
    uint64_t aff0 = v->affinity & 0xff;
    uint64_t upper =
        (value >> 48 & 0xff) << 32 | (value >> 32 & 0xff) << 16 | (value >> 16 & 0xff) << 8;
    return (v->affinity & ~0xffull) == upper && aff0 >> 4 == (value >> 44 & 0xf) &&
           value >> (aff0 & 0xf) & 1;
}

/* With one security state ICC_SGI1R_EL1 reaches an SGI of either group, ICC_SGI0R_EL1 and
 * ICC_ASGI1R_EL1 one of group 0 only: the target's configuration decides which group it is taken
 * as. */
static void send_sgi(struct gic *g, const struct gic_vcpu *self, uint64_t value, bool either_group)
{
    uint32_t bit = 1u << (value >> 24 & 0xf);
    bool all_others = value >> 40 & 1;
    for (unsigned i = 0; i < GIC_MAX_VCPUS; i++) {
        struct gic_vcpu *v = &g->vcpu[i];
        if (!v->attached || (all_others ? v == self : !sgi_targets(v, value)) ||
            (v->bank.group & bit && !either_group)) {
            continue;
        }
        v->bank.latch |= bit;
        gic_bank_changed(g, v, 0, bit);
    }
}

/* ---- registers without side effects, for the guest and for restoring
 * -------------------------------- */

/* With CBPR a guest sees BPR0 + 1 in BPR1 and cannot write it; restoring sees the register itself.
 */
static unsigned shown_bpr1(const struct gic_vcpu *v)
{
    unsigned common = v->bpr[0] + 1u;
    if (!(v->ctlr & ICC_CTLR_CBPR)) {
        return v->bpr[1];
    }
    return common > 7 ? 7 : common;
}

static void set_bpr(struct gic_vcpu *v, unsigned group, uint64_t value)
{
    unsigned min = group ? ICC_BPR1_MIN : ICC_BPR0_MIN, n = value & 7;
    v->bpr[group] = (uint8_t)(n < min ? min : n);
}

static bool state_get(const struct gic_vcpu *v, uint16_t reg, uint64_t *value)
{
    switch (reg) {
    case ICC_PMR: *value = v->pmr; return true;
    case ICC_BPR0: *value = v->bpr[0]; return true;
    case ICC_BPR1: *value = v->bpr[1]; return true;
    case ICC_AP0R0: *value = v->apr[0]; return true;
    case ICC_AP1R0: *value = v->apr[1]; return true;
    case ICC_RPR: *value = gic_running_priority(v); return true;
    case ICC_CTLR: *value = v->ctlr | ICC_CTLR_FIXED; return true;
    case ICC_SRE: *value = SRE_FIXED; return true;
    case ICC_IGRPEN0: *value = v->igrpen[0]; return true;
    case ICC_IGRPEN1: *value = v->igrpen[1]; return true;
    default: return false;
    }
}

static bool state_set(struct gic *g, struct gic_vcpu *v, uint16_t reg, uint64_t value)
{
    switch (reg) {
    case ICC_PMR: v->pmr = value & GIC_PRIO_MASK; break;
    case ICC_BPR0: set_bpr(v, 0, value); break;
    case ICC_BPR1: set_bpr(v, 1, value); break;
    case ICC_AP0R0: v->apr[0] = (uint32_t)value; break;
    case ICC_AP1R0: v->apr[1] = (uint32_t)value; break;
    case ICC_CTLR: v->ctlr = value & (ICC_CTLR_CBPR | ICC_CTLR_EOIMODE); break;
    case ICC_SRE: return true;
    case ICC_IGRPEN0: v->igrpen[0] = value & 1; break;
    case ICC_IGRPEN1: v->igrpen[1] = value & 1; break;
    default: return false;
    }
    if (reg == ICC_IGRPEN0 || reg == ICC_IGRPEN1) {
        gic_respread(g);
    }
    gic_eval(g, v);
    return true;
}

bool gic_get_icc_reg(struct gic *g, unsigned vcpu, uint16_t reg, uint64_t *value)
{
    gic_lock(g);
    bool ok = state_get(&g->vcpu[vcpu], reg, value);
    gic_unlock(g);
    return ok;
}

bool gic_set_icc_reg(struct gic *g, unsigned vcpu, uint16_t reg, uint64_t value)
{
    gic_lock(g);
    bool ok = state_set(g, &g->vcpu[vcpu], reg, value);
    gic_unlock(g);
    return ok;
}

/* ---- guest accesses
 * --------------------------------------------------------------------------------- */

static bool guest_read(struct gic *g, struct gic_vcpu *v, uint16_t reg, uint64_t *value)
{
    switch (reg) {
    case ICC_IAR0: *value = acknowledge(g, v, 0); return true;
    case ICC_IAR1: *value = acknowledge(g, v, 1); return true;
    case ICC_HPPIR0: *value = highest_pending(v, 0); return true;
    case ICC_HPPIR1: *value = highest_pending(v, 1); return true;
    case ICC_BPR1: *value = shown_bpr1(v); return true;
    default: return state_get(v, reg, value);
    }
}

static bool guest_write(struct gic *g, struct gic_vcpu *v, uint16_t reg, uint64_t value)
{
    switch (reg) {
    case ICC_EOIR0: end_of_interrupt(g, v, 0, value); return true;
    case ICC_EOIR1: end_of_interrupt(g, v, 1, value); return true;
    case ICC_DIR: deactivate_write(g, v, value); return true;
    case ICC_SGI1R: send_sgi(g, v, value, true); return true;
    case ICC_ASGI1R:
    case ICC_SGI0R: send_sgi(g, v, value, false); return true;
    case ICC_BPR1: return v->ctlr & ICC_CTLR_CBPR || state_set(g, v, reg, value);
    default: return state_set(g, v, reg, value);
    }
}

bool gic_icc_read(struct gic *g, unsigned vcpu, uint16_t reg, uint64_t *value)
{
    gic_lock(g);
    bool ok = guest_read(g, &g->vcpu[vcpu], reg, value);
    gic_unlock(g);
    return ok;
}

bool gic_icc_write(struct gic *g, unsigned vcpu, uint16_t reg, uint64_t value)
{
    gic_lock(g);
    bool ok = guest_write(g, &g->vcpu[vcpu], reg, value);
    gic_unlock(g);
    return ok;
}
