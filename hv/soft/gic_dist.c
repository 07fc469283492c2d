/* SPDX-License-Identifier: MIT */
/*
 * The distributor (GIC 12.9) and the MSI frame (Arm SBSA, GICv2m). With the lock held, but for the
 * restore functions at the end. With ARE = 1 the registers of INTIDs 0..31 are RAZ/WI here, and so
 * are ITARGETSR, SGIR and the SGI pending registers.
 */
#include "gic_model.h"

#define DIST_TYPER_FIXED                                                                           \
    (1u << 26 | 9u << 19 | 31u) /* RSS; 10 INTID bits; 32 * (31 + 1) interrupts */

#define MSI_TYPER       0x008u
#define MSI_SET_SPI_NSR 0x040u
#define MSI_IIDR        0xfccu

static uint64_t ctlr_read(struct gic *g, struct gic_vcpu *v, unsigned n)
{
    (void)v, (void)n;
    return g->ctlr | GICD_CTLR_FIXED;
}

static void ctlr_write(struct gic *g, struct gic_vcpu *v, unsigned n, uint64_t value)
{
    (void)v, (void)n;
    g->ctlr = (uint32_t)value & GICD_CTLR_ENABLES;
    gic_eval_all(g);
}

static uint64_t typer_read(struct gic *g, struct gic_vcpu *v, unsigned n)
{
    (void)g, (void)v, (void)n;
    return DIST_TYPER_FIXED;
}

static uint64_t router_read(struct gic *g, struct gic_vcpu *v, unsigned n)
{
    (void)v;
    return g->router[GIC_SPI_BASE + n];
}

static void router_write(struct gic *g, struct gic_vcpu *v, unsigned n, uint64_t value)
{
    (void)v;
    g->router[GIC_SPI_BASE + n] = value & (GIC_AFFINITY_MASK | GICD_IROUTER_IRM);
    gic_router_changed(g, GIC_SPI_BASE + n);
}

static const struct gic_reg dist_regs[] = {
    {0x0000, 1, 4, false, ctlr_read, ctlr_write, NULL},
    {0x0004, 1, 4, false, typer_read, NULL, NULL},
    {0x0008, 1, 4, false, gic_iidr_read, NULL, NULL},
    {0x0080, 32, 4, false, gic_group_read, gic_group_write, NULL},
    {0x0100, 32, 4, false, gic_enable_read, gic_enable_set, NULL},
    {0x0180, 32, 4, false, gic_enable_read, gic_enable_clear, NULL},
    {0x0200, 32, 4, false, gic_pending_read, gic_pending_set, gic_latch_read},
    {0x0280, 32, 4, false, gic_pending_read, gic_pending_clear, gic_latch_read},
    {0x0300, 32, 4, false, gic_active_read, gic_active_set, NULL},
    {0x0380, 32, 4, false, gic_active_read, gic_active_clear, NULL},
    {0x0400, 255, 4, true, gic_priority_read, gic_priority_write, NULL},
    {0x0c00, 64, 4, false, gic_config_read, gic_config_write, NULL},
    {0x6100, GIC_SPI_COUNT, 8, false, router_read, router_write, NULL},
    {0xffe8, 1, 4, false, gic_pidr2_read, NULL, NULL},
};
#define DIST_ROWS (sizeof dist_regs / sizeof *dist_regs)

uint64_t gic_dist_access(struct gic *g, uint32_t offset, unsigned size, bool write, uint64_t value)
{
    if (!write) {
        return gic_reg_read(g, NULL, dist_regs, DIST_ROWS, offset, size);
    }
    gic_reg_write(g, NULL, dist_regs, DIST_ROWS, offset, size, value);
    return 0;
}

/* Leaves the caches of gic_pick.c to gic_reroute_all. */
void gic_dist_reset(struct gic *g)
{
    g->ctlr = 0;
    for (unsigned n = 1; n < GIC_BANKS; n++) {
        gic_bank_reset(&g->bank[n]);
    }
    for (unsigned intid = 0; intid < GIC_BANKS * 32; intid++) {
        g->router[intid] = 0;
    }
}

/* ---- the MSI frame
 * ---------------------------------------------------------------------------------- */

uint64_t gic_msi_access(struct gic *g, uint32_t offset, unsigned size, bool write, uint64_t value)
{
    const struct gic_config *c = &g->config;
    if (size != 4) {
        return 0;
    }
    if (write) {
        if (offset == MSI_SET_SPI_NSR && value - c->msi_intid < c->msi_count) {
            unsigned intid = (unsigned)value;
            g->bank[intid / 32].latch |= 1u << (intid % 32);
            gic_bank_changed(g, NULL, intid / 32, 1u << (intid % 32));
        }
        return 0;
    }
    switch (offset) {
    case MSI_TYPER: return c->msi_intid << 16 | c->msi_count;
    case MSI_IIDR: return GIC_IIDR;
    default: return 0;
    }
}

/* ---- restore family
 * --------------------------------------------------------------------------------- */

bool gic_get_dist_reg(struct gic *g, uint32_t offset, uint64_t *value)
{
    gic_lock(g);
    bool ok = gic_reg_get(g, NULL, dist_regs, DIST_ROWS, offset, value);
    gic_unlock(g);
    return ok;
}

bool gic_set_dist_reg(struct gic *g, uint32_t offset, uint64_t value)
{
    gic_lock(g);
    bool ok = gic_reg_set(g, NULL, dist_regs, DIST_ROWS, offset, value);
    gic_unlock(g);
    return ok;
}

bool gic_get_msi_reg(struct gic *g, uint32_t offset, uint64_t *value)
{
    if (!g->config.msi_count || (offset != MSI_TYPER && offset != MSI_SET_SPI_NSR)) {
        return false;
    }
    *value = gic_msi_access(g, offset, 4, false, 0);
    return true;
}

/* TYPER is fixed, and SET_SPI_NSR is a command without state to restore. */
bool gic_set_msi_reg(struct gic *g, uint32_t offset, uint64_t value)
{
    uint64_t unused;
    (void)value;
    return gic_get_msi_reg(g, offset, &unused);
}
