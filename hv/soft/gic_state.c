/* SPDX-License-Identifier: MIT */
/*
 * The GIC's state as bytes: a header, one record per piece in a fixed order, a checksum; little
 * endian.
 *
 *   header   "TVMGICv3"  u32 version  u32 length of everything  u32 vCPUs  u32 0
 *   record   u16 tag  u16 instance  u32 length  payload
 *            1 distributor: u32 CTLR
 *            2 SPI bank 1..31: group enable latch line active edge (u32 each), 32 priorities, 32
 * IROUTERs (u64) 3 redistributor, instance = frame: u64 affinity, u32 WAKER, u32 0, the private
 * bank as above without routers trailer  u64 FNV-1a of all bytes before it
 *
 * Restoring reads and checks everything into a copy first, so that a refused blob changes nothing.
 * Values are checked against what the registers can hold: the checksum finds accidents, not malice.
 */
#include "gic_model.h"

#include <stdlib.h>
#include <string.h>

enum { TAG_DIST = 1, TAG_SPI = 2, TAG_REDIST = 3 };

#define STATE_VERSION  1u
#define HEADER_SIZE    24u
#define RECORD_SIZE    8u
#define TRAILER_SIZE   8u
#define BANK_SIZE      (6u * 4 + 32)
#define DIST_PAYLOAD   4u
#define SPI_PAYLOAD    (BANK_SIZE + 32u * 8)
#define REDIST_PAYLOAD (16u + BANK_SIZE)

static const uint8_t magic[8] = {'T', 'V', 'M', 'G', 'I', 'C', 'v', '3'};

/* What a blob holds, before it is believed. */
struct image {
    uint32_t ctlr;
    struct gic_bank bank[GIC_BANKS];
    uint64_t router[GIC_BANKS * 32];
    struct gic_bank private_bank[GIC_MAX_VCPUS]; /* by frame */
    uint32_t waker[GIC_MAX_VCPUS];
};

static uint64_t fnv1a(const uint8_t *p, size_t size)
{
    uint64_t h = 0xcbf29ce484222325ull;
    for (size_t i = 0; i < size; i++) {
        h = (h ^ p[i]) * 0x100000001b3ull;
    }
    return h;
}

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

static size_t state_size(unsigned vcpus)
{
    return HEADER_SIZE + RECORD_SIZE + DIST_PAYLOAD +
           (GIC_BANKS - 1) * (RECORD_SIZE + SPI_PAYLOAD) + vcpus * (RECORD_SIZE + REDIST_PAYLOAD) +
           TRAILER_SIZE;
}

/* ---- writing
 * ---------------------------------------------------------------------------------------- */

static void put(uint8_t **p, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        *(*p)++ = (uint8_t)(value >> (i * 8));
    }
}

static void put_record(uint8_t **p, unsigned tag, unsigned instance, size_t length)
{
    put(p, tag, 2);
    put(p, instance, 2);
    put(p, length, 4);
}

static void put_bank(uint8_t **p, const struct gic_bank *b)
{
    put(p, b->group, 4);
    put(p, b->enable, 4);
    put(p, b->latch, 4);
    put(p, b->line, 4);
    put(p, b->active, 4);
    put(p, b->edge, 4);
    memcpy(*p, b->prio, sizeof b->prio);
    *p += sizeof b->prio;
}

static void put_all(struct gic *g, uint8_t *start, struct gic_vcpu *const *list, unsigned vcpus)
{
    uint8_t *p = start;
    memcpy(p, magic, sizeof magic);
    p += sizeof magic;
    put(&p, STATE_VERSION, 4);
    put(&p, state_size(vcpus), 4);
    put(&p, vcpus, 4);
    put(&p, 0, 4);

    put_record(&p, TAG_DIST, 0, DIST_PAYLOAD);
    put(&p, g->ctlr, 4);
    for (unsigned n = 1; n < GIC_BANKS; n++) {
        put_record(&p, TAG_SPI, n, SPI_PAYLOAD);
        put_bank(&p, &g->bank[n]);
        for (unsigned i = 0; i < 32; i++) {
            put(&p, g->router[n * 32 + i], 8);
        }
    }
    for (unsigned i = 0; i < vcpus; i++) {
        put_record(&p, TAG_REDIST, list[i]->frame, REDIST_PAYLOAD);
        put(&p, list[i]->affinity, 8);
        put(&p, list[i]->waker, 4);
        put(&p, 0, 4);
        put_bank(&p, &list[i]->bank);
    }
    put(&p, fnv1a(start, (size_t)(p - start)), 8);
}

bool gic_state_save(struct gic *g, void *buf, size_t *size)
{
    struct gic_vcpu *list[GIC_MAX_VCPUS];
    gic_lock(g);
    unsigned vcpus = by_frame(g, list);
    size_t need = state_size(vcpus);
    bool ok = !buf || *size >= need;
    if (buf && ok) {
        put_all(g, buf, list, vcpus);
    }
    gic_unlock(g);
    *size = need;
    return ok;
}

/* ---- reading
 * ---------------------------------------------------------------------------------------- */

/* The size was checked to be exactly state_size(), and every step below takes a fixed number of
 * bytes: no read can pass the end. */
static uint64_t get(const uint8_t **p, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++) {
        value |= (uint64_t) * (*p)++ << (i * 8);
    }
    return value;
}

static bool get_record(const uint8_t **p, unsigned tag, unsigned instance, size_t length)
{
    bool ok = get(p, 2) == tag;
    ok &= get(p, 2) == instance;
    return (get(p, 4) == length) & ok;
}

static bool get_bank(const uint8_t **p, const struct gic_bank *like, struct gic_bank *b)
{
    b->valid = like->valid;
    b->config = like->config;
    b->group = (uint32_t)get(p, 4);
    b->enable = (uint32_t)get(p, 4);
    b->latch = (uint32_t)get(p, 4);
    b->line = (uint32_t)get(p, 4);
    b->active = (uint32_t)get(p, 4);
    b->edge = (uint32_t)get(p, 4);
    memcpy(b->prio, *p, sizeof b->prio);
    *p += sizeof b->prio;

    bool ok = ((b->group | b->enable | b->latch | b->line | b->active) & ~b->valid) == 0 &&
              ((b->edge ^ like->edge) & ~b->config) == 0;
    for (unsigned i = 0; i < 32; i++) {
        ok &= (b->prio[i] & ~(b->valid >> i & 1 ? GIC_PRIO_MASK : 0)) == 0;
    }
    return ok;
}

static bool get_dist(struct gic *g, const uint8_t **p, struct image *im)
{
    bool ok = get_record(p, TAG_DIST, 0, DIST_PAYLOAD);
    im->ctlr = (uint32_t)get(p, 4);
    ok &= (im->ctlr & ~GICD_CTLR_ENABLES) == 0;
    for (unsigned n = 1; n < GIC_BANKS; n++) {
        ok &= get_record(p, TAG_SPI, n, SPI_PAYLOAD);
        ok &= get_bank(p, &g->bank[n], &im->bank[n]);
        for (unsigned i = 0; i < 32; i++) {
            bool valid = g->bank[n].valid >> i & 1;
            uint64_t router = im->router[n * 32 + i] = get(p, 8);
            ok &= (router & ~(valid ? GIC_AFFINITY_MASK | GICD_IROUTER_IRM : 0)) == 0;
        }
    }
    return ok;
}

static bool get_redist(const uint8_t **p, const struct gic_vcpu *v, struct image *im)
{
    bool ok = get_record(p, TAG_REDIST, v->frame, REDIST_PAYLOAD);
    ok &= get(p, 8) == v->affinity;
    uint32_t waker = im->waker[v->frame] = (uint32_t)get(p, 4);
    ok &= waker == 0 || waker == (GICR_WAKER_SLEEP | GICR_WAKER_ASLEEP);
    ok &= get(p, 4) == 0;
    return get_bank(p, &v->bank, &im->private_bank[v->frame]) & ok;
}

static bool get_all(struct gic *g, const uint8_t *start, size_t size, struct gic_vcpu *const *list,
                    unsigned vcpus, struct image *im)
{
    const uint8_t *p = start;
    if (size != state_size(vcpus) || memcmp(p, magic, sizeof magic)) {
        return false;
    }
    p += sizeof magic;
    bool ok = get(&p, 4) == STATE_VERSION;
    ok &= get(&p, 4) == size;
    ok &= get(&p, 4) == vcpus;
    ok &= get(&p, 4) == 0;
    ok &= get_dist(g, &p, im);
    for (unsigned i = 0; i < vcpus; i++) {
        ok &= get_redist(&p, list[i], im);
    }
    uint64_t sum = fnv1a(start, (size_t)(p - start));
    return (get(&p, 8) == sum) & ok;
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
