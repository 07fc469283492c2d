/* SPDX-License-Identifier: MIT */
/*
 * PL031 real-time clock: ARM DDI 0224, with its alarm. Counts seconds since 1970 in UTC, from the
 * host's clock; what the guest sets is kept as the difference from it. Register accesses come from
 * vCPU threads, the alarm from the event loop; both under dev->lock.
 */
#include "pl031.h"

#include <errno.h>
#include <stdlib.h>

#include "../clock.h"
#include "state.h"

enum {
    DR = 0x00,
    MR = 0x04,
    LR = 0x08,
    CR = 0x0c,
    IMSC = 0x10,
    RIS = 0x14,
    MIS = 0x18,
    ICR = 0x1c,
    ID = 0xfe0,
};

#define SECOND        UINT64_C(1000000000)
#define STATE_VERSION 1

struct pl031 {
    struct device dev;
    struct loop *loop;
    int timer;
    uint32_t offset; /* guest's seconds minus the host's, modulo 2^32 */
    uint32_t match, load;
    bool mask, pending;
};

static const uint8_t id[8] = {0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1};

static uint32_t now(const struct pl031 *r)
{
    return (uint32_t)(host_unix_ns() / SECOND) + r->offset;
}

static void update_irq(struct pl031 *r)
{
    device_set_irq(&r->dev, r->pending && r->mask);
}

/* The next moment at which the counter becomes equal to the match register. Equality now counts as
 * met when the register is written; the counter wraps after 136 years. */
static void arm(struct pl031 *r)
{
    uint32_t seconds = r->match - now(r);
    uint64_t into = host_unix_ns() % SECOND;
    uint64_t wait = seconds ? seconds * SECOND - into : 0;
    loop_arm(r->loop, r->timer, host_ns() + wait);
}

static void alarm_due(void *context)
{
    struct pl031 *r = context;
    pthread_mutex_lock(&r->dev.lock);
    uint32_t late = now(r) - r->match;
    if (late < UINT32_C(1) << 31) {
        r->pending = true;
        update_irq(r);
    } else {
        arm(r); /* the two clocks of the host do not run exactly alike */
    }
    pthread_mutex_unlock(&r->dev.lock);
}

static uint64_t pl031_read(struct device *dev, uint64_t offset, unsigned width)
{
    const struct pl031 *r = (const struct pl031 *)dev;
    (void)width;
    switch (offset) {
    case DR: return now(r);
    case MR: return r->match;
    case LR: return r->load;
    case CR: return 1; /* running, always */
    case IMSC: return r->mask;
    case RIS: return r->pending;
    case MIS: return r->pending && r->mask;
    default: return offset >= ID && offset % 4 == 0 ? id[(offset - ID) / 4] : 0;
    }
}

static void pl031_write(struct device *dev, uint64_t offset, unsigned width, uint64_t value64)
{
    struct pl031 *r = (struct pl031 *)dev;
    uint32_t value = (uint32_t)value64;
    (void)width;
    switch (offset) {
    case MR:
        r->match = value;
        arm(r);
        break;
    case LR:
        r->load = value;
        r->offset += value - now(r);
        arm(r);
        break;
    case IMSC: r->mask = value & 1; break;
    case ICR:
        if (value & 1)
            r->pending = false;
        break;
    default: break;
    }
    update_irq(r);
}

static void pl031_reset(struct device *dev)
{
    struct pl031 *r = (struct pl031 *)dev;
    r->match = r->load = 0;
    r->mask = r->pending = false;
    loop_arm(r->loop, r->timer, UINT64_MAX);
    update_irq(r);
    /* The time itself survives a reset, as with a battery. */
}

static size_t pl031_save(struct device *dev, uint8_t *buf, size_t size)
{
    const struct pl031 *r = (const struct pl031 *)dev;
    struct state_out out = {.buf = buf, .size = size};
    put_u32(&out, STATE_VERSION);
    put_u32(&out, r->offset);
    put_u32(&out, r->match);
    put_u32(&out, r->load);
    put_u8(&out, r->mask);
    put_u8(&out, r->pending);
    return out.used;
}

static int pl031_restore(struct device *dev, const uint8_t *buf, size_t size)
{
    struct pl031 *r = (struct pl031 *)dev;
    struct state_in in = {.buf = buf, .size = size};
    uint32_t version = get_u32(&in);
    uint32_t offset = get_u32(&in);
    uint32_t match = get_u32(&in);
    uint32_t load = get_u32(&in);
    bool mask = get_u8(&in);
    bool pending = get_u8(&in);
    if (!state_whole(&in) || version != STATE_VERSION)
        return -EINVAL;
    r->offset = offset;
    r->match = match;
    r->load = load;
    r->mask = mask;
    r->pending = pending;
    arm(r);
    update_irq(r);
    return 0;
}

static void pl031_destroy(struct device *dev)
{
    pthread_mutex_destroy(&dev->lock);
    free(dev);
}

static const struct device_node pl031_node = {
    .name = "pl031",
    .compatible = "arm,pl031\0arm,primecell\0",
    .clocks = "apb_pclk\0",
};

static const struct device_ops pl031_ops = {
    .name = "pl031",
    .node = &pl031_node,
    .widths = DEV_WIDTH_32,
    .read = pl031_read,
    .write = pl031_write,
    .reset = pl031_reset,
    .save = pl031_save,
    .restore = pl031_restore,
    .destroy = pl031_destroy,
};

int pl031_create(struct device **dev, struct loop *loop)
{
    struct pl031 *r = calloc(1, sizeof *r);
    if (!r)
        return -ENOMEM;
    r->timer = loop_add_timer(loop, alarm_due, r);
    int err = r->timer < 0 ? r->timer : device_init(&r->dev, &pl031_ops, "pl031", PL031_SIZE);
    if (err) {
        free(r);
        return err;
    }
    r->loop = loop;
    *dev = &r->dev;
    return 0;
}
