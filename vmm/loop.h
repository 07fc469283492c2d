/* SPDX-License-Identifier: MIT */
/*
 * The event loop: the main thread waits here for descriptors, signals, timers and wake-ups while
 * the vCPU threads run the guest. Devices that wait for the host register a descriptor.
 *
 * Callbacks run on the main thread, one at a time. loop_watch(), loop_unwatch(), loop_timer() may
 * be called from any thread; loop_wake() also from a signal handler.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define LOOP_MAX_WATCHES 64
#define LOOP_MAX_TIMERS  16

typedef void loop_fn(void *context, int revents);
typedef void loop_timer_fn(void *context);

struct loop {
    pthread_mutex_t lock;
    int wake_read, wake_write; /* self-pipe */
    struct loop_watch {
        int fd; /* -1: free */
        short events;
        loop_fn *fn;
        void *context;
    } watch[LOOP_MAX_WATCHES];
    struct loop_timer {
        loop_timer_fn *fn; /* NULL: free */
        void *context;
        uint64_t due; /* host_ns(), UINT64_MAX: not armed */
    } timer[LOOP_MAX_TIMERS];
};

int loop_init(struct loop *loop);
void loop_destroy(struct loop *loop);

/* Call fn on the main thread when `events` (poll's) come up on fd. A second call for the same fd
 * replaces the first; events 0 keeps the entry but listens to nothing. 0 or -ENOSPC. */
int loop_watch(struct loop *loop, int fd, short events, loop_fn *fn, void *context);
void loop_unwatch(struct loop *loop, int fd);

/* A timer slot for life: its number, or -ENOSPC. Armed by loop_arm with a time of host_ns();
 * UINT64_MAX disarms. One-shot. */
int loop_add_timer(struct loop *loop, loop_timer_fn *fn, void *context);
void loop_arm(struct loop *loop, int timer, uint64_t due);

/* Make the loop look again at its condition. */
void loop_wake(struct loop *loop);

/* Serve events until done(context) is true, asked after every wake-up. 0 or -errno. */
int loop_run(struct loop *loop, bool (*done)(void *context), void *context);
