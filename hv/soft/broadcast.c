/* SPDX-License-Identifier: MIT */
/*
 * Maintenance that all vCPUs must see: TLBI and IC with the inner-shareable forms, and changes of
 * the memory map by the client.
 *
 * Each vCPU has a mailbox. The sender posts to every other one, kicks it, and waits until it has
 * served the mail, or is outside cpu_run (it serves its mailbox before it runs any guest code
 * again). While waiting, a vCPU serves its own mail: two that flush each other must not wait for
 * ever.
 */
#include "tlb.h"

#include <sched.h>

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

/* A vCPU that waits for others must answer them. */
static void serve_own(struct cpu *self)
{
    if (self && (atomic_load_explicit(&self->kick, memory_order_relaxed) & KICK_MAIL)) {
        atomic_fetch_and(&self->kick, ~(uint32_t)KICK_MAIL);
        cpu_serve_mail(self);
    }
    sched_yield();
}

/* `self` is NULL for a thread that is no vCPU. */
static void broadcast(struct cpu *self, const struct mail *m)
{
    uint64_t ticket[CPU_MAX] = {0};
    struct cpu *others[CPU_MAX];
    unsigned count = 0;
    while (pthread_mutex_trylock(&machine.lock) != 0)
        serve_own(self);
    for (unsigned n = 0; n < CPU_MAX; n++) {
        struct cpu *to = machine.cpus[n];
        if (!to || to == self)
            continue;
        ticket[count] = post(to, m);
        others[count++] = to;
    }
    for (unsigned n = 0; n < count; n++) {
        while (atomic_load(&others[n]->running) &&
               atomic_load_explicit(&others[n]->mail_served, memory_order_acquire) < ticket[n])
            serve_own(self);
    }
    pthread_mutex_unlock(&machine.lock);
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
    broadcast(NULL, &m);
}
