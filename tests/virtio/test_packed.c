/* SPDX-License-Identifier: MIT */
/* Packed virtqueues, by way of a disk: a driver written from the specification (virtio 1.2, 2.8).
 */
#include "../test.h"

#include <fcntl.h>

#include "driver.h"

#define F_INDIRECT (UINT64_C(1) << 28)
#define F_EVENT    (UINT64_C(1) << 29)
#define F_PACKED   (UINT64_C(1) << 34)

#define AVAIL_FLAG (1u << 7)
#define USED_FLAG  (1u << 15)
#define SECTORS    64

/* A request: its header, data and status, apart from all others'. */
#define HEADER(n) (BUFFERS + 0x1000 * (uint64_t)(n))
#define STATUS(n) (HEADER(n) + 0x80)
#define TABLE(n)  (HEADER(n) + 0x100)
#define DATA(n)   (HEADER(n) + 0x400)

struct ring {
    struct driver d;
    char path[64];
    unsigned size;
    unsigned next, used; /* where the next chain goes, where the next used one comes */
    bool wrap, used_wrap;
};

static uint8_t pattern(unsigned i)
{
    return (uint8_t)(i * 5 + i / 512);
}

static void start_ring(struct ring *r, uint64_t features, unsigned size)
{
    driver_start(&r->d, features | F_PACKED);
    CHECK(r->d.features & F_PACKED);
    if (size != QUEUE_SIZE) {
        reg_set(&r->d, 0x70, 0);
        reg_set(&r->d, 0x70, 3);
        reg_set(&r->d, 0x24, 0);
        reg_set(&r->d, 0x20, (uint32_t)r->d.features);
        reg_set(&r->d, 0x24, 1);
        reg_set(&r->d, 0x20, (uint32_t)(r->d.features >> 32));
        reg_set(&r->d, 0x70, 11);
        setup_queue(&r->d, 0, size);
        reg_set(&r->d, 0x70, 15);
    }
    r->size = size;
    r->next = r->used = 0;
    r->wrap = r->used_wrap = true;
}

static void open_ring(struct ring *r, uint64_t features, unsigned size)
{
    struct virtio *v = NULL;
    struct disk *disk = NULL;
    char why[300];
    snprintf(r->path, sizeof r->path, "/tmp/tinyvmm-packed-%ld.img", (long)getpid());
    FILE *f = fopen(r->path, "wb");
    for (unsigned i = 0; f && i < SECTORS * 512; i++)
        fputc(pattern(i), f);
    if (!f || fclose(f))
        abort();
    driver_open(&r->d);
    CHECK_EQ(disk_open(&disk, r->path, false, why, sizeof why), 0);
    CHECK_EQ(virtio_blk_create(&v, "blk", &r->d.mem, disk, "packed"), 0);
    driver_attach(&r->d, v);
    start_ring(r, features, size);
}

static void close_ring(struct ring *r)
{
    driver_close(&r->d);
    unlink(r->path);
}

static uint64_t slot(unsigned index)
{
    return DESC(0) + 16 * (uint64_t)index;
}

struct piece {
    uint64_t addr;
    uint32_t len;
    unsigned flags;
};

/* Make a chain available: the head's flags are written last. */
static void offer_packed(struct ring *r, const struct piece *piece, unsigned count, unsigned id)
{
    unsigned at = r->next, head = r->next, head_flags = 0;
    bool wrap = r->wrap;
    for (unsigned n = 0; n < count; n++) {
        unsigned flags = piece[n].flags | (wrap ? AVAIL_FLAG : USED_FLAG);
        put(&r->d, slot(at), piece[n].addr, 8);
        put(&r->d, slot(at) + 8, piece[n].len, 4);
        put(&r->d, slot(at) + 12, id, 2);
        if (n == 0)
            head_flags = flags;
        else
            put(&r->d, slot(at) + 14, flags, 2);
        if (++at == r->size) {
            at = 0;
            wrap = !wrap;
        }
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    put(&r->d, slot(head) + 14, head_flags, 2);
    r->next = at;
    r->wrap = wrap;
}

/* Wait up to 5 s for the next used chain, which took `span` descriptors: its length, or -1. */
static int64_t reap_packed(struct ring *r, unsigned span, unsigned *id)
{
    const uint16_t *at = mem_at(&r->d.mem, gpa(slot(r->used) + 14), 2);
    const unsigned both = AVAIL_FLAG | USED_FLAG;
    for (unsigned i = 0; i < 50000; i++) {
        if ((__atomic_load_n(at, __ATOMIC_ACQUIRE) & both) == (r->used_wrap ? both : 0)) {
            int64_t length = (int64_t)get(&r->d, slot(r->used) + 8, 4);
            *id = (unsigned)get(&r->d, slot(r->used) + 12, 2);
            r->used += span;
            if (r->used >= r->size) {
                r->used -= r->size;
                r->used_wrap = !r->used_wrap;
            }
            return length;
        }
        usleep(100);
    }
    return -1;
}

static void read_request(struct ring *r, unsigned n, uint64_t sector)
{
    put(&r->d, HEADER(n), 0, 8);
    put(&r->d, HEADER(n) + 8, sector, 8);
    put(&r->d, STATUS(n), 0xff, 1);
}

/* Chains of three in a ring that they do not divide: they lie across its end. */
static void reads_round_the_ring(unsigned size)
{
    struct ring r;
    unsigned id = 0;
    open_ring(&r, 0, size);
    for (unsigned n = 0; n < 500; n++) {
        const struct piece chain[3] = {
            {HEADER(0), 16, NEXT}, {DATA(0), 512, NEXT | WRITE}, {STATUS(0), 1, WRITE}};
        unsigned sector = n % SECTORS;
        read_request(&r, 0, sector);
        offer_packed(&r, chain, 3, 1000 + n);
        kick(&r.d, 0);
        if (!CHECK_EQ(reap_packed(&r, 3, &id), 513) || !CHECK_EQ(id, 1000 + n) ||
            !CHECK_EQ(get(&r.d, STATUS(0), 1), 0) ||
            !CHECK_EQ(get(&r.d, DATA(0) + 100, 1), pattern(sector * 512 + 100)))
            break;
    }
    CHECK_EQ(reg_get(&r.d, 0x70), 15);
    close_ring(&r);
}

static void reads_requests(void)
{
    reads_round_the_ring(8);
}

static void takes_rings_of_any_size(void)
{
    reads_round_the_ring(7);
    reads_round_the_ring(3);
}

static void offer_table(struct ring *r, unsigned n, unsigned id)
{
    const struct piece inner[3] = {
        {HEADER(n), 16, 0}, {DATA(n), 512, WRITE}, {STATUS(n), 1, WRITE}};
    const struct piece outer = {TABLE(n), 48, INDIRECT};
    for (unsigned k = 0; k < 3; k++) {
        put(&r->d, TABLE(n) + 16 * k, inner[k].addr, 8);
        put(&r->d, TABLE(n) + 16 * k + 8, inner[k].len, 4);
        put(&r->d, TABLE(n) + 16 * k + 14, inner[k].flags, 2);
    }
    offer_packed(r, &outer, 1, id);
}

/* They may come back in any order; every one once. */
static void serves_many_at_once(void)
{
    struct ring r;
    open_ring(&r, F_INDIRECT | F_EVENT, QUEUE_SIZE);
    for (unsigned round = 0; round < 100; round++) {
        unsigned seen = 0;
        for (unsigned n = 0; n < QUEUE_SIZE; n++) {
            read_request(&r, n, (round + n) % SECTORS);
            offer_table(&r, n, 7 - n);
        }
        kick(&r.d, 0);
        for (unsigned n = 0; n < QUEUE_SIZE; n++) {
            unsigned id = 99;
            if (!CHECK_EQ(reap_packed(&r, 1, &id), 513) || !CHECK(id < QUEUE_SIZE))
                goto out;
            seen |= 1u << id;
            CHECK_EQ(get(&r.d, DATA(7 - id) + 9, 1), pattern((round + 7 - id) % SECTORS * 512 + 9));
        }
        if (!CHECK_EQ(seen, 0xff))
            break;
    }
out:
    close_ring(&r);
}

/* One request, waited for; was there an interrupt? */
static bool interrupts(struct ring *r)
{
    unsigned id;
    reg_set(&r->d, 0x64, 3);
    read_request(r, 0, 0);
    offer_table(r, 0, 0);
    kick(&r->d, 0);
    CHECK_EQ(reap_packed(r, 1, &id), 513);
    pthread_mutex_lock(&r->d.v->dev.lock);
    r->d.v->ops->drain(r->d.v); /* the interrupt comes after the chain */
    pthread_mutex_unlock(&r->d.v->dev.lock);
    return reg_get(&r->d, 0x60) & 1;
}

static void obeys_event_suppression(void)
{
    struct ring r;
    open_ring(&r, F_INDIRECT | F_EVENT, QUEUE_SIZE);
    CHECK(interrupts(&r)); /* descriptor 0 */
    put(&r.d, AVAIL(0) + 2, 1, 2);
    CHECK(!interrupts(&r));
    put(&r.d, AVAIL(0) + 2, 0, 2);
    CHECK(interrupts(&r));
    put(&r.d, AVAIL(0), 5 | 1u << 15, 2); /* when descriptor 5 of this turn is used */
    put(&r.d, AVAIL(0) + 2, 2, 2);
    CHECK(!interrupts(&r)); /* 3 */
    CHECK(!interrupts(&r));
    CHECK(interrupts(&r));
    CHECK(!interrupts(&r));
    put(&r.d, AVAIL(0), 1, 2); /* and 1 of the next turn, whose wrap counter is 0 */
    CHECK(!interrupts(&r));    /* 7 */
    CHECK(!interrupts(&r));
    CHECK(interrupts(&r)); /* 1 */
    CHECK(!interrupts(&r));
    /* The device asks to be told of descriptor 3, wrap counter 0. */
    CHECK_EQ(get(&r.d, USED(0), 2), 3);
    CHECK_EQ(get(&r.d, USED(0) + 2, 2), 2);
    close_ring(&r);
}

static void asks_for_every_notification_otherwise(void)
{
    struct ring r;
    open_ring(&r, F_INDIRECT, QUEUE_SIZE);
    put(&r.d, USED(0) + 2, 1, 2);
    CHECK(interrupts(&r));
    CHECK_EQ(get(&r.d, USED(0) + 2, 2), 0);
    close_ring(&r);
}

/* ---- a driver that means harm ---- */

static const struct {
    const char *what;
    struct piece chain[QUEUE_SIZE];
    unsigned count;
} hostile[] = {
    {"outside memory", {{0x1000, 16, 0}}, 1},
    {"over the end", {{RAM + RAM_SIZE - 4, 16, 0}}, 1},
    {"an address that overflows", {{UINT64_MAX - 3, 16, 0}}, 1},
    {"all of 4 GiB", {{RAM, UINT32_MAX, 0}}, 1},
    {"readable after writable", {{BUFFERS, 16, NEXT | WRITE}, {BUFFERS, 16, 0}}, 2},
    {"an empty table", {{BUFFERS, 0, INDIRECT}}, 1},
    {"a table with half an entry", {{BUFFERS, 24, INDIRECT}}, 1},
    {"a table outside memory", {{RAM + RAM_SIZE - 16, 32, INDIRECT}}, 1},
    {"a table longer than the queue", {{BUFFERS, 16 * (QUEUE_SIZE + 1), INDIRECT}}, 1},
    {"a table that goes on", {{BUFFERS, 16, INDIRECT | NEXT}, {BUFFERS, 16, 0}}, 2},
    {"a chain without an end",
     {{BUFFERS, 1, NEXT},
      {BUFFERS, 1, NEXT},
      {BUFFERS, 1, NEXT},
      {BUFFERS, 1, NEXT},
      {BUFFERS, 1, NEXT},
      {BUFFERS, 1, NEXT},
      {BUFFERS, 1, NEXT},
      {BUFFERS, 1, NEXT}},
     QUEUE_SIZE},
};

static void survives_hostile_chains(void)
{
    for (unsigned i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        struct ring r;
        unsigned id;
        open_ring(&r, F_INDIRECT, QUEUE_SIZE);
        offer_packed(&r, hostile[i].chain, hostile[i].count, 0);
        kick(&r.d, 0);
        if (!CHECK_EQ(reg_get(&r.d, 0x70), 15 | 64))
            printf("# %s\n", hostile[i].what);
        CHECK_EQ(reg_get(&r.d, 0x60) & 2, 2);
        start_ring(&r, F_INDIRECT, QUEUE_SIZE); /* a reset makes it as new */
        read_request(&r, 0, 0);
        offer_table(&r, 0, 3);
        kick(&r.d, 0);
        CHECK_EQ(reap_packed(&r, 1, &id), 513);
        CHECK_EQ(id, 3);
        close_ring(&r);
    }
}

static void refuses_tables_unasked(void)
{
    struct ring r;
    open_ring(&r, 0, QUEUE_SIZE);
    offer_table(&r, 0, 0);
    kick(&r.d, 0);
    CHECK_EQ(reg_get(&r.d, 0x70), 15 | 64);
    close_ring(&r);
}

static void refuses_bad_areas(void)
{
    static const uint32_t bad[][3] = {
        {0x40000008, 0x40002000, 0x40004000}, {0x40000000, 0x40002002, 0x40004000},
        {0x40000000, 0x40002000, 0x40004002}, {0x400ffff0, 0x40002000, 0x40004000},
        {0x40000000, 0x30000000, 0x40004000}, {0x40000000, 0x40002000, 0x40100000},
    };
    struct ring r;
    open_ring(&r, 0, QUEUE_SIZE);
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        reg_set(&r.d, 0x70, 0);
        reg_set(&r.d, 0x70, 3);
        reg_set(&r.d, 0x24, 1);
        reg_set(&r.d, 0x20, (uint32_t)(F_PACKED >> 32) | 1);
        reg_set(&r.d, 0x70, 11);
        reg_set(&r.d, 0x30, 0);
        reg_set(&r.d, 0x38, QUEUE_SIZE);
        reg_set(&r.d, 0x80, bad[i][0]);
        reg_set(&r.d, 0x90, bad[i][1]);
        reg_set(&r.d, 0xa0, bad[i][2]);
        reg_set(&r.d, 0x44, 1);
        CHECK_EQ(reg_get(&r.d, 0x44), 0);
        CHECK_EQ(reg_get(&r.d, 0x70), 11 | 64);
    }
    close_ring(&r);
}

/* In the middle of a turn, with the counters apart from their first values. */
static void moves_to_another_device(void)
{
    struct ring r;
    uint8_t state[512];
    unsigned id;
    open_ring(&r, F_INDIRECT, QUEUE_SIZE);
    for (unsigned i = 0; i < 11; i++)
        (void)interrupts(&r);
    struct device *dev = &r.d.v->dev;
    size_t size = dev->ops->save(dev, state, sizeof state);
    CHECK(size <= sizeof state);
    reg_set(&r.d, 0x70, 0);
    for (size_t cut = 0; cut < size; cut++)
        CHECK(dev->ops->restore(dev, state, cut) != 0);
    CHECK_EQ(dev->ops->restore(dev, state, size), 0);
    read_request(&r, 0, 5);
    offer_table(&r, 0, 77);
    kick(&r.d, 0);
    CHECK_EQ(reap_packed(&r, 1, &id), 513);
    CHECK_EQ(id, 77);
    close_ring(&r);
}

int main(void)
{
    TEST(reads_requests);
    TEST(takes_rings_of_any_size);
    TEST(serves_many_at_once);
    TEST(obeys_event_suppression);
    TEST(asks_for_every_notification_otherwise);
    TEST(survives_hostile_chains);
    TEST(refuses_tables_unasked);
    TEST(refuses_bad_areas);
    TEST(moves_to_another_device);
    return test_done();
}
