/* SPDX-License-Identifier: MIT */
/* PL011 UART, as a serial console. Created before the first vCPU runs; the bus destroys it. */
#pragma once

#include "../console.h"
#include "../loop.h"
#include "dev.h"

#define PL011_SIZE 0x1000

/* `room_timer` of the loop is armed when the guest can take input that it could not take before. */
int pl011_create(struct device **dev, struct console *console, struct loop *loop, int room_timer);

/* Input, from the event loop: how many bytes the guest would take now, and giving them. A byte that
 * does not fit is lost, as on a real line; a caller that asks first loses none. */
unsigned pl011_room(struct device *dev);
void pl011_input(struct device *dev, const uint8_t *data, unsigned size);
/* A break on the line (Linux: SysRq). */
void pl011_break(struct device *dev);
