/* SPDX-License-Identifier: MIT */
/*
 * Messages of the monitor, one write each. The state is set once by log_setup before there are
 * threads and only read afterwards.
 */
#include "log.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024

static enum log_level level = LOG_NORMAL;
static char prefix[32];
static int step_fd = STDOUT_FILENO;

void log_setup(enum log_level new_level, const char *new_prefix, int fd)
{
    level = new_level;
    snprintf(prefix, sizeof(prefix), "%s", new_prefix);
    step_fd = fd;
}

int write_all(int fd, const void *data, unsigned long size)
{
    const char *at = data;
    while (size > 0) {
        ssize_t n = write(fd, at, size);
        if (n >= 0) {
            at += n;
            size -= (unsigned long)n;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            /* Somebody left the descriptor non-blocking; the terminal is only full for a moment. */
            struct pollfd wait = {.fd = fd, .events = POLLOUT};
            (void)poll(&wait, 1, 100);
        } else if (errno != EINTR) {
            return -errno;
        }
    }
    return 0;
}

static void say(int fd, const char *tag, const char *format, va_list args)
{
    char line[LINE_MAX_BYTES];
    int head = prefix[0] ? snprintf(line, sizeof(line), "[%s] %s", prefix, tag)
                         : snprintf(line, sizeof(line), "%s", tag);
    size_t used = (size_t)head;
    int body = vsnprintf(line + used, sizeof(line) - used - 1, format, args);
    if (body > 0)
        used += (size_t)body < sizeof(line) - used - 1 ? (size_t)body : sizeof(line) - used - 2;
    line[used++] = '\n';
    /* A message that cannot be written has nowhere else to go. */
    (void)write_all(fd, line, used);
}

void log_step(const char *format, ...)
{
    if (level < LOG_NORMAL)
        return;
    va_list args;
    va_start(args, format);
    say(step_fd, "", format, args);
    va_end(args);
}

void log_verbose(const char *format, ...)
{
    if (level < LOG_VERBOSE)
        return;
    va_list args;
    va_start(args, format);
    say(step_fd, "", format, args);
    va_end(args);
}

void log_warn(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(STDERR_FILENO, "warning: ", format, args);
    va_end(args);
}

void log_gap(void)
{
    if (level >= LOG_NORMAL)
        (void)write_all(step_fd, "\n", 1);
}

int error_set(struct vm_error *error, int err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(error->text, sizeof(error->text), format, args);
    va_end(args);
    return err;
}
