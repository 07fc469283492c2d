/* SPDX-License-Identifier: MIT */
/*
 * Random streams from a64.def. An instruction that accesses memory is preceded by others that point
 * its base register near BASE; branches go forward, to the beginning of such a group. What the
 * architecture leaves CONSTRAINED UNPREDICTABLE is avoided: write-back into a transferred register,
 * a pair into one register, a store-exclusive whose status is one of its operands. So is what the
 * chosen oracle cannot judge.
 */
#include "stream.h"
#include "soft/a64.h"
#include "soft/cpu.h"

#include <stdlib.h>

struct pattern {
    uint32_t mask, value, ones; /* ones: fields x, should be one */
};
static struct pattern patterns[A64_COUNT];
static unsigned long row_count[A64_COUNT]; /* generated */
static unsigned chosen[A64_COUNT], choices;

uint64_t next_random(uint64_t *rng)
{
    return mix(*rng += UINT64_C(0x9e3779b97f4a7c15));
}

static bool has_field(unsigned id, char field)
{
    return strchr(a64_rows[id].pattern, field) != NULL;
}

static bool named(unsigned id, const char *prefix)
{
    return strncmp(a64_rows[id].name, prefix, strlen(prefix)) == 0;
}

static bool eligible(unsigned id)
{
    const uint32_t flags = a64_rows[id].flags;
    if (flags & A64_SYS || id == A64_HINT ||
        !a64_feature((enum a64_feature)(flags >> A64_FEAT_SHIFT)))
        return false;
    return id != A64_BR && id != A64_BLR && id != A64_RET && id != A64_ISB && !named(id, "AUT") &&
           !named(id, "PAC") && !named(id, "XPAC") && !named(id, "BR") && !named(id, "BLR") &&
           !named(id, "RET");
}

/* No stream has this row. */
static bool row_unjudged(enum judge judge, unsigned id)
{
#define WORDS(name, row, when, reason)
#define ROW(name, row, reason)                                                                     \
    if (judge == JUDGE_##name && id == A64_##row)                                                  \
        return true;
#include "known.def"
#undef ROW
#undef WORDS
    return false;
}

/* No stream has this word of the row. */
static bool word_unjudged(enum judge judge, unsigned id, uint32_t w)
{
    const unsigned RD = w & 31, RN = w >> 5 & 31, RM = w >> 16 & 31, RM16 = RM & 15;
    const bool Q = w >> 30 & 1;
#define ROW(name, row, reason)
#define WORDS(name, row, when, reason)                                                             \
    if (judge == JUDGE_##name && id == A64_##row && (when))                                        \
        return true;
#include "known.def"
#undef ROW
#undef WORDS
    return false;
}

static void read_pattern(unsigned id)
{
    struct pattern *p = &patterns[id];
    for (const char *s = a64_rows[id].pattern; *s; s++) {
        if (*s == ' ')
            continue;
        p->mask = p->mask << 1 | (*s == '0' || *s == '1');
        p->value = p->value << 1 | (*s == '1');
        p->ones = p->ones << 1 | (*s == 'x');
    }
}

unsigned stream_init(const struct stream_kind *kind)
{
    bool exact = false;
    choices = 0;
    for (unsigned id = A64_UNDEFINED + 1; id < A64_END_OF_PAGE; id++)
        exact |= kind->only && strcmp(a64_rows[id].name, kind->only) == 0;
    for (unsigned id = A64_UNDEFINED + 1; id < A64_END_OF_PAGE; id++) {
        const char *name = a64_rows[id].name;
        read_pattern(id);
        if (kind->only && (exact ? strcmp(name, kind->only) != 0 : !strstr(name, kind->only)))
            continue;
        if (eligible(id) && !row_unjudged(kind->judge, id))
            chosen[choices++] = id;
    }
    return choices;
}

/* x28 and x29 belong to the harness. */
static bool touches_reserved(unsigned id, uint32_t w)
{
    static const struct {
        char field;
        unsigned lo;
    } fields[] = {{'d', 0}, {'t', 0}, {'n', 5}, {'a', 10}, {'u', 10}, {'m', 16}, {'s', 16}};
    for (unsigned n = 0; n < sizeof fields / sizeof fields[0]; n++) {
        unsigned r = w >> fields[n].lo & 31;
        if (has_field(id, fields[n].field) && r >= 27 && r <= 29)
            return true;
    }
    return false;
}

static bool is_memory(unsigned id)
{
    return a64_rows[id].flags & (A64_LOAD | A64_STORE);
}

static bool is_literal(uint32_t w)
{
    return (w & 0x3b000000) == 0x18000000;
}

static bool unpredictable(unsigned id, uint32_t w)
{
    const unsigned t = w & 31, n = w >> 5 & 31, u = w >> 10 & 31, s = w >> 16 & 31;
    const bool vector = w >> 26 & 1, load = a64_rows[id].flags & A64_LOAD;
    const bool pair = has_field(id, 'u'), structure = (w & 0xbe000000) == 0x0c000000;
    if (pair && load && t == u)
        return true;
    const bool back = strstr(a64_rows[id].name, "_post") || strstr(a64_rows[id].name, "_pre");
    if (back && !vector && n != 31 && (n == t || (pair && n == u)))
        return true;
    if (has_field(id, 's') && !(a64_rows[id].flags & A64_LOAD) && !structure)
        return s == t || (pair && s == u) || (s == n && n != 31);
    return false;
}

static uint32_t make_word(unsigned id, enum judge judge, uint64_t *rng)
{
    const struct pattern *p = &patterns[id];
    for (;;) {
        uint32_t w = (uint32_t)next_random(rng);
        if (next_random(rng) % 3 == 0) /* few registers: results that are operands */
            w &= 0xffe0fc00 | (uint32_t)(next_random(rng) & 0x00070063);
        w = (w & ~p->mask) | p->value | p->ones;
        if ((w & 0x3f000000) == 0x39000000 || (w & 0x3f000000) == 0x3d000000)
            w &= ~(0x3fu << 16); /* small unsigned offsets */
        if (touches_reserved(id, w) || unpredictable(id, w) || word_unjudged(judge, id, w))
            continue;
        struct insn i;
        a64_decode(w, BLOCK_EL1, &i);
        if (i.id == id)
            return w;
        if (next_random(rng) % 64 == 0) /* every word of this row may belong to another */
            return 0xd503201f;
    }
}

#define MAX_GROUPS STREAM_INSNS
struct maker {
    struct request *r;
    uint64_t *rng;
    unsigned count, groups;
    unsigned group_at[MAX_GROUPS + 1];
    struct {
        unsigned at, id, group;
    } branches[MAX_GROUPS];
    unsigned branch_count;
};

static void put(struct maker *m, uint32_t w)
{
    m->r->words[m->count++] = w;
}

/* add xN|sp, x28, #imm; aligned for what needs it. */
static void point(struct maker *m, unsigned n, uint32_t w, bool wild)
{
    uint32_t offset = (uint32_t)(next_random(m->rng) % 512);
    const bool atomic = (w & 0x3f000000) == 0x08000000 || (w & 0x3f200c00) == 0x38200000 ||
                        (w & 0x3f000000) == 0x19000000;
    if (atomic || n == 31)
        offset &= ~15u;
    if (wild && next_random(m->rng) % 2)
        offset += 3500; /* into the page that is not there */
    put(m, 0x91000380 | offset << 10 | n);
}

/* movz xM, #small for an index register. */
static void small_index(struct maker *m, unsigned rm)
{
    if (rm != 31)
        put(m, 0xd2800000 | (uint32_t)(next_random(m->rng) % 64) << 5 | rm);
}

static bool is_index_form(uint32_t w)
{
    return (w & 0x3b200c00) == 0x38200800;
}

static bool is_store_exclusive(uint32_t w)
{
    return (w & 0x3fc00000) == 0x08000000 && ((w >> 21 & 1) == 0 || w >> 31);
}

/* The load-exclusive that belongs to a store-exclusive: another size would be UNPREDICTABLE. */
static void load_exclusive(struct maker *m, uint32_t w)
{
    const unsigned n = w >> 5 & 31;
    put(m, (w & 0xffe083e0) | 1u << 22 | 31u << 16 | (n == 23 ? 22u : 23u) |
               (w >> 21 & 1 ? (n == 24 ? 22u : 24u) : 31u) << 10);
}

static void add_memory(struct maker *m, uint32_t w, bool wild)
{
    const unsigned n = w >> 5 & 31, rm = w >> 16 & 31;
    if (is_literal(w)) { /* into the pattern below the code */
        int32_t words = -(int32_t)(m->count + 64 + next_random(m->rng) % 2000);
        put(m, (w & ~(0x7ffffu << 5)) | ((uint32_t)words & 0x7ffff) << 5);
        return;
    }
    if (is_index_form(w) && rm == n)
        w = (w & ~(31u << 16)) | 31u << 16;
    if (is_index_form(w))
        small_index(m, w >> 16 & 31);
    if ((w & 0x3f000000) == 0x19000000)
        w &= ~(0x1ffu << 12) | (uint32_t)(next_random(m->rng) % 16) << 16;
    point(m, n, w, wild);
    if (is_store_exclusive(w) && next_random(m->rng) % 4)
        load_exclusive(m, w);
    else if (is_store_exclusive(w))
        put(m, 0xd5033f5f); /* clrex: it must fail */
    put(m, w);
}

static void add_branch(struct maker *m, unsigned id, uint32_t w)
{
    m->branches[m->branch_count].at = m->count;
    m->branches[m->branch_count].id = id;
    m->branches[m->branch_count++].group = m->groups;
    put(m, w);
}

/* Each branch leads a few groups forward. */
static void aim_branches(struct maker *m)
{
    for (unsigned b = 0; b < m->branch_count; b++) {
        unsigned group = m->branches[b].group + 1 + (unsigned)(next_random(m->rng) % 4);
        if (group > m->groups)
            group = m->groups;
        uint32_t distance = m->group_at[group] - m->branches[b].at;
        uint32_t *w = &m->r->words[m->branches[b].at];
        if (m->branches[b].id == A64_B || m->branches[b].id == A64_BL)
            *w = (*w & 0xfc000000) | distance;
        else if (m->branches[b].id == A64_TBZ || m->branches[b].id == A64_TBNZ)
            *w = (*w & ~(0x3fffu << 5)) | distance << 5;
        else
            *w = (*w & ~(0x7ffffu << 5)) | distance << 5;
    }
}

static uint64_t edge(uint64_t *rng)
{
    static const uint64_t values[] = {0,
                                      1,
                                      2,
                                      0x7f,
                                      0x80,
                                      0xff,
                                      0x7fff,
                                      0x8000,
                                      0xffff,
                                      0x7fffffff,
                                      0x80000000,
                                      0xffffffff,
                                      0x7fffffffffffffff,
                                      0x8000000000000000,
                                      0xffffffffffffffff,
                                      0xfffffffffffffffe,
                                      0x3ff0000000000000,
                                      0x7ff0000000000000,
                                      0xfff0000000000000,
                                      0x7ff8000000000001,
                                      0x7ff0000000000001,
                                      0x0010000000000000,
                                      0x000fffffffffffff,
                                      0x8000000000000001,
                                      0x3f8000003f800000,
                                      0x7f8000007f800001,
                                      0x7fc00001ff800000,
                                      0x0080000000000001,
                                      0x3c007c007e017c01,
                                      0x0400000180008001,
                                      0x4330000000000000,
                                      0x43e0000000000000};
    uint64_t v = next_random(rng);
    if (v % 3)
        return next_random(rng);
    return values[(v >> 8) % (sizeof values / sizeof values[0])];
}

static void make_regs(struct regs *s, uint64_t *rng)
{
    static const uint32_t fpcrs[] = {0,
                                     0,
                                     0,
                                     0,
                                     1u << 22,
                                     2u << 22,
                                     3u << 22,
                                     1u << 24,
                                     1u << 25,
                                     3u << 24,
                                     1u << 26,
                                     1u << 19,
                                     (1u << 24) | (1u << 22)};
    memset(s, 0, sizeof *s);
    for (unsigned n = 0; n < 31; n++)
        s->x[n] = edge(rng);
    for (unsigned n = 0; n < 32; n++) {
        s->v[n][0] = edge(rng);
        s->v[n][1] = edge(rng);
    }
    s->x[27] = 0;
    s->x[28] = BASE;
    s->x[29] = 0;
    s->sp = BASE;
    s->nzcv = next_random(rng) & 0xf0000000;
    s->fpcr = fpcrs[next_random(rng) % (sizeof fpcrs / sizeof fpcrs[0])];
    s->fpsr = next_random(rng) % 4 ? 0 : 0x0800009f & next_random(rng);
}

void stream_make(struct request *r, uint64_t number, const struct stream_kind *kind)
{
    uint64_t rng = mix(number);
    struct maker m = {.r = r, .rng = &rng};
    memset(r, 0, sizeof *r);
    make_regs(&r->regs, &rng);
    if (kind->judge == JUDGE_VIXL) { /* it knows FPCR.DN alone, and no FPSR */
        r->regs.fpcr &= 1u << 25;
        r->regs.fpsr = 0;
    }
    put(&m, 0xd5033f5f); /* clrex: the stream before may have left the monitor set */
    const unsigned wanted = 1 + (unsigned)(next_random(&rng) % kind->longest);
    while (m.groups < wanted && m.count < STREAM_MAX - 12) {
        const unsigned id = chosen[next_random(&rng) % choices];
        const uint32_t w = make_word(id, kind->judge, &rng);
        m.group_at[m.groups++] = m.count;
        row_count[id]++;
        if (w != 0xd503201f && is_memory(id))
            add_memory(&m, w, kind->wild);
        else if (a64_rows[id].flags & A64_BRANCH)
            m.groups--, add_branch(&m, id, w), m.groups++;
        else
            put(&m, w);
    }
    m.group_at[m.groups] = m.count;
    aim_branches(&m);
    r->count = m.count;
}

unsigned stream_rows(unsigned *covered)
{
    unsigned rows = 0;
    *covered = 0;
    for (unsigned id = A64_UNDEFINED + 1; id < A64_END_OF_PAGE; id++) {
        if (!eligible(id))
            continue;
        rows++;
        *covered += row_count[id] != 0;
    }
    return rows;
}
