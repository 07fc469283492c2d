/* SPDX-License-Identifier: MIT */
/*
 * The guest's console: text out, bytes in. Output is collected by line and each line is one write,
 * so that VMs which share a terminal do not cut each other's lines. A line that stays unfinished is
 * written when the guest waits (input, WFI), when it ends, and, when this VM has the output for
 * itself, after CONSOLE_DELAY_MS (by the event loop).
 *
 * Output: any thread. Input: console_read_wait() is for the vCPU thread of a machine without an
 * input device; a machine with one reads `in` from the event loop instead.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONSOLE_LINE     4096
#define CONSOLE_DELAY_MS 10
#define CONSOLE_STALL_MS 50

struct console {
    int in;               /* descriptor of the guest's input, -1: none */
    int out;              /* descriptor of the guest's output */
    pthread_mutex_t lock; /* guards what follows */
    size_t used;
    char line[CONSOLE_LINE];
    int error;           /* -errno of the first failed write, else 0; later output is dropped */
    uint64_t bytes;      /* written by the guest so far */
    uint64_t first_byte; /* host_ns() of the guest's first byte, 0: none yet */
    /* Called, outside the lock, when an unfinished line begins to wait: see to it that console_tick
     * is called after CONSOLE_DELAY_MS. Not called again before that, so that a guest which prints
     * byte by byte costs few wake-ups. May be NULL. */
    void (*on_partial)(void *context);
    void (*on_error)(void *context, int error);
    void *context;
    /* The VM is being ended from outside: do not wait for a reader that does not read. */
    atomic_bool abandon;
    atomic_bool partial; /* a console_tick is due */
};

void console_init(struct console *console, int in, int out);
void console_destroy(struct console *console);
void console_write(struct console *console, const void *data, size_t size);
void console_putc(struct console *console, uint8_t byte);
void console_flush(struct console *console);
void console_tick(struct console *console);

/* Flush, then wait for one byte of input: 0..255, -ENODATA at its end, -ECANCELED if `cancel` (a
 * descriptor) becomes readable first, -errno. */
int console_read_wait(struct console *console, int cancel);
