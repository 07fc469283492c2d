/* SPDX-License-Identifier: MIT */
/*
 * From the user's keyboard, or a pipe, to the guest's console device. On a terminal Ctrl-A begins a
 * command for the monitor; everything else, Ctrl-C included, is the guest's. A pipe or file is
 * passed on byte by byte, no faster than the guest reads, and its end is just the end of the input.
 *
 * Event loop only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loop.h"

#define INPUT_BUFFER 4096

struct input_ops {
    /* How many bytes the guest would take now; giving them. When there was no room, the device arms
     * input->timer as soon as there is. */
    size_t (*room)(void *context);
    void (*give)(void *context, const uint8_t *data, size_t size);
    void (*send_break)(void *context);
    /* Ctrl-A x. */
    void (*quit)(void *context);
};

struct input {
    struct loop *loop;
    int timer;
    int fd;
    bool terminal;
    bool watching;
    bool escape; /* Ctrl-A has come, the command not yet */
    const struct input_ops *ops;
    void *context;
    size_t first, used; /* of buf: read and not yet given */
    uint8_t buf[INPUT_BUFFER];
};

/* The timer exists from here on, so that devices can be made with it. 0 or -errno. */
int input_init(struct input *input, struct loop *loop);
/* Begin to read from fd (-1: never anything). */
int input_start(struct input *input, int fd, const struct input_ops *ops, void *context);
void input_stop(struct input *input);
