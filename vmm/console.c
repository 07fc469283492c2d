/* SPDX-License-Identifier: MIT */
/*
 * The guest's console: lines out in one write each, bytes in. See console.h for who calls what.
 */
#include "console.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"

void console_init(struct console *console, int in, int out)
{
    memset(console, 0, sizeof(*console));
    console->in = in;
    console->out = out;
    pthread_mutex_init(&console->lock, NULL);
}

void console_destroy(struct console *console)
{
    pthread_mutex_destroy(&console->lock);
}

/* A write of CONSOLE_LINE bytes may block as long as nobody reads the other end of a pipe. Wait
 * where
 * --timeout and Ctrl-C can end it. */
static int wait_writable(struct console *console)
{
    struct pollfd fd = {.fd = console->out, .events = POLLOUT};
    if (console->out < 0)
        return 0; /* poll would wait for ever for no descriptor */
    while (!atomic_load(&console->abandon)) {
        int n = poll(&fd, 1, CONSOLE_STALL_MS);
        if (n > 0 || (n < 0 && errno != EINTR))
            return 0; /* whatever it is, the write will tell */
    }
    return poll(&fd, 1, 0) > 0 ? 0 : -ECANCELED;
}

/* lock held. Returns the error if this write was the first to fail. */
static int write_out(struct console *console)
{
    size_t size = console->used;
    console->used = 0;
    if (size == 0 || console->error)
        return 0;
    if (wait_writable(console))
        return 0; /* dropped: the VM ends for another reason */
    console->error = write_all(console->out, console->line, size);
    return console->error;
}

/* lock held. Take bytes up to the end of a line or of the buffer; returns how many. */
static size_t take(struct console *console, const uint8_t *data, size_t size, int *error)
{
    size_t room = sizeof(console->line) - console->used;
    size_t n = size < room ? size : room;
    const uint8_t *newline = memchr(data, '\n', n);
    if (newline)
        n = (size_t)(newline - data) + 1;
    memcpy(console->line + console->used, data, n);
    console->used += n;
    if (newline || console->used == sizeof(console->line))
        *error = write_out(console);
    return n;
}

void console_write(struct console *console, const void *data, size_t size)
{
    const uint8_t *at = data;
    int error = 0;
    if (size == 0)
        return;
    pthread_mutex_lock(&console->lock);
    if (console->bytes == 0)
        console->first_byte = host_ns();
    console->bytes += size;
    while (size > 0 && !error && !console->error) {
        size_t n = take(console, at, size, &error);
        at += n;
        size -= n;
    }
    bool begins =
        console->used > 0 && console->on_partial && !atomic_exchange(&console->partial, true);
    pthread_mutex_unlock(&console->lock);
    if (begins)
        console->on_partial(console->context);
    if (error && console->on_error)
        console->on_error(console->context, error);
}

void console_putc(struct console *console, uint8_t byte)
{
    console_write(console, &byte, 1);
}

void console_flush(struct console *console)
{
    pthread_mutex_lock(&console->lock);
    int error = write_out(console);
    pthread_mutex_unlock(&console->lock);
    if (error && console->on_error)
        console->on_error(console->context, error);
}

void console_tick(struct console *console)
{
    atomic_store(&console->partial, false);
    console_flush(console);
}

int console_read_wait(struct console *console, int cancel)
{
    console_flush(console);
    if (console->in < 0)
        return -ENODATA;
    for (;;) {
        struct pollfd fds[2] = {{.fd = console->in, .events = POLLIN},
                                {.fd = cancel, .events = POLLIN}};
        if (poll(fds, 2, -1) < 0) {
            if (errno == EINTR)
                continue;
            return -errno;
        }
        if (fds[1].revents)
            return -ECANCELED;
        uint8_t byte;
        ssize_t n = read(console->in, &byte, 1);
        if (n == 1)
            return byte;
        if (n == 0)
            return -ENODATA;
        if (errno != EINTR && errno != EAGAIN)
            return -errno;
    }
}
