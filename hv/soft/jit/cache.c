/* SPDX-License-Identifier: MIT */
/*
 * Code memory: one anonymous file mapped twice, writable and executable, so that no page is ever
 * both. Blocks are emitted one after the other; when the memory is full everything is dropped
 * together with the decoded blocks (block.c).
 */
#include "code.h"
#include "../perf_map.h"

#include <mach/mach_time.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define BLOCK_CODE_MAX                                                                             \
    (96u << 10) /* no block needs more: 64 instructions, the worst with stubs                      \
                 */

bool jit_available(void)
{
    return true;
}

struct jit *jit_new(size_t bytes)
{
    struct jit *jit = calloc(1, sizeof *jit);
    if (!jit)
        return NULL;
    int fd = memfd_create("tinyvmm-jit", MFD_CLOEXEC);
    jit->size = bytes;
    if (fd < 0 || ftruncate(fd, (off_t)bytes) != 0)
        goto fail;
    void *rw = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (rw == MAP_FAILED)
        goto fail;
    void *rx = mmap(NULL, bytes, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    if (rx == MAP_FAILED) {
        munmap(rw, bytes);
        goto fail;
    }
    close(fd);
    jit->rw = rw;
    jit->rx = rx;
    jit_emit_thunks(jit);
    return jit;
fail:
    if (fd >= 0)
        close(fd);
    free(jit);
    return NULL;
}

void jit_free(struct jit *jit)
{
    if (!jit)
        return;
    munmap(jit->rw, jit->size);
    munmap(jit->rx, jit->size);
    free(jit);
}

size_t jit_bytes(const struct jit *jit)
{
    return jit ? jit->used : 0;
}

bool jit_translate(struct cpu *c, struct block *b)
{
    struct jit *jit = c->jit;
    if (jit->size - jit->used < BLOCK_CODE_MAX)
        return false;
    const size_t before = jit->used;
    if (!jit_emit(c, jit, b))
        return false;
    perf_map_add(b, jit->used - before);
    return true;
}

const struct insn *jit_run(struct cpu *c, const struct block *b)
{
    const struct insn *(*enter)(struct cpu *, const void *);
    memcpy(&enter, &c->jit->enter, sizeof enter);
    return enter(c, b->code);
}

const void *jit_cold(const struct jit *jit)
{
    return jit ? jit->cold : NULL;
}

const struct insn *jit_resume(struct cpu *c, const struct insn *i)
{
    uintptr_t first = (uintptr_t)(i - i->off / 4);
    struct block *b = (struct block *)(first - offsetof(struct block, insns));
    c->pc = b->va;
    c->block = b;
    return i;
}

/* The access of i has missed its base's page 256 times since it was here last. If that was often,
 * its block is translated anew, without that page. */
static __attribute__((noinline, cold)) void note_misses(struct cpu *c, const struct insn *i)
{
    struct block *b = c->block;
    const unsigned site = base_site(b->va + i->off);
    mach_timebase_info_data_t tb;
    const uint64_t now = mach_absolute_time(), ticks = now - c->jit->site_since[site];
    mach_timebase_info(&tb);
    c->base_poor = false;
    c->jit->site_since[site] = now;
    if (ticks / tb.denom * tb.numer > UINT64_C(256) * BASE_MISS_NS)
        return;
    c->jit->poor_site[site] = true;
    block_translate_again(c, b);
}

const struct insn *jit_call(struct cpu *c, const struct insn *i)
{
    jit_resume(c, i);
    if (unlikely(c->base_poor))
        note_misses(c, i);
    return i->fn(c, i);
}

bool jit_translate_again(struct cpu *c, struct block *b)
{
    const void *before = b->code;
    if (!jit_translate(c, b))
        return false;
    jit_emit_jump(c->jit, before, b->code);
    return true;
}

void jit_link(struct cpu *c, struct link *l, struct block *to)
{
    if (!l->site || !to->code)
        return;
    const uint8_t *target = (const uint8_t *)to->code - (c->jit->rx - c->jit->rw);
    if (l->round && l != &to->link[0]) /* another block took its place */
        return;
    if (l->round) {
        target = l->round;
    } else if (!(to->wants & ~l->ready)) {
        target += to->wants ? c->jit->want_check : 0;
        if (l->forward) /* whatever comes round in a circle looks at cpu->kick elsewhere */
            target += c->jit->kick_check;
    }
    int32_t disp = (int32_t)(target - (l->site + 4));
    if (l->gen_at)
        memcpy(l->gen_at, &l->gen, 4);
    memcpy(l->site, &disp, 4);
}

void jit_unlink(struct link *l)
{
    if (!l->site)
        return;
    int32_t disp = (int32_t)(l->stub - (l->site + 4));
    memcpy(l->site, &disp, 4);
}

void jit_reset(struct cpu *c)
{
    if (c->jit)
        c->jit->used = c->jit->base;
    if (c->jit)
        memset(c->jit->poor_site, 0, sizeof c->jit->poor_site);
}
