/* SPDX-License-Identifier: MIT */
/*
 * Maintenance that all vCPUs must see: TLBI and IC with the inner-shareable forms, and changes of
 * the memory map by the client.
 *
 * Each vCPU has a mailbox. The sender posts to every other one, kicks it, and waits until it has
 * served the mail, or is outside cpu_run (it serves its mailbox before it runs any guest code
 * again). A vCPU that waits here counts as outside: two that flush each other do not wait for each
 * other, and those that wait for their turn may sleep. Without that they take the time of the very
 * vCPUs whose answers are missing, where there are more vCPUs than the host has cores.
 *
 * A vCPU that comes in says so and then looks for mail; the sender posts and then looks where the
 * vCPU is. One of the two must see the other, which takes a full barrier on both sides. The exits
 * to the monitor are many and the mails few, so the sender executes both where the host can do that
 * (host_fence.h).
 */
#include "host_fence.h"
#include "tlb.h"

#include <sched.h>
#include <time.h>

#define YIELDS 20
#define NAP_NS 20000

struct machine machine = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void perform(struct cpu *c, const struct mail *m)
{
    switch (m->op) {
    case MAIL_TLB_ALL: tlb_flush_all(c); break;
    case MAIL_TLB_VA: tlb_flush_va(c, m->a); break;
    case MAIL_TLB_VA_ASID: tlb_flush_va_asid(c, m->a, (uint16_t)m->b); break;
    case MAIL_TLB_ASID: tlb_flush_asid(c, (uint16_t)m->b); break;
    case MAIL_CODE_IPA: code_invalidate_ipa(c, m->a, m->b); break;
    default: code_invalidate_all(c); break;
    }
}

void cpu_serve_mail(struct cpu *c)
{
    pthread_mutex_lock(&c->mail_lock);
    if (c->mail_overflow) {
        tlb_flush_all(c);
        code_invalidate_all(c);
    } else {
        for (unsigned n = 0; n < c->mail_count; n++)
            perform(c, &c->mail[n]);
    }
    c->mail_overflow = false;
    c->mail_count = 0;
    c->stats[STAT_MAILS]++;
    atomic_store_explicit(&c->mail_served, atomic_load(&c->mail_posted), memory_order_release);
    pthread_mutex_unlock(&c->mail_lock);
}

/* Returns the number to wait for. */
static uint64_t post(struct cpu *to, const struct mail *m)
{
    pthread_mutex_lock(&to->mail_lock);
    if (to->mail_count < MAILBOX_SLOTS)
        to->mail[to->mail_count++] = *m;
    else
        to->mail_overflow = true;
    uint64_t ticket = atomic_fetch_add(&to->mail_posted, 1) + 1;
    pthread_mutex_unlock(&to->mail_lock);
    atomic_fetch_or(&to->kick, KICK_MAIL);
    return ticket;
}

/*
 * An answer takes a microsecond or two if the vCPU is on a core of the host: YIELDS are about ten.
 * Else it waits for its turn, and so do we. One that is seen outside may have come in again
 * already, with its look for mail done before the post and neither shown yet: what it shows counts
 * after a fence, of which one does for all.
 */
static void wait_for_answer(const struct cpu *from, uint64_t ticket, bool *fenced)
{
    unsigned n = 0;
    while (atomic_load_explicit(&from->mail_served, memory_order_acquire) < ticket) {
        const enum cpu_place place = atomic_load(&from->place);
        if (place == CPU_AWAY || (place == CPU_OUT && *fenced))
            return;
        if (place == CPU_OUT) {
            host_fence();
            *fenced = true;
        } else if (n++ < YIELDS) {
            sched_yield();
        } else {
            nanosleep(&(struct timespec){.tv_nsec = NAP_NS}, NULL);
        }
    }
}

static void post_and_wait(const struct cpu *self, const struct mail *m)
{
    uint64_t ticket[CPU_MAX] = {0};
    struct cpu *others[CPU_MAX];
    unsigned count = 0;
    pthread_mutex_lock(&machine.lock);
    for (unsigned n = 0; n < CPU_MAX; n++) {
        struct cpu *to = machine.cpus[n];
        if (!to || to == self)
            continue;
        ticket[count] = post(to, m);
        others[count++] = to;
    }
    bool fenced = !machine.fence_all;
    for (unsigned n = 0; n < count; n++)
        wait_for_answer(others[n], ticket[n], &fenced);
    pthread_mutex_unlock(&machine.lock);
}

/* In an instruction of the guest: what came meanwhile is served before the next one. It is inside
 * before it looks at `kick`, as in cpu_run. */
static void broadcast(struct cpu *c, const struct mail *m)
{
    atomic_store(&c->place, CPU_AWAY);
    post_and_wait(c, m);
    atomic_store(&c->place, CPU_INSIDE);
    if (atomic_load(&c->kick) & KICK_MAIL) {
        atomic_fetch_and(&c->kick, ~(uint32_t)KICK_MAIL);
        cpu_serve_mail(c);
    }
}

void cpu_broadcast(struct cpu *c, enum mail_op op, uint64_t a, uint64_t b)
{
    struct mail m = {.op = (uint8_t)op, .a = a, .b = b};
    perform(c, &m);
    if (atomic_load_explicit(&machine.count, memory_order_relaxed) > 1)
        broadcast(c, &m);
}

void cpu_broadcast_foreign(enum mail_op op, uint64_t a, uint64_t b)
{
    struct mail m = {.op = (uint8_t)op, .a = a, .b = b};
    post_and_wait(NULL, &m);
}
