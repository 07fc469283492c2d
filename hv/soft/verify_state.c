/* SPDX-License-Identifier: MIT */
/* Saving, putting back, comparing and telling the state of a vCPU. Owner thread. */
#include "verify_state.h"

#include <stddef.h>
#include <stdio.h>

enum kind {
    HIDDEN,       /* put back, not compared */
    NUMBER,       /* of up to 8 bytes */
    FLAGS,        /* FLAG_*; the bits between are anything */
    MONITOR,      /* counts while the exclusive monitor is set */
    MONITOR_PAIR, /* counts while it is set for 16 bytes */
    EXIT,         /* counts if the run ends */
    REGISTERS,    /* x[] */
    VECTORS,      /* v[] */
    SYSREGS       /* sr[] */
};

struct part {
    const char *name;
    enum kind kind;
    size_t size, at;
};

#define PART(name, field, kind)                                                                    \
    {name, kind, sizeof((struct cpu *)0)->field, offsetof(struct cpu, field)},
#define EXIT_PART(name, field)                                                                     \
    {name, EXIT, sizeof((hv_vcpu_exit_t *)0)->field, offsetof(hv_vcpu_exit_t, field)},
static const struct part parts[] = {STATE_PARTS(PART, EXIT_PART)};
#undef PART
#undef EXIT_PART
#define PARTS (sizeof parts / sizeof parts[0])

static uint8_t *place(struct cpu *c, const struct part *p)
{
    return (p->kind == EXIT ? (uint8_t *)c->exit : (uint8_t *)c) + p->at;
}

static const uint8_t *look(const struct cpu *c, const struct part *p)
{
    return (p->kind == EXIT ? (const uint8_t *)c->exit : (const uint8_t *)c) + p->at;
}

void state_save(struct state *s, const struct cpu *c)
{
    uint8_t *to = s->bytes;
    for (size_t n = 0; n < PARTS; to += parts[n++].size)
        memcpy(to, look(c, &parts[n]), parts[n].size);
}

void state_restore(struct cpu *c, const struct state *s)
{
    const uint8_t *from = s->bytes;
    for (size_t n = 0; n < PARTS; from += parts[n++].size)
        memcpy(place(c, &parts[n]), from, parts[n].size);
}

/* Each number that differs is given to `found`, or NULL: the answer is all that is wanted. */
struct difference {
    const char *name; /* of the register or of its file */
    int index;        /* in the file, or -1 */
    enum kind kind;
    size_t size;
    const uint8_t *want, *have;
};
typedef void found_fn(const struct difference *d, state_say_fn *say);

/* Of a file of registers: which of them count, and their names. */
static bool in_file(const struct part *p, int index, const char **name)
{
    switch (p->kind) {
    case REGISTERS: *name = index == X_SP ? "sp" : "x"; return index < 31 || index == X_SP;
    case VECTORS: *name = "v"; return true;
    default: *name = sysreg_name((unsigned)index); return true;
    }
}

static bool counts(const struct part *p, const struct cpu *c)
{
    switch (p->kind) {
    case HIDDEN: return false;
    case MONITOR: return c->excl_valid;
    case MONITOR_PAIR: return c->excl_valid && c->excl_size == 16;
    case EXIT: return c->stop;
    default: return true;
    }
}

static bool same(const struct difference *d)
{
    uint32_t want, have;
    if (d->kind != FLAGS)
        return memcmp(d->want, d->have, d->size) == 0;
    memcpy(&want, d->want, sizeof want);
    memcpy(&have, d->have, sizeof have);
    return !((want ^ have) & (FLAG_N | FLAG_Z | FLAG_C | FLAG_V));
}

static bool compare(const struct state *s, const struct cpu *c, found_fn *found, state_say_fn *say)
{
    const uint8_t *want = s->bytes;
    bool any = false;
    for (size_t n = 0; n < PARTS; want += parts[n++].size) {
        const struct part *p = &parts[n];
        const uint8_t *have = look(c, p);
        if (!counts(p, c) || memcmp(want, have, p->size) == 0)
            continue;
        const bool file = p->kind >= REGISTERS;
        const size_t step = p->kind == VECTORS ? 16 : file ? 8 : p->size;
        for (size_t at = 0; at < p->size; at += step) {
            struct difference d = {.name = p->name,
                                   .index = file ? (int)(at / step) : -1,
                                   .kind = p->kind,
                                   .size = step,
                                   .want = want + at,
                                   .have = have + at};
            if (same(&d) || (file && !in_file(p, d.index, &d.name)))
                continue;
            any = true;
            if (found)
                found(&d, say);
        }
    }
    return any;
}

bool state_differs(const struct state *s, const struct cpu *c)
{
    return compare(s, c, NULL, NULL);
}

/* As people write it: least significant byte last; flags by letters, capital if set. */
static const char *value_text(const struct difference *d, const uint8_t *value, char out[40])
{
    if (d->kind == FLAGS) {
        uint32_t f;
        memcpy(&f, value, sizeof f);
        snprintf(out, 40, "%c%c%c%c", f & FLAG_N ? 'N' : 'n', f & FLAG_Z ? 'Z' : 'z',
                 f & FLAG_C ? 'C' : 'c', f & FLAG_V ? 'V' : 'v');
        return out;
    }
    size_t used = (size_t)snprintf(out, 40, "0x");
    for (size_t n = d->size; n-- > 0;)
        used += (size_t)snprintf(out + used, 40 - used, "%02x", value[n]);
    return out;
}

static void tell(const struct difference *d, state_say_fn *say)
{
    char number[12] = "", want[40], have[40];
    const bool numbered = d->kind == VECTORS || (d->kind == REGISTERS && d->index < 31);
    if (numbered)
        snprintf(number, sizeof number, "%d", d->index);
    say("\n  %s%s: interpreted %s, translated %s", d->name, number, value_text(d, d->want, want),
        value_text(d, d->have, have));
}

void state_tell(const struct state *s, const struct cpu *c, state_say_fn *say)
{
    compare(s, c, tell, say);
}
