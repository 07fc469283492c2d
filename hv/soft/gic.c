/* SPDX-License-Identifier: MIT */
/*
 * The GIC as an object: its life, its vCPUs, the frames in guest physical memory, the input lines.
 * What the registers do is in gic_dist.c, gic_redist.c and gic_cpuif.c; which interrupt goes where
 * in gic_pick.c.
 */
#include "gic_model.h"

#include <stdlib.h>

void gic_lock(struct gic *g)
{
    pthread_mutex_lock(&g->lock);
}

/* The wake calls come after the lock is dropped: a callback takes the CPU's locks, whose holders
 * call here. */
void gic_unlock(struct gic *g)
{
    uint64_t wake = g->wake;
    g->wake = 0;
    pthread_mutex_unlock(&g->lock);
    for (; wake; wake &= wake - 1) {
        g->config.wake(g->config.ctx, (unsigned)__builtin_ctzll(wake));
    }
}

static void no_wake(void *ctx, unsigned vcpu)
{
    (void)ctx;
    (void)vcpu;
}

static bool msi_range_valid(const struct gic_config *c)
{
    return c->msi_count == 0 || (c->msi_base % GIC_MSI_SIZE == 0 && c->msi_intid >= GIC_SPI_BASE &&
                                 c->msi_count <= GIC_SPI_COUNT &&
                                 c->msi_intid - GIC_SPI_BASE <= GIC_SPI_COUNT - c->msi_count);
}

struct gic *gic_new(const struct gic_config *config)
{
    if (config->dist_base % GIC_DIST_SIZE || config->redist_base % 0x10000 ||
        !msi_range_valid(config)) {
        return NULL;
    }
    struct gic *g = calloc(1, sizeof *g);
    if (!g) {
        return NULL;
    }
    if (pthread_mutex_init(&g->lock, NULL)) {
        free(g);
        return NULL;
    }
    g->config = *config;
    if (!g->config.wake) {
        g->config.wake = no_wake;
    }
    gic_lock(g);
    for (unsigned n = 1; n < GIC_BANKS; n++) {
        g->bank[n].valid =
            n == GIC_BANKS - 1 ? 0x0fffffff : 0xffffffff; /* 1020..1023 are special */
        g->bank[n].config = g->bank[n].valid;
    }
    gic_dist_reset(g);
    gic_reroute_all(g);
    gic_unlock(g);
    return g;
}

void gic_free(struct gic *g)
{
    if (g) {
        pthread_mutex_destroy(&g->lock);
        free(g);
    }
}

/* ---- vCPUs
 * ------------------------------------------------------------------------------------------ */

static struct gic_vcpu *vcpu_at_frame(struct gic *g, unsigned frame)
{
    for (unsigned i = 0; i < GIC_MAX_VCPUS; i++) {
        if (g->vcpu[i].attached && g->vcpu[i].frame == frame) {
            return &g->vcpu[i];
        }
    }
    return NULL;
}

bool gic_vcpu_attach(struct gic *g, unsigned vcpu)
{
    gic_lock(g);
    struct gic_vcpu *v = vcpu < GIC_MAX_VCPUS ? &g->vcpu[vcpu] : NULL;
    bool ok = v && !v->attached;
    if (ok) {
        unsigned frame = 0;
        while (vcpu_at_frame(g, frame)) { /* ends: fewer vCPUs are attached than there are frames */
            frame++;
        }
        v->attached = true;
        v->affinity_set = false;
        v->affinity = 0;
        v->frame = (uint8_t)frame;
        if (frame >= atomic_load(&g->frames)) {
            atomic_store(&g->frames, frame + 1);
        }
        v->bank = (struct gic_bank){.valid = 0xffffffff};
        atomic_store(&v->ppi_lines, 0);
        gic_redist_reset(v);
        gic_cpuif_reset(v);
        gic_reroute_all(g);
    }
    gic_unlock(g);
    return ok;
}

void gic_vcpu_detach(struct gic *g, unsigned vcpu)
{
    gic_lock(g);
    g->vcpu[vcpu].attached = false;
    gic_reroute_all(g);
    gic_unlock(g);
}

void gic_vcpu_set_affinity(struct gic *g, unsigned vcpu, uint64_t mpidr)
{
    struct gic_vcpu *v = &g->vcpu[vcpu];
    gic_lock(g);
    v->affinity_set = true;
    if (v->affinity != (mpidr & GIC_AFFINITY_MASK)) {
        v->affinity = mpidr & GIC_AFFINITY_MASK;
        gic_reroute_all(g);
    }
    gic_unlock(g);
}

void gic_vcpu_reset(struct gic *g, unsigned vcpu)
{
    gic_lock(g);
    gic_cpuif_reset(&g->vcpu[vcpu]);
    gic_respread(g);
    gic_eval(g, &g->vcpu[vcpu]);
    gic_unlock(g);
}

bool gic_vcpu_redist_base(struct gic *g, unsigned vcpu, uint64_t *ipa)
{
    const struct gic_vcpu *v = &g->vcpu[vcpu];
    gic_lock(g);
    bool ok = v->attached && v->affinity_set;
    if (ok) {
        *ipa = g->config.redist_base + (uint64_t)v->frame * GIC_REDIST_SIZE;
    }
    gic_unlock(g);
    return ok;
}

void gic_reset(struct gic *g)
{
    gic_lock(g);
    gic_dist_reset(g);
    for (unsigned i = 0; i < GIC_MAX_VCPUS; i++) {
        if (g->vcpu[i].attached) {
            gic_redist_reset(&g->vcpu[i]);
        }
    }
    gic_reroute_all(g);
    gic_unlock(g);
}

/* ---- frames in guest memory
 * ------------------------------------------------------------------------- */

/* Monitors put devices where more redistributors would be: only those that are there count. */
bool gic_claims(const struct gic *g, uint64_t ipa)
{
    uint64_t redists = atomic_load_explicit(&g->frames, memory_order_acquire) * GIC_REDIST_SIZE;
    return ipa - g->config.dist_base < GIC_DIST_SIZE || ipa - g->config.redist_base < redists ||
           (g->config.msi_count && ipa - g->config.msi_base < GIC_MSI_SIZE);
}

bool gic_mmio(struct gic *g, uint64_t ipa, unsigned size, bool write, uint64_t *value,
              unsigned vcpu)
{
    (void)vcpu; /* with affinity routing no memory-mapped register is banked by the one who asks */
    uint64_t dist = ipa - g->config.dist_base, redist = ipa - g->config.redist_base;
    uint64_t msi = g->config.msi_count ? ipa - g->config.msi_base : UINT64_MAX;
    bool found = true;
    uint64_t in = size < 8 && write ? *value & ((1ull << (size * 8)) - 1) : *value, out = 0;

    if (!gic_claims(g, ipa)) {
        return false;
    }
    gic_lock(g);
    if (dist < GIC_DIST_SIZE) {
        out = gic_dist_access(g, (uint32_t)dist, size, write, in);
    } else if (msi < GIC_MSI_SIZE) {
        out = gic_msi_access(g, (uint32_t)msi, size, write, in);
    } else {
        struct gic_vcpu *v = vcpu_at_frame(g, (unsigned)(redist / GIC_REDIST_SIZE));
        found = v != NULL;
        if (found) {
            out = gic_redist_access(g, v, (uint32_t)(redist % GIC_REDIST_SIZE), size, write, in);
        }
    }
    gic_unlock(g);
    if (found && !write) {
        *value = out;
    }
    return found;
}

/* ---- input lines
 * ------------------------------------------------------------------------------------ */

static bool is_spi(unsigned intid)
{
    return intid - GIC_SPI_BASE < GIC_SPI_COUNT;
}

bool gic_set_spi(struct gic *g, unsigned intid, bool level)
{
    if (!is_spi(intid)) {
        return false;
    }
    struct gic_bank *b = &g->bank[intid / 32];
    uint32_t bit = 1u << (intid % 32);
    gic_lock(g);
    b->line = level ? b->line | bit : b->line & ~bit;
    if (level) {
        b->latch |= b->edge & bit;
    }
    gic_bank_changed(g, NULL, intid / 32, bit);
    gic_unlock(g);
    return true;
}

bool gic_send_msi(struct gic *g, unsigned intid)
{
    if (!is_spi(intid)) {
        return false;
    }
    gic_lock(g);
    g->bank[intid / 32].latch |= 1u << (intid % 32);
    gic_bank_changed(g, NULL, intid / 32, 1u << (intid % 32));
    gic_unlock(g);
    return true;
}

/* ppi_lines is written with the lock held and nearly always by the owner, which may therefore
 * compare with it first: a timer that stays low must not cost a lock at every look. */
void gic_set_ppi(struct gic *g, unsigned vcpu, unsigned intid, bool level)
{
    struct gic_vcpu *v = &g->vcpu[vcpu];
    uint32_t bit = 1u << (intid % 32);
    uint32_t now = atomic_load_explicit(&v->ppi_lines, memory_order_relaxed);
    if (((now & bit) != 0) == level || intid < 16 || intid > 31) {
        return;
    }
    gic_lock(g);
    v->bank.line = level ? v->bank.line | bit : v->bank.line & ~bit;
    atomic_store_explicit(&v->ppi_lines, v->bank.line, memory_order_relaxed);
    gic_bank_changed(g, v, 0, bit);
    gic_unlock(g);
}

const _Atomic uint32_t *gic_lines_of(const struct gic *g, unsigned vcpu)
{
    return &g->vcpu[vcpu].lines;
}

unsigned gic_lines(const struct gic *g, unsigned vcpu)
{
    return atomic_load_explicit(gic_lines_of(g, vcpu), memory_order_acquire);
}
