/* SPDX-License-Identifier: MIT */
/*
 * Save, restore and reset of the in-kernel GIC, as gic_blob.h has it.
 *
 * A blob is read and checked as a whole before anything is changed. The VM is stopped: the kernel
 * refuses these accesses while a vCPU runs. Any thread.
 */
#include "gic_blob.h"
#include "kvm/kvm.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BANKS         GIC_BLOB_BANKS
#define LIVE_BANKS    (KVM_GIC_IRQS / 32) /* what KVM has; the rest is 0 and ignored */

#define CTLR_ENABLES  3u
#define AFFINITY_MASK 0xff00ffffffull
#define FRAME_SGI     0x10000u

struct image {
    uint32_t ctlr;
    struct gic_blob_bank bank[BANKS]; /* [0] is not used */
    uint64_t router[BANKS * 32];
    struct gic_blob_bank private_bank[MAX_VCPUS]; /* by vCPU index */
};

static const struct hvi_vcpu *live(unsigned index)
{
    const struct hvi_vcpu *v = index < MAX_VCPUS ? atomic_load(&kvm_vm.vcpu[index]) : NULL;
    return v && v->live ? v : NULL;
}

static unsigned live_vcpus(void)
{
    unsigned count = 0;
    for (unsigned i = 0; i < MAX_VCPUS; i++)
        count += live(i) != NULL;
    return count;
}

/* ---- between KVM and the image --------------------------------------------------------------- */

/* A register of bank n: the distributor's, or a vCPU's private one, which lies at the same offset
 * of the redistributor's second frame. `words` of a bank per register. */
static int word(unsigned long request, const struct hvi_vcpu *v, unsigned n, uint32_t offset,
                unsigned words, unsigned i, uint32_t *value)
{
    uint32_t at = offset + 4 * (n * words + i);
    return v ? kvm_gic_redist_word(request, v, FRAME_SGI + at, value)
             : kvm_gic_dist_word(request, at, value);
}

/* Bits 2k+1 of the two ICFGR words, for interrupt k, and back. */
static uint32_t edges(const uint32_t icfgr[2])
{
    uint32_t edge = 0;
    for (unsigned i = 0; i < 32; i++)
        edge |= (icfgr[i / 16] >> (i % 16 * 2 + 1) & 1) << i;
    return edge;
}

static uint32_t icfgr_word(uint32_t edge, unsigned half)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < 16; i++)
        value |= (edge >> (half * 16 + i) & 1) << (2 * i + 1);
    return value;
}

static int read_bank(const struct hvi_vcpu *v, unsigned n, struct gic_blob_bank *b)
{
    const unsigned long get = KVM_GET_DEVICE_ATTR;
    uint32_t icfgr[2] = {0}, prio[8] = {0};
    int failed =
        word(get, v, n, 0x080, 1, 0, &b->group) | word(get, v, n, 0x100, 1, 0, &b->enable) |
        word(get, v, n, 0x200, 1, 0, &b->latch) | word(get, v, n, 0x300, 1, 0, &b->active) |
        kvm_gic_level_word(get, v, 32 * n, &b->line);
    for (unsigned i = 0; i < 2; i++)
        failed |= word(get, v, n, 0xc00, 2, i, &icfgr[i]);
    for (unsigned i = 0; i < 8; i++)
        failed |= word(get, v, n, 0x400, 8, i, &prio[i]);
    b->edge = edges(icfgr);
    memcpy(b->prio, prio, sizeof b->prio); /* both little-endian: arm64 Linux is */
    return failed;
}

/* Configuration, then state, then the enables. Enable and active bits are set by one register and
 * cleared by another, 0x80 above it. */
static int write_bank(const struct hvi_vcpu *v, unsigned n, const struct gic_blob_bank *b)
{
    const unsigned long set = KVM_SET_DEVICE_ATTR;
    struct gic_blob_bank c = *b;
    uint32_t all = ~0u, icfgr, prio[8];
    int failed = word(set, v, n, 0x180, 1, 0, &all) | word(set, v, n, 0x380, 1, 0, &all) |
                 word(set, v, n, 0x080, 1, 0, &c.group);
    memcpy(prio, b->prio, sizeof prio);
    for (unsigned i = 0; i < 2; i++) {
        icfgr = icfgr_word(b->edge, i);
        failed |= word(set, v, n, 0xc00, 2, i, &icfgr);
    }
    for (unsigned i = 0; i < 8; i++)
        failed |= word(set, v, n, 0x400, 8, i, &prio[i]);
    return failed | kvm_gic_level_word(set, v, 32 * n, &c.line) |
           word(set, v, n, 0x200, 1, 0, &c.latch) | word(set, v, n, 0x300, 1, 0, &c.active) |
           word(set, v, n, 0x100, 1, 0, &c.enable);
}

static int do_router(unsigned long request, unsigned intid, uint64_t *router)
{
    uint32_t low = (uint32_t)*router, high = (uint32_t)(*router >> 32);
    int failed = kvm_gic_dist_word(request, 0x6000 + 8 * intid, &low) |
                 kvm_gic_dist_word(request, 0x6004 + 8 * intid, &high);
    *router = (uint64_t)high << 32 | low;
    return failed;
}

static int read_all(struct image *im)
{
    int failed = kvm_gic_dist_word(KVM_GET_DEVICE_ATTR, 0, &im->ctlr);
    im->ctlr &= CTLR_ENABLES;
    for (unsigned n = 1; n < LIVE_BANKS; n++)
        failed |= read_bank(NULL, n, &im->bank[n]);
    for (unsigned intid = 32; intid < KVM_GIC_IRQS; intid++)
        failed |= do_router(KVM_GET_DEVICE_ATTR, intid, &im->router[intid]);
    for (unsigned i = 0; i < MAX_VCPUS; i++)
        if (live(i))
            failed |= read_bank(live(i), 0, &im->private_bank[i]);
    return failed;
}

/* The distributor's enables come first: KVM queues an interrupt for its vCPU when it becomes
 * pending or enabled, and not when the distributor is switched on over it. */
static int write_all(struct image *im)
{
    int failed = kvm_gic_dist_word(KVM_SET_DEVICE_ATTR, 0, &im->ctlr);
    for (unsigned intid = 32; intid < KVM_GIC_IRQS; intid++)
        failed |= do_router(KVM_SET_DEVICE_ATTR, intid, &im->router[intid]);
    for (unsigned n = 1; n < LIVE_BANKS; n++)
        failed |= write_bank(NULL, n, &im->bank[n]);
    for (unsigned i = 0; i < MAX_VCPUS; i++)
        if (live(i))
            failed |= write_bank(live(i), 0, &im->private_bank[i]);
    return failed;
}

/* ---- between the image and the blob ---------------------------------------------------------- */

static void encode(const struct image *im, uint8_t *start)
{
    uint8_t *p = start;
    gic_blob_put_header(&p, live_vcpus());
    gic_blob_put_record(&p, GIC_BLOB_DIST, 0);
    gic_blob_put(&p, im->ctlr, 4);
    for (unsigned n = 1; n < BANKS; n++) {
        gic_blob_put_record(&p, GIC_BLOB_SPI, n);
        gic_blob_put_bank(&p, &im->bank[n]);
        for (unsigned i = 0; i < 32; i++)
            gic_blob_put(&p, im->router[n * 32 + i], 8);
    }
    for (unsigned i = 0; i < MAX_VCPUS; i++) {
        if (!live(i))
            continue;
        gic_blob_put_record(&p, GIC_BLOB_REDIST, i);
        gic_blob_put(&p, live(i)->mpidr & AFFINITY_MASK, 8);
        gic_blob_put(&p, 0, 8); /* WAKER: KVM has none; awake */
        gic_blob_put_bank(&p, &im->private_bank[i]);
    }
    gic_blob_put_trailer(&p, start);
}

/* What registers cannot hold the kernel drops. */
static bool decode(struct image *im, const uint8_t *start, size_t size)
{
    const uint8_t *p = start;
    if (!gic_blob_get_header(&p, size, live_vcpus()))
        return false;
    bool ok = gic_blob_get_record(&p, GIC_BLOB_DIST, 0);
    im->ctlr = (uint32_t)gic_blob_get(&p, 4);
    ok &= !(im->ctlr & ~CTLR_ENABLES);
    for (unsigned n = 1; n < BANKS; n++) {
        ok &= gic_blob_get_record(&p, GIC_BLOB_SPI, n);
        gic_blob_get_bank(&p, &im->bank[n]);
        for (unsigned i = 0; i < 32; i++)
            im->router[n * 32 + i] = gic_blob_get(&p, 8);
    }
    for (unsigned i = 0; i < MAX_VCPUS; i++) {
        if (!live(i))
            continue;
        ok &= gic_blob_get_record(&p, GIC_BLOB_REDIST, i);
        ok &= gic_blob_get(&p, 8) == (live(i)->mpidr & AFFINITY_MASK);
        gic_blob_get(&p, 8);
        gic_blob_get_bank(&p, &im->private_bank[i]);
    }
    return gic_blob_get_trailer(&p, start) & ok;
}

/* ---- the operations -------------------------------------------------------------------------- */

hv_return_t kvm_gic_state_save(void *buf, size_t *size)
{
    size_t need = gic_blob_size(live_vcpus());
    if (!buf || *size < need) {
        *size = need;
        return buf ? HV_BAD_ARGUMENT : HV_SUCCESS;
    }
    struct image *im = calloc(1, sizeof *im);
    if (!im)
        return HV_NO_RESOURCES;
    hv_return_t result = kvm_gic_start();
    if (result == HV_SUCCESS && read_all(im))
        result = kvm_fail(kvm_error(errno, HV_ERROR), "cannot read the GIC's state", errno);
    if (result == HV_SUCCESS)
        encode(im, buf);
    *size = need;
    free(im);
    return result;
}

static hv_return_t store(struct image *im)
{
    hv_return_t result = kvm_gic_start();
    if (result == HV_SUCCESS && write_all(im))
        result = kvm_fail(kvm_error(errno, HV_ERROR), "cannot write the GIC's state", errno);
    return result;
}

hv_return_t kvm_gic_state_restore(const void *buf, size_t size)
{
    struct image *im = calloc(1, sizeof *im);
    if (!im)
        return HV_NO_RESOURCES;
    hv_return_t result = decode(im, buf, size) ? store(im) : HV_BAD_ARGUMENT;
    free(im);
    return result;
}

/* KVM has no reset: store the state that it starts with. */
hv_return_t kvm_gic_reset(void)
{
    struct image *im = calloc(1, sizeof *im);
    if (!im)
        return HV_NO_RESOURCES;
    for (unsigned n = 1; n < BANKS; n++)
        im->bank[n].group = ~0u;
    for (unsigned i = 0; i < MAX_VCPUS; i++) {
        im->private_bank[i].group = ~0u;
        im->private_bank[i].edge = 0xffff; /* software-generated interrupts */
    }
    hv_return_t result = store(im);
    free(im);
    return result;
}
