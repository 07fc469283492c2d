/* SPDX-License-Identifier: MIT */
/*
 * What the GIC tests share: a GIC in the place where the virt machine has it, register names and
 * short access functions. Expected values come from IHI 0069 (the GICv3
 * architecture).
 */
#pragma once

#include "../test.h"
#include "gic.h"

#define DIST      0x08000000ull
#define MSI       0x08020000ull
#define REDIST    0x080a0000ull
#define SGI_FRAME 0x10000u

enum { /* distributor; IGROUPR..ICFGR also within the SGI frame */
       CTLR = 0x0,
       TYPER = 0x4,
       IGROUPR = 0x80,
       ISENABLER = 0x100,
       ICENABLER = 0x180,
       ISPENDR = 0x200,
       ICPENDR = 0x280,
       ISACTIVER = 0x300,
       ICACTIVER = 0x380,
       IPRIORITYR = 0x400,
       ICFGR = 0xc00,
       IROUTER = 0x6000,
       PIDR2 = 0xffe8,
       GICR_TYPER = 0x8,
       GICR_WAKER = 0x14,
};

enum { /* op0:op1:CRn:CRm:op2 */
       PMR = 0xc230,
       IAR0 = 0xc640,
       EOIR0 = 0xc641,
       HPPIR0 = 0xc642,
       BPR0 = 0xc643,
       AP0R0 = 0xc644,
       AP0R1 = 0xc645,
       AP1R0 = 0xc648,
       AP1R1 = 0xc649,
       DIR = 0xc659,
       RPR = 0xc65b,
       SGI1R = 0xc65d,
       ASGI1R = 0xc65e,
       SGI0R = 0xc65f,
       IAR1 = 0xc660,
       EOIR1 = 0xc661,
       HPPIR1 = 0xc662,
       BPR1 = 0xc663,
       ICC_CTLR = 0xc664,
       SRE = 0xc665,
       IGRPEN0 = 0xc666,
       IGRPEN1 = 0xc667,
};

struct test {
    const char *name;
    void (*run)(void);
};

/* Runs every test of a table; the exit status of the program. */
static inline int run_tests(const struct test *tests, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        test_run(tests[i].name, tests[i].run);
    }
    return test_done();
}

/* ---- accesses
 * --------------------------------------------------------------------------------------- */

static inline uint64_t mmio_read(struct gic *g, uint64_t ipa, unsigned size)
{
    uint64_t value = ~0ull;
    CHECK(gic_mmio(g, ipa, size, false, &value, 0));
    return value;
}

static inline void mmio_write(struct gic *g, uint64_t ipa, unsigned size, uint64_t value)
{
    CHECK(gic_mmio(g, ipa, size, true, &value, 0));
}

static inline uint32_t dist(struct gic *g, uint32_t offset)
{
    return (uint32_t)mmio_read(g, DIST + offset, 4);
}

static inline void set_dist(struct gic *g, uint32_t offset, uint32_t value)
{
    mmio_write(g, DIST + offset, 4, value);
}

/* offset within the SGI frame of a redistributor, named by its frame number */
static inline uint32_t sgi_frame(struct gic *g, unsigned frame, uint32_t offset)
{
    return (uint32_t)mmio_read(g, REDIST + frame * 0x20000ull + SGI_FRAME + offset, 4);
}

static inline void set_sgi_frame(struct gic *g, unsigned frame, uint32_t offset, uint32_t value)
{
    mmio_write(g, REDIST + frame * 0x20000ull + SGI_FRAME + offset, 4, value);
}

static inline uint64_t icc(struct gic *g, unsigned vcpu, uint16_t reg)
{
    uint64_t value = ~0ull;
    CHECK(gic_icc_read(g, vcpu, reg, &value));
    return value;
}

static inline void set_icc(struct gic *g, unsigned vcpu, uint16_t reg, uint64_t value)
{
    CHECK(gic_icc_write(g, vcpu, reg, value));
}

/* The bit of an interrupt in a one-bit-per-INTID register of the distributor. */
static inline bool bit_of(struct gic *g, uint32_t reg, unsigned intid)
{
    return dist(g, reg + intid / 32 * 4) >> (intid % 32) & 1;
}

static inline void set_bit_of(struct gic *g, uint32_t reg, unsigned intid)
{
    set_dist(g, reg + intid / 32 * 4, 1u << (intid % 32));
}

/* ---- a GIC with vCPUs ready to take interrupts
 * ------------------------------------------------------- */

static inline struct gic *bare_gic(unsigned vcpus, void (*wake)(void *, unsigned), void *ctx)
{
    struct gic_config config = {DIST, REDIST, MSI, 100, 20, wake, ctx};
    struct gic *g = gic_new(&config);
    if (!g) {
        printf("Bail out! no memory\n");
        exit(1);
    }
    for (unsigned i = 0; i < vcpus; i++) {
        CHECK(gic_vcpu_attach(g, i));
        gic_vcpu_set_affinity(g, i, i);
    }
    return g;
}

/* Both groups on everywhere, PMR open, redistributors awake, everything in group 1 at priority
 * 0x80. */
static inline struct gic *ready_gic(unsigned vcpus)
{
    struct gic *g = bare_gic(vcpus, NULL, NULL);
    set_dist(g, CTLR, 3);
    for (unsigned n = 1; n < 32; n++) {
        set_dist(g, IGROUPR + 4 * n, 0xffffffff);
    }
    for (unsigned n = 8; n < 255; n++) {
        set_dist(g, IPRIORITYR + 4 * n, 0x80808080);
    }
    for (unsigned i = 0; i < vcpus; i++) {
        mmio_write(g, REDIST + i * 0x20000ull + GICR_WAKER, 4, 0);
        set_sgi_frame(g, i, IGROUPR, 0xffffffff);
        for (unsigned n = 0; n < 8; n++) {
            set_sgi_frame(g, i, IPRIORITYR + 4 * n, 0x80808080);
        }
        set_icc(g, i, PMR, 0xff);
        set_icc(g, i, IGRPEN0, 1);
        set_icc(g, i, IGRPEN1, 1);
    }
    return g;
}

static inline void set_prio(struct gic *g, unsigned intid, uint8_t prio)
{
    mmio_write(g, DIST + IPRIORITYR + intid, 1, prio);
}

static inline void make_edge(struct gic *g, unsigned intid)
{
    uint32_t reg = ICFGR + intid / 16 * 4;
    set_dist(g, reg, dist(g, reg) | 2u << (intid % 16 * 2));
}

static inline void make_group0(struct gic *g, unsigned intid)
{
    uint32_t reg = IGROUPR + intid / 32 * 4;
    set_dist(g, reg, dist(g, reg) & ~(1u << (intid % 32)));
}

static inline void route_to(struct gic *g, unsigned intid, uint64_t router)
{
    mmio_write(g, DIST + IROUTER + 8 * intid, 8, router);
}
