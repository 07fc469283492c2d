/* SPDX-License-Identifier: MIT */
/*
 * Random accesses to everything, in step with a second model that is as plain as can be: one record
 * per interrupt and vCPU, a loop over all of them for every question, nothing cached. After each
 * step the lines, the highest pending interrupt and the touched registers must agree. 1-of-N
 * interrupts, whose target is a free choice, have a run of their own that checks what holds for any
 * choice.
 *
 *   test_fuzz [seed [steps]]
 */
#include "gic_test.h"

#define VCPUS  3u
#define INTIDS 1020u

/* ---- the plain model
 * --------------------------------------------------------------------------------- */

struct irq {
    bool enable, group1, latch, line, active, edge;
    uint8_t prio;
    uint64_t router;
};

struct cpu {
    uint8_t pmr, bpr0, bpr1;
    bool cbpr, eoimode, en0, en1;
    uint32_t ap0, ap1;
};

static struct {
    bool en0, en1;
    struct irq spi[INTIDS];
    struct irq own[VCPUS][32];
    struct cpu cpu[VCPUS];
} m;

static struct irq *irq_at(unsigned vcpu, unsigned intid)
{
    return intid < 32 ? &m.own[vcpu][intid] : &m.spi[intid];
}

static bool irq_pending(const struct irq *q)
{
    return q->latch || (q->line && !q->edge);
}

/* GIC 4.8.1, table "Priority grouping by binary point" */
static unsigned preempt_prio(const struct cpu *c, unsigned prio, bool group1)
{
    unsigned subpriority_bits = c->bpr0 + 1;
    if (group1 && !c->cbpr) {
        subpriority_bits = c->bpr1;
    }
    return prio >> subpriority_bits << subpriority_bits;
}

static unsigned running(const struct cpu *c)
{
    for (unsigned level = 0; level < 32; level++) {
        if ((c->ap0 | c->ap1) >> level & 1) {
            return level * 8;
        }
    }
    return 0xff;
}

static unsigned highest(unsigned vcpu)
{
    const struct cpu *c = &m.cpu[vcpu];
    unsigned best = 1023;
    for (unsigned intid = 0; intid < INTIDS; intid++) {
        const struct irq *q = irq_at(vcpu, intid);
        bool here = intid < 32 || q->router == vcpu;
        bool group_on = q->group1 ? m.en1 && c->en1 : m.en0 && c->en0;
        if (here && group_on && q->enable && irq_pending(q) && !q->active &&
            (best == 1023 || q->prio < irq_at(vcpu, best)->prio)) {
            best = intid;
        }
    }
    return best;
}

static unsigned lines(unsigned vcpu)
{
    const struct cpu *c = &m.cpu[vcpu];
    unsigned intid = highest(vcpu);
    if (intid == 1023) {
        return 0;
    }
    const struct irq *q = irq_at(vcpu, intid);
    bool higher = running(c) == 0xff ||
                  preempt_prio(c, q->prio, q->group1) < preempt_prio(c, running(c), q->group1);
    if (q->prio >= c->pmr || !higher) {
        return 0;
    }
    return q->group1 ? GIC_LINE_IRQ : GIC_LINE_FIQ;
}

static unsigned model_ack(unsigned vcpu, bool group1)
{
    if (lines(vcpu) != (group1 ? GIC_LINE_IRQ : GIC_LINE_FIQ)) {
        return 1023;
    }
    struct cpu *c = &m.cpu[vcpu];
    unsigned intid = highest(vcpu);
    struct irq *q = irq_at(vcpu, intid);
    *(group1 ? &c->ap1 : &c->ap0) |= 1u << (preempt_prio(c, q->prio, q->group1) / 8);
    q->active = true;
    q->latch = false;
    return intid;
}

static void model_eoi(unsigned vcpu, bool group1, unsigned intid)
{
    struct cpu *c = &m.cpu[vcpu];
    uint32_t *mine = group1 ? &c->ap1 : &c->ap0;
    if (intid >= INTIDS || running(c) == 0xff) {
        return;
    }
    uint32_t top = 1u << (running(c) / 8);
    if (!(*mine & top)) {
        return;
    }
    *mine &= ~top;
    if (!c->eoimode) {
        irq_at(vcpu, intid)->active = false;
    }
}

static void model_sgi(unsigned self, uint64_t value, bool either)
{
    for (unsigned i = 0; i < VCPUS; i++) {
        struct irq *q = &m.own[i][value >> 24 & 15];
        bool all = value >> 40 & 1;
        bool aff = (value >> 48 & 0xff) == 0 && (value >> 32 & 0xff) == 0 &&
                   (value >> 16 & 0xff) == 0 && (value >> 44 & 15) == 0 && value >> i & 1;
        if ((all ? i != self : aff) && (either || !q->group1)) {
            q->latch = true;
        }
    }
}

static void model_reset(void)
{
    memset(&m, 0, sizeof m);
    for (unsigned i = 0; i < VCPUS; i++) {
        m.cpu[i].bpr0 = 2;
        m.cpu[i].bpr1 = 3;
        for (unsigned k = 0; k < 16; k++) {
            m.own[i][k].edge = true;
        }
    }
}

/* ---- one-bit-per-interrupt registers in the plain model
 * ---------------------------------------------- */

static bool bit_get(const struct irq *q, uint32_t reg)
{
    switch (reg) {
    case IGROUPR: return q->group1;
    case ISENABLER:
    case ICENABLER: return q->enable;
    case ISPENDR:
    case ICPENDR: return irq_pending(q);
    default: return q->active;
    }
}

static void bit_set(struct irq *q, uint32_t reg, bool bit)
{
    switch (reg) {
    case IGROUPR: q->group1 = bit; break;
    case ISENABLER: q->enable |= bit; break;
    case ICENABLER: q->enable &= !bit; break;
    case ISPENDR: q->latch |= bit; break;
    case ICPENDR: q->latch &= !bit; break;
    case ISACTIVER: q->active |= bit; break;
    case ICACTIVER: q->active &= !bit; break;
    }
}

/* ---- random steps
 * ------------------------------------------------------------------------------------ */

static uint64_t seed;

static uint32_t rnd(uint32_t below)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)((seed >> 33) % below);
}

static uint32_t rnd32(void)
{
    return rnd(0x10000) << 16 | rnd(0x10000);
}

/* A few interrupts in each kind, so that they meet each other often; now and then any. */
static unsigned some_intid(void)
{
    static const unsigned few[] = {0, 1, 15, 16, 27, 30, 31, 32, 33, 63, 64, 511, 1018, 1019};
    return rnd(8) ? few[rnd(sizeof few / sizeof *few)] : rnd(INTIDS);
}

static unsigned some_spi(void)
{
    unsigned intid = some_intid();
    return intid < 32 ? intid + 32 : intid;
}

/* Writes part of a bit register, in the frame that the interrupt belongs to, and reads it back. */
static void step_bits(struct gic *g)
{
    static const uint32_t regs[] = {IGROUPR, ISENABLER, ISENABLER, ICENABLER, ISPENDR,
                                    ICPENDR, ISACTIVER, ICACTIVER, ICACTIVER};
    uint32_t reg = regs[rnd(sizeof regs / sizeof *regs)];
    unsigned intid = some_intid(), base = intid & ~31u, vcpu = rnd(VCPUS);
    uint32_t value = rnd(2) ? 1u << (intid % 32) : rnd32() & rnd32();
    uint64_t ipa =
        intid < 32 ? REDIST + vcpu * 0x20000ull + SGI_FRAME + reg : DIST + reg + base / 8;
    uint32_t want = 0;

    mmio_write(g, ipa, 4, value);
    for (unsigned i = 0; i < 32 && base + i < INTIDS; i++) {
        struct irq *q = irq_at(vcpu, base + i);
        bit_set(q, reg, value >> i & 1);
        want |= (uint32_t)bit_get(q, reg) << i;
    }
    CHECK_EQ(mmio_read(g, ipa, 4), want);
}

static void step_priority(struct gic *g)
{
    unsigned intid = some_intid(), vcpu = rnd(VCPUS);
    uint8_t prio = (uint8_t)rnd32();
    uint64_t ipa =
        (intid < 32 ? REDIST + vcpu * 0x20000ull + SGI_FRAME : DIST) + IPRIORITYR + intid;
    mmio_write(g, ipa, 1, prio);
    irq_at(vcpu, intid)->prio = prio & 0xf8;
    CHECK_EQ(mmio_read(g, ipa, 1), prio & 0xf8);
}

static void step_config(struct gic *g)
{
    unsigned intid = some_spi();
    uint32_t value = rnd32();
    set_dist(g, ICFGR + intid / 16 * 4, value);
    for (unsigned i = 0; i < 16; i++) {
        unsigned k = intid / 16 * 16 + i;
        if (k < INTIDS) {
            m.spi[k].edge = value >> (2 * i + 1) & 1;
        }
    }
}

static void step_route(struct gic *g)
{
    unsigned intid = some_spi();
    m.spi[intid].router = rnd(VCPUS + 1);
    route_to(g, intid, m.spi[intid].router);
}

static void step_input(struct gic *g)
{
    unsigned intid = some_intid();
    bool level = rnd(2);
    if (intid >= 32) {
        if (rnd(4) == 0) {
            CHECK(gic_send_msi(g, intid));
            m.spi[intid].latch = true;
            return;
        }
        CHECK(gic_set_spi(g, intid, level));
        m.spi[intid].line = level;
        m.spi[intid].latch |= level && m.spi[intid].edge;
    } else if (intid >= 16) {
        unsigned vcpu = rnd(VCPUS);
        gic_set_ppi(g, vcpu, intid, level);
        m.own[vcpu][intid].line = level;
    }
}

static void step_state(struct gic *g, unsigned vcpu)
{
    struct cpu *c = &m.cpu[vcpu];
    uint32_t value = rnd32();
    switch (rnd(9)) {
    case 0:
        set_icc(g, vcpu, PMR, value);
        c->pmr = value & 0xf8;
        break;
    case 1:
        set_icc(g, vcpu, BPR0, value);
        c->bpr0 = (value & 7) < 2 ? 2 : value & 7;
        break;
    case 2:
        set_icc(g, vcpu, BPR1, value);
        if (!c->cbpr) {
            c->bpr1 = (value & 7) < 3 ? 3 : value & 7;
        }
        CHECK_EQ(icc(g, vcpu, BPR1), c->cbpr ? (c->bpr0 == 7 ? 7u : c->bpr0 + 1u) : c->bpr1);
        break;
    case 3:
        set_icc(g, vcpu, ICC_CTLR, value);
        c->cbpr = value & 1;
        c->eoimode = value & 2;
        break;
    case 4:
        set_icc(g, vcpu, IGRPEN0, value | (value >> 1 & 1));
        c->en0 = (value | value >> 1) & 1;
        break;
    case 5:
        set_icc(g, vcpu, IGRPEN1, value | (value >> 1 & 1));
        c->en1 = (value | value >> 1) & 1;
        break;
    case 6:
        if (rnd(8) == 0) {
            set_icc(g, vcpu, AP0R0, c->ap0 = value & rnd32() & rnd32());
            set_icc(g, vcpu, AP1R0, c->ap1 = rnd32() & rnd32() & rnd32() & ~c->ap0);
        }
        break;
    default:
        set_dist(g, CTLR, value | value >> 2);
        m.en0 = (value | value >> 2) & 1;
        m.en1 = (value | value >> 2) & 2;
        break;
    }
}

static void step_sgi(struct gic *g, unsigned vcpu)
{
    static const uint16_t regs[] = {SGI1R, SGI0R, ASGI1R};
    unsigned which = rnd(3);
    uint64_t value = (uint64_t)rnd(16) << 24 | rnd(8) | (rnd(4) == 0 ? 1ull << 40 : 0) |
                     (rnd(16) == 0 ? (uint64_t)rnd32() << 32 | rnd32() : 0);
    set_icc(g, vcpu, regs[which], value);
    model_sgi(vcpu, value, which == 0);
}

static void step_ack(struct gic *g, unsigned vcpu)
{
    bool group1 = rnd(3);
    unsigned intid = (unsigned)icc(g, vcpu, group1 ? IAR1 : IAR0);
    CHECK_EQ(intid, model_ack(vcpu, group1));
}

static void step_end(struct gic *g, unsigned vcpu)
{
    unsigned intid = rnd(16) ? some_intid() : rnd(0x1000000);
    for (unsigned i = 0; i < INTIDS && rnd(32); i++) { /* mostly something that is active */
        if (irq_at(vcpu, i)->active && rnd(2)) {
            intid = i;
        }
    }
    bool group1 = rnd(3);
    if (rnd(3)) {
        set_icc(g, vcpu, group1 ? EOIR1 : EOIR0, intid);
        model_eoi(vcpu, group1, intid);
    } else {
        set_icc(g, vcpu, DIR, intid);
        if (m.cpu[vcpu].eoimode && intid < INTIDS) {
            irq_at(vcpu, intid)->active = false;
        }
    }
}

/* Anything anywhere in the frames, of any width, read only: no crash, and a value that fits the
 * width. */
static void step_anywhere(struct gic *g)
{
    unsigned size = 1u << rnd(4);
    uint64_t value = ~0ull, base = rnd(2) ? DIST : REDIST;
    uint64_t ipa = base + rnd(0x90000) + rnd(2) * rnd32();
    if (gic_mmio(g, ipa, size, false, &value, rnd(VCPUS)) && size < 8) {
        CHECK(value >> (size * 8) == 0);
    }
}

static void save_and_restore(struct gic *g)
{
    size_t size = 0;
    CHECK(gic_state_save(g, NULL, &size));
    uint8_t *blob = malloc(size);
    CHECK(gic_state_save(g, blob, &size));
    gic_reset(g);
    CHECK(gic_state_restore(g, blob, size));
    free(blob);
}

static void agree(struct gic *g, unsigned long step)
{
    for (unsigned i = 0; i < VCPUS; i++) {
        unsigned h = highest(i);
        bool group1 = h != 1023 && irq_at(i, h)->group1;
        CHECK_EQ(gic_lines(g, i), lines(i));
        CHECK_EQ(icc(g, i, HPPIR1), group1 ? h : 1023);
        CHECK_EQ(icc(g, i, HPPIR0), group1 ? 1023 : h);
        CHECK_EQ(icc(g, i, RPR), running(&m.cpu[i]));
        CHECK_EQ(icc(g, i, AP0R0), m.cpu[i].ap0);
        CHECK_EQ(icc(g, i, AP1R0), m.cpu[i].ap1);
    }
    if (test_state.result == TEST_FAILED) {
        printf("# first difference after step %lu\n", step);
    }
}

static unsigned long steps = 60000;
static uint64_t first_seed = 1;

static void against_plain_model(void)
{
    struct gic *g = bare_gic(VCPUS, NULL, NULL);
    model_reset();
    seed = first_seed;
    for (unsigned long step = 0; step < steps && test_state.result != TEST_FAILED; step++) {
        unsigned vcpu = rnd(VCPUS);
        switch (rnd(12)) {
        case 0:
        case 1: step_bits(g); break;
        case 2: step_priority(g); break;
        case 3: step_config(g); break;
        case 4: step_route(g); break;
        case 5: step_input(g); break;
        case 6: step_state(g, vcpu); break;
        case 7: step_sgi(g, vcpu); break;
        case 8:
        case 9: step_ack(g, vcpu); break;
        case 10: step_end(g, vcpu); break;
        default: step_anywhere(g); break;
        }
        if (step % 4096 == 4095) {
            save_and_restore(g);
        }
        agree(g, step);
    }
    printf("# seed %llu, %lu steps\n", (unsigned long long)first_seed, steps);
    gic_free(g);
}

/* ---- 1-of-N: whatever the choice
 * --------------------------------------------------------------------- */

static void any_target(void)
{
    struct gic *g = ready_gic(VCPUS);
    bool level[8] = {false}, taken[8] = {false};
    seed = first_seed;
    for (unsigned i = 0; i < 8; i++) {
        route_to(g, 40 + i, 1ull << 31);
        set_bit_of(g, ISENABLER, 40 + i);
    }
    for (unsigned long step = 0; step < steps && test_state.result != TEST_FAILED; step++) {
        unsigned vcpu = rnd(VCPUS), i = rnd(8);
        switch (rnd(5)) {
        case 0:
            level[i] = rnd(2);
            CHECK(gic_set_spi(g, 40 + i, level[i]));
            break;
        case 1: set_icc(g, vcpu, IGRPEN1, rnd(3) != 0); break;
        case 2: mmio_write(g, REDIST + vcpu * 0x20000ull + GICR_WAKER, 4, rnd(3) ? 0 : 2); break;
        default: {
            uint64_t intid = icc(g, vcpu, IAR1);
            if (intid != 1023) { /* taken once, and only while it is pending; then ended at once */
                CHECK(intid >= 40 && intid < 48 && level[intid - 40] && !taken[intid - 40]);
                taken[intid - 40] = true;
                for (unsigned k = 0; k < VCPUS; k++) {
                    CHECK(k == vcpu || icc(g, k, HPPIR1) != intid);
                }
                set_icc(g, vcpu, EOIR1, intid);
                taken[intid - 40] = false;
            }
        }
        }
        bool someone_on = false, someone_has = false, something = false;
        for (unsigned k = 0; k < VCPUS; k++) {
            someone_on |= icc(g, k, IGRPEN1) == 1;
            someone_has |= gic_irq_pending(g, k);
        }
        for (unsigned k = 0; k < 8; k++) {
            something |= level[k];
        }
        CHECK_EQ(someone_has, someone_on && something); /* never lost while one vCPU takes part */
    }
    gic_free(g);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"gic: random accesses agree with the plain model", against_plain_model},
        {"gic: 1-of-N interrupts are taken once and never lost", any_target},
    };
    if (argc > 1) {
        first_seed = strtoull(argv[1], NULL, 0);
    }
    if (argc > 2) {
        steps = strtoul(argv[2], NULL, 0);
    }
    return run_tests(tests, sizeof tests / sizeof *tests);
}
