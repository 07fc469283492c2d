/* SPDX-License-Identifier: MIT */
/* virtio-blk on real files: what the guest reads and writes, what the host refuses, what fails. */
#include "../test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "driver.h"

#define SECTORS 256
#define HEADER  BUFFERS
#define STATUS  (BUFFERS + 0x800)
#define DATA    (BUFFERS + 0x1000)

enum { IN = 0, OUT = 1, FLUSH = 4, GET_ID = 8, DISCARD = 11, ZEROES = 13 };

static char path[64];

static uint8_t pattern(unsigned i)
{
    return (uint8_t)(i * 7 + i / 512);
}

static void make_image(size_t size)
{
    uint8_t byte;
    snprintf(path, sizeof path, "/tmp/tinyvmm-blk-%ld.img", (long)getpid());
    FILE *f = fopen(path, "wb");
    for (size_t i = 0; f && i < size; i++) {
        byte = pattern((unsigned)i);
        fwrite(&byte, 1, 1, f);
    }
    if (!f || fclose(f))
        abort();
}

static void open_blk(struct driver *d, bool read_only, uint64_t features)
{
    struct virtio *v = NULL;
    struct disk *disk = NULL;
    char why[300];
    make_image(SECTORS * 512);
    driver_open(d);
    CHECK_EQ(disk_open(&disk, path, read_only, why, sizeof why), 0);
    CHECK_EQ(virtio_blk_create(&v, "blk", &d->mem, disk, "serial-0815"), 0);
    driver_attach(d, v);
    driver_start(d, features);
}

static void close_blk(struct driver *d)
{
    driver_close(d);
    unlink(path);
}

static void header(struct driver *d, unsigned type, uint64_t sector)
{
    put(d, HEADER, type, 4);
    put(d, HEADER + 4, 0, 4);
    put(d, HEADER + 8, sector, 8);
    put(d, STATUS, 0xff, 1);
}

/* One request of three buffers (two if size is 0), waited for: the status byte, -1 if none came. */
static int request(struct driver *d, unsigned type, uint64_t sector, uint32_t size, int64_t *used)
{
    bool out = type == OUT || type == DISCARD || type == ZEROES;
    header(d, type, sector);
    desc(d, 0, 0, HEADER, 16, NEXT, size ? 1 : 2);
    desc(d, 0, 1, DATA, size, NEXT | (out ? 0 : WRITE), 2);
    desc(d, 0, 2, STATUS, 1, WRITE, 0);
    offer(d, 0, 0);
    kick(d, 0);
    int64_t length = reap(d, 0, NULL);
    if (used)
        *used = length;
    return length < 0 ? -1 : (int)get(d, STATUS, 1);
}

static void describes_itself(void)
{
    struct driver d;
    open_blk(&d, false, ~(UINT64_C(1) << 34) /* all but packed queues */);
    CHECK_EQ(reg_get(&d, 8), 2);
    CHECK_EQ(reg_get(&d, 0x100), SECTORS);
    CHECK_EQ(reg_get(&d, 0x104), 0);
    CHECK_EQ(d.features & (1u << 5), 0);
    CHECK_EQ(d.features >> 9 & 1, 1);
    char id[20];
    CHECK_EQ(request(&d, GET_ID, 0, 20, NULL), 0);
    mem_read(&d.mem, id, gpa(DATA), 20);
    CHECK(strcmp(id, "serial-0815") == 0);
    close_blk(&d);
}

static void reads(void)
{
    struct driver d;
    int64_t used;
    open_blk(&d, true, 0);
    CHECK_EQ(request(&d, IN, 3, 1024, &used), 0);
    CHECK_EQ(used, 1025);
    for (unsigned i = 0; i < 1024; i++)
        if (!CHECK_EQ(get(&d, DATA + i, 1), pattern(3 * 512 + i)))
            break;
    CHECK_EQ(request(&d, IN, SECTORS - 1, 512, NULL), 0);
    CHECK_EQ(request(&d, IN, SECTORS, 512, NULL), 1); /* S_IOERR */
    CHECK_EQ(request(&d, IN, SECTORS - 1, 1024, NULL), 1);
    CHECK_EQ(request(&d, IN, UINT64_MAX, 512, NULL), 1);
    CHECK_EQ(request(&d, IN, UINT64_MAX / 512, 512, NULL), 1);
    CHECK_EQ(request(&d, IN, 0, 100, NULL), 1);  /* not whole sectors */
    CHECK_EQ(request(&d, OUT, 0, 512, NULL), 1); /* read-only */
    CHECK_EQ(request(&d, 77, 0, 512, NULL), 2);  /* S_UNSUPP */
    CHECK_EQ(reg_get(&d, 0x70), 15);
    close_blk(&d);
}

static void writes(void)
{
    struct driver d;
    uint8_t file[1024];
    open_blk(&d, false, UINT64_C(1) << 9);
    for (unsigned i = 0; i < 1024; i++)
        put(&d, DATA + i, 255 - pattern(i), 1);
    CHECK_EQ(request(&d, OUT, 10, 1024, NULL), 0);
    CHECK_EQ(request(&d, FLUSH, 0, 0, NULL), 0);
    int fd = open(path, O_RDONLY);
    CHECK_EQ(pread(fd, file, sizeof file, 5120), 1024);
    for (unsigned i = 0; i < 1024; i++)
        if (!CHECK_EQ(file[i], (uint8_t)(255 - pattern(i))))
            break;
    struct stat st;
    CHECK(fstat(fd, &st) == 0 && st.st_size == SECTORS * 512);
    close(fd);
    close_blk(&d);
}

static void zeroes_and_discards(void)
{
    struct driver d;
    open_blk(&d, false, ~(UINT64_C(1) << 34));
    put(&d, DATA, 8, 8);
    put(&d, DATA + 8, 8, 4);
    put(&d, DATA + 12, 0, 4);
    CHECK_EQ(request(&d, ZEROES, 0, 16, NULL), 0);
    CHECK_EQ(request(&d, IN, 7, 512 * 10, NULL), 0);
    CHECK_EQ(get(&d, DATA + 511, 1), pattern(8 * 512 - 1));
    CHECK_EQ(get(&d, DATA + 512, 8), 0);
    CHECK_EQ(get(&d, DATA + 512 * 9 - 8, 8), 0);
    CHECK_EQ(get(&d, DATA + 512 * 9, 1), pattern(16 * 512));
    put(&d, DATA, 16, 8);
    put(&d, DATA + 8, 8, 4);
    put(&d, DATA + 12, 0, 4);
    CHECK_EQ(request(&d, DISCARD, 0, 16, NULL), 0);
    put(&d, DATA, SECTORS, 8);
    CHECK_EQ(request(&d, DISCARD, 0, 16, NULL), 1);
    put(&d, DATA, 0, 8);
    put(&d, DATA + 12, 2, 4); /* an unknown flag */
    CHECK_EQ(request(&d, ZEROES, 0, 16, NULL), 2);
    CHECK_EQ(request(&d, ZEROES, 0, 15, NULL), 1);
    close_blk(&d);
}

/* The header, data and status may be cut up in any way (2.7.4.1). */
static void takes_any_layout(void)
{
    struct driver d;
    open_blk(&d, false, 0);
    header(&d, IN, 1);
    desc(&d, 0, 0, HEADER, 5, NEXT, 1);
    desc(&d, 0, 1, HEADER + 5, 11, NEXT, 2);
    desc(&d, 0, 2, DATA, 300, NEXT | WRITE, 3);
    desc(&d, 0, 3, DATA + 300, 213, WRITE, 0);
    offer(&d, 0, 0);
    kick(&d, 0);
    CHECK_EQ(reap(&d, 0, NULL), 513);
    CHECK_EQ(get(&d, DATA + 512, 1), 0);
    CHECK_EQ(get(&d, DATA + 511, 1), pattern(1023));
    close_blk(&d);
}

static void serves_many_at_once(void)
{
    struct driver d;
    open_blk(&d, false, UINT64_C(3) << 28);
    for (unsigned round = 0; round < 200; round++) {
        for (unsigned i = 0; i < QUEUE_SIZE; i++) {
            uint64_t table = BUFFERS + 0x10000 + i * 0x1000;
            put(&d, table + 0x100, IN, 4);
            put(&d, table + 0x108, (round + i) % SECTORS, 8);
            put(&d, table, table + 0x100, 8);
            put(&d, table + 8, 16, 4);
            put(&d, table + 12, NEXT, 2);
            put(&d, table + 14, 1, 2);
            put(&d, table + 16, table + 0x200, 8);
            put(&d, table + 24, 513, 4);
            put(&d, table + 28, WRITE, 2);
            desc(&d, 0, i, table, 32, INDIRECT, 0);
            offer(&d, 0, i);
        }
        kick(&d, 0);
        for (unsigned i = 0; i < QUEUE_SIZE; i++) {
            unsigned head = 99;
            if (!CHECK_EQ(reap(&d, 0, &head), 513))
                goto out;
            uint64_t data = BUFFERS + 0x10000 + head * 0x1000 + 0x200;
            CHECK_EQ(get(&d, data + 5, 1), pattern((round + head) % SECTORS * 512 + 5));
            CHECK_EQ(get(&d, data + 512, 1), 0);
        }
    }
out:
    close_blk(&d);
}

static void resets_while_requests_are_in_flight(void)
{
    struct driver d;
    open_blk(&d, false, 0);
    for (unsigned round = 0; round < 200; round++) {
        header(&d, IN, 0);
        for (unsigned i = 0; i < 6; i += 3) {
            desc(&d, 0, i, HEADER, 16, NEXT, i + 1);
            desc(&d, 0, i + 1, DATA + 0x10000 * i, 512 * 64, NEXT | WRITE, i + 2);
            desc(&d, 0, i + 2, STATUS + i, 1, WRITE, 0);
            offer(&d, 0, i);
        }
        kick(&d, 0);
        driver_start(&d, 0);
        /* Nothing of the old life arrives in the new one. */
        put(&d, DATA, 0xa5, 1);
        CHECK_EQ(get(&d, USED(0) + 2, 2), 0);
        CHECK_EQ(get(&d, DATA, 1), 0xa5);
    }
    CHECK_EQ(request(&d, IN, 0, 512, NULL), 0);
    close_blk(&d);
}

static void tells_the_guest_of_errors(void)
{
    struct driver d;
    open_blk(&d, false, 0);
    CHECK_EQ(truncate(path, 512 * 8), 0);
    CHECK_EQ(request(&d, IN, 4, 512, NULL), 0);
    CHECK_EQ(request(&d, IN, 8, 512, NULL), 1);
    CHECK_EQ(request(&d, IN, 7, 1024, NULL), 1);
    close_blk(&d);
}

/* A file that cannot grow stands for a file system that is full. */
static void goes_on_after_a_full_disk(void)
{
    struct driver d;
    struct rlimit limit, old;
    open_blk(&d, false, 0);
    CHECK_EQ(truncate(path, 512), 0);
    CHECK_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
    limit = old;
    limit.rlim_cur = 4096;
    CHECK_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
    CHECK_EQ(request(&d, OUT, 20, 512, NULL), 1);
    CHECK_EQ(setrlimit(RLIMIT_FSIZE, &old), 0);
    CHECK_EQ(request(&d, OUT, 20, 512, NULL), 0);
    CHECK_EQ(reg_get(&d, 0x70), 15);
    close_blk(&d);
}

static void a_request_without_status_breaks_it(void)
{
    struct driver d;
    open_blk(&d, false, 0);
    desc(&d, 0, 0, HEADER, 16, 0, 0);
    offer(&d, 0, 0);
    kick(&d, 0);
    for (unsigned i = 0; i < 1000 && reg_get(&d, 0x70) == 15; i++)
        usleep(1000);
    CHECK_EQ(reg_get(&d, 0x70), 15 | 64);
    close_blk(&d);
}

/* ---- the host's side ---- */

static int open_as(bool read_only, struct disk **disk)
{
    char why[300] = "";
    int err = disk_open(disk, path, read_only, why, sizeof why);
    CHECK(err == 0 || strstr(why, path));
    return err;
}

static void has_one_writer_or_many_readers(void)
{
    struct disk *a = NULL, *b = NULL;
    make_image(512);
    CHECK_EQ(open_as(false, &a), 0);
    CHECK(open_as(false, &b) == -EBUSY);
    CHECK(open_as(true, &b) == -EBUSY);
    disk_close(a);
    CHECK_EQ(open_as(true, &a), 0);
    CHECK_EQ(open_as(true, &b), 0);
    disk_close(b);
    CHECK(open_as(false, &b) == -EBUSY);
    disk_close(a);
    CHECK_EQ(open_as(false, &a), 0);
    disk_close(a);
    unlink(path);
}

static void refuses_odd_files(void)
{
    struct disk *disk = NULL;
    char why[300];
    make_image(0);
    CHECK(open_as(false, &disk) == -EINVAL);
    make_image(513);
    CHECK(open_as(false, &disk) == -EINVAL);
    unlink(path);
    CHECK(open_as(false, &disk) == -ENOENT);
    CHECK(disk_open(&disk, "/tmp", true, why, sizeof why) == -ENOTBLK);
    CHECK(disk_open(&disk, "/dev/null", true, why, sizeof why) == -ENOTBLK);
}

int main(void)
{
    TEST(describes_itself);
    TEST(reads);
    TEST(writes);
    TEST(zeroes_and_discards);
    TEST(takes_any_layout);
    TEST(serves_many_at_once);
    TEST(resets_while_requests_are_in_flight);
    TEST(tells_the_guest_of_errors);
    TEST(goes_on_after_a_full_disk);
    TEST(a_request_without_status_breaks_it);
    TEST(has_one_writer_or_many_readers);
    TEST(refuses_odd_files);
    return test_done();
}
