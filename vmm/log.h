/* SPDX-License-Identifier: MIT */
/*
 * What the monitor says. A message is one line and goes out in one write, so that lines of several
 * VMs never mix. The state (prefix, level, descriptor) belongs to the process, which has one VM; it
 * is set before the first thread starts.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>

enum log_level {
    LOG_QUIET,   /* errors only */
    LOG_NORMAL,  /* the steps of a VM's life */
    LOG_VERBOSE, /* what was chosen and why */
};

/* `prefix` ("VM 1") stands in brackets before every line; `fd` takes the steps, warnings go to 2.
 */
void log_setup(enum log_level level, const char *prefix, int fd);

void log_step(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_verbose(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Shown at every level, on standard error. */
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* An empty line among the steps. */
void log_gap(void);

/* What went wrong, in one line for the user: what failed, on what, why, what to do. */
struct vm_error {
    char text[2000]; /* of several lines, if it must be */
};

/* Fill error->text, return err. */
int error_set(struct vm_error *error, int err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Write all of it, whatever signals and short writes do. 0 or -errno. */
int write_all(int fd, const void *data, unsigned long size);
