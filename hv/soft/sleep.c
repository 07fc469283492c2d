/* SPDX-License-Identifier: MIT */
/*
 * Waiting inside hv_vcpu_run, in a VM with a GIC: WFI, WFE, SEV. A vCPU that sleeps does not count
 * as running, so nobody waits for it to serve its mail; it does so before the next guest
 * instruction.
 */
#include "cpu.h"

#include <errno.h>
#include <time.h>

#define WFE_SLEEP_NS                                                                               \
    50000 /* about what a missed event may cost; a spin lock's holder needs less                   \
           */

/* Nothing here but atomics and sem_post: hv_vcpus_exit may be called from a signal handler. */
void cpu_kick(struct cpu *c, uint32_t reason)
{
    atomic_fetch_or(&c->kick, reason);
    if (atomic_exchange(&c->sleeping, false))
        sem_post(&c->wake);
}

/* Sleep until a kick, for `ns` at the most if that is not 0. The flag goes up before the last look
 * at `kick`, so that whoever sets that afterwards sees the flag. */
static void sleep_until_kick(struct cpu *c, long ns)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    ts.tv_nsec += ns;
    ts.tv_sec += ts.tv_nsec / 1000000000;
    ts.tv_nsec %= 1000000000;
    atomic_store(&c->place, CPU_AWAY);
    atomic_store(&c->sleeping, true);
    while (!atomic_load(&c->kick) && !cpu_interrupt_pending(c)) {
        int rc = ns ? sem_timedwait(&c->wake, &ts) : sem_wait(&c->wake);
        if (rc == 0)
            atomic_store(&c->sleeping, true); /* a stale post may have been consumed */
        else if (ns && errno == ETIMEDOUT)
            break;
    }
    atomic_store(&c->sleeping, false);
    atomic_store(&c->place, CPU_INSIDE);
}

void cpu_wait_for_interrupt(struct cpu *c)
{
    sleep_until_kick(c, 0);
}

void cpu_wait_for_event(struct cpu *c)
{
    sleep_until_kick(c, WFE_SLEEP_NS);
    atomic_store(&c->event, false);
}

/* ---- by number ---- */

/* Those who may be kicked by other threads. A leaf lock: its holder does nothing but kick, so that
 * a vCPU whose answer others wait for (broadcast.c, under machine.lock) never waits here for them.
 */
static pthread_mutex_t kick_lock = PTHREAD_MUTEX_INITIALIZER;
static struct cpu *kickable[CPU_MAX];

void cpu_set_kickable(unsigned index, struct cpu *c)
{
    pthread_mutex_lock(&kick_lock);
    kickable[index] = c;
    pthread_mutex_unlock(&kick_lock);
}

void cpu_kick_index(unsigned index, uint32_t reason)
{
    pthread_mutex_lock(&kick_lock);
    if (kickable[index])
        cpu_kick(kickable[index], reason);
    pthread_mutex_unlock(&kick_lock);
}

void cpu_kicks_after_fork(void)
{
    pthread_mutex_init(&kick_lock, NULL);
    memset(kickable, 0, sizeof kickable);
}

void cpu_send_event(void)
{
    pthread_mutex_lock(&kick_lock);
    for (unsigned n = 0; n < CPU_MAX; n++) {
        if (kickable[n]) {
            atomic_store(&kickable[n]->event, true);
            cpu_kick(kickable[n], KICK_EVENT);
        }
    }
    pthread_mutex_unlock(&kick_lock);
}
