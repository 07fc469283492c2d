/* SPDX-License-Identifier: MIT */
/*
 * Save and restore of the GIC's state (gic_blob.h). Restoring reads and checks everything into a
 * copy first, so that a refused blob changes nothing. Values are checked against what the registers
 * can hold.
 */
#include "gic_blob.h"
#include "gic_model.h"

#include <stdlib.h>
#include <string.h>

/* What a blob holds, before it is believed. */
struct image {
    uint32_t ctlr;
    struct gic_bank bank[GIC_BANKS];
    uint64_t router[GIC_BANKS * 32];
    struct gic_bank private_bank[GIC_MAX_VCPUS]; /* by frame */
    uint32_t waker[GIC_MAX_VCPUS];
};

/* vCPUs in the order of their frames; the count is returned. */
static unsigned by_frame(struct gic *g, struct gic_vcpu *list[GIC_MAX_VCPUS])
{
    unsigned count = 0;
    for (unsigned frame = 0; frame < GIC_MAX_VCPUS; frame++) {
        for (unsigned i = 0; i < GIC_MAX_VCPUS; i++) {
            if (g->vcpu[i].attached && g->vcpu[i].frame == frame) {
                list[count++] = &g->vcpu[i];
            }
        }
    }
    return count;
}

/* ---- writing ---- */

static void put_bank(uint8_t **p, const struct gic_bank *b)
{
    struct gic_blob_bank out = {
        .group = b->group,
        .enable = b->enable,
        .latch = b->latch,
        .line = b->line,
        .active = b->active,
        .edge = b->edge,
    };
    memcpy(out.prio, b->prio, sizeof out.prio);
    gic_blob_put_bank(p, &out);
}

static void put_all(struct gic *g, uint8_t *start, struct gic_vcpu *const *list, unsigned vcpus)
{
    uint8_t *p = start;
    gic_blob_put_header(&p, vcpus);
    gic_blob_put_record(&p, GIC_BLOB_DIST, 0);
    gic_blob_put(&p, g->ctlr, 4);
    for (unsigned n = 1; n < GIC_BANKS; n++) {
        gic_blob_put_record(&p, GIC_BLOB_SPI, n);
        put_bank(&p, &g->bank[n]);
        for (unsigned i = 0; i < 32; i++) {
            gic_blob_put(&p, g->router[n * 32 + i], 8);
        }
    }
    for (unsigned i = 0; i < vcpus; i++) {
        gic_blob_put_record(&p, GIC_BLOB_REDIST, list[i]->frame);
        gic_blob_put(&p, list[i]->affinity, 8);
        gic_blob_put(&p, list[i]->waker, 4);
        gic_blob_put(&p, 0, 4);
        put_bank(&p, &list[i]->bank);
    }
    gic_blob_put_trailer(&p, start);
}

bool gic_state_save(struct gic *g, void *buf, size_t *size)
{
    struct gic_vcpu *list[GIC_MAX_VCPUS];
    gic_lock(g);
    unsigned vcpus = by_frame(g, list);
    size_t need = gic_blob_size(vcpus);
    bool ok = !buf || *size >= need;
    if (buf && ok) {
        put_all(g, buf, list, vcpus);
    }
    gic_unlock(g);
    *size = need;
    return ok;
}

/* ---- reading ---- */

static bool get_bank(const uint8_t **p, const struct gic_bank *like, struct gic_bank *b)
{
    b->valid = like->valid;
    b->config = like->config;
    struct gic_blob_bank in;
    gic_blob_get_bank(p, &in);
    b->group = in.group;
    b->enable = in.enable;
    b->latch = in.latch;
    b->line = in.line;
    b->active = in.active;
    b->edge = in.edge;
    memcpy(b->prio, in.prio, sizeof b->prio);

    bool ok = ((b->group | b->enable | b->latch | b->line | b->active) & ~b->valid) == 0 &&
              ((b->edge ^ like->edge) & ~b->config) == 0;
    for (unsigned i = 0; i < 32; i++) {
        ok &= (b->prio[i] & ~(b->valid >> i & 1 ? GIC_PRIO_MASK : 0)) == 0;
    }
    return ok;
}

static bool get_dist(struct gic *g, const uint8_t **p, struct image *im)
{
    bool ok = gic_blob_get_record(p, GIC_BLOB_DIST, 0);
    im->ctlr = (uint32_t)gic_blob_get(p, 4);
    ok &= (im->ctlr & ~GICD_CTLR_ENABLES) == 0;
    for (unsigned n = 1; n < GIC_BANKS; n++) {
        ok &= gic_blob_get_record(p, GIC_BLOB_SPI, n);
        ok &= get_bank(p, &g->bank[n], &im->bank[n]);
        for (unsigned i = 0; i < 32; i++) {
            bool valid = g->bank[n].valid >> i & 1;
            uint64_t router = im->router[n * 32 + i] = gic_blob_get(p, 8);
            ok &= (router & ~(valid ? GIC_AFFINITY_MASK | GICD_IROUTER_IRM : 0)) == 0;
        }
    }
    return ok;
}

static bool get_redist(const uint8_t **p, const struct gic_vcpu *v, struct image *im)
{
    bool ok = gic_blob_get_record(p, GIC_BLOB_REDIST, v->frame);
    ok &= gic_blob_get(p, 8) == v->affinity;
    uint32_t waker = im->waker[v->frame] = (uint32_t)gic_blob_get(p, 4);
    ok &= waker == 0 || waker == (GICR_WAKER_SLEEP | GICR_WAKER_ASLEEP);
    ok &= gic_blob_get(p, 4) == 0;
    return get_bank(p, &v->bank, &im->private_bank[v->frame]) & ok;
}

static bool get_all(struct gic *g, const uint8_t *start, size_t size, struct gic_vcpu *const *list,
                    unsigned vcpus, struct image *im)
{
    const uint8_t *p = start;
    if (!gic_blob_get_header(&p, size, vcpus))
        return false;
    bool ok = get_dist(g, &p, im);
    for (unsigned i = 0; i < vcpus; i++) {
        ok &= get_redist(&p, list[i], im);
    }
    return gic_blob_get_trailer(&p, start) & ok;
}

static void adopt(struct gic *g, struct gic_vcpu *const *list, unsigned vcpus,
                  const struct image *im)
{
    g->ctlr = im->ctlr;
    for (unsigned n = 1; n < GIC_BANKS; n++) {
        g->bank[n] = im->bank[n];
    }
    memcpy(g->router, im->router, sizeof g->router);
    for (unsigned i = 0; i < vcpus; i++) {
        struct gic_vcpu *v = list[i];
        v->bank = im->private_bank[v->frame];
        v->waker = im->waker[v->frame];
        atomic_store(&v->ppi_lines, v->bank.line);
    }
    gic_reroute_all(g);
}

bool gic_state_restore(struct gic *g, const void *buf, size_t size)
{
    struct gic_vcpu *list[GIC_MAX_VCPUS];
    struct image *im = calloc(1, sizeof *im);
    if (!im) {
        return false;
    }
    gic_lock(g);
    unsigned vcpus = by_frame(g, list);
    bool ok = get_all(g, buf, size, list, vcpus, im);
    if (ok) {
        adopt(g, list, vcpus, im);
    }
    gic_unlock(g);
    free(im);
    return ok;
}
