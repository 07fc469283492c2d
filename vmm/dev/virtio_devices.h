/* SPDX-License-Identifier: MIT */
/* The virtio devices that a machine can have. Each is created with what it needs of the host,
 * before the first vCPU runs; the bus destroys it. 0 or -errno, then *v is untouched. */
#pragma once

#include "../console.h"
#include "../loop.h"
#include "disk.h"
#include "virtio.h"

/* `slots` register windows in a row in which there is nothing. */
int virtio_empty_create(struct device **dev, unsigned slots);

int virtio_rng_create(struct virtio **v, const char *name, const struct mem *mem,
                      struct loop *loop);

/* Takes the disk over: it is closed with the device. `serial` (at most 20 characters) may be NULL.
 */
int virtio_blk_create(struct virtio **v, const char *name, const struct mem *mem, struct disk *disk,
                      const char *serial);

/* `room_timer` of the loop is armed when the guest has given buffers for input. */
int virtio_console_create(struct virtio **v, const char *name, const struct mem *mem,
                          struct loop *loop, struct console *console, int room_timer);
/* Input for the guest, from the event loop: how many bytes it would take now, and giving them. */
size_t virtio_console_room(struct virtio *v);
void virtio_console_input(struct virtio *v, const uint8_t *data, size_t size);
/* The terminal behind it has another size now. */
void virtio_console_resize(struct virtio *v, uint16_t columns, uint16_t rows);
