/* SPDX-License-Identifier: MIT */
/*
 * What --stats prints. Counters are kept by each vCPU's own thread; they are added up when no
 * thread is left.
 */
#include "vmm.h"

#include <hvx.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tinyvmm.h"

void stats_collect(struct vcpu *v)
{
    struct vcpu_stats *s = &v->stats;
    for (unsigned i = 0; i < VCPU_COUNTERS; i++)
        if (!hvx_vcpu_counter(v->handle, i, &s->counter_name[i], &s->counter[i]))
            break;
}

static const char *const hypercall_names[TINYVMM_HYPERCALLS] = {
    "EXIT", "PUTCHAR", "PUTS", "EXIT_STATUS", "GETCHAR", "WRITE", "CLOCK", "INFO",
};

struct text {
    char buf[8192];
    size_t used;
    unsigned id;
};

static void line(struct text *t, const char *name, uint64_t value)
{
    if (value == 0 || t->used >= sizeof(t->buf))
        return;
    int n = snprintf(t->buf + t->used, sizeof(t->buf) - t->used, "[VM %u] %14" PRIu64 "  %s\n",
                     t->id, value, name);
    if (n > 0)
        t->used += (size_t)n;
}

static void add(struct vcpu_stats *sum, const struct vcpu_stats *s)
{
    sum->exits += s->exits;
    sum->canceled += s->canceled;
    sum->vtimer += s->vtimer;
    sum->unknown += s->unknown;
    sum->psci += s->psci;
    sum->mmio += s->mmio;
    for (unsigned i = 0; i < VCPU_COUNTERS; i++) {
        sum->counter[i] += s->counter[i];
        if (s->counter_name[i])
            sum->counter_name[i] = s->counter_name[i];
    }
    for (unsigned i = 0; i < VCPU_EXIT_CLASSES; i++)
        sum->by_class[i] += s->by_class[i];
    for (unsigned i = 0; i < VCPU_HYPERCALLS; i++)
        sum->hypercalls[i] += s->hypercalls[i];
}

/* A counter of the backend, 0 if it has none of that name. */
static uint64_t counter(const struct vcpu_stats *s, const char *name)
{
    for (unsigned i = 0; i < VCPU_COUNTERS && s->counter_name[i]; i++)
        if (strcmp(s->counter_name[i], name) == 0)
            return s->counter[i];
    return 0;
}

static void put_counters(struct text *t, const struct vcpu_stats *s)
{
    char name[80];
    line(t, "guest instructions", counter(s, "instructions"));
    for (unsigned i = 0; i < VCPU_COUNTERS && s->counter_name[i]; i++) {
        if (strcmp(s->counter_name[i], "instructions") == 0)
            continue;
        snprintf(name, sizeof(name), "CPU: %s", s->counter_name[i]);
        line(t, name, s->counter[i]);
    }
}

/* The share of `all` that the `missed` leave, if it can be told. */
static void share(struct text *t, const char *name, double all, uint64_t missed)
{
    double percent = all > 0 ? 100 - 100 * (double)missed / all : 0;
    if (percent <= 0 || t->used >= sizeof(t->buf))
        return;
    int n = snprintf(t->buf + t->used, sizeof(t->buf) - t->used, "[VM %u] %13.3f%%  %s\n", t->id,
                     percent, name);
    if (n > 0)
        t->used += (size_t)n;
}

/* The software CPU does not count blocks and accesses as they happen: that would cost what is to be
 * measured. Their number follows from that of the instructions, if those that were executed are
 * like those that were decoded. */
static void put_estimates(struct text *t, const struct vcpu_stats *s)
{
    double decoded = (double)counter(s, "instructions decoded");
    if (decoded <= 0)
        return;
    double executed = (double)counter(s, "instructions") / decoded;
    share(t, "of blocks entered from the block before, without the dispatcher (estimated)",
          executed * (double)counter(s, "blocks decoded"), counter(s, "entries by the dispatcher"));
    share(t, "of data accesses found in the TLB (estimated)",
          executed * (double)counter(s, "loads and stores decoded"), counter(s, "data TLB fills"));
}

static void put_times(struct text *t, const struct vm *vm)
{
    const struct {
        const char *name;
        uint64_t at;
    } marks[] = {
        {"us from start to the first guest instruction", vm->entered_ns},
        {"us from start to the guest's first output", vm->console.first_byte},
        {"us from start to the end", vm->ended_ns},
    };
    for (unsigned i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
        if (marks[i].at > vm->started_ns)
            line(t, marks[i].name, (marks[i].at - vm->started_ns) / 1000);
}

void stats_print(const struct vm *vm)
{
    struct text t = {.used = 0, .id = vm->config.id};
    struct vcpu_stats sum = {.exits = 0};
    char name[64];
    for (unsigned i = 0; i < vm->cpus; i++)
        add(&sum, &vm->vcpu[i].stats);
    line(&t, "exits to the monitor", sum.exits);
    for (unsigned ec = 0; ec < VCPU_EXIT_CLASSES; ec++) {
        const char *known = exit_class_name(ec);
        snprintf(name, sizeof(name), "exits: %s (class 0x%02x)", known ? known : "reserved", ec);
        line(&t, name, sum.by_class[ec]);
    }
    line(&t, "exits: virtual timer", sum.vtimer);
    line(&t, "exits: canceled", sum.canceled);
    for (unsigned i = 0; i < TINYVMM_HYPERCALLS; i++) {
        snprintf(name, sizeof(name), "hypercalls: %s", hypercall_names[i]);
        line(&t, name, sum.hypercalls[i]);
    }
    line(&t, "hypercalls: PSCI, SMCCC", sum.psci);
    line(&t, "device accesses", sum.mmio);
    line(&t, "bytes of output", vm->console.bytes);
    put_counters(&t, &sum);
    put_estimates(&t, &sum);
    put_times(&t, vm);
    (void)write_all(STDERR_FILENO, t.buf, t.used < sizeof(t.buf) ? t.used : sizeof(t.buf));
}
