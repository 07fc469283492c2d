/* SPDX-License-Identifier: MIT */
/*
 * Hostile drivers: bytes become register accesses and writes to guest memory, against every device
 * of machine virt. Without a fuzzer this program replays files (the kept corpus); with one (clang
 * -fsanitize=fuzzer -DFUZZER) it explores. Any crash, sanitizer report or hang is a bug.
 *
 * Input: the device, then commands of a byte and its operands. A start command makes a proper
 * driver, so that the interesting states are near.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dev/pl011.h"
#include "dev/pl031.h"
#include "driver.h"

#define COMMANDS_MAX 400
#define STATE_MAX    4096
#define PACKED       (UINT64_C(1) << 34)

struct stream {
    const uint8_t *at, *end;
};

static struct console console;
static struct device *dev;

static uint32_t take(struct stream *s, unsigned bytes)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < bytes && s->at < s->end; i++)
        value |= (uint32_t)*s->at++ << (8 * i);
    return value;
}

static void no_room(void *context)
{
    (void)context;
}

static struct disk *open_image(void)
{
    char path[64], why[300];
    struct disk *disk = NULL;
    snprintf(path, sizeof path, "/tmp/tinyvmm-fuzz-%ld.img", (long)getpid());
    int fd = open(path, O_CREAT | O_RDWR | O_TRUNC, 0600);
    if (fd < 0 || ftruncate(fd, 64 * 512) || disk_open(&disk, path, false, why, sizeof why))
        abort();
    close(fd);
    unlink(path);
    return disk;
}

static void create(struct driver *d, unsigned kind)
{
    struct virtio *v = NULL;
    int timer = loop_add_timer(&d->loop, no_room, NULL);
    int err = 0;
    switch (kind) {
    case 0: err = virtio_blk_create(&v, "blk", &d->mem, open_image(), "fuzz"); break;
    case 1: err = virtio_console_create(&v, "con", &d->mem, &d->loop, &console, timer); break;
    case 2: err = virtio_rng_create(&v, "rng", &d->mem, &d->loop); break;
    case 3: err = pl011_create(&dev, &console, &d->loop, timer); break;
    default: err = pl031_create(&dev, &d->loop); break;
    }
    if (err)
        abort();
    if (v) {
        driver_attach(d, v);
        dev = &v->dev;
        return;
    }
    dev->base = BASE;
    dev->intid = 40;
    if (bus_attach(&d->bus, dev))
        abort();
}

static void give_input(struct driver *d, unsigned kind, struct stream *s)
{
    uint8_t text[32];
    for (unsigned i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)take(s, 1);
    if (kind == 1) {
        size_t room = virtio_console_room(d->v);
        virtio_console_input(d->v, text, room < sizeof text ? room : sizeof text);
        virtio_console_resize(d->v, text[0], text[1]);
    } else if (kind == 3) {
        pl011_input(dev, text, sizeof text);
        pl011_break(dev);
    }
}

static void save_and_restore(struct stream *s)
{
    uint8_t state[STATE_MAX];
    pthread_mutex_lock(&dev->lock);
    size_t size = dev->ops->save(dev, state, sizeof state);
    if (size > sizeof state)
        abort();
    /* Spoil one byte, perhaps. */
    uint32_t where = take(s, 2), what = take(s, 1);
    if (what && where < size)
        state[where] ^= (uint8_t)what;
    (void)dev->ops->restore(dev, state, size);
    pthread_mutex_unlock(&dev->lock);
}

/* Addresses that fit in two bytes: the rings and what lies around them. */
static uint64_t address(struct stream *s)
{
    return RAM + 4 * take(s, 2);
}

static void command(struct driver *d, unsigned kind, struct stream *s)
{
    static const uint32_t status[8] = {0, 1, 3, 11, 15, 64, 128, 255};
    uint64_t value;
    uint32_t a = 0, flags;
    uint64_t at;
    switch (take(s, 1) % 12) {
    case 0:
        a = take(s, 1);
        if (d->v)
            driver_start(d, (a & 1 ? ~PACKED : 0) | (a & 2 ? PACKED : 0));
        break;
    case 1:
        a = take(s, 1) * 4;
        bus_write(&d->bus, &d->last, BASE + a % 0x200, 4, take(s, 4));
        break;
    case 2:
        bus_read(&d->bus, &d->last, BASE + take(s, 2) % 0x1000, 1u << take(s, 1) % 4, &value);
        break;
    case 3:
        a = take(s, 2) % 0x1000;
        bus_write(&d->bus, &d->last, BASE + a, 1u << take(s, 1) % 4, take(s, 4));
        break;
    case 4:
        at = address(s);
        put(d, at, take(s, 4), 4);
        break;
    case 5: /* a descriptor */
        a = take(s, 1);
        at = address(s);
        value = take(s, 2);
        flags = take(s, 1);
        desc(d, a & 1, a >> 1 & 7, at, (uint32_t)value, flags & 7, a >> 4);
        if (d->features & PACKED) /* id and flags change places; available, used */
            put(d, DESC(a & 1) + 16 * (a >> 1 & 7) + 14,
                (flags & 7) | (flags & 8) << 4 | (flags & 16) << 11, 2);
        break;
    case 6: /* a request of the disk: header, data, status */
        at = address(s);
        put(d, at, take(s, 1), 4);
        put(d, at + 8, take(s, 1), 8);
        desc(d, 0, 0, at, 16, 1, 1);
        desc(d, 0, 1, at + 64, take(s, 2), 1 | (take(s, 1) & 2), 2);
        desc(d, 0, 2, at + 32, 1, 2, 0);
        break;
    case 7:
        a = take(s, 1);
        offer(d, a & 1, a >> 1 & 15);
        break;
    case 8: reg_set(d, 0x50, take(s, 1) & 3); break;
    case 9: reg_set(d, 0x70, status[take(s, 1) & 7]); break;
    case 10: give_input(d, kind, s); break;
    default: save_and_restore(s); break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct stream s = {.at = data, .end = data + size};
    struct driver d;
    unsigned kind = take(&s, 1) % 5;
    int null = open("/dev/null", O_WRONLY);
    driver_open(&d);
    console_init(&console, -1, null);
    create(&d, kind);
    for (unsigned i = 0; i < COMMANDS_MAX && s.at < s.end; i++)
        command(&d, kind, &s);
    turn_loop(&d);
    bus_reset(&d.bus);
    driver_close(&d);
    console_destroy(&console);
    close(null);
    return 0;
}

#ifndef FUZZER
static int replay(const char *path)
{
    static uint8_t data[1 << 16];
    FILE *f = fopen(path, "rb");
    if (!f)
        return -1;
    size_t size = fread(data, 1, sizeof data, f);
    fclose(f);
    alarm(20); /* longer is a hang */
    return LLVMFuzzerTestOneInput(data, size);
}

/* Random inputs besides, so that a run without a corpus is worth something. */
static void random_inputs(unsigned count)
{
    uint8_t data[512];
    uint64_t x = 88172645463325252u;
    for (unsigned n = 0; n < count; n++) {
        for (unsigned i = 0; i < sizeof data; i++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            data[i] = (uint8_t)(x >> 32);
        }
        data[0] = (uint8_t)n;
        data[1] = 0;
        alarm(20);
        LLVMFuzzerTestOneInput(data, sizeof data);
    }
}

int main(int argc, char **argv)
{
    int failed = 0;
    for (int i = 1; i < argc; i++)
        failed += replay(argv[i]) != 0;
    random_inputs(500);
    printf("%s - survives %d kept inputs and 500 random ones\n", failed ? "not ok" : "ok",
           argc - 1);
    return failed != 0;
}
#endif
