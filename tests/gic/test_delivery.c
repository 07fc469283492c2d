/* SPDX-License-Identifier: MIT */
/* From an input to the acknowledge and back: pending states, priorities, preemption, groups,
 * routing. */
#include "gic_test.h"

#define IRQ GIC_LINE_IRQ
#define FIQ GIC_LINE_FIQ

static void level_interrupt(void)
{
    struct gic *g = ready_gic(1);
    set_bit_of(g, ISENABLER, 42);
    CHECK(gic_set_spi(g, 42, true));
    CHECK_EQ(gic_lines(g, 0), IRQ);
    CHECK(bit_of(g, ISPENDR, 42));
    CHECK_EQ(icc(g, 0, IAR1), 42);
    CHECK(bit_of(g, ISACTIVER, 42));
    CHECK(bit_of(g, ISPENDR, 42)); /* active and pending: the line is still up */
    CHECK_EQ(gic_lines(g, 0), 0);
    CHECK_EQ(icc(g, 0, IAR1), 1023);
    set_icc(g, 0, EOIR1, 42); /* ended with the line up: pending again */
    CHECK(!bit_of(g, ISACTIVER, 42));
    CHECK_EQ(gic_lines(g, 0), IRQ);
    CHECK_EQ(icc(g, 0, IAR1), 42);
    CHECK(gic_set_spi(g, 42, false));
    CHECK(!bit_of(g, ISPENDR, 42));
    set_icc(g, 0, EOIR1, 42);
    CHECK_EQ(gic_lines(g, 0), 0);
    CHECK(
        gic_set_spi(g, 42, true)); /* a level that goes away before the acknowledge is forgotten */
    CHECK(gic_set_spi(g, 42, false));
    CHECK_EQ(gic_lines(g, 0), 0);
    CHECK_EQ(icc(g, 0, IAR1), 1023);
    gic_free(g);
}

static void edge_interrupt(void)
{
    struct gic *g = ready_gic(1);
    make_edge(g, 43);
    set_bit_of(g, ISENABLER, 43);
    CHECK(gic_set_spi(g, 43, false));
    CHECK_EQ(gic_lines(g, 0), 0);
    CHECK(gic_set_spi(g, 43, true));
    CHECK(gic_set_spi(g, 43, false)); /* an edge is remembered */
    CHECK_EQ(gic_lines(g, 0), IRQ);
    CHECK_EQ(icc(g, 0, IAR1), 43);
    CHECK(!bit_of(g, ISPENDR, 43));
    CHECK(gic_set_spi(g, 43, true)); /* an edge while active: active and pending */
    CHECK(bit_of(g, ISPENDR, 43) && bit_of(g, ISACTIVER, 43));
    CHECK_EQ(gic_lines(g, 0), 0);
    set_icc(g, 0, EOIR1, 43);
    CHECK_EQ(gic_lines(g, 0), IRQ);
    CHECK(gic_set_spi(g, 43, true)); /* several edges before the acknowledge are one interrupt */
    CHECK_EQ(icc(g, 0, IAR1), 43);
    set_icc(g, 0, EOIR1, 43);
    CHECK_EQ(gic_lines(g, 0), 0);
    gic_free(g);
}

static void pending_registers(void)
{
    struct gic *g = ready_gic(1);
    set_bit_of(g, ISENABLER, 44); /* level: a write latches without the line */
    set_bit_of(g, ISPENDR, 44);
    CHECK_EQ(gic_lines(g, 0), IRQ);
    set_bit_of(g, ICPENDR, 44);
    CHECK_EQ(gic_lines(g, 0), 0);
    set_bit_of(g, ISPENDR, 44);
    CHECK_EQ(icc(g, 0, IAR1), 44); /* the acknowledge clears the latch */
    CHECK(!bit_of(g, ISPENDR, 44));
    set_icc(g, 0, EOIR1, 44);
    CHECK_EQ(gic_lines(g, 0), 0);

    CHECK(gic_set_spi(g, 44, true)); /* no clear against a line that is up */
    set_bit_of(g, ICPENDR, 44);
    CHECK(bit_of(g, ISPENDR, 44));
    set_bit_of(g, ISPENDR, 44); /* latch and line: each keeps it pending */
    CHECK(gic_set_spi(g, 44, false));
    CHECK(bit_of(g, ISPENDR, 44));
    set_bit_of(g, ICPENDR, 44);
    CHECK(!bit_of(g, ISPENDR, 44));

    make_edge(g, 45);
    CHECK(gic_set_spi(g, 45, true));
    set_bit_of(g, ICPENDR, 45); /* edge: cleared although the wire is high */
    CHECK(!bit_of(g, ISPENDR, 45));
    gic_free(g);
}

static void active_registers(void)
{
    struct gic *g = ready_gic(1);
    set_bit_of(g, ISENABLER, 46);
    set_bit_of(g, ISACTIVER, 46);
    CHECK(gic_set_spi(g, 46, true));
    CHECK_EQ(gic_lines(g, 0), 0); /* an active interrupt is not signalled */
    CHECK_EQ(icc(g, 0, RPR), 0xff);
    set_bit_of(g, ICACTIVER, 46);
    CHECK_EQ(gic_lines(g, 0), IRQ);
    gic_free(g);
}

static void enables(void)
{
    struct gic *g = ready_gic(1);
    CHECK(gic_set_spi(g, 47, true));
    CHECK_EQ(gic_lines(g, 0), 0);
    CHECK(bit_of(g, ISPENDR, 47)); /* pending though disabled */
    set_bit_of(g, ISENABLER, 47);
    CHECK_EQ(gic_lines(g, 0), IRQ);
    set_bit_of(g, ICENABLER, 47);
    CHECK_EQ(gic_lines(g, 0), 0);
    set_bit_of(g, ISENABLER, 47);
    set_dist(g, CTLR, 1); /* group 1 off in the distributor */
    CHECK_EQ(gic_lines(g, 0), 0);
    CHECK_EQ(icc(g, 0, HPPIR1), 1023);
    set_dist(g, CTLR, 2);
    CHECK_EQ(gic_lines(g, 0), IRQ);
    set_icc(g, 0, IGRPEN1, 0);
    CHECK_EQ(gic_lines(g, 0), 0);
    CHECK_EQ(icc(g, 0, IAR1), 1023);
    set_icc(g, 0, IGRPEN1, 1);
    CHECK_EQ(icc(g, 0, IAR1), 47);
    gic_free(g);
}

static void priority_mask(void)
{
    struct gic *g = ready_gic(1);
    set_prio(g, 48, 0x80);
    set_bit_of(g, ISENABLER, 48);
    CHECK(gic_set_spi(g, 48, true));
    set_icc(g, 0, PMR, 0x80); /* not below the mask: masked */
    CHECK_EQ(gic_lines(g, 0), 0);
    CHECK_EQ(icc(g, 0, IAR1), 1023);
    CHECK_EQ(icc(g, 0, HPPIR1), 48); /* HPPIR does not ask the mask */
    set_icc(g, 0, PMR, 0x88);
    CHECK_EQ(gic_lines(g, 0), IRQ);
    set_prio(g, 48, 0xf8);
    set_icc(g, 0, PMR, 0xff); /* is 0xf8 with 5 bits: the lowest priority never gets through */
    CHECK_EQ(gic_lines(g, 0), 0);
    set_prio(g, 48, 0xf0);
    CHECK_EQ(gic_lines(g, 0), IRQ);
    gic_free(g);
}

static void order(void)
{
    struct gic *g = ready_gic(1);
    static const unsigned intids[] = {1019, 33, 500, 34, 64};
    static const uint8_t prios[] = {0x20, 0x60, 0x40, 0x60, 0x10};
    static const unsigned want[] = {64, 1019, 500, 33,
                                    34}; /* equal priority: we take the lower INTID */
    set_icc(g, 0, ICC_CTLR, 2);          /* EOImode: drop the priority, stay active */
    for (unsigned i = 0; i < 5; i++) {
        set_prio(g, intids[i], prios[i]);
        set_bit_of(g, ISENABLER, intids[i]);
        CHECK(gic_set_spi(g, intids[i], true));
    }
    for (unsigned i = 0; i < 5; i++) {
        CHECK_EQ(icc(g, 0, HPPIR1), want[i]);
        CHECK_EQ(icc(g, 0, IAR1), want[i]);
        set_icc(g, 0, EOIR1, want[i]);
    }
    CHECK_EQ(icc(g, 0, IAR1), 1023);
    gic_free(g);
}

static void preemption(void)
{
    struct gic *g = ready_gic(1);
    for (unsigned i = 0; i < 4; i++) {
        set_bit_of(g, ISENABLER, 50 + i);
    }
    set_prio(g, 50, 0xa0);
    set_prio(g, 51, 0xa0);
    set_prio(g, 52, 0x98);
    set_prio(g, 53, 0x08);
    CHECK(gic_set_spi(g, 50, true));
    CHECK_EQ(icc(g, 0, IAR1), 50);
    CHECK_EQ(icc(g, 0, RPR), 0xa0);
    CHECK_EQ(icc(g, 0, AP1R0), 1u << (0xa0 >> 3));
    CHECK(gic_set_spi(g, 51, true)); /* equal: waits */
    CHECK_EQ(gic_lines(g, 0), 0);
    CHECK_EQ(icc(g, 0, HPPIR1), 51);
    CHECK(gic_set_spi(g, 52, true)); /* higher: preempts */
    CHECK_EQ(gic_lines(g, 0), IRQ);
    CHECK_EQ(icc(g, 0, IAR1), 52);
    CHECK_EQ(icc(g, 0, RPR), 0x98);
    CHECK(gic_set_spi(g, 53, true));
    CHECK_EQ(icc(g, 0, IAR1), 53);
    CHECK_EQ(icc(g, 0, AP1R0), 1u << 20 | 1u << 19 | 1u << 1);
    gic_set_spi(g, 53, false);
    set_icc(g, 0, EOIR1, 53);
    CHECK_EQ(icc(g, 0, RPR), 0x98);
    gic_set_spi(g, 52, false);
    set_icc(g, 0, EOIR1, 52);
    CHECK_EQ(icc(g, 0, RPR), 0xa0);
    CHECK_EQ(gic_lines(g, 0), 0);
    gic_set_spi(g, 50, false);
    set_icc(g, 0, EOIR1, 50);
    CHECK_EQ(icc(g, 0, RPR), 0xff);
    CHECK_EQ(icc(g, 0, IAR1), 51);
    gic_free(g);
}

static void binary_point(void)
{
    struct gic *g = ready_gic(1);
    set_bit_of(g, ISENABLER, 60);
    set_bit_of(g, ISENABLER, 61);
    set_prio(g, 60, 0x78);
    set_prio(g, 61, 0x60);
    set_icc(g, 0, BPR1, 5); /* group priority is bits 7..5: 0x78 and 0x60 are in one group */
    CHECK(gic_set_spi(g, 60, true));
    CHECK_EQ(icc(g, 0, IAR1), 60);
    CHECK_EQ(icc(g, 0, RPR), 0x60);
    CHECK_EQ(icc(g, 0, AP1R0), 1u << 12);
    CHECK(gic_set_spi(g, 61, true));
    CHECK_EQ(gic_lines(g, 0), 0); /* no preemption inside a group ... */
    CHECK_EQ(icc(g, 0, HPPIR1), 61);
    gic_set_spi(g, 60, false);
    set_icc(g, 0, EOIR1, 60);
    CHECK(gic_set_spi(g, 60, true));
    CHECK_EQ(icc(g, 0, IAR1), 61); /* ... but the subpriority decides who is first */
    gic_set_spi(g, 61, false);
    set_icc(g, 0, EOIR1, 61);

    set_icc(g, 0, BPR1, 4); /* bits 7..4: two groups */
    CHECK_EQ(icc(g, 0, IAR1), 60);
    CHECK_EQ(icc(g, 0, RPR), 0x70);
    gic_set_spi(g, 61, true);
    CHECK_EQ(gic_lines(g, 0), IRQ);
    gic_free(g);
}

static void binary_point_group0(void)
{
    struct gic *g = ready_gic(1);
    make_group0(g, 62);
    make_group0(g, 63);
    set_bit_of(g, ISENABLER, 62);
    set_bit_of(g, ISENABLER, 63);
    set_prio(g, 62, 0x78);
    set_prio(g, 63, 0x60);
    set_icc(g, 0, BPR0, 3); /* for group 0 the value 3 means bits 7..4 */
    CHECK(gic_set_spi(g, 62, true));
    CHECK_EQ(icc(g, 0, IAR0), 62);
    CHECK_EQ(icc(g, 0, RPR), 0x70);
    CHECK_EQ(icc(g, 0, AP0R0), 1u << 14);
    CHECK_EQ(icc(g, 0, AP1R0), 0);
    CHECK(gic_set_spi(g, 63, true));
    CHECK_EQ(gic_lines(g, 0), FIQ);
    set_icc(g, 0, BPR0, 7); /* a point moved later counts for what runs, too */
    CHECK_EQ(gic_lines(g, 0), 0);
    gic_set_spi(g, 62, false);
    set_icc(g, 0, EOIR0, 62);
    set_icc(g, 0, BPR0, 7); /* no group bits: all priorities are one group, nothing preempts */
    CHECK_EQ(icc(g, 0, IAR0), 63);
    CHECK_EQ(icc(g, 0, RPR), 0);
    set_prio(g, 62, 0);
    gic_set_spi(g, 62, true);
    CHECK_EQ(gic_lines(g, 0), 0);
    CHECK_EQ(icc(g, 0, HPPIR0), 62);
    gic_free(g);
}

static void common_binary_point(void)
{
    struct gic *g = ready_gic(1);
    set_icc(g, 0, BPR1, 3);
    set_icc(g, 0, BPR0, 4);
    set_icc(g, 0, ICC_CTLR, 1);   /* CBPR */
    CHECK_EQ(icc(g, 0, BPR1), 5); /* BPR0 + 1 */
    set_icc(g, 0, BPR1, 7);       /* ignored */
    set_icc(g, 0, BPR0, 7);
    CHECK_EQ(icc(g, 0, BPR1), 7); /* saturates */
    set_icc(g, 0, BPR0, 4);
    set_bit_of(g, ISENABLER, 60);
    set_prio(g, 60, 0x78);
    CHECK(gic_set_spi(g, 60, true));
    CHECK_EQ(icc(g, 0, IAR1), 60);
    CHECK_EQ(icc(g, 0, RPR), 0x60); /* group 1 by BPR0 */
    set_icc(g, 0, ICC_CTLR, 0);
    CHECK_EQ(icc(g, 0, BPR1), 3);
    gic_free(g);
}

static void eoi_modes(void)
{
    struct gic *g = ready_gic(1);
    set_bit_of(g, ISENABLER, 70);
    set_icc(g, 0, ICC_CTLR, 2); /* EOImode 1: two steps */
    CHECK(gic_set_spi(g, 70, true));
    CHECK_EQ(icc(g, 0, IAR1), 70);
    set_icc(g, 0, EOIR1, 70);
    CHECK_EQ(icc(g, 0, RPR), 0xff);
    CHECK(bit_of(g, ISACTIVER, 70));
    CHECK_EQ(gic_lines(g, 0), 0);
    set_icc(g, 0, DIR, 70);
    CHECK(!bit_of(g, ISACTIVER, 70));
    CHECK_EQ(gic_lines(g, 0), IRQ);

    set_icc(g, 0, ICC_CTLR, 0);
    CHECK_EQ(icc(g, 0, IAR1), 70);
    set_icc(g, 0, DIR, 70); /* not in this mode */
    CHECK(bit_of(g, ISACTIVER, 70));
    set_icc(g, 0, EOIR0, 70); /* the other group: nothing */
    CHECK(bit_of(g, ISACTIVER, 70));
    CHECK_EQ(icc(g, 0, RPR), 0x80);
    set_icc(g, 0, EOIR1, 1023); /* special INTIDs: nothing */
    set_icc(g, 0, EOIR1, 0xffffff);
    CHECK_EQ(icc(g, 0, RPR), 0x80);
    set_icc(g, 0, EOIR1, 70);
    CHECK_EQ(icc(g, 0, RPR), 0xff);
    set_icc(g, 0, EOIR1, 70); /* nothing runs: nothing */
    CHECK_EQ(icc(g, 0, RPR), 0xff);
    set_icc(g, 0, DIR, 1023);
    gic_free(g);
}

static void deactivate_elsewhere(void)
{
    struct gic *g = ready_gic(2);
    set_bit_of(g, ISENABLER, 71);
    set_icc(g, 0, ICC_CTLR, 2);
    set_icc(g, 1, ICC_CTLR, 2);
    gic_set_spi(g, 71, true);
    CHECK_EQ(icc(g, 0, IAR1), 71);
    set_icc(g, 0, EOIR1, 71);
    set_icc(g, 1, DIR, 71); /* an SPI may be deactivated by another vCPU */
    CHECK(!bit_of(g, ISACTIVER, 71));
    CHECK_EQ(gic_lines(g, 0), IRQ);
    gic_free(g);
}

static void groups(void)
{
    struct gic *g = ready_gic(1);
    make_group0(g, 80);
    set_bit_of(g, ISENABLER, 80);
    set_bit_of(g, ISENABLER, 81);
    set_prio(g, 80, 0x40);
    set_prio(g, 81, 0x50);
    gic_set_spi(g, 81, true);
    CHECK_EQ(gic_lines(g, 0), IRQ);
    gic_set_spi(g, 80, true);
    CHECK_EQ(gic_lines(g, 0), FIQ);
    CHECK_EQ(icc(g, 0, HPPIR1), 1023);
    CHECK_EQ(icc(g, 0, HPPIR0), 80);
    CHECK_EQ(icc(g, 0, IAR1), 1023); /* the first in line is of the other group */
    CHECK_EQ(icc(g, 0, IAR0), 80);
    CHECK_EQ(icc(g, 0, AP0R0), 1u << 8);
    CHECK_EQ(gic_lines(g, 0), 0);
    set_icc(g, 0, EOIR1, 80); /* wrong register */
    CHECK_EQ(icc(g, 0, RPR), 0x40);
    set_icc(g, 0, EOIR0, 80);
    CHECK_EQ(gic_lines(g, 0), FIQ);
    set_icc(g, 0, IGRPEN0, 0); /* a group that is off hides nothing of the other */
    CHECK_EQ(gic_lines(g, 0), IRQ);
    CHECK_EQ(icc(g, 0, IAR1), 81);
    set_icc(g, 0, IGRPEN0, 1);
    CHECK_EQ(gic_lines(g, 0), FIQ); /* groups preempt each other by priority */
    CHECK_EQ(icc(g, 0, IAR0), 80);
    CHECK_EQ(icc(g, 0, RPR), 0x40);
    set_icc(g, 0, EOIR0, 80);
    CHECK_EQ(icc(g, 0, RPR), 0x50);
    gic_free(g);
}

static void private_interrupts(void)
{
    struct gic *g = ready_gic(2);
    static const unsigned ppis[] = {23, 25, 27, 30};
    for (unsigned i = 0; i < 4; i++) {
        set_sgi_frame(g, 1, ISENABLER, 1u << ppis[i]);
        gic_set_ppi(g, 0, ppis[i], true); /* not enabled there */
        CHECK_EQ(gic_lines(g, 0), 0);
        gic_set_ppi(g, 1, ppis[i], true);
        CHECK_EQ(gic_lines(g, 1), IRQ);
        CHECK_EQ(icc(g, 1, IAR1), ppis[i]);
        CHECK_EQ(sgi_frame(g, 1, ISACTIVER), 1u << ppis[i]);
        CHECK_EQ(sgi_frame(g, 0, ISACTIVER), 0);
        gic_set_ppi(g, 1, ppis[i], false);
        set_icc(g, 1, EOIR1, ppis[i]);
        CHECK_EQ(gic_lines(g, 1), 0);
    }
    gic_set_ppi(g, 1, 3, true); /* no PPI */
    gic_set_ppi(g, 1, 40, true);
    CHECK_EQ(gic_lines(g, 1), 0);
    CHECK(!gic_set_spi(g, 31, true));
    CHECK(!gic_set_spi(g, 1020, true));
    CHECK(!gic_send_msi(g, 1020));
    gic_free(g);
}

static uint64_t sgi(unsigned intid, uint64_t aff, unsigned list, unsigned rs)
{
    return (aff >> 32 & 0xff) << 48 | (uint64_t)rs << 44 | (aff >> 16 & 0xff) << 32 |
           (uint64_t)intid << 24 | (aff >> 8 & 0xff) << 16 | list;
}

static void sgi_targets(void)
{
    struct gic *g = ready_gic(6);
    static const uint64_t affinity[6] = {0, 1, 17, 0x100, 0x10000, 0x100000002ull};
    for (unsigned i = 0; i < 6; i++) {
        gic_vcpu_set_affinity(g, i, affinity[i]);
        set_sgi_frame(g, i, ISENABLER, 0xffff);
    }
    static const struct {
        uint64_t aff;
        unsigned list, rs, want;
    } cases[] = {
        {0, 0x1, 0, 1u << 0},     {0, 0x3, 0, 1u << 0 | 1u << 1}, {0, 0x2, 1, 1u << 2},
        {0x100, 0x1, 0, 1u << 3}, {0x10000, 0x1, 0, 1u << 4},     {0x100000000ull, 0x4, 0, 1u << 5},
        {0, 0xfffc, 0, 0},        {0x200, 0xffff, 0, 0},          {0, 0x0, 0, 0},
        {0, 0xffff, 15, 0},
    };
    for (unsigned c = 0; c < sizeof cases / sizeof *cases; c++) {
        set_icc(g, 1, SGI1R, sgi(c % 16, cases[c].aff, cases[c].list, cases[c].rs));
        for (unsigned i = 0; i < 6; i++) {
            bool want = cases[c].want >> i & 1;
            CHECK_EQ(icc(g, i, IAR1), want ? c % 16 : 1023);
            if (want) {
                set_icc(g, i, EOIR1, c % 16);
            }
        }
    }
    set_icc(g, 1, SGI1R,
            1ull << 40 | 5u << 24 | 0xff00ff); /* everybody but me; no other field counts */
    for (unsigned i = 0; i < 6; i++) {
        CHECK_EQ(icc(g, i, IAR1), i == 1 ? 1023 : 5);
    }
    gic_free(g);
}

static void sgi_states(void)
{
    struct gic *g = ready_gic(1);
    set_sgi_frame(g, 0, ISENABLER, 0xffff);
    set_icc(g, 0, SGI1R, sgi(3, 0, 1, 0)); /* to oneself; twice is once */
    set_icc(g, 0, SGI1R, sgi(3, 0, 1, 0));
    CHECK_EQ(icc(g, 0, IAR1), 3);
    CHECK_EQ(sgi_frame(g, 0, ISPENDR), 0);
    set_icc(g, 0, SGI1R, sgi(3, 0, 1, 0));
    CHECK_EQ(sgi_frame(g, 0, ISPENDR), 8);
    set_icc(g, 0, EOIR1, 3);
    CHECK_EQ(icc(g, 0, IAR1), 3);
    set_icc(g, 0, EOIR1, 3);
    CHECK_EQ(gic_lines(g, 0), 0);

    set_sgi_frame(g, 0, IGROUPR, 0xffff0000 | 0x0002); /* SGI 1 in group 1, the others in group 0 */
    set_icc(g, 0, SGI0R, sgi(1, 0, 1, 0));
    CHECK_EQ(sgi_frame(g, 0, ISPENDR), 0); /* group 0 registers do not reach group 1 */
    set_icc(g, 0, ASGI1R, sgi(1, 0, 1, 0));
    CHECK_EQ(sgi_frame(g, 0, ISPENDR), 0);
    set_icc(g, 0, SGI0R, sgi(2, 0, 1, 0));
    CHECK_EQ(gic_lines(g, 0), FIQ);
    CHECK_EQ(icc(g, 0, IAR0), 2);
    set_icc(g, 0, EOIR0, 2);
    set_icc(g, 0, SGI1R, sgi(2, 0, 1, 0)); /* taken as what the target says */
    CHECK_EQ(icc(g, 0, IAR0), 2);
    gic_free(g);
}

static void routing(void)
{
    struct gic *g = ready_gic(3);
    gic_vcpu_set_affinity(g, 2, 0x0500040302);
    set_bit_of(g, ISENABLER, 90);
    route_to(g, 90, 1);
    gic_set_spi(g, 90, true);
    CHECK_EQ(gic_lines(g, 0), 0);
    CHECK_EQ(gic_lines(g, 1), IRQ);
    route_to(g, 90, 0x0500040302); /* moves while pending */
    CHECK_EQ(gic_lines(g, 1), 0);
    CHECK_EQ(gic_lines(g, 2), IRQ);
    route_to(g, 90, 0x0500040303); /* nobody: stays pending */
    CHECK_EQ(gic_lines(g, 0) | gic_lines(g, 1) | gic_lines(g, 2), 0);
    CHECK(bit_of(g, ISPENDR, 90));
    gic_vcpu_set_affinity(g, 1, 0x0500040303); /* now there is one */
    CHECK_EQ(gic_lines(g, 1), IRQ);
    gic_vcpu_detach(g, 1);
    CHECK_EQ(gic_lines(g, 1), 0);
    route_to(g, 90, 0);
    CHECK_EQ(icc(g, 0, IAR1), 90);
    route_to(g, 90, 0x0500040302); /* active: not taken twice */
    CHECK_EQ(gic_lines(g, 2), 0);
    set_icc(g, 0, EOIR1, 90);
    CHECK_EQ(gic_lines(g, 2), IRQ);
    gic_free(g);
}

static unsigned who(struct gic *g, unsigned vcpus)
{
    unsigned mask = 0;
    for (unsigned i = 0; i < vcpus; i++) {
        mask |= gic_lines(g, i) ? 1u << i : 0;
    }
    return mask;
}

static void one_of_n(void)
{
    struct gic *g = ready_gic(4);
    unsigned seen = 0;
    for (unsigned i = 0; i < 4; i++) { /* four interrupts, four idle vCPUs: one each */
        set_bit_of(g, ISENABLER, 200 + i);
        route_to(g, 200 + i, 1ull << 31);
        gic_set_spi(g, 200 + i, true);
    }
    CHECK_EQ(who(g, 4), 0xf);
    for (unsigned i = 0; i < 4; i++) {
        uint64_t intid = icc(g, i, IAR1);
        CHECK(intid >= 200 && intid < 204);
        seen |= 1u << (intid - 200);
        gic_set_spi(g, (unsigned)intid, false);
        set_icc(g, i, EOIR1, intid);
    }
    CHECK_EQ(seen, 0xf);

    for (unsigned i = 0; i < 3; i++) { /* sleepers and those with the group off do not take part */
        if (i == 0) {
            mmio_write(g, REDIST + GICR_WAKER, 4, 2);
        } else {
            set_icc(g, i, IGRPEN1, 0);
        }
    }
    gic_set_spi(g, 200, true);
    CHECK_EQ(who(g, 4), 1u << 3);
    set_icc(g, 1, IGRPEN1, 1);
    CHECK_EQ(who(g, 4), 1u << 3); /* it does not move without need */
    set_icc(g, 3, IGRPEN1, 0);
    CHECK_EQ(who(g, 4), 1u << 1); /* its target leaves: another takes it */
    mmio_write(g, REDIST + 0x20000 + GICR_WAKER, 4, 2);
    CHECK_EQ(__builtin_popcount(who(g, 4)), 1); /* all sleep: one of them anyway */
    set_icc(g, 0, IGRPEN1, 0);
    set_icc(g, 1, IGRPEN1, 0);
    CHECK_EQ(who(g, 4), 0);
    CHECK(bit_of(g, ISPENDR, 200));
    set_icc(g, 2, IGRPEN1, 1); /* nobody had it; who comes gets it */
    CHECK_EQ(who(g, 4), 1u << 2);
    CHECK_EQ(icc(g, 2, IAR1), 200);
    gic_set_spi(g, 200, false);
    set_icc(g, 2, EOIR1, 200);
    route_to(g, 200, 0);
    gic_set_spi(g, 200, true);
    CHECK_EQ(who(g, 4), 0); /* routed to one that has its group off */
    set_icc(g, 0, IGRPEN1, 1);
    CHECK_EQ(who(g, 4), 1u << 0);
    gic_free(g);
}

static void waker(void)
{
    struct gic *g = bare_gic(1, NULL, NULL);
    mmio_write(g, REDIST + GICR_WAKER, 4, 0);
    CHECK_EQ(mmio_read(g, REDIST + GICR_WAKER, 4), 0); /* ChildrenAsleep follows */
    mmio_write(g, REDIST + GICR_WAKER, 4, 0xffffffff);
    CHECK_EQ(mmio_read(g, REDIST + GICR_WAKER, 4), 6);
    mmio_write(g, REDIST + GICR_WAKER, 4, 4); /* read-only bit */
    CHECK_EQ(mmio_read(g, REDIST + GICR_WAKER, 4), 0);
    gic_free(g);
}

/* The callback may call back into the GIC: it runs without the lock. */
struct woken {
    struct gic *g;
    unsigned count[4];
};

static void count_wake(void *ctx, unsigned vcpu)
{
    struct woken *w = ctx;
    uint64_t value;
    w->count[vcpu]++;
    CHECK(gic_get_icc_reg(w->g, vcpu, PMR, &value));
    CHECK(gic_irq_pending(w->g, vcpu));
}

static void wake_calls(void)
{
    struct woken w = {0};
    struct gic *g = w.g = bare_gic(2, count_wake, &w);
    set_dist(g, CTLR, 3);
    set_dist(g, IGROUPR + 4, 0xffffffff);
    set_bit_of(g, ISENABLER, 40);
    set_bit_of(g, ISENABLER, 41);
    set_icc(g, 0, IGRPEN1, 1);
    gic_set_spi(g, 40, true);
    CHECK_EQ(w.count[0], 0); /* masked */
    set_icc(g, 0, PMR, 0xf0);
    CHECK_EQ(w.count[0], 1);
    gic_set_spi(g, 41, true); /* the line is up already */
    CHECK_EQ(w.count[0], 1);
    CHECK_EQ(icc(g, 0, IAR1), 40);
    CHECK_EQ(w.count[0], 1);
    set_icc(g, 0, EOIR1, 40); /* rises again */
    CHECK_EQ(w.count[0], 2);
    CHECK_EQ(w.count[1], 0);
    set_icc(g, 1, PMR, 0xf0);
    set_icc(g, 1, IGRPEN1, 1);
    set_sgi_frame(g, 1, IGROUPR, 1);
    set_sgi_frame(g, 1, ISENABLER, 1);
    set_icc(g, 0, SGI1R, 1ull << 40);
    CHECK_EQ(w.count[1], 1);
    gic_free(g);
}

int main(void)
{
    static const struct test tests[] = {
        {"gic: level-sensitive interrupt", level_interrupt},
        {"gic: edge-triggered interrupt", edge_interrupt},
        {"gic: pending registers, latch and line", pending_registers},
        {"gic: active registers", active_registers},
        {"gic: enables in all three places", enables},
        {"gic: priority mask", priority_mask},
        {"gic: order by priority, then INTID", order},
        {"gic: preemption and running priority", preemption},
        {"gic: binary point of group 1", binary_point},
        {"gic: binary point of group 0", binary_point_group0},
        {"gic: common binary point", common_binary_point},
        {"gic: EOI modes and DIR", eoi_modes},
        {"gic: DIR from another vCPU", deactivate_elsewhere},
        {"gic: group 0 as FIQ, group 1 as IRQ", groups},
        {"gic: PPIs are private", private_interrupts},
        {"gic: SGI target lists, range selector, all others", sgi_targets},
        {"gic: SGI states and groups", sgi_states},
        {"gic: routing by affinity", routing},
        {"gic: 1-of-N routing", one_of_n},
        {"gic: GICR_WAKER", waker},
        {"gic: wake calls", wake_calls},
    };
    return run_tests(tests, sizeof tests / sizeof *tests);
}
