/* SPDX-License-Identifier: MIT */
/*
 * Mode "verify": verify.h says how. A block is run in three steps.
 *
 *   1. The interpreter runs it. Every store takes the slow path (no TLB entry allows writing),
 *      which makes the page's copies and notes the store.
 *   2. Everything is put back, and translated code runs with another set of copies; the TLB
 *      entries of step 1 that allow writing are there, so that it can store in line.
 *   3. State and copies are compared. What the interpreter did is put in force, its stores one
 *      after the other.
 *
 * A device may write to memory that the block reads, between the two runs: a difference counts if
 * it is there three times in a row. Nothing is lost by the repetition, for memory has not changed.
 */
#include "verify.h"
#include "a64.h"
#include "jit/jit.h"
#include "mem.h"
#include "tlb.h"
#include "verify_state.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

/* An instruction touches two pages at most and stores 64 bytes, in 128 pieces at worst (ST4 of
 * bytes over the end of a page). Wrong code may touch others. */
#define PAGES_MAX  (4 * BLOCK_MAX_INSNS + 4)
#define STORES_MAX (128 * BLOCK_MAX_INSNS + 16)
#define BYTES_MAX  (64 * BLOCK_MAX_INSNS + 128)
#define FILLS_MAX  (8 * BLOCK_MAX_INSNS)
#define TRIES      3

enum phase { INTERPRETED, TRANSLATED, NOT_RUNNING };

struct page {
    uint64_t ipa;
    uint8_t *real;
    bool late; /* translated code alone wrote to it */
};

struct store {
    uint8_t *real;
    const uint8_t *copy;
    uint16_t size, value; /* index into bytes[] */
};

struct fill {
    struct tlb_entry *slot, entry;
    unsigned page;
};

struct verify {
    enum phase phase;
    bool incomparable; /* something happened that cannot be taken back */
    unsigned pages, stores, bytes_used, fills;
    struct state before, interpreted;
    struct page page[PAGES_MAX];
    struct store store[STORES_MAX];
    uint8_t bytes[BYTES_MAX];
    struct fill fill[FILLS_MAX];
    uint8_t copy[PAGES_MAX][2][PAGE_BYTES]; /* of each page, by phase */
};

static _Thread_local char text[1600];

struct verify *verify_new(void)
{
    struct verify *v =
        mmap(NULL, sizeof *v, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (v == MAP_FAILED)
        return NULL;
    v->phase = NOT_RUNNING;
    return v;
}

void verify_free(struct verify *v)
{
    if (v)
        munmap(v, sizeof *v);
}

const char *verify_text(void)
{
    static _Thread_local char said[sizeof text];
    memcpy(said, text, sizeof said);
    text[0] = 0;
    return said;
}

/* ---- what is not compared ---- */

/* Registers whose access functions deal with the vCPU's own state alone. */
static bool is_own_state(unsigned slot)
{
    switch (slot) {
    case SR_MPIDR_EL1:
    case SR_SP_EL0:
    case SR_SPSEL:
    case SR_CURRENTEL:
    case SR_PAN:
    case SR_UAO:
    case SR_CCSIDR_EL1:
    case SR_CTR_EL0:
    case SR_DCZID_EL0:
    case SR_NZCV:
    case SR_DAIF:
    case SR_DIT:
    case SR_SSBS:
    case SR_FPCR:
    case SR_FPSR:
    case SR_CNTFRQ_EL0: return true;
    default: return false;
    }
}

bool verify_alone(const struct insn *i)
{
    const struct sysreg *r = (const struct sysreg *)(uintptr_t)i->imm;
    const unsigned crn = i->raw >> 12 & 15, crm = i->raw >> 8 & 15;
    if (i->fn == op_mrs)
        return r->read && !is_own_state(r->slot);
    if (i->fn == op_msr)
        return r->write && !is_own_state(r->slot);
    if (i->fn == op_sys)
        return crn == 8 || crm == 1 || crm == 5; /* TLBI, IC */
    return i->fn == op_isb /* with the instruction cache off it drops all code */ ||
           i->fn == op_wfi || i->fn == op_wfe || i->fn == op_sev || i->fn == op_sevl;
}

/* ---- memory ---- */

static uint8_t *copy_of(struct verify *v, unsigned page)
{
    return v->copy[page][v->phase];
}

static int find_page(const struct verify *v, uint64_t ipa)
{
    for (unsigned n = 0; n < v->pages; n++) {
        if (v->page[n].ipa == (ipa & PAGE_MASK))
            return (int)n;
    }
    return -1;
}

uint8_t *verify_host(struct cpu *c, uint64_t ipa, uint8_t *host)
{
    struct verify *v = c->verify;
    if (v->phase == NOT_RUNNING)
        return host;
    int n = find_page(v, ipa);
    return n < 0 ? host : copy_of(v, (unsigned)n) + (ipa & ~PAGE_MASK);
}

uint8_t *verify_host_to_write(struct cpu *c, uint64_t ipa, uint8_t *host)
{
    struct verify *v = c->verify;
    if (v->phase == NOT_RUNNING || find_page(v, ipa) >= 0)
        return verify_host(c, ipa, host);
    if (v->pages == PAGES_MAX) /* by wrong code alone; the other pages are enough to tell */
        return copy_of(v, PAGES_MAX - 1) + (ipa & ~PAGE_MASK);
    unsigned n = v->pages++;
    v->page[n] = (struct page){
        .ipa = ipa & PAGE_MASK, .real = host - (ipa & ~PAGE_MASK), .late = v->phase == TRANSLATED};
    memcpy(v->copy[n][INTERPRETED], v->page[n].real, PAGE_BYTES);
    memcpy(v->copy[n][TRANSLATED], v->copy[n][INTERPRETED], PAGE_BYTES);
    tlb_drop_ipa(c, ipa);
    return copy_of(v, n) + (ipa & ~PAGE_MASK);
}

/* The latest store has happened: take its bytes from the copy. */
static void finish_store(struct verify *v)
{
    if (!v->stores)
        return;
    struct store *s = &v->store[v->stores - 1];
    memcpy(&v->bytes[s->value], s->copy, s->size);
}

void verify_store(struct cpu *c, void *host, unsigned size)
{
    struct verify *v = c->verify;
    if (v->phase != INTERPRETED || v->stores == STORES_MAX || v->bytes_used + size > BYTES_MAX)
        return;
    finish_store(v);
    const uint8_t *at = host;
    const size_t offset = (size_t)(at - &v->copy[0][0][0]);
    const struct page *page = &v->page[offset / sizeof v->copy[0]];
    v->store[v->stores++] = (struct store){.real = page->real + offset % PAGE_BYTES,
                                           .copy = at,
                                           .size = (uint16_t)size,
                                           .value = (uint16_t)v->bytes_used};
    v->bytes_used += size;
}

/* What a walk sets is not the block's doing, and a second walk finds it done: to be set in memory
 * at once. In a page that the block writes to as well it cannot be told apart. */
void verify_descriptor(struct cpu *c, uint64_t ipa, void *host)
{
    struct verify *v = c->verify;
    if (v->phase == NOT_RUNNING || find_page(v, ipa) < 0)
        return;
    v->incomparable = true;
    verify_store(c, host, 8);
}

void verify_filled(struct cpu *c, struct tlb_entry *e)
{
    struct verify *v = c->verify;
    int page = v->phase == NOT_RUNNING ? -1 : find_page(v, e->ipa);
    if (page >= 0 && v->fills < FILLS_MAX)
        v->fill[v->fills++] = (struct fill){.slot = e, .entry = *e, .page = (unsigned)page};
    else if (page >= 0)
        e->read = TLB_NONE;
    if (page < 0 || v->phase == INTERPRETED)
        e->write = TLB_NONE;
}

/* No entry leads to a copy any more. */
static void forget_fills(struct cpu *c)
{
    struct verify *v = c->verify;
    tlb_forget_base_pages(c);
    for (unsigned n = 0; n < v->fills; n++)
        v->fill[n].slot->read = v->fill[n].slot->write = TLB_NONE;
}

/* What the interpreter was allowed, translated code is allowed from the start: on its own copies.
 */
static void hand_over_fills(struct cpu *c)
{
    struct verify *v = c->verify;
    forget_fills(c);
    for (unsigned n = 0; n < v->fills; n++) {
        const uint8_t *was = v->copy[v->fill[n].page][INTERPRETED];
        const uint8_t *is = v->copy[v->fill[n].page][TRANSLATED];
        *v->fill[n].slot = v->fill[n].entry;
        v->fill[n].slot->addend += (uintptr_t)(is - was);
    }
}

/* In the order of the guest's program. */
static void commit_stores(struct verify *v)
{
    for (unsigned n = 0; n < v->stores; n++) {
        const struct store *s = &v->store[n];
        mem_copy(s->real, &v->bytes[s->value], s->size);
    }
}

bool verify_effect(struct cpu *c)
{
    struct verify *v = c->verify;
    if (v && v->phase == TRANSLATED)
        return false; /* the interpreter came to nothing of the kind */
    if (v && v->phase == INTERPRETED) {
        finish_store(v);
        commit_stores(v);
        v->stores = 0;
        v->incomparable = true;
    }
    return true;
}

/* ---- the two runs ---- */

static void run_interpreted(struct cpu *c, struct block *b)
{
    struct verify *v = c->verify;
    v->pages = v->stores = v->bytes_used = v->fills = 0;
    v->incomparable = false;
    v->phase = INTERPRETED;
    c->block = b;
    const struct insn *i = b->insns;
    while (i)
        i = i->fn(c, i);
    finish_store(v);
    state_save(&v->interpreted, c);
}

/* False if something asked for the vCPU in the meantime: the code may have turned back at once. */
static bool run_translated(struct cpu *c, struct block *b)
{
    struct verify *v = c->verify;
    const uint32_t kicks = atomic_exchange(&c->kick, 0);
    state_restore(c, &v->before);
    hand_over_fills(c);
    v->phase = TRANSLATED;
    const struct insn *i = jit_run(c, b);
    while (i)
        i = i->fn(c, i);
    v->phase = NOT_RUNNING;
    forget_fills(c);
    return atomic_fetch_or(&c->kick, kicks) == 0;
}

/* ---- the comparison ---- */

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
    size_t used = strlen(text);
    va_list args;
    va_start(args, format);
    vsnprintf(text + used, sizeof text - used, format, args);
    va_end(args);
}

static bool memory_differs(const struct verify *v)
{
    for (unsigned n = 0; n < v->pages; n++) {
        if (memcmp(v->copy[n][INTERPRETED], v->copy[n][TRANSLATED], PAGE_BYTES) != 0)
            return true;
    }
    return false;
}

static void say_bytes(const char *who, const uint8_t *at, unsigned count)
{
    say("%s", who);
    for (unsigned n = 0; n < count; n++)
        say(" %02x", at[n]);
}

/* Eight bytes a line, the first few lines. */
static void say_memory(const struct verify *v)
{
    unsigned lines = 0;
    for (unsigned n = 0; n < v->pages; n++) {
        const uint8_t *a = v->copy[n][INTERPRETED], *b = v->copy[n][TRANSLATED];
        for (unsigned at = 0; at < PAGE_BYTES; at += 8) {
            if (memcmp(a + at, b + at, 8) == 0 || ++lines > 4)
                continue;
            say("\n  memory at physical 0x%llx:", (unsigned long long)(v->page[n].ipa + at));
            say_bytes(" interpreted", a + at, 8);
            say_bytes(", translated", b + at, 8);
        }
    }
    if (lines > 4)
        say("\n  and %u more places in memory", lines - 4);
}

static void tell_difference(const struct cpu *c, const struct block *b)
{
    text[0] = 0;
    say("translated code differs from the interpreter in the block at 0x%llx (physical 0x%llx, "
        "EL%d):",
        (unsigned long long)b->va, (unsigned long long)b->ipa, b->flags & BLOCK_EL1 ? 1 : 0);
    for (unsigned n = 0; n < b->n && n < 64; n++)
        say("%s%08x", n % 8 ? " " : "\n  ", b->insns[n].raw);
    state_tell(&c->verify->interpreted, c, say);
    say_memory(c->verify);
}

/* Put the interpreter's results in force. */
static void settle(struct cpu *c)
{
    struct verify *v = c->verify;
    v->phase = NOT_RUNNING;
    forget_fills(c);
    state_restore(c, &v->interpreted);
    commit_stores(v);
}

static bool run_twice(struct cpu *c, struct block *b)
{
    struct verify *v = c->verify;
    unsigned differences = 0, runs = 0;
    state_save(&v->before, c);
    while (differences < TRIES) {
        if (runs++)
            state_restore(c, &v->before);
        run_interpreted(c, b);
        if (v->incomparable)
            break;
        const bool undisturbed = run_translated(c, b);
        if (!state_differs(&v->interpreted, c) && !memory_differs(v))
            break;
        differences += undisturbed;
    }
    if (differences == TRIES)
        tell_difference(c, b);
    settle(c);
    c->stats[v->incomparable ? STAT_VERIFY_ONCE : STAT_VERIFIED]++;
    c->stats[STAT_VERIFY_AGAIN] += runs - 1;
    return differences < TRIES;
}

/* vCPUs take turns. Not with what stands alone: it may wait for others. */
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

void verify_run_once(struct cpu *c, struct block *b)
{
    const bool alone = b->n == 1 && verify_alone(&b->insns[0]);
    if (!alone)
        pthread_mutex_lock(&turn);
    c->stats[STAT_VERIFY_ONCE]++;
    c->block = b;
    const struct insn *i = b->insns;
    while (i)
        i = i->fn(c, i);
    if (!alone)
        pthread_mutex_unlock(&turn);
}

bool verify_run(struct cpu *c, struct block *b)
{
    if (!b->code || (b->n == 1 && verify_alone(&b->insns[0]))) {
        verify_run_once(c, b);
        return true;
    }
    pthread_mutex_lock(&turn);
    const bool same = run_twice(c, b);
    pthread_mutex_unlock(&turn);
    return same;
}
