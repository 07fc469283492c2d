/* SPDX-License-Identifier: MIT */
/*
 * The user's terminal in raw mode while a guest has it, and as it was before whenever the guest has
 * it not: at the end, when the program is stopped or killed by a signal that can be caught, when it
 * crashes. One terminal per process. Main thread, but term_restore() from any.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "loop.h"

/* Raw mode on fd if it is a terminal whose foreground is ours; otherwise nothing happens. `resized`
 * is called on the event loop when its size has changed; may be NULL. */
int term_raw(int fd, struct loop *loop, void (*resized)(void *context), void *context);
/* Undo it. May be called twice, or without term_raw. */
void term_restore(void);

/* Columns and rows of fd; false if it is not a terminal or does not know. */
bool term_size(int fd, uint16_t *columns, uint16_t *rows);
