/* SPDX-License-Identifier: MIT */
/* virtio: the transport, the rings, and the devices rng and console. The disk has a file of its
 * own. */
#include "../test.h"

#include <fcntl.h>

#include "driver.h"

#define F_INDIRECT (UINT64_C(1) << 28)
#define F_EVENT    (UINT64_C(1) << 29)

static void open_rng(struct driver *d)
{
    struct virtio *v = NULL;
    driver_open(d);
    CHECK_EQ(virtio_rng_create(&v, "rng", &d->mem, &d->loop), 0);
    driver_attach(d, v);
}

/* ---- transport ---- */

static void identifies_itself(void)
{
    struct driver d;
    open_rng(&d);
    CHECK_EQ(reg_get(&d, 0), 0x74726976);
    CHECK_EQ(reg_get(&d, 4), 2);
    CHECK_EQ(reg_get(&d, 8), 4);
    reg_set(&d, 0x14, 0);
    CHECK_EQ(reg_get(&d, 0x10), F_INDIRECT | F_EVENT);
    reg_set(&d, 0x14, 1);
    CHECK_EQ(reg_get(&d, 0x10), 1); /* VIRTIO_F_VERSION_1 */
    reg_set(&d, 0x14, 2);
    CHECK_EQ(reg_get(&d, 0x10), 0);
    reg_set(&d, 0x30, 0);
    CHECK(reg_get(&d, 0x34) > 0);
    reg_set(&d, 0x30, 1);
    CHECK_EQ(reg_get(&d, 0x34), 0); /* no second queue */
    CHECK_EQ(reg_get(&d, 0xb0), 0xffffffff);
    driver_close(&d);
}

static void keeps_the_order_of_status(void)
{
    struct driver d;
    open_rng(&d);
    reg_set(&d, 0x70, 4);
    CHECK_EQ(reg_get(&d, 0x70), 0); /* DRIVER_OK before FEATURES_OK */
    reg_set(&d, 0x70, 3);
    reg_set(&d, 0x24, 0);
    reg_set(&d, 0x20, 1); /* not offered */
    reg_set(&d, 0x24, 1);
    reg_set(&d, 0x20, 1);
    reg_set(&d, 0x70, 11);
    CHECK_EQ(reg_get(&d, 0x70), 3); /* FEATURES_OK refused */
    reg_set(&d, 0x24, 0);
    reg_set(&d, 0x20, 0);
    reg_set(&d, 0x24, 1);
    reg_set(&d, 0x20, 0);
    reg_set(&d, 0x70, 11);
    CHECK_EQ(reg_get(&d, 0x70), 3); /* a driver without VERSION_1 */
    reg_set(&d, 0x20, 1);
    reg_set(&d, 0x70, 11);
    CHECK_EQ(reg_get(&d, 0x70), 11);
    reg_set(&d, 0x70, 1);
    CHECK_EQ(reg_get(&d, 0x70), 11); /* bits are not cleared one by one */
    setup_queue(&d, 0, QUEUE_SIZE);
    reg_set(&d, 0x70, 15);
    CHECK_EQ(reg_get(&d, 0x70), 15);
    reg_set(&d, 0x70, 0);
    CHECK_EQ(reg_get(&d, 0x70), 0);
    reg_set(&d, 0x30, 0);
    CHECK_EQ(reg_get(&d, 0x44), 0);
    driver_close(&d);
}

static void refuses_bad_rings(void)
{
    static const struct {
        uint32_t size, desc, avail, used;
    } bad[] = {
        {16, 0x40000001, 0x40002000, 0x40004000}, /* alignment */
        {16, 0x40000000, 0x40002001, 0x40004000},
        {16, 0x40000000, 0x40002000, 0x40004002},
        {16, 0x30000000, 0x40002000, 0x40004000}, /* outside memory */
        {16, 0x40000000, 0x400ffff0, 0x40004000}, /* over the end */
        {16, 0x40000000, 0x40002000, 0xfffffffc},
        {3, 0x40000000, 0x40002000, 0x40004000}, /* not a power of two */
        {0, 0x40000000, 0x40002000, 0x40004000},
        {0x8000, 0x40000000, 0x40002000, 0x40004000},
        {0x10008, 0x40000000, 0x40002000, 0x40004000},
    };
    struct driver d;
    open_rng(&d);
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        reg_set(&d, 0x70, 0);
        reg_set(&d, 0x70, 3);
        reg_set(&d, 0x24, 1);
        reg_set(&d, 0x20, 1);
        reg_set(&d, 0x70, 11);
        reg_set(&d, 0x30, 0);
        reg_set(&d, 0x38, bad[i].size);
        reg_set(&d, 0x80, bad[i].desc);
        reg_set(&d, 0x90, bad[i].avail);
        reg_set(&d, 0xa0, bad[i].used);
        reg_set(&d, 0x44, 1);
        CHECK_EQ(reg_get(&d, 0x44), 0);
        CHECK_EQ(reg_get(&d, 0x70), 11 | 64);
    }
    driver_close(&d);
}

/* ---- rings, by way of rng ---- */

static void fills_buffers(void)
{
    struct driver d;
    unsigned head = 99;
    open_rng(&d);
    driver_start(&d, 0);
    desc(&d, 0, 3, BUFFERS, 64, WRITE | NEXT, 5);
    desc(&d, 0, 5, BUFFERS + 0x1000, 100, WRITE, 0);
    offer(&d, 0, 3);
    irq_changes = 0;
    kick(&d, 0);
    CHECK_EQ(reap(&d, 0, &head), 164);
    CHECK_EQ(head, 3);
    CHECK_EQ(irq_changes, 1);
    CHECK_EQ(reg_get(&d, 0x60), 1);
    reg_set(&d, 0x64, 1);
    CHECK_EQ(reg_get(&d, 0x60), 0);
    CHECK(!d.v->dev.line);
    unsigned zeroes = 0;
    for (unsigned i = 0; i < 100; i++)
        zeroes += get(&d, BUFFERS + 0x1000 + i, 1) == 0;
    CHECK(zeroes < 20);
    CHECK_EQ(get(&d, BUFFERS + 0x1000 + 100, 8), 0); /* nothing behind the buffer */
    driver_close(&d);
}

static void takes_what_came_before_driver_ok(void)
{
    struct driver d;
    open_rng(&d);
    driver_start(&d, 0);
    reg_set(&d, 0x70, 0);
    reg_set(&d, 0x70, 3);
    reg_set(&d, 0x24, 1);
    reg_set(&d, 0x20, 1);
    reg_set(&d, 0x70, 11);
    setup_queue(&d, 0, QUEUE_SIZE);
    desc(&d, 0, 0, BUFFERS, 8, WRITE, 0);
    offer(&d, 0, 0);
    kick(&d, 0);
    CHECK_EQ(get(&d, USED(0) + 2, 2), 0);
    reg_set(&d, 0x70, 15);
    CHECK_EQ(reap(&d, 0, NULL), 8);
    driver_close(&d);
}

static void follows_indirect_tables(void)
{
    struct driver d;
    open_rng(&d);
    driver_start(&d, F_INDIRECT);
    for (unsigned i = 0; i < 4; i++) {
        uint64_t at = BUFFERS + 16 * i;
        put(&d, at, BUFFERS + 0x1000 * (i + 1), 8);
        put(&d, at + 8, 10, 4);
        put(&d, at + 12, WRITE | (i < 3 ? NEXT : 0), 2);
        put(&d, at + 14, i + 1, 2);
    }
    desc(&d, 0, 0, BUFFERS, 64, INDIRECT, 0);
    offer(&d, 0, 0);
    kick(&d, 0);
    CHECK_EQ(reap(&d, 0, NULL), 40);
    driver_close(&d);
}

/* 2.7.7.2, 2.7.10: an interrupt only when the used index passes the one that the driver named. */
static void obeys_the_event_index(void)
{
    struct driver d;
    open_rng(&d);
    driver_start(&d, F_EVENT);
    desc(&d, 0, 0, BUFFERS, 8, WRITE, 0);
    put(&d, AVAIL(0) + 4 + 2 * QUEUE_SIZE, 2, 2); /* used_event: after the third */
    for (unsigned i = 0; i < 4; i++) {
        reg_set(&d, 0x64, 3);
        offer(&d, 0, 0);
        kick(&d, 0);
        CHECK_EQ(reap(&d, 0, NULL), 8);
        CHECK_EQ(reg_get(&d, 0x60), i == 0 || i == 2 ? 1 : 0);
        CHECK_EQ(get(&d, USED(0) + 4 + 8 * QUEUE_SIZE, 2), i + 1); /* avail_event */
    }
    driver_close(&d);
}

static void obeys_no_interrupt(void)
{
    struct driver d;
    open_rng(&d);
    driver_start(&d, 0);
    desc(&d, 0, 0, BUFFERS, 8, WRITE, 0);
    put(&d, AVAIL(0), 1, 2);
    offer(&d, 0, 0);
    kick(&d, 0);
    CHECK_EQ(reap(&d, 0, NULL), 8);
    CHECK_EQ(reg_get(&d, 0x60), 0);
    driver_close(&d);
}

static void works_through_index_wrap(void)
{
    struct driver d;
    open_rng(&d);
    driver_start(&d, F_EVENT);
    for (unsigned i = 0; i < 70000; i++) {
        desc(&d, 0, i % QUEUE_SIZE, BUFFERS, 4, WRITE, 0);
        offer(&d, 0, i % QUEUE_SIZE);
        kick(&d, 0);
        if (!CHECK_EQ(get(&d, USED(0) + 2, 2), (uint16_t)(i + 1)))
            break;
    }
    driver_close(&d);
}

/* ---- a driver that means harm ---- */

static void loop_chain(struct driver *d)
{
    desc(d, 0, 0, BUFFERS, 8, WRITE | NEXT, 1);
    desc(d, 0, 1, BUFFERS, 8, WRITE | NEXT, 0);
}
static void empty_loop(struct driver *d)
{
    desc(d, 0, 0, BUFFERS, 0, WRITE | NEXT, 0);
}
static void outside(struct driver *d)
{
    desc(d, 0, 0, 0x1000, 8, WRITE, 0);
}
static void over_the_end(struct driver *d)
{
    desc(d, 0, 0, RAM + RAM_SIZE - 4, 8, WRITE, 0);
}
static void overflow(struct driver *d)
{
    desc(d, 0, 0, UINT64_MAX - 3, 8, WRITE, 0);
}
static void huge(struct driver *d)
{
    desc(d, 0, 0, RAM, UINT32_MAX, WRITE, 0);
}
static void next_outside(struct driver *d)
{
    desc(d, 0, 0, BUFFERS, 8, WRITE | NEXT, QUEUE_SIZE);
}
static void head_outside(struct driver *d)
{
    put(d, AVAIL(0) + 4, 0xffff, 2);
}
static void index_jumps(struct driver *d)
{
    desc(d, 0, 0, BUFFERS, 8, WRITE, 0);
    put(d, AVAIL(0) + 2, QUEUE_SIZE + 1, 2);
}
static void read_after_write(struct driver *d)
{
    desc(d, 0, 0, BUFFERS, 8, WRITE | NEXT, 1);
    desc(d, 0, 1, BUFFERS, 8, 0, 0);
}
static void indirect_odd_size(struct driver *d)
{
    desc(d, 0, 0, BUFFERS, 24, INDIRECT, 0);
}
static void indirect_and_next(struct driver *d)
{
    desc(d, 0, 0, BUFFERS, 16, INDIRECT | NEXT, 1);
}
static void indirect_in_indirect(struct driver *d)
{
    put(d, BUFFERS, BUFFERS, 8);
    put(d, BUFFERS + 8, 16, 4);
    put(d, BUFFERS + 12, INDIRECT, 2);
    desc(d, 0, 0, BUFFERS, 16, INDIRECT, 0);
}
static void indirect_outside(struct driver *d)
{
    desc(d, 0, 0, RAM + RAM_SIZE - 16, 32, INDIRECT, 0);
}

static void breaks_on(void (*spoil)(struct driver *d))
{
    struct driver d;
    open_rng(&d);
    driver_start(&d, F_INDIRECT);
    offer(&d, 0, 0);
    spoil(&d);
    kick(&d, 0);
    turn_loop(&d);
    CHECK_EQ(reg_get(&d, 0x70), 15 | 64); /* DEVICE_NEEDS_RESET */
    CHECK_EQ(reg_get(&d, 0x60) & 2, 2);   /* and the driver was told */
    CHECK_EQ(get(&d, USED(0) + 2, 2), 0);
    kick(&d, 0);
    /* A reset makes it as new. */
    driver_start(&d, 0);
    desc(&d, 0, 0, BUFFERS, 8, WRITE, 0);
    offer(&d, 0, 0);
    kick(&d, 0);
    CHECK_EQ(reap(&d, 0, NULL), 8);
    driver_close(&d);
}

static void survives_hostile_chains(void)
{
    void (*const all[])(struct driver *) = {
        loop_chain,        empty_loop,
        outside,           over_the_end,
        overflow,          huge,
        next_outside,      head_outside,
        index_jumps,       read_after_write,
        indirect_odd_size, indirect_and_next,
        indirect_outside,  indirect_in_indirect,
    };
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++)
        breaks_on(all[i]);
}

static void refuses_what_was_not_negotiated(void)
{
    struct driver d;
    open_rng(&d);
    driver_start(&d, 0);
    put(&d, BUFFERS, BUFFERS + 64, 8);
    put(&d, BUFFERS + 8, 8, 4);
    put(&d, BUFFERS + 12, WRITE, 2);
    desc(&d, 0, 0, BUFFERS, 16, INDIRECT, 0);
    offer(&d, 0, 0);
    kick(&d, 0);
    CHECK_EQ(reg_get(&d, 0x70), 15 | 64);
    driver_close(&d);
}

/* ---- saved state ---- */

static void moves_to_another_device(void)
{
    struct driver d;
    uint8_t state[512];
    struct virtio *other = NULL;
    open_rng(&d);
    driver_start(&d, F_EVENT);
    desc(&d, 0, 0, BUFFERS, 8, WRITE, 0);
    offer(&d, 0, 0);
    kick(&d, 0);
    CHECK_EQ(reap(&d, 0, NULL), 8);
    size_t size = d.v->dev.ops->save(&d.v->dev, NULL, 0);
    CHECK(size > 0 && size <= sizeof state);
    CHECK_EQ(d.v->dev.ops->save(&d.v->dev, state, sizeof state), size);
    bus_destroy(&d.bus);

    CHECK_EQ(virtio_rng_create(&other, "rng", &d.mem, &d.loop), 0);
    driver_attach(&d, other);
    for (size_t cut = 0; cut < size; cut++)
        CHECK(other->dev.ops->restore(&other->dev, state, cut) != 0);
    CHECK_EQ(reg_get(&d, 0x70), 0); /* a bad state changes nothing */
    CHECK_EQ(other->dev.ops->restore(&other->dev, state, size), 0);
    CHECK_EQ(reg_get(&d, 0x70), 15);
    CHECK_EQ(reg_get(&d, 0x60), 1);
    CHECK(other->dev.line);
    offer(&d, 0, 0);
    kick(&d, 0);
    CHECK_EQ(reap(&d, 0, NULL), 8);
    driver_close(&d);
}

/* ---- console ---- */

struct port {
    struct driver d;
    struct console console;
    int pipe[2];
};

static void no_room(void *context)
{
    (void)context;
}

static void open_port(struct port *p)
{
    struct virtio *v = NULL;
    driver_open(&p->d);
    if (pipe(p->pipe))
        abort();
    console_init(&p->console, -1, p->pipe[1]);
    int timer = loop_add_timer(&p->d.loop, no_room, NULL);
    CHECK_EQ(virtio_console_create(&v, "console", &p->d.mem, &p->d.loop, &p->console, timer), 0);
    driver_attach(&p->d, v);
}

static void close_port(struct port *p)
{
    driver_close(&p->d);
    console_destroy(&p->console);
    close(p->pipe[0]);
    close(p->pipe[1]);
}

static void prints(void)
{
    struct port p;
    char text[16] = {0};
    open_port(&p);
    driver_start(&p.d, 0);
    mem_write(&p.d.mem, gpa(BUFFERS), "hello, ", 7);
    mem_write(&p.d.mem, gpa(BUFFERS + 100), "world\n", 6);
    desc(&p.d, 1, 0, BUFFERS, 7, NEXT, 1);
    desc(&p.d, 1, 1, BUFFERS + 100, 6, 0, 0);
    offer(&p.d, 1, 0);
    kick(&p.d, 1);
    CHECK_EQ(reap(&p.d, 1, NULL), 0);
    CHECK_EQ(read(p.pipe[0], text, sizeof text), 13);
    CHECK(strcmp(text, "hello, world\n") == 0);
    close_port(&p);
}

static void takes_input(void)
{
    struct port p;
    char text[8] = {0};
    open_port(&p);
    clock_stop();
    CHECK_EQ(virtio_console_room(p.d.v), 0);
    driver_start(&p.d, 0);
    CHECK_EQ(virtio_console_room(p.d.v), 0);
    desc(&p.d, 0, 0, BUFFERS, 4, WRITE, 0);
    desc(&p.d, 0, 1, BUFFERS + 4, 4, WRITE, 0);
    offer(&p.d, 0, 0);
    offer(&p.d, 0, 1);
    CHECK_EQ(virtio_console_room(p.d.v), 0); /* the driver has not shown itself yet */
    desc(&p.d, 1, 0, BUFFERS + 64, 1, 0, 0);
    offer(&p.d, 1, 0);
    kick(&p.d, 1);
    reg_set(&p.d, 0x64, 3);
    CHECK_EQ(virtio_console_room(p.d.v), 0); /* nor had the time to set itself up */
    clock_forward(51000000);
    CHECK_EQ(virtio_console_room(p.d.v), 2);
    virtio_console_input(p.d.v, (const uint8_t *)"abcdef", 6);
    CHECK_EQ(reap(&p.d, 0, NULL), 4);
    CHECK_EQ(reap(&p.d, 0, NULL), 2);
    mem_read(&p.d.mem, text, gpa(BUFFERS), 6);
    CHECK(memcmp(text, "abcdef", 6) == 0);
    CHECK_EQ(reg_get(&p.d, 0x60), 1);
    clock_run();
    close_port(&p);
}

static void tells_its_size(void)
{
    struct port p;
    open_port(&p);
    driver_start(&p.d, 1);
    uint32_t generation = reg_get(&p.d, 0xfc);
    virtio_console_resize(p.d.v, 132, 43);
    CHECK_EQ(reg_get(&p.d, 0x60), 2);
    CHECK(reg_get(&p.d, 0xfc) != generation);
    CHECK_EQ(reg_get(&p.d, 0x100), 43u << 16 | 132);
    CHECK_EQ(reg_get(&p.d, 0x1fc), 0); /* behind the configuration space */
    close_port(&p);
}

int main(void)
{
    TEST(identifies_itself);
    TEST(keeps_the_order_of_status);
    TEST(refuses_bad_rings);
    TEST(fills_buffers);
    TEST(takes_what_came_before_driver_ok);
    TEST(follows_indirect_tables);
    TEST(obeys_the_event_index);
    TEST(obeys_no_interrupt);
    TEST(works_through_index_wrap);
    TEST(survives_hostile_chains);
    TEST(refuses_what_was_not_negotiated);
    TEST(moves_to_another_device);
    TEST(prints);
    TEST(takes_input);
    TEST(tells_its_size);
    return test_done();
}
