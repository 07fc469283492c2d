/* SPDX-License-Identifier: MIT */
/* The GIC's register files: identification, widths, reserved parts, the restore family, state as
 * bytes. */
#include "gic_test.h"

static void identification(void)
{
    struct gic *g = bare_gic(3, NULL, NULL);
    gic_vcpu_set_affinity(g, 1, 0x80000101);   /* MPIDR_EL1 with its RES1 bit: Aff1 = 1, Aff0 = 1 */
    gic_vcpu_set_affinity(g, 2, 0x0700060504); /* Aff3..Aff0 = 7 6 5 4 */
    CHECK_EQ(dist(g, CTLR), 0x50);             /* DS, ARE; groups off */
    CHECK_EQ(dist(g, TYPER) & 0x1f, 31);       /* ITLinesNumber: up to INTID 1019 */
    CHECK_EQ(dist(g, TYPER) >> 19 & 0x1f, 9);  /* IDbits: 10 */
    CHECK_EQ(dist(g, TYPER) >> 26 & 1, 1);     /* RSS */
    CHECK_EQ(dist(g, TYPER) >> 17 & 1, 0);     /* no LPIs */
    CHECK_EQ(dist(g, TYPER) >> 10 & 1, 0);     /* one security state */
    CHECK_EQ(dist(g, PIDR2) >> 4 & 0xf, 3);
    CHECK_EQ(mmio_read(g, REDIST + PIDR2, 4) >> 4 & 0xf, 3);
    CHECK_EQ(mmio_read(g, REDIST + GICR_TYPER, 8), 0x0000000000000000ull);
    CHECK_EQ(mmio_read(g, REDIST + 0x20000 + GICR_TYPER, 8), 0x0000010100000100ull);
    CHECK_EQ(mmio_read(g, REDIST + 0x40000 + GICR_TYPER, 8), 0x0706050400000210ull); /* Last */
    CHECK_EQ(icc(g, 0, ICC_CTLR), 0x40400);
    CHECK_EQ(icc(g, 0, SRE), 7);
    gic_free(g);
}

static void reset_values(void)
{
    struct gic *g = bare_gic(1, NULL, NULL);
    CHECK_EQ(dist(g, IGROUPR + 4), 0);
    CHECK_EQ(dist(g, ISENABLER + 4), 0);
    CHECK_EQ(dist(g, IPRIORITYR + 32), 0);
    CHECK_EQ(dist(g, ICFGR + 8), 0);
    CHECK_EQ(mmio_read(g, REDIST + GICR_WAKER, 4), 6);
    CHECK_EQ(icc(g, 0, PMR), 0);
    CHECK_EQ(icc(g, 0, BPR0), 2); /* 5 priority bits: the minimum */
    CHECK_EQ(icc(g, 0, BPR1), 3);
    CHECK_EQ(icc(g, 0, RPR), 0xff);
    CHECK_EQ(icc(g, 0, IGRPEN0), 0);
    CHECK_EQ(icc(g, 0, IGRPEN1), 0);
    CHECK_EQ(icc(g, 0, HPPIR1), 1023);
    CHECK_EQ(icc(g, 0, IAR1), 1023);
    gic_free(g);
}

static void widths(void)
{
    struct gic *g = bare_gic(1, NULL, NULL);
    mmio_write(g, DIST + IPRIORITYR + 33, 1, 0xa0);
    CHECK_EQ(dist(g, IPRIORITYR + 32), 0x0000a000);
    mmio_write(g, DIST + IPRIORITYR + 34, 2, 0xb0b0); /* no halfword access */
    CHECK_EQ(dist(g, IPRIORITYR + 32), 0x0000a000);
    CHECK_EQ(mmio_read(g, DIST + IPRIORITYR + 32, 2), 0);
    mmio_write(g, DIST + IPRIORITYR + 32, 8, 0x1010101010101010);
    CHECK_EQ(dist(g, IPRIORITYR + 32), 0x0000a000);
    mmio_write(g, DIST + ISENABLER + 4, 1, 0xff); /* bytes only in IPRIORITYR */
    CHECK_EQ(dist(g, ISENABLER + 4), 0);
    mmio_write(g, DIST + ISENABLER + 6, 4, 0xffffffff); /* misaligned */
    CHECK_EQ(dist(g, ISENABLER + 4), 0);

    route_to(g, 40, 0x1234567890ull);
    CHECK_EQ(mmio_read(g, DIST + IROUTER + 320, 8),
             0x1200567890ull); /* Aff3, Aff2..0; RES0 between */
    CHECK_EQ(mmio_read(g, DIST + IROUTER + 320, 4), 0x00567890);
    CHECK_EQ(mmio_read(g, DIST + IROUTER + 324, 4), 0x12);
    mmio_write(g, DIST + IROUTER + 324, 4, 0x34);
    CHECK_EQ(mmio_read(g, DIST + IROUTER + 320, 8), 0x3400567890ull);
    mmio_write(g, DIST + IROUTER + 320, 4, 0x80000001); /* IRM */
    CHECK_EQ(mmio_read(g, DIST + IROUTER + 320, 8), 0x3480000001ull);
    CHECK_EQ(mmio_read(g, REDIST + GICR_TYPER + 4, 4), 0);
    CHECK_EQ(mmio_read(g, REDIST + GICR_TYPER, 4), 0x10);
    gic_free(g);
}

static void reserved(void)
{
    struct gic *g = bare_gic(1, NULL, NULL);
    static const uint32_t bits[] = {IGROUPR, ISENABLER, ISPENDR, ISACTIVER};
    for (unsigned i = 0; i < 4; i++) { /* INTIDs 0..31 are the redistributors' (ARE = 1) */
        set_dist(g, bits[i], 0xffffffff);
        CHECK_EQ(dist(g, bits[i]), 0);
        set_dist(g, bits[i] + 4 * 31, 0xffffffff); /* 1020..1023 are special */
        CHECK_EQ(dist(g, bits[i] + 4 * 31), 0x0fffffff);
    }
    set_dist(g, IPRIORITYR, 0xffffffff);
    CHECK_EQ(dist(g, IPRIORITYR), 0);
    set_dist(g, IPRIORITYR + 1016, 0xffffffff);
    CHECK_EQ(dist(g, IPRIORITYR + 1016), 0xf8f8f8f8); /* 5 bits */
    set_dist(g, IPRIORITYR + 1020, 0xffffffff);
    CHECK_EQ(dist(g, IPRIORITYR + 1020), 0);
    set_dist(g, ICFGR, 0);
    CHECK_EQ(dist(g, ICFGR), 0);
    set_dist(g, ICFGR + 8, 0xffffffff);
    CHECK_EQ(dist(g, ICFGR + 8), 0xaaaaaaaa); /* the low bit of each pair is reserved */
    set_dist(g, ICFGR + 4 * 63, 0xffffffff);
    CHECK_EQ(dist(g, ICFGR + 4 * 63), 0x00aaaaaa);
    route_to(g, 31, 1);
    CHECK_EQ(mmio_read(g, DIST + IROUTER + 8 * 31, 8), 0);
    route_to(g, 1020, 1);
    CHECK_EQ(mmio_read(g, DIST + IROUTER + 8 * 1020, 8), 0);
    set_dist(g, 0x800, 0xffffffff); /* ITARGETSR */
    CHECK_EQ(dist(g, 0x800), 0);
    set_dist(g, 0xf00, 0x02000000); /* SGIR */
    set_dist(g, 0xf20, 0xffffffff);
    CHECK_EQ(sgi_frame(g, 0, ISPENDR), 0);
    set_dist(g, TYPER, 0);
    CHECK_EQ(dist(g, TYPER) & 0x1f, 31);
    set_dist(g, CTLR, 0xffffffff);
    CHECK_EQ(dist(g, CTLR), 0x53);
    CHECK_EQ(sgi_frame(g, 0, ICFGR), 0xaaaaaaaa); /* SGIs: edge, fixed */
    set_sgi_frame(g, 0, ICFGR, 0);
    CHECK_EQ(sgi_frame(g, 0, ICFGR), 0xaaaaaaaa);
    CHECK_EQ(sgi_frame(g, 0, ICFGR + 4), 0);
    gic_free(g);
}

static void system_registers(void)
{
    struct gic *g = bare_gic(1, NULL, NULL);
    uint64_t value;
    static const uint16_t not_readable[] = {EOIR0,  EOIR1, DIR,   SGI0R, SGI1R,
                                            ASGI1R, AP0R1, AP1R1, 0xc668};
    static const uint16_t not_writable[] = {IAR0, IAR1, HPPIR0, HPPIR1, RPR, AP0R1, AP1R1, 0xc668};
    for (unsigned i = 0; i < sizeof not_readable / sizeof *not_readable; i++) {
        CHECK(!gic_icc_read(g, 0, not_readable[i], &value));
    }
    for (unsigned i = 0; i < sizeof not_writable / sizeof *not_writable; i++) {
        CHECK(!gic_icc_write(g, 0, not_writable[i], 0));
    }
    set_icc(g, 0, PMR, 0xff);
    CHECK_EQ(icc(g, 0, PMR), 0xf8);
    set_icc(g, 0, BPR0, 0);
    CHECK_EQ(icc(g, 0, BPR0), 2);
    set_icc(g, 0, BPR1, 0);
    CHECK_EQ(icc(g, 0, BPR1), 3);
    set_icc(g, 0, BPR1, 0xff);
    CHECK_EQ(icc(g, 0, BPR1), 7);
    set_icc(g, 0, ICC_CTLR, 0xffffffff);
    CHECK_EQ(icc(g, 0, ICC_CTLR), 0x40403);
    set_icc(g, 0, SRE, 0);
    CHECK_EQ(icc(g, 0, SRE), 7);
    set_icc(g, 0, IGRPEN1, 0xff);
    CHECK_EQ(icc(g, 0, IGRPEN1), 1);
    gic_free(g);
}

static void frames(void)
{
    struct gic *g = bare_gic(2, NULL, NULL);
    uint64_t value = 0;
    CHECK(!gic_mmio(g, DIST - 4, 4, false, &value, 0));
    CHECK(!gic_mmio(g, DIST + 0x10000, 4, false, &value, 0));
    CHECK(!gic_mmio(g, REDIST + 2 * 0x20000, 4, false, &value, 0)); /* nobody's frame */
    CHECK(!gic_mmio(g, 0, 4, false, &value, 0));
    CHECK(!gic_mmio(g, UINT64_MAX - 7, 8, false, &value, 0));
    CHECK(!gic_vcpu_attach(g, 1));
    CHECK(!gic_vcpu_attach(g, 64));
    CHECK(gic_vcpu_attach(g, 9)); /* frames go by order of creation, not by index */
    CHECK(!gic_vcpu_redist_base(g, 9, &value));
    gic_vcpu_set_affinity(g, 9, 9);
    CHECK(gic_vcpu_redist_base(g, 9, &value));
    CHECK_EQ(value, REDIST + 2 * 0x20000);
    CHECK_EQ(mmio_read(g, value + GICR_TYPER, 8), 0x0000000900000210ull);
    CHECK_EQ(mmio_read(g, REDIST + 0x20000 + GICR_TYPER, 4) & 0x10, 0);
    gic_vcpu_detach(g, 9);
    CHECK(!gic_vcpu_redist_base(g, 9, &value));
    CHECK_EQ(mmio_read(g, REDIST + 0x20000 + GICR_TYPER, 4) & 0x10, 0x10);
    gic_vcpu_detach(g, 0);
    CHECK(gic_vcpu_attach(g, 5));
    gic_vcpu_set_affinity(g, 5, 5);
    CHECK(gic_vcpu_redist_base(g, 5, &value));
    CHECK_EQ(value, REDIST);
    gic_free(g);
}

static void bad_configurations(void)
{
    struct gic_config config = {DIST, REDIST, MSI, 32, 988, NULL, NULL};
    struct gic *g = gic_new(&config);
    CHECK(g != NULL);
    gic_free(g);
    struct gic_config bad = config;
    bad.dist_base += 0x1000;
    CHECK(!gic_new(&bad));
    bad = config;
    bad.redist_base += 0x8000;
    CHECK(!gic_new(&bad));
    bad = config;
    bad.msi_count = 989;
    CHECK(!gic_new(&bad));
    bad = config;
    bad.msi_intid = 31, bad.msi_count = 1;
    CHECK(!gic_new(&bad));
    bad.msi_intid = 1019, bad.msi_count = 2;
    CHECK(!gic_new(&bad));
    bad.msi_intid = UINT32_MAX, bad.msi_count = UINT32_MAX;
    CHECK(!gic_new(&bad));
}

static void restore_family(void)
{
    struct gic *g = ready_gic(1);
    uint64_t value;
    CHECK(gic_get_dist_reg(g, TYPER, &value) && (value & 0x1f) == 31);
    CHECK(gic_set_dist_reg(g, TYPER, 0)); /* read-only: ignored */
    CHECK(gic_set_dist_reg(g, PIDR2, 0));
    CHECK(!gic_get_dist_reg(g, 0x800, &value)); /* not there with ARE = 1 */
    CHECK(!gic_set_dist_reg(g, 0x2, 0));
    CHECK(!gic_get_dist_reg(g, 0x401, &value)); /* not the start of a register */
    CHECK(!gic_get_dist_reg(g, IROUTER + 8 * 31, &value));
    CHECK(!gic_get_dist_reg(g, IROUTER + 8 * 1020, &value));
    CHECK(!gic_get_dist_reg(g, UINT32_MAX, &value));
    CHECK(gic_set_dist_reg(g, IROUTER + 8 * 1019, 5));
    CHECK(gic_get_dist_reg(g, IROUTER + 8 * 1019, &value) && value == 5);

    set_bit_of(g, ISENABLER, 40); /* level, line up: pending for the guest, not latched */
    CHECK(gic_set_spi(g, 40, true));
    CHECK(bit_of(g, ISPENDR, 40));
    CHECK(gic_get_dist_reg(g, ISPENDR + 4, &value) && value == 0);
    CHECK(gic_get_dist_reg(g, ICPENDR + 4, &value) && value == 0);

    CHECK(gic_set_redist_reg(g, 0, SGI_FRAME + ISENABLER, 1u << 27)); /* a PPI by hand */
    CHECK(gic_set_redist_reg(g, 0, SGI_FRAME + ISPENDR, 1u << 27));
    CHECK(gic_get_redist_reg(g, 0, SGI_FRAME + ICPENDR, &value) && value == 1u << 27);
    CHECK_EQ(icc(g, 0, HPPIR1), 27);
    CHECK(gic_set_redist_reg(g, 0, SGI_FRAME + ICPENDR, 1u << 27));
    CHECK_EQ(icc(g, 0, HPPIR1), 40);
    CHECK(gic_get_redist_reg(g, 0, 0x8, &value) && value == 0x10);
    CHECK(!gic_get_redist_reg(g, 0, 0xc, &value)); /* 64-bit: only as a whole */
    CHECK(!gic_get_redist_reg(g, 0, SGI_FRAME + IPRIORITYR + 32, &value));

    static const uint16_t refused[] = {IAR0, IAR1, EOIR0, EOIR1, HPPIR0, HPPIR1, DIR, SGI1R, AP1R1};
    for (unsigned i = 0; i < sizeof refused / sizeof *refused; i++) {
        CHECK(!gic_get_icc_reg(g, 0, refused[i], &value));
        CHECK(!gic_set_icc_reg(g, 0, refused[i], 0));
    }
    CHECK(!gic_set_icc_reg(g, 0, RPR, 0));
    CHECK(gic_set_icc_reg(g, 0, AP1R0, 1u << 16)); /* as if an interrupt of priority 0x80 ran */
    CHECK(gic_get_icc_reg(g, 0, RPR, &value) && value == 0x80);
    CHECK(!gic_irq_pending(g, 0)); /* 40 has priority 0x80, too */
    CHECK(gic_set_icc_reg(g, 0, AP1R0, 0));
    CHECK(gic_irq_pending(g, 0));
    CHECK(gic_set_icc_reg(g, 0, ICC_CTLR, 1)); /* CBPR: restoring still sees BPR1 itself */
    CHECK(gic_set_icc_reg(g, 0, BPR1, 6));
    CHECK(gic_get_icc_reg(g, 0, BPR1, &value) && value == 6);
    CHECK_EQ(icc(g, 0, BPR1), 3);
    gic_free(g);
}

static void msi_frame(void)
{
    struct gic *g = ready_gic(1);
    uint64_t value;
    CHECK_EQ(mmio_read(g, MSI + 0x8, 4), 100u << 16 | 20);
    CHECK(mmio_read(g, MSI + 0xfcc, 4) != 0);
    set_bit_of(g, ISENABLER, 100);
    set_bit_of(g, ISENABLER, 119);
    mmio_write(g, MSI + 0x40, 4, 99);
    mmio_write(g, MSI + 0x40, 4, 120);
    mmio_write(g, MSI + 0x40, 4, 0xffffffff);
    CHECK(!gic_irq_pending(g, 0));
    mmio_write(g, MSI + 0x40, 4, 119);
    CHECK_EQ(icc(g, 0, IAR1), 119);
    CHECK(!bit_of(g, ISPENDR, 119)); /* one write, one interrupt */
    set_icc(g, 0, EOIR1, 119);
    CHECK(gic_send_msi(g, 100));
    CHECK_EQ(icc(g, 0, IAR1), 100);
    CHECK(gic_get_msi_reg(g, 0x8, &value) && value == (100u << 16 | 20));
    CHECK(gic_set_msi_reg(g, 0x8, 0));
    CHECK(gic_get_msi_reg(g, 0x40, &value));
    CHECK(!gic_get_msi_reg(g, 0x44, &value));
    gic_free(g);

    struct gic_config config = {DIST, REDIST, MSI, 0, 0, NULL, NULL};
    g = gic_new(&config);
    CHECK(!gic_mmio(g, MSI + 8, 4, false, &value, 0));
    CHECK(!gic_get_msi_reg(g, 0x8, &value));
    gic_free(g);
}

/* ---- state as bytes
 * ---------------------------------------------------------------------------------- */

static struct gic *busy_gic(void)
{
    struct gic *g = ready_gic(3);
    for (unsigned n = 1; n < 32; n++) {
        set_dist(g, IGROUPR + 4 * n, 0x9e3779b9u * n);
        set_dist(g, ISENABLER + 4 * n, 0x85ebca6bu * n);
        set_dist(g, ISPENDR + 4 * n, 0xc2b2ae35u * n);
        set_dist(g, ISACTIVER + 4 * n, 0x27d4eb2fu * n);
        set_dist(g, ICFGR + 8 * n, 0x165667b1u * n);
    }
    for (unsigned n = 8; n < 255; n++) {
        set_dist(g, IPRIORITYR + 4 * n, 0x01234567u * n);
    }
    for (unsigned i = 32; i < 1020; i++) {
        route_to(g, i, i % 5 == 4 ? 1u << 31 : i % 5);
        gic_set_spi(g, i, i % 3 == 0);
    }
    set_sgi_frame(g, 1, ISENABLER, 0xffffffff);
    set_sgi_frame(g, 1, ISPENDR, 0x12345678);
    set_sgi_frame(g, 1, ISACTIVER, 0x00ff00ff);
    gic_set_ppi(g, 2, 27, true);
    mmio_write(g, REDIST + 0x40000 + GICR_WAKER, 4, 2);
    return g;
}

/* Every register that a guest can read, folded into one number. */
static uint64_t digest(struct gic *g, unsigned vcpus)
{
    uint64_t h = 0;
    for (uint32_t off = 0; off < 0xd00; off += 4) {
        h = h * 0x9e3779b97f4a7c15ull + dist(g, off);
    }
    for (uint32_t i = 32; i < 1020; i++) {
        h = h * 0x9e3779b97f4a7c15ull + mmio_read(g, DIST + IROUTER + 8 * i, 8);
    }
    for (unsigned f = 0; f < vcpus; f++) {
        h = h * 0x9e3779b97f4a7c15ull + mmio_read(g, REDIST + f * 0x20000ull + GICR_WAKER, 4);
        for (uint32_t off = 0; off < 0xd00; off += 4) {
            h = h * 0x9e3779b97f4a7c15ull + sgi_frame(g, f, off);
        }
    }
    return h;
}

static void state_round_trip(void)
{
    struct gic *a = busy_gic(), *b = ready_gic(3);
    size_t size = 0, again = 0;
    CHECK(gic_state_save(a, NULL, &size));
    uint8_t *blob = malloc(size), *second = malloc(size);
    size_t small = size - 1;
    CHECK(!gic_state_save(a, blob, &small));
    CHECK_EQ(small, size);
    CHECK(gic_state_save(a, blob, &size));
    CHECK(digest(a, 3) != digest(b, 3));
    CHECK(gic_state_restore(b, blob, size));
    CHECK_EQ(digest(a, 3), digest(b, 3));
    again = size;
    CHECK(gic_state_save(b, second, &again));
    CHECK_EQ(again, size);
    CHECK(memcmp(blob, second, size) == 0);
    gic_set_ppi(b, 2, 27, false); /* the line came along: it can fall */
    CHECK_EQ(sgi_frame(b, 2, ISPENDR), 0);
    free(blob);
    free(second);
    gic_free(a);
    gic_free(b);
}

static void state_refused(void)
{
    struct gic *a = busy_gic(), *b = ready_gic(3), *c = ready_gic(2), *d = ready_gic(3);
    size_t size = 0;
    CHECK(gic_state_save(a, NULL, &size));
    uint8_t *blob = malloc(size + 1);
    CHECK(gic_state_save(a, blob, &size));
    uint64_t before = digest(b, 3), two = digest(c, 2);
    for (size_t i = 0; i < size; i++) { /* any one bit wrong, anywhere */
        blob[i] ^= (uint8_t)(1u << (i % 8));
        CHECK(!gic_state_restore(b, blob, size));
        blob[i] ^= (uint8_t)(1u << (i % 8));
    }
    for (size_t n = 0; n < size; n += n < 64 ? 1 : 97) {
        CHECK(!gic_state_restore(b, blob, n));
    }
    blob[size] = 0;
    CHECK(!gic_state_restore(b, blob, size + 1));
    CHECK_EQ(digest(b, 3), before);
    CHECK(!gic_state_restore(c, blob, size)); /* other machines */
    CHECK_EQ(digest(c, 2), two);
    gic_vcpu_set_affinity(d, 1, 0x100);
    before = digest(d, 3);
    CHECK(!gic_state_restore(d, blob, size));
    CHECK_EQ(digest(d, 3), before);
    CHECK(gic_state_restore(b, blob, size));
    free(blob);
    gic_free(a);
    gic_free(b);
    gic_free(c);
    gic_free(d);
}

static uint64_t fnv1a(const uint8_t *p, size_t size)
{
    uint64_t h = 0xcbf29ce484222325ull;
    for (size_t i = 0; i < size; i++) {
        h = (h ^ p[i]) * 0x100000001b3ull;
    }
    return h;
}

/* With the checksum made right again, what is left is refused or is a state that registers can
 * show: no reserved bit gets in. Bounds are the sanitizers' to watch. */
static void state_forged(void)
{
    struct gic *a = busy_gic(), *b = ready_gic(3);
    size_t size = 0;
    unsigned taken = 0, refused = 0;
    CHECK(gic_state_save(a, NULL, &size));
    uint8_t *blob = malloc(size);
    for (size_t i = 0; i < size - 8; i += 3) {
        size_t n = size;
        CHECK(gic_state_save(a, blob, &n));
        blob[i] = (uint8_t)~blob[i];
        uint64_t sum = fnv1a(blob, size - 8);
        memcpy(blob + size - 8, &sum, 8);
        bool ok = gic_state_restore(b, blob, size);
        taken += ok;
        refused += !ok;
        CHECK_EQ(dist(b, CTLR) & ~3u, 0x50);
        CHECK_EQ(dist(b, ISPENDR + 4 * 31) >> 28, 0);
        CHECK_EQ(dist(b, IPRIORITYR + 32) & 0x07070707, 0);
        CHECK_EQ(sgi_frame(b, 0, ICFGR), 0xaaaaaaaa);
    }
    CHECK(taken > 100 && refused > 100);
    free(blob);
    gic_free(a);
    gic_free(b);
}

static void reset_keeps_inputs(void)
{
    struct gic *g = busy_gic();
    gic_set_spi(g, 50, true);
    gic_reset(g);
    CHECK_EQ(dist(g, CTLR), 0x50);
    CHECK_EQ(dist(g, ISENABLER + 4), 0);
    CHECK_EQ(dist(g, ISACTIVER + 4), 0);
    CHECK_EQ(dist(g, ICFGR + 8), 0);
    CHECK_EQ(dist(g, IPRIORITYR + 32), 0);
    CHECK_EQ(mmio_read(g, DIST + IROUTER + 8 * 33, 8), 0);
    CHECK_EQ(mmio_read(g, REDIST + 0x20000 + GICR_WAKER, 4), 6);
    CHECK_EQ(sgi_frame(g, 1, ISENABLER), 0);
    CHECK(bit_of(g, ISPENDR, 50));  /* the device still asks */
    CHECK_EQ(icc(g, 0, PMR), 0xf8); /* the CPU interface is the vCPU's */
    gic_vcpu_reset(g, 0);
    CHECK_EQ(icc(g, 0, PMR), 0);
    gic_free(g);
}

int main(void)
{
    static const struct test tests[] = {
        {"gic: identification registers", identification},
        {"gic: reset values", reset_values},
        {"gic: access widths and alignment", widths},
        {"gic: reserved INTIDs, fields and registers", reserved},
        {"gic: system registers: directions and fields", system_registers},
        {"gic: redistributor frames follow creation", frames},
        {"gic: bad configurations are refused", bad_configurations},
        {"gic: restore accesses have no side effects", restore_family},
        {"gic: MSI frame", msi_frame},
        {"gic: state round trip", state_round_trip},
        {"gic: damaged or foreign state is refused", state_refused},
        {"gic: forged state cannot set reserved bits", state_forged},
        {"gic: reset keeps input lines and CPU interfaces", reset_keeps_inputs},
    };
    return run_tests(tests, sizeof tests / sizeof *tests);
}
