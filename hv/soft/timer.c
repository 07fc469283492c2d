/* SPDX-License-Identifier: MIT */
/*
 * The generic timer. Guest time is mach time minus an offset, at the same frequency; a deadline is
 * host time. One alarm thread for all vCPUs sleeps until the earliest deadline and kicks the vCPU
 * whose time has come. It starts with the first deadline, so that a guest without timers costs no
 * thread. A vCPU that reads a counter past its deadline, or that its condition is met, kicks
 * itself: neither guest nor client sees time pass the compare value for long without the interrupt,
 * however late the host wakes the thread.
 */
#include "timer.h"
#include "cpu.h"

#include <errno.h>
#include <mach/mach_time.h>
#include <time.h>

#define NEVER       UINT64_MAX
#define CTL_ENABLE  1
#define CTL_IMASK   2
#define CTL_ISTATUS 4

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    _Atomic bool started;
    uint64_t deadline[CPU_MAX]; /* mach time, by vCPU index; NEVER if none */
    uint64_t next;              /* what the thread sleeps for */
} alarm_clock = {.lock = PTHREAD_MUTEX_INITIALIZER, .next = NEVER};

uint64_t timer_cntvct(const struct cpu *c)
{
    return mach_absolute_time() - c->cntvoff;
}

uint64_t timer_read_clock(struct cpu *c)
{
    const uint64_t now = mach_absolute_time();
    if (now >= c->alarm) {
        c->alarm = NEVER;
        cpu_kick(c, KICK_TIMER);
    }
    return now;
}

bool timer_condition(const struct cpu *c, enum timer_kind kind)
{
    uint64_t ctl = c->sr[kind == TIMER_VIRTUAL ? SR_CNTV_CTL_EL0 : SR_CNTP_CTL_EL0];
    uint64_t cval = c->sr[kind == TIMER_VIRTUAL ? SR_CNTV_CVAL_EL0 : SR_CNTP_CVAL_EL0];
    /* Asked on every way into the guest: the clock is read only if its answer matters. */
    if (!(ctl & CTL_ENABLE))
        return false;
    return (kind == TIMER_VIRTUAL ? timer_cntvct(c) : mach_absolute_time()) >= cval;
}

uint64_t timer_ctl(struct cpu *c, enum timer_kind kind)
{
    uint64_t ctl = c->sr[kind == TIMER_VIRTUAL ? SR_CNTV_CTL_EL0 : SR_CNTP_CTL_EL0];
    bool met = timer_condition(c, kind);
    if (met)
        timer_read_clock(c);
    return (ctl & (CTL_ENABLE | CTL_IMASK)) | (met ? CTL_ISTATUS : 0);
}

/* The output line of a timer: condition met and not masked. */
bool timer_line(const struct cpu *c, enum timer_kind kind)
{
    uint64_t ctl = c->sr[kind == TIMER_VIRTUAL ? SR_CNTV_CTL_EL0 : SR_CNTP_CTL_EL0];
    return !(ctl & CTL_IMASK) && timer_condition(c, kind);
}

/* When will the line rise, as mach time? NEVER if it will not, or is up already. */
static uint64_t deadline_of(const struct cpu *c, enum timer_kind kind)
{
    uint64_t ctl = c->sr[kind == TIMER_VIRTUAL ? SR_CNTV_CTL_EL0 : SR_CNTP_CTL_EL0];
    uint64_t cval = c->sr[kind == TIMER_VIRTUAL ? SR_CNTV_CVAL_EL0 : SR_CNTP_CVAL_EL0];
    uint64_t offset = kind == TIMER_VIRTUAL ? c->cntvoff : 0;
    if ((ctl & (CTL_ENABLE | CTL_IMASK)) != CTL_ENABLE || timer_condition(c, kind))
        return NEVER;
    return cval > NEVER - 1 - offset ? NEVER : cval + offset;
}

static struct timespec host_time(uint64_t mach)
{
    mach_timebase_info_data_t tb;
    mach_timebase_info(&tb);
    uint64_t now = mach_absolute_time();
    uint64_t ticks = mach > now ? mach - now : 0;
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    /* A minute at the most, so that no multiplication overflows: the thread looks again then. */
    uint64_t minute = UINT64_C(60000000000) / tb.numer * tb.denom;
    uint64_t ns = (ticks < minute ? ticks : minute) * tb.numer / tb.denom + 1;
    ns += (uint64_t)ts.tv_nsec;
    ts.tv_sec += (time_t)(ns / 1000000000);
    ts.tv_nsec = (long)(ns % 1000000000);
    return ts;
}

static void ring(uint64_t now)
{
    for (unsigned n = 0; n < CPU_MAX; n++) {
        if (alarm_clock.deadline[n] > now)
            continue;
        alarm_clock.deadline[n] = NEVER;
        if (machine.cpus[n])
            cpu_kick(machine.cpus[n], KICK_TIMER);
    }
}

static void *alarm_thread(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&alarm_clock.lock);
    for (;;) {
        ring(mach_absolute_time());
        alarm_clock.next = NEVER;
        for (unsigned n = 0; n < CPU_MAX; n++) {
            if (alarm_clock.deadline[n] < alarm_clock.next)
                alarm_clock.next = alarm_clock.deadline[n];
        }
        if (alarm_clock.next == NEVER) {
            pthread_cond_wait(&alarm_clock.changed, &alarm_clock.lock);
        } else {
            struct timespec ts = host_time(alarm_clock.next);
            pthread_cond_timedwait(&alarm_clock.changed, &alarm_clock.lock, &ts);
        }
    }
    return NULL;
}

/* Under the lock. */
static void start(void)
{
    pthread_condattr_t attr;
    pthread_attr_t detached;
    pthread_t thread;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&alarm_clock.changed, &attr);
    pthread_condattr_destroy(&attr);
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    alarm_clock.started = pthread_create(&thread, &detached, alarm_thread, NULL) == 0;
    pthread_attr_destroy(&detached);
}

void timer_reset_alarms(void)
{
    pthread_mutex_lock(&alarm_clock.lock);
    for (unsigned n = 0; n < CPU_MAX; n++)
        alarm_clock.deadline[n] = NEVER;
    pthread_mutex_unlock(&alarm_clock.lock);
}

void timer_after_fork(void)
{
    pthread_mutex_init(&alarm_clock.lock, NULL);
    alarm_clock.started = false;
    alarm_clock.next = NEVER;
}

void timer_forget(struct cpu *c)
{
    pthread_mutex_lock(&alarm_clock.lock);
    alarm_clock.deadline[c->index] = NEVER;
    pthread_mutex_unlock(&alarm_clock.lock);
}

static void set_alarm(struct cpu *c, uint64_t deadline)
{
    if (deadline == NEVER && !alarm_clock.started)
        return;
    pthread_mutex_lock(&alarm_clock.lock);
    alarm_clock.deadline[c->index] = deadline;
    if (deadline < alarm_clock.next) {
        if (!alarm_clock.started)
            start();
        pthread_cond_signal(&alarm_clock.changed);
    }
    pthread_mutex_unlock(&alarm_clock.lock);
}

void timer_update(struct cpu *c)
{
    uint64_t v = deadline_of(c, TIMER_VIRTUAL), p = NEVER;
    bool line = timer_line(c, TIMER_VIRTUAL);
    if (machine.has_gic) {
        p = deadline_of(c, TIMER_PHYSICAL);
        timer_drive_gic(c, line, timer_line(c, TIMER_PHYSICAL));
    } else {
        c->vtimer_exit = line;
        if (c->vtimer_masked)
            v = NEVER;
    }
    c->alarm = v < p ? v : p;
    set_alarm(c, c->alarm);
}
