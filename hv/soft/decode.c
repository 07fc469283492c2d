/* SPDX-License-Identifier: MIT */
/*
 * From an instruction word to a decoded instruction, by the rows of a64.def.
 *
 * The eleven top bits of the word select a bucket of candidate rows, most specific first. Buckets
 * are filled when they are first needed: a small guest pays for the few that it uses. The tables
 * are shared by all vCPUs; a filled bucket never changes.
 */
#include "a64.h"
#include "cpu.h"

#include <stdlib.h>

const struct a64_row a64_rows[A64_COUNT] = {
    [A64_UNDEFINED] = {"UNDEFINED", "", NULL, op_undefined, A64_ENDS},
#define A64(id, pattern, format, handler, flags)                                                   \
    [A64_##id] = {#id, pattern, dec_##format, op_##handler, flags},
#include "a64.def"
#undef A64
    [A64_END_OF_PAGE] = {"END_OF_PAGE", "", NULL, op_end_of_page, A64_ENDS},
};

#define BUCKET_BITS 11
#define BUCKETS     (1u << BUCKET_BITS)
#define BUCKET_MASK (~0u << (32 - BUCKET_BITS))

struct pattern {
    uint32_t mask, value;
};

struct bucket {
    unsigned count;
    uint16_t rows[];
};

static struct pattern patterns[A64_COUNT];
static _Atomic(struct bucket *) buckets[BUCKETS];
static struct bucket empty_bucket;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t fill_lock = PTHREAD_MUTEX_INITIALIZER;

static struct pattern parse(const char *s)
{
    struct pattern p = {0, 0};
    for (; *s; s++) {
        if (*s == ' ')
            continue;
        p.mask = p.mask << 1 | (*s == '0' || *s == '1');
        p.value = p.value << 1 | (*s == '1');
    }
    return p;
}

static void parse_all(void)
{
    for (unsigned id = A64_UNDEFINED + 1; id < A64_END_OF_PAGE; id++)
        patterns[id] = parse(a64_rows[id].pattern);
}

/* More fixed bits first; among equals, the order of the table. */
static int more_specific(const void *a, const void *b)
{
    uint16_t ia, ib;
    memcpy(&ia, a, sizeof ia);
    memcpy(&ib, b, sizeof ib);
    int fa = __builtin_popcount(patterns[ia].mask), fb = __builtin_popcount(patterns[ib].mask);
    return fa != fb ? fb - fa : (int)ia - (int)ib;
}

static struct bucket *fill(unsigned index)
{
    uint16_t rows[A64_COUNT];
    unsigned n = 0;
    for (unsigned id = A64_UNDEFINED + 1; id < A64_END_OF_PAGE; id++) {
        uint32_t differs = (patterns[id].value ^ index << (32 - BUCKET_BITS)) & patterns[id].mask;
        uint32_t f = a64_rows[id].flags >> A64_FEAT_SHIFT;
        if (!(differs & BUCKET_MASK) && a64_feature((enum a64_feature)f))
            rows[n++] = (uint16_t)id;
    }
    struct bucket *b = malloc(sizeof *b + n * sizeof rows[0]);
    if (!b)
        return NULL;
    qsort(rows, n, sizeof rows[0], more_specific);
    b->count = n;
    memcpy(b->rows, rows, n * sizeof rows[0]);
    return b;
}

static const struct bucket *bucket_of(uint32_t w)
{
    unsigned index = w >> (32 - BUCKET_BITS);
    struct bucket *b = atomic_load_explicit(&buckets[index], memory_order_acquire);
    if (likely(b))
        return b;
    pthread_once(&once, parse_all);
    pthread_mutex_lock(&fill_lock);
    b = atomic_load_explicit(&buckets[index], memory_order_relaxed);
    if (!b) {
        b = fill(index);
        if (b)
            atomic_store_explicit(&buckets[index], b, memory_order_release);
    }
    pthread_mutex_unlock(&fill_lock);
    return b ? b : &empty_bucket; /* out of memory: everything is UNDEFINED this once */
}

bool a64_decode(uint32_t w, uint32_t block_flags, struct insn *i)
{
    const struct bucket *b = bucket_of(w);
    for (unsigned n = 0; n < b->count; n++) {
        unsigned id = b->rows[n];
        const struct a64_row *row = &a64_rows[id];
        if ((w & patterns[id].mask) != patterns[id].value)
            continue;
        *i = (struct insn){.fn = row->handler, .raw = w, .id = (uint16_t)id};
        if (!row->format(i, w))
            continue;
        if ((row->flags & A64_FP) && (block_flags & BLOCK_NOFP)) {
            i->fn = op_fp_trap;
            return true;
        }
        return row->flags & A64_ENDS;
    }
    *i = (struct insn){.fn = op_undefined, .raw = w, .id = A64_UNDEFINED};
    return true;
}

const char *a64_name(unsigned id)
{
    return id < A64_COUNT ? a64_rows[id].name : "?";
}
