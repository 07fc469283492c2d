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
    const char *name;
    uint64_t value;
    for (unsigned i = 0; hvx_vcpu_counter(v->handle, i, &name, &value); i++)
        if (strcmp(name, "instructions") == 0)
            v->stats.instructions = value;
}

static const char *const hypercall_names[TINYVMM_HYPERCALLS] = {
    "EXIT", "PUTCHAR", "PUTS", "EXIT_STATUS", "GETCHAR", "WRITE", "CLOCK", "INFO",
};

struct text {
    char buf[4096];
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
    sum->instructions += s->instructions;
    for (unsigned i = 0; i < VCPU_EXIT_CLASSES; i++)
        sum->by_class[i] += s->by_class[i];
    for (unsigned i = 0; i < VCPU_HYPERCALLS; i++)
        sum->hypercalls[i] += s->hypercalls[i];
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
    line(&t, "guest instructions", sum.instructions);
    put_times(&t, vm);
    (void)write_all(STDERR_FILENO, t.buf, t.used < sizeof(t.buf) ? t.used : sizeof(t.buf));
}
