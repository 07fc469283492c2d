/* SPDX-License-Identifier: MIT */
/*
 * Which interrupt for which vCPU: the highest priority pending interrupt of each CPU interface
 * (GIC 4.8), the output lines, and the choice of a target for SPIs that any vCPU may take (1-of-N,
 * GIC 3.3). Everything here runs with the lock held.
 */
#include "gic_model.h"

struct best {
    unsigned intid, prio, group;
};

static uint32_t ready_in(const struct gic_bank *b)
{
    return b->enable & (b->latch | (b->line & ~b->edge)) & ~b->active;
}

/* Interrupts of a bank whose group is enabled both in the distributor and at this CPU interface: a
 * group that the CPU interface has off is not forwarded to it and hides nothing of the other group.
 */
static uint32_t enabled_groups(const struct gic *g, const struct gic_vcpu *v,
                               const struct gic_bank *b)
{
    uint32_t on0 = (g->ctlr & 1) && v->igrpen[0] ? ~b->group : 0;
    uint32_t on1 = (g->ctlr & 2) && v->igrpen[1] ? b->group : 0;
    return on0 | on1;
}

static void best_of(struct best *best, const struct gic_bank *b, unsigned n, uint32_t bits)
{
    for (; bits; bits &= bits - 1) {
        unsigned i = (unsigned)__builtin_ctz(bits);
        if (b->prio[i] < best->prio) { /* equal priorities: the lowest INTID, as it comes first */
            *best = (struct best){n * 32 + i, b->prio[i], b->group >> i & 1};
        }
    }
}

void gic_eval(struct gic *g, struct gic_vcpu *v)
{
    struct best best = {GIC_SPURIOUS, 0x100, 0};
    if (v->attached) {
        best_of(&best, &v->bank, 0, ready_in(&v->bank) & enabled_groups(g, v, &v->bank));
        for (uint32_t banks = g->ready_banks; banks; banks &= banks - 1) {
            unsigned n = (unsigned)__builtin_ctz(banks);
            const struct gic_bank *b = &g->bank[n];
            best_of(&best, b, n, g->ready[n] & v->route[n] & enabled_groups(g, v, b));
        }
    }
    v->hppi = (uint16_t)best.intid;
    v->hppi_prio = (uint8_t)best.prio;
    v->hppi_group = (uint8_t)best.group;

    uint32_t lines = 0;
    if (best.intid != GIC_SPURIOUS && gic_can_signal(v, best.prio, best.group)) {
        lines = best.group ? GIC_LINE_IRQ : GIC_LINE_FIQ;
    }
    uint32_t old = atomic_load_explicit(&v->lines, memory_order_relaxed);
    if (lines != old) {
        atomic_store_explicit(&v->lines, lines, memory_order_release);
        if (lines & ~old) {
            g->wake |= 1ull << (v - g->vcpu);
        }
    }
}

void gic_eval_all(struct gic *g)
{
    for (unsigned i = 0; i < GIC_MAX_VCPUS; i++) {
        gic_eval(g, &g->vcpu[i]);
    }
}

/* ---- targets
 * ---------------------------------------------------------------------------------------- */

static unsigned by_affinity(const struct gic *g, uint64_t affinity)
{
    for (unsigned i = 0; i < GIC_MAX_VCPUS; i++) {
        if (g->vcpu[i].attached && g->vcpu[i].affinity == affinity) {
            return i;
        }
    }
    return GIC_NOBODY;
}

/* How well a vCPU suits for a 1-of-N interrupt; 0 = not at all. One that sleeps (GICR_WAKER) takes
 * part only where nobody is awake: simple guests never wake their redistributor and yet expect
 * interrupts. */
static unsigned suits(const struct gic_vcpu *v, unsigned prio, unsigned group)
{
    if (!v->attached || !v->igrpen[group]) {
        return 0;
    }
    if (v->waker & GICR_WAKER_ASLEEP) {
        return 1;
    }
    if (!gic_can_signal(v, prio, group)) {
        return 2;
    }
    return atomic_load_explicit(&v->lines, memory_order_relaxed) ? 3 : 4;
}

static unsigned pick_any(struct gic *g, unsigned prio, unsigned group)
{
    unsigned best = 0, target = GIC_NOBODY;
    for (unsigned k = 0; k < GIC_MAX_VCPUS && best < 4; k++) {
        unsigned i = (g->turn + k) % GIC_MAX_VCPUS;
        unsigned score = suits(&g->vcpu[i], prio, group);
        if (score > best) {
            best = score;
            target = i;
        }
    }
    if (target != GIC_NOBODY) {
        g->turn = target + 1;
    }
    return target;
}

static uint64_t target_bit(const struct gic *g, unsigned intid)
{
    return g->target[intid] == GIC_NOBODY ? 0 : 1ull << g->target[intid];
}

/* Points an SPI at the vCPU that its router asks for. Returns the vCPUs to evaluate. */
static uint64_t route(struct gic *g, unsigned intid)
{
    unsigned n = intid / 32;
    uint32_t bit = 1u << (intid % 32);
    const struct gic_bank *b = &g->bank[n];
    uint64_t affected = target_bit(g, intid);

    if (g->target[intid] != GIC_NOBODY) {
        g->vcpu[g->target[intid]].route[n] &= ~bit;
    }
    unsigned target = g->anyone[n] & bit ? pick_any(g, b->prio[intid % 32], (b->group & bit) != 0)
                                         : by_affinity(g, g->router[intid] & GIC_AFFINITY_MASK);
    g->target[intid] = (uint8_t)target;
    if (target != GIC_NOBODY) {
        g->vcpu[target].route[n] |= bit;
    }
    return affected | target_bit(g, intid);
}

/* A 1-of-N interrupt keeps its target while that one takes part: moving it at every change would
 * make the old target wake up for nothing. */
static bool needs_target(const struct gic *g, unsigned intid)
{
    const struct gic_bank *b = &g->bank[intid / 32];
    unsigned i = intid % 32;
    return g->target[intid] == GIC_NOBODY ||
           suits(&g->vcpu[g->target[intid]], b->prio[i], b->group >> i & 1) < 2;
}

static void eval_set(struct gic *g, uint64_t vcpus)
{
    for (; vcpus; vcpus &= vcpus - 1) {
        gic_eval(g, &g->vcpu[__builtin_ctzll(vcpus)]);
    }
}

static void update_ready(struct gic *g, unsigned n)
{
    g->ready[n] = ready_in(&g->bank[n]);
    g->ready_banks = g->ready[n] ? g->ready_banks | 1u << n : g->ready_banks & ~(1u << n);
}

void gic_bank_changed(struct gic *g, struct gic_vcpu *v, unsigned n, uint32_t bits)
{
    if (v) {
        gic_eval(g, v);
        return;
    }
    uint32_t before = g->ready[n];
    update_ready(g, n);
    uint32_t rose = g->ready[n] & ~before;
    uint64_t affected = 0;
    for (; bits; bits &= bits - 1) {
        unsigned i = (unsigned)__builtin_ctz(bits), intid = n * 32 + i;
        affected |= target_bit(g, intid);
        if ((g->anyone[n] & g->ready[n]) >> i & 1 && (rose >> i & 1 || needs_target(g, intid))) {
            affected |= route(g, intid);
        }
    }
    eval_set(g, affected);
}

static void note_mode(struct gic *g, unsigned intid)
{
    unsigned n = intid / 32;
    uint32_t bit = 1u << (intid % 32);
    bool any = g->router[intid] & GICD_IROUTER_IRM;
    g->anyone[n] = any ? g->anyone[n] | bit : g->anyone[n] & ~bit;
    g->anyone_banks = g->anyone[n] ? g->anyone_banks | 1u << n : g->anyone_banks & ~(1u << n);
}

void gic_router_changed(struct gic *g, unsigned intid)
{
    note_mode(g, intid);
    eval_set(g, route(g, intid));
}

void gic_respread(struct gic *g)
{
    uint64_t affected = 0;
    for (uint32_t banks = g->anyone_banks & g->ready_banks; banks; banks &= banks - 1) {
        unsigned n = (unsigned)__builtin_ctz(banks);
        for (uint32_t bits = g->anyone[n] & g->ready[n]; bits; bits &= bits - 1) {
            unsigned intid = n * 32 + (unsigned)__builtin_ctz(bits);
            if (needs_target(g, intid)) {
                affected |= route(g, intid);
            }
        }
    }
    eval_set(g, affected);
}

void gic_reroute_all(struct gic *g)
{
    for (unsigned intid = GIC_SPI_BASE; intid < GIC_SPI_BASE + GIC_SPI_COUNT; intid++) {
        note_mode(g, intid);
        route(g, intid);
    }
    for (unsigned n = 1; n < GIC_BANKS; n++) {
        update_ready(g, n);
    }
    gic_eval_all(g);
}
