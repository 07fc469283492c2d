/* SPDX-License-Identifier: MIT */
/*
 * The decoded blocks of one vCPU: finding, building, linking, invalidating. Owner thread only;
 * other vCPUs ask by mail (broadcast.c).
 *
 * A block is found by guest physical and virtual address and the BLOCK_* flags it was decoded
 * under, so it survives changes of the page tables. Blocks lie in one arena and are dropped all
 * together when it is full. Coherence is the guest's duty, as on hardware that announces
 * CTR_EL0.DIC = 0: it says IC IVAU after writing code. Nothing watches its stores.
 *
 * Links within a page hold as long as both blocks live: wherever the one is mapped, so is the
 * other. Links that leave the page also depend on the translation, and are checked against
 * cpu->fetch_gen.
 */
#include "a64.h"
#include "cpu.h"
#include "debug.h"
#include "jit/jit.h"
#include "tlb.h"
#include "verify.h"

#include <stdlib.h>
#include <sys/mman.h>

#define PAGE_HASH_SIZE (1u << PAGE_HASH_BITS)

/* The blocks that begin in one page. */
struct code_page {
    uint64_t ipa;
    struct block *first;
    struct code_page *next, *older; /* in the hash; of all */
};

struct code_cache {
    uint8_t *arena;
    size_t size, used;
    struct code_page *newest;
    unsigned page_count;
    struct block *blocks[1u << BLOCK_HASH_BITS];
    struct code_page *pages[PAGE_HASH_SIZE];
};

struct code_cache *code_cache_new(size_t size)
{
    struct code_cache *cc = calloc(1, sizeof *cc);
    if (!cc)
        return NULL;
    cc->size = size;
    cc->arena = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (cc->arena == MAP_FAILED) {
        free(cc);
        return NULL;
    }
    return cc;
}

void code_cache_free(struct code_cache *cc)
{
    if (!cc)
        return;
    munmap(cc->arena, cc->size);
    free(cc);
}

static unsigned hash_of(uint64_t key, unsigned bits)
{
    return (unsigned)(key * UINT64_C(0x9e3779b97f4a7c15) >> (64 - bits));
}

static unsigned page_hash(uint64_t ipa)
{
    return hash_of(ipa >> PAGE_BITS, PAGE_HASH_BITS);
}

/* With the virtual address, too: the pages of a program that many processes run are met at many.
 * Blocks of a page are near each other, so that a small guest touches little of the table. */
#define NEAR_BITS 7
static unsigned block_hash(uint64_t ipa, uint64_t va)
{
    uint64_t page = ipa >> PAGE_BITS ^ (va & PAGE_MASK) << 5;
    unsigned near = (unsigned)(ipa >> 2 ^ ipa >> 9) & ((1u << NEAR_BITS) - 1);
    return hash_of(page, BLOCK_HASH_BITS - NEAR_BITS) << NEAR_BITS | near;
}

/* Empty the tables: as a whole, or where something is. A guest with its instruction cache off does
 * this at every ISB. */
static void clear_tables(struct code_cache *cc)
{
    if (cc->page_count > PAGE_HASH_SIZE / 16) {
        memset(cc->blocks, 0, sizeof cc->blocks);
        memset(cc->pages, 0, sizeof cc->pages);
    } else {
        for (const struct code_page *p = cc->newest; p; p = p->older) {
            for (const struct block *b = p->first; b; b = b->page_next)
                cc->blocks[block_hash(b->ipa, b->va)] = NULL;
            cc->pages[page_hash(p->ipa)] = NULL;
        }
    }
    cc->newest = NULL;
    cc->page_count = 0;
    cc->used = 0;
}

/* Between blocks only: the one that runs may be among them. */
void code_invalidate_all(struct cpu *c)
{
    struct code_cache *cc = c->code;
    if (!cc->used)
        return;
    clear_tables(cc);
    jit_reset(c);
    c->link_from = NULL;
    fetch_changed(c);
}

/* The generations begin anew, after four thousand million: nothing may be left that remembers one,
 * nor match 0, what an empty slot has. Links that leave their page go with all code, before the
 * next block. */
void fetch_restart(struct cpu *c)
{
    c->fetch_gen = 1;
    memset(c->jump, 0, sizeof c->jump);
    memset(c->fetch, 0, sizeof c->fetch);
    atomic_fetch_or(&c->kick, KICK_CODE);
}

static void *arena_alloc(struct code_cache *cc, size_t size)
{
    size = (size + 15) & ~(size_t)15;
    if (cc->used + size > cc->size)
        return NULL;
    void *p = cc->arena + cc->used;
    cc->used += size;
    return p;
}

static struct code_page *page_of(struct code_cache *cc, uint64_t ipa, bool make)
{
    uint64_t base = ipa & PAGE_MASK;
    struct code_page **slot = &cc->pages[page_hash(base)];
    for (struct code_page *p = *slot; p; p = p->next) {
        if (p->ipa == base)
            return p;
    }
    struct code_page *p = make ? arena_alloc(cc, sizeof *p) : NULL;
    if (p) {
        *p = (struct code_page){.ipa = base, .next = *slot, .older = cc->newest};
        *slot = p;
        cc->newest = p;
        cc->page_count++;
    }
    return p;
}

static void unlink_in(struct block *b)
{
    for (struct link *l = b->in; l; l = l->next_in) {
        l->to = NULL;
        jit_unlink(l);
    }
    b->in = NULL;
}

static void unlink_out(struct link *l)
{
    if (!l->to)
        return;
    for (struct link **p = &l->to->in; *p; p = &(*p)->next_in) {
        if (*p == l) {
            *p = l->next_in;
            break;
        }
    }
    l->to = NULL;
    jit_unlink(l);
}

/* Take a block out of everything that could find it. Its memory stays: it may be running. */
static void block_kill(struct code_cache *cc, struct block *b)
{
    for (struct block **p = &cc->blocks[block_hash(b->ipa, b->va)]; *p; p = &(*p)->hash_next) {
        if (*p == b) {
            *p = b->hash_next;
            break;
        }
    }
    unlink_in(b);
    unlink_out(&b->link[0]);
    unlink_out(&b->link[1]);
    for (unsigned n = 0; n < b->sides; n++)
        unlink_out(&b->side[n]);
    b->dead = true;
}

static void invalidate_in_page(struct cpu *c, struct code_page *page, uint64_t lo, uint64_t hi)
{
    for (struct block **p = &page->first; *p;) {
        struct block *b = *p;
        if (b->ipa < hi && b->ipa + b->n * 4u > lo) {
            *p = b->page_next;
            block_kill(c->code, b);
            fetch_changed(c); /* the jump cache may know it */
        } else {
            p = &b->page_next;
        }
    }
}

/* Safe while a block runs, also the one that asks. */
void code_invalidate_ipa(struct cpu *c, uint64_t ipa, uint64_t size)
{
    uint64_t end = ipa + size;
    if (size / PAGE_BYTES >
        PAGE_HASH_SIZE) { /* more pages than could be known: look at those instead */
        for (unsigned h = 0; h < PAGE_HASH_SIZE; h++) {
            for (struct code_page *p = c->code->pages[h]; p; p = p->next)
                invalidate_in_page(c, p, ipa, end);
        }
        return;
    }
    for (uint64_t page = ipa & PAGE_MASK; page < end; page += PAGE_BYTES) {
        struct code_page *p = page_of(c->code, page, false);
        if (p)
            invalidate_in_page(c, p, ipa, end);
    }
}

void block_link(struct cpu *c, struct link *from, struct block *to)
{
    if (from->to != to) {
        unlink_out(from);
        from->to = to;
        from->next_in = to->in;
        to->in = from;
    }
    c->stats[STAT_LINKED]++;
    from->gen = c->fetch_gen;
    jit_link(c, from, to);
}

void block_translate_again(struct cpu *c, struct block *b)
{
    if (b->dead || c->verify)
        return;
    unlink_out(&b->link[0]);
    unlink_out(&b->link[1]);
    for (unsigned n = 0; n < b->sides; n++)
        unlink_out(&b->side[n]);
    if (!jit_translate_again(c, b))
        return;
    for (struct link *l = b->in; l; l = l->next_in)
        jit_link(c, l, b);
}

/* Which ways out of the block lead to another page: known from the last instruction alone. */
static void mark_crossings(struct block *b, const struct insn *last)
{
    int64_t at = (int64_t)(b->ipa & ~PAGE_MASK), next = at + b->n * 4;
    bool direct = last->id >= A64_B && last->id <= A64_TBNZ;
    int64_t target = direct ? at + last->off + (int64_t)last->imm : next;
    b->link[0].crosses = target < 0 || target >= (int64_t)PAGE_BYTES;
    b->link[1].crosses = next >= (int64_t)PAGE_BYTES;
    b->link[0].forward = !b->link[0].crosses && target > at;
    b->link[1].forward = !b->link[1].crosses;
}

static void insert(struct code_cache *cc, struct code_page *page, struct block *b)
{
    unsigned h = block_hash(b->ipa, b->va);
    b->page_next = page->first;
    page->first = b;
    b->hash_next = cc->blocks[h];
    cc->blocks[h] = b;
}

/* Decode from `host` to the end of the page, a branch, or the longest block allowed. */
static struct block *build(struct cpu *c, uint64_t ipa, const uint8_t *host, uint32_t flags)
{
    struct code_cache *cc = c->code;
    unsigned max = (unsigned)((PAGE_BYTES - (ipa & ~PAGE_MASK)) / 4);
    if (max > BLOCK_MAX_INSNS)
        max = BLOCK_MAX_INSNS;
    if (flags & BLOCK_STEP)
        max = 1;
    struct insn tmp[BLOCK_MAX_INSNS + 1];
    unsigned n = 0;
    bool ended = false;
    while (n < max && !ended) {
        uint32_t word;
        if (n && (flags & BLOCK_BREAK) && debug_may_break(c, c->pc + 4 * n))
            break;
        memcpy(&word, host + 4 * n, 4);
        ended = a64_decode(word, flags, &tmp[n]);
        if (unlikely(c->verify) && verify_alone(&tmp[n])) {
            if (n) { /* begins the next block */
                ended = false;
                break;
            }
            max = 1;
        }
        tmp[n].off = (uint16_t)(4 * n);
        n++;
    }
    unsigned total = n;
    if (!ended)
        tmp[total++] =
            (struct insn){.fn = op_end_of_page, .id = A64_END_OF_PAGE, .off = (uint16_t)(4 * n)};

    struct code_page *page = page_of(cc, ipa, true);
    struct block *b = page ? arena_alloc(cc, sizeof *b + total * sizeof tmp[0]) : NULL;
    if (!b)
        return NULL;
    *b = (struct block){
        .ipa = ipa, .va = c->pc, .flags = flags, .n = (uint16_t)n, .rows = (uint16_t)total};
    memcpy(b->insns, tmp, total * sizeof tmp[0]);
    mark_crossings(b, &tmp[total - 1]);
    insert(cc, page, b);
    c->stats[STAT_BLOCKS]++;
    c->stats[STAT_DECODED] += n;
    for (unsigned k = 0; k < n; k++)
        c->stats[STAT_DECODED_MEMORY] += (a64_rows[tmp[k].id].flags & (A64_LOAD | A64_STORE)) != 0;
    return b;
}

/* Translated code is for one virtual address, so a block is too. */
static struct block *lookup(struct code_cache *cc, uint64_t ipa, uint64_t va, uint32_t flags)
{
    for (struct block *b = cc->blocks[block_hash(ipa, va)]; b; b = b->hash_next) {
        if (b->ipa == ipa && b->flags == flags && b->va == va)
            return b;
    }
    return NULL;
}

/* ---- longer blocks ---- */

#define SIDES_MAX 4 /* conditional branches in the middle of a block */
#define WARM_PART 4 /* the next block is run for one time in so many at least */

/* The block behind b, if b ends with a branch forward that is often not taken. */
static struct block *warm_next(struct cpu *c, const struct block *b)
{
    const struct insn *last = &b->insns[b->rows - 1];
    bool conditional = last->id >= A64_B_cond && last->id <= A64_TBNZ && last->fn != op_b;
    if (!conditional || !b->link[0].forward || b->link[1].crosses)
        return NULL;
    struct block *next = lookup(c->code, b->ipa + b->n * 4u, b->va + b->n * 4u, b->flags);
    return next && next->heat >= b->heat / WARM_PART ? next : NULL;
}

/* Append the instructions of a part; its branches in the middle, and its last one if others follow,
 * become ways out of b. */
static void append(struct block *b, const struct block *part, bool is_last)
{
    for (unsigned n = 0; n < part->rows; n++) {
        struct insn *i = &b->insns[b->rows + n];
        bool side = part->insns[n].ra && part->sides && n + 1 < part->rows &&
                    part->insns[n].id >= A64_B_cond && part->insns[n].id <= A64_TBNZ;
        *i = part->insns[n];
        i->off = (uint16_t)(i->off + b->n * 4);
        if (side || (n + 1 == part->rows && !is_last)) {
            b->side[b->sides++] = (struct link){.forward = true};
            i->ra = b->sides;
        }
    }
    b->n = (uint16_t)(b->n + part->n);
    b->rows = (uint16_t)(b->rows + part->rows);
}

struct block *block_extend(struct cpu *c, struct block *b)
{
    struct code_cache *cc = c->code;
    struct block *part[SIDES_MAX + 1] = {b}, *next;
    unsigned parts = 1, rows = b->rows, sides = b->sides;
    if (b->flags & (BLOCK_STEP | BLOCK_BREAK))
        return b;
    while (parts <= SIDES_MAX && (next = warm_next(c, part[parts - 1])) != NULL &&
           rows + next->rows <= BLOCK_MAX_INSNS && sides + next->sides < SIDES_MAX) {
        part[parts++] = next;
        rows += next->rows;
        sides += 1u + next->sides;
    }
    struct code_page *page = page_of(cc, b->ipa, false);
    struct block *all = NULL;
    if (parts > 1 && page)
        all = arena_alloc(cc, sizeof *all + rows * sizeof b->insns[0] + sides * sizeof *all->side);
    if (!all)
        return b;
    *all = (struct block){.ipa = b->ipa, .va = b->va, .flags = b->flags, .heat = b->heat};
    all->side = (struct link *)(void *)&all->insns[rows];
    for (unsigned n = 0; n < parts; n++)
        append(all, part[n], n + 1 == parts);
    mark_crossings(all, &all->insns[all->rows - 1]);
    for (struct block **p = &page->first; *p; p = &(*p)->page_next) {
        if (*p == b) {
            *p = b->page_next;
            break;
        }
    }
    block_kill(cc, b);
    insert(cc, page, all);
    struct jump_entry *j = &c->jump[b->va >> 2 & (JUMP_CACHE_SIZE - 1)];
    if (j->block == b)
        j->block = all;
    c->stats[STAT_EXTENDED]++;
    return all;
}

struct block *block_find(struct cpu *c)
{
    uint64_t pc = c->pc;
    struct jump_entry *j = &c->jump[pc >> 2 & (JUMP_CACHE_SIZE - 1)];
    if (j->pc == pc && j->gen == c->fetch_gen && (j->flags & ~BLOCK_GUARDED) == c->block_flags)
        return j->block;
    if (c->regime.half[pc >> 55 & 1].tbi_fetch) { /* PC holds no tag (AArch64.BranchAddr) */
        c->pc = pc = (uint64_t)sign_extend(pc, 56);
        j = &c->jump[pc >> 2 & (JUMP_CACHE_SIZE - 1)];
    }
    const struct fetch_entry *f = tlb_fetch(c, pc);
    if (!f)
        return NULL;
    uint64_t ipa = f->ipa | (pc & ~PAGE_MASK);
    uint32_t flags = c->block_flags | (f->guarded ? BLOCK_GUARDED : 0);
    struct block *b = lookup(c->code, ipa, pc, flags);
    if (!b) {
        b = build(c, ipa, f->host + (pc & ~PAGE_MASK), flags);
        if (!b) {
            code_invalidate_all(c);
            c->stats[STAT_ARENA_DROPS]++;
            f = tlb_fetch(c, pc);
            b = f ? build(c, ipa, f->host + (pc & ~PAGE_MASK), flags) : NULL;
        }
        if (!b)
            return NULL;
    }
    /* Or a branch would run on into it; and verification has to see each block. */
    if (!(flags & BLOCK_STEP) && likely(!c->verify))
        *j = (struct jump_entry){
            .pc = pc, .block = b, .gen = c->fetch_gen, .flags = flags, .code = jit_cold(c->jit)};
    return b;
}
