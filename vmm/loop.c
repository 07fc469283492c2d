/* SPDX-License-Identifier: MIT */
/*
 * The event loop of the main thread, over poll. The set of descriptors is small, so it is rebuilt
 * for every wait; the lock is never held while waiting or in a callback.
 */
#include "loop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"

int loop_init(struct loop *loop)
{
    int ends[2];
    memset(loop, 0, sizeof(*loop));
    for (unsigned i = 0; i < LOOP_MAX_WATCHES; i++)
        loop->watch[i].fd = -1;
    if (pipe(ends))
        return -errno;
    loop->wake_read = ends[0];
    loop->wake_write = ends[1];
    for (int i = 0; i < 2; i++) {
        fcntl(ends[i], F_SETFD, FD_CLOEXEC);
        fcntl(ends[i], F_SETFL, O_NONBLOCK);
    }
    pthread_mutex_init(&loop->lock, NULL);
    return 0;
}

void loop_destroy(struct loop *loop)
{
    close(loop->wake_read);
    close(loop->wake_write);
    pthread_mutex_destroy(&loop->lock);
}

void loop_wake(struct loop *loop)
{
    /* A full pipe is a wake-up already. errno is kept for the code that a signal interrupts. */
    int saved = errno;
    ssize_t n = write(loop->wake_write, "", 1);
    (void)n;
    errno = saved;
}

static struct loop_watch *find(struct loop *loop, int fd)
{
    for (unsigned i = 0; i < LOOP_MAX_WATCHES; i++)
        if (loop->watch[i].fd == fd)
            return &loop->watch[i];
    return NULL;
}

int loop_watch(struct loop *loop, int fd, short events, loop_fn *fn, void *context)
{
    pthread_mutex_lock(&loop->lock);
    struct loop_watch *w = find(loop, fd);
    if (!w)
        w = find(loop, -1);
    if (w)
        *w = (struct loop_watch){.fd = fd, .events = events, .fn = fn, .context = context};
    pthread_mutex_unlock(&loop->lock);
    loop_wake(loop);
    return w ? 0 : -ENOSPC;
}

void loop_unwatch(struct loop *loop, int fd)
{
    pthread_mutex_lock(&loop->lock);
    struct loop_watch *w = fd >= 0 ? find(loop, fd) : NULL;
    if (w)
        w->fd = -1;
    pthread_mutex_unlock(&loop->lock);
}

int loop_add_timer(struct loop *loop, loop_timer_fn *fn, void *context)
{
    int found = -ENOSPC;
    pthread_mutex_lock(&loop->lock);
    for (int i = 0; i < LOOP_MAX_TIMERS && found < 0; i++) {
        if (loop->timer[i].fn)
            continue;
        loop->timer[i] = (struct loop_timer){.fn = fn, .context = context, .due = UINT64_MAX};
        found = i;
    }
    pthread_mutex_unlock(&loop->lock);
    return found;
}

void loop_arm(struct loop *loop, int timer, uint64_t due)
{
    if (timer < 0 || timer >= LOOP_MAX_TIMERS)
        return;
    pthread_mutex_lock(&loop->lock);
    loop->timer[timer].due = due;
    pthread_mutex_unlock(&loop->lock);
    loop_wake(loop);
}

/* Milliseconds until the next timer, rounded up so that it is due afterwards; -1: none. */
static int next_timeout(struct loop *loop)
{
    uint64_t due = UINT64_MAX;
    for (int i = 0; i < LOOP_MAX_TIMERS; i++)
        if (loop->timer[i].fn && loop->timer[i].due < due)
            due = loop->timer[i].due;
    if (due == UINT64_MAX)
        return -1;
    uint64_t now = host_ns();
    if (due <= now)
        return 0;
    uint64_t ms = (due - now + 999999) / 1000000;
    return ms > 3600000 ? 3600000 : (int)ms;
}

static void run_timers(struct loop *loop)
{
    for (int i = 0; i < LOOP_MAX_TIMERS; i++) {
        pthread_mutex_lock(&loop->lock);
        struct loop_timer t = loop->timer[i];
        bool due = t.fn && t.due <= host_ns();
        if (due)
            loop->timer[i].due = UINT64_MAX;
        pthread_mutex_unlock(&loop->lock);
        if (due)
            t.fn(t.context);
    }
}

static void run_watch(struct loop *loop, int fd, int revents)
{
    pthread_mutex_lock(&loop->lock);
    struct loop_watch *w = find(loop, fd); /* an earlier callback may have removed it */
    struct loop_watch copy = w ? *w : (struct loop_watch){.fd = -1};
    pthread_mutex_unlock(&loop->lock);
    if (copy.fd >= 0)
        copy.fn(copy.context, revents);
}

int loop_run(struct loop *loop, bool (*done)(void *context), void *context)
{
    struct pollfd fds[LOOP_MAX_WATCHES + 1];
    while (!done(context)) {
        nfds_t count = 0;
        fds[count++] = (struct pollfd){.fd = loop->wake_read, .events = POLLIN};
        pthread_mutex_lock(&loop->lock);
        for (unsigned i = 0; i < LOOP_MAX_WATCHES; i++)
            if (loop->watch[i].fd >= 0 && loop->watch[i].events)
                fds[count++] =
                    (struct pollfd){.fd = loop->watch[i].fd, .events = loop->watch[i].events};
        int timeout = next_timeout(loop);
        pthread_mutex_unlock(&loop->lock);

        int ready = poll(fds, count, timeout);
        if (ready < 0 && errno != EINTR)
            return -errno;
        if (ready > 0 && fds[0].revents) {
            char sink[64];
            while (read(loop->wake_read, sink, sizeof(sink)) == (ssize_t)sizeof(sink))
                ;
        }
        for (nfds_t i = 1; ready > 0 && i < count; i++)
            if (fds[i].revents)
                run_watch(loop, fds[i].fd, fds[i].revents);
        run_timers(loop);
    }
    return 0;
}
