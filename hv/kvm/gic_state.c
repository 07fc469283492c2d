/* SPDX-License-Identifier: MIT */
/*
 * Save, restore and reset of the in-kernel GIC, in the form of hv/gic_state.h. The VM is stopped:
 * the kernel refuses these accesses while a vCPU runs. Any thread.
 */
#include "kvm/kvm.h"
#include "gic_state.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Where a pass over the blob stands. */
struct pass {
    unsigned long request; /* KVM_GET_DEVICE_ATTR or KVM_SET_DEVICE_ATTR */
    uint32_t *word;
    const struct hvi_vcpu *v; /* NULL: distributor */
};

static bool present(const struct gic_state_range *range, uint32_t i)
{
    uint32_t intid = range->per_word    ? range->first + i * range->per_word
                     : range->words > 1 ? range->first + i / 2 /* IROUTER */
                                        : 0;
    return intid < KVM_GIC_IRQS;
}

static int one_word(const struct pass *p, uint32_t offset, uint32_t *word)
{
    return p->v ? kvm_gic_redist_word(p->request, p->v, offset, word)
                : kvm_gic_dist_word(p->request, offset, word);
}

/* ISENABLER only sets; so clear with ICENABLER, 0x80 above it, first. */
static int enable_word(const struct pass *p, uint32_t offset)
{
    uint32_t all = ~0u;
    return one_word(p, offset + 0x80, &all) < 0 ? -1 : one_word(p, offset, p->word);
}

static int do_range(struct pass *p, const struct gic_state_range *range)
{
    uint32_t frame = p->v ? range->offset - 0x10000 : range->offset;
    bool enables = frame >= 0x100 && frame < 0x180;
    for (uint32_t i = 0; i < range->words; i++, p->word++) {
        uint32_t offset = range->offset + 4 * i;
        if (p->request == KVM_GET_DEVICE_ATTR)
            *p->word = 0;
        if (!present(range, i))
            continue;
        int failed = enables && p->request == KVM_SET_DEVICE_ATTR ? enable_word(p, offset)
                                                                  : one_word(p, offset, p->word);
        if (failed)
            return -1;
    }
    return 0;
}

static int do_ranges(struct pass *p, const struct gic_state_range *range, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (do_range(p, &range[i]) < 0)
            return -1;
    return 0;
}

/* Line levels of `words` times 32 interrupts from first on. */
static int do_levels(struct pass *p, uint32_t first, uint32_t words)
{
    for (uint32_t i = 0; i < words; i++, p->word++) {
        if (p->request == KVM_GET_DEVICE_ATTR)
            *p->word = 0;
        if (first + 32 * i < KVM_GIC_IRQS &&
            kvm_gic_level_word(p->request, p->v, first + 32 * i, p->word) < 0)
            return -1;
    }
    return 0;
}

static uint32_t live_vcpus(void)
{
    uint32_t count = 0;
    for (unsigned i = 0; i < MAX_VCPUS; i++) {
        const struct hvi_vcpu *v = atomic_load(&kvm_vm.vcpu[i]);
        count += v && v->live;
    }
    return count;
}

/* Any live vCPU will do for the registers that all share: KVM wants one for the line levels. */
static int do_all(unsigned long request, uint32_t *blob)
{
    struct pass p = {.request = request, .word = blob + GIC_STATE_HEADER_WORDS};
    if (do_ranges(&p, gic_state_dist, GIC_STATE_DIST_RANGES) < 0 ||
        do_levels(&p, 32, GIC_STATE_LEVEL_WORDS) < 0)
        return -1;
    for (unsigned i = 0; i < MAX_VCPUS; i++) {
        const struct hvi_vcpu *v = atomic_load(&kvm_vm.vcpu[i]);
        if (!v || !v->live)
            continue;
        p.v = v;
        p.word += 2; /* the affinity: written and checked by the callers */
        if (do_ranges(&p, gic_state_redist, GIC_STATE_REDIST_RANGES) < 0 || do_levels(&p, 0, 1) < 0)
            return -1;
    }
    return 0;
}

/* Call visit with each vCPU's affinity words. False if one of the visits says so. */
static bool each_affinity(uint32_t *blob, bool (*visit)(uint32_t *words, uint64_t mpidr))
{
    uint32_t *word = blob + gic_state_words(0);
    for (unsigned i = 0; i < MAX_VCPUS; i++) {
        const struct hvi_vcpu *v = atomic_load(&kvm_vm.vcpu[i]);
        if (!v || !v->live)
            continue;
        if (!visit(word, v->mpidr & 0xff00ffffffull))
            return false;
        word += gic_state_words(1) - gic_state_words(0);
    }
    return true;
}

static bool write_affinity(uint32_t *words, uint64_t mpidr)
{
    words[0] = (uint32_t)mpidr;
    words[1] = (uint32_t)(mpidr >> 32);
    return true;
}

static bool same_affinity(uint32_t *words, uint64_t mpidr)
{
    return words[0] == (uint32_t)mpidr && words[1] == (uint32_t)(mpidr >> 32);
}

static void write_header(uint32_t *blob)
{
    blob[0] = GIC_STATE_MAGIC0;
    blob[1] = GIC_STATE_MAGIC1;
    blob[2] = GIC_STATE_VERSION;
    blob[3] = live_vcpus();
    each_affinity(blob, write_affinity);
}

/* Work on an aligned copy: the client's buffer may stand anywhere. */
hv_return_t kvm_gic_state_save(void *buf, size_t *size)
{
    size_t needed = 4 * (size_t)gic_state_words(live_vcpus());
    if (!buf) {
        *size = needed;
        return HV_SUCCESS;
    }
    if (*size < needed)
        return HV_BAD_ARGUMENT;
    uint32_t *blob = calloc(1, needed);
    if (!blob)
        return HV_NO_RESOURCES;
    write_header(blob);
    hv_return_t result = kvm_gic_start();
    if (result == HV_SUCCESS && do_all(KVM_GET_DEVICE_ATTR, blob) < 0)
        result = kvm_fail(kvm_error(errno, HV_ERROR), "cannot read the GIC's state", errno);
    if (result == HV_SUCCESS) {
        memcpy(buf, blob, needed);
        *size = needed;
    }
    free(blob);
    return result;
}

static bool good_blob(uint32_t *blob, size_t size)
{
    return size == 4 * (size_t)gic_state_words(live_vcpus()) && blob[0] == GIC_STATE_MAGIC0 &&
           blob[1] == GIC_STATE_MAGIC1 && blob[2] == GIC_STATE_VERSION && blob[3] == live_vcpus() &&
           each_affinity(blob, same_affinity);
}

hv_return_t kvm_gic_state_restore(const void *buf, size_t size)
{
    if (size < 4 * GIC_STATE_HEADER_WORDS || size > 4 * (size_t)gic_state_words(MAX_VCPUS))
        return HV_BAD_ARGUMENT;
    uint32_t *blob = malloc(size);
    if (!blob)
        return HV_NO_RESOURCES;
    memcpy(blob, buf, size);
    hv_return_t result = good_blob(blob, size) ? kvm_gic_start() : HV_BAD_ARGUMENT;
    if (result == HV_SUCCESS && do_all(KVM_SET_DEVICE_ATTR, blob) < 0)
        result = kvm_fail(kvm_error(errno, HV_ERROR), "cannot write the GIC's state", errno);
    free(blob);
    return result;
}

/* KVM has no reset: restore the state that it starts with, all clear and every interrupt in group
 * 1, the private ones with the trigger they always have. */
hv_return_t kvm_gic_reset(void)
{
    uint32_t words = gic_state_words(live_vcpus());
    uint32_t *blob = calloc(words, sizeof *blob);
    if (!blob)
        return HV_NO_RESOURCES;
    write_header(blob);
    memset(blob + GIC_STATE_HEADER_WORDS, 0xff, 4 * gic_state_dist[0].words);
    for (uint32_t *word = blob + gic_state_words(0); word < blob + words;
         word += gic_state_words(1) - gic_state_words(0)) {
        word[2] = ~0u;         /* IGROUPR0 */
        word[3] = 0xaaaaaaaau; /* ICFGR0: software interrupts are edges */
    }
    hv_return_t result = kvm_gic_state_restore(blob, 4 * (size_t)words);
    free(blob);
    return result;
}
