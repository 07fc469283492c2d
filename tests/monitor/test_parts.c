/* SPDX-License-Identifier: MIT */
/*
 * The translator of guest addresses, the bus with its width rules, the console's lines, the event
 * loop, the clock: each alone. Expected values are arithmetic or the text of the headers.
 */
#include <errno.h>
#include <fcntl.h>
#include <mach/mach_time.h>
#include <poll.h>

#include "test.h"
#include "vmm.h"

#define M(n) ((uint64_t)(n) << 20)

/* ---- mem.c ---- */

static void memory_edges(void)
{
    struct mem mem = {.count = 0};
    CHECK_EQ(mem_add(&mem, gpa(M(1)), M(1)), 0);
    CHECK(mem_at(&mem, gpa(M(1)), 1) != NULL);
    CHECK(mem_at(&mem, gpa(M(1)), M(1)) == mem.region[0].host);
    CHECK(mem_at(&mem, gpa(M(1)), M(1) + 1) == NULL);
    CHECK(mem_at(&mem, gpa(M(1) - 1), 1) == NULL);
    CHECK(mem_at(&mem, gpa(M(1) - 1), 2) == NULL);
    CHECK(mem_at(&mem, gpa(M(2) - 1), 1) != NULL);
    CHECK(mem_at(&mem, gpa(M(2) - 1), 2) == NULL);
    CHECK(mem_at(&mem, gpa(M(2)), 0) == NULL);
    CHECK(mem_at(&mem, gpa(M(2) - 1), UINT64_MAX) == NULL);
    CHECK(mem_at(&mem, gpa(UINT64_MAX), 1) == NULL);
    CHECK(mem_at(&mem, gpa(UINT64_MAX), UINT64_MAX) == NULL);
    CHECK_EQ(mem_left(&mem, gpa(M(2) - 3)), 3);
    CHECK_EQ(mem_left(&mem, gpa(M(2))), 0);
    CHECK_EQ((uintptr_t)mem.region[0].host % MEM_GRANULE, 0);
    mem_free(&mem);
}

static void memory_regions(void)
{
    struct mem mem = {.count = 0};
    CHECK_EQ(mem_add(&mem, gpa(0), M(1)), 0);
    CHECK_EQ(mem_add(&mem, gpa(M(1) - MEM_GRANULE), M(1)), -EINVAL);
    CHECK_EQ(mem_add(&mem, gpa(0), MEM_GRANULE), -EINVAL);
    CHECK_EQ(mem_add(&mem, gpa(M(2) + 1), M(1)), -EINVAL);
    CHECK_EQ(mem_add(&mem, gpa(M(2)), M(1) + 1), -EINVAL);
    CHECK_EQ(mem_add(&mem, gpa(M(2)), 0), -EINVAL);
    CHECK_EQ(mem_add(&mem, gpa(UINT64_MAX - MEM_GRANULE + 1), M(1)), -EINVAL);
    /* Side by side, but a range never spans two of them: they lie apart on the host. */
    CHECK_EQ(mem_add(&mem, gpa(M(1)), M(1)), 0);
    CHECK(mem_at(&mem, gpa(M(1) - 1), 2) == NULL);
    CHECK_EQ(mem_add(&mem, gpa(M(4)), M(1)), 0);
    CHECK_EQ(mem_add(&mem, gpa(M(8)), M(1)), 0);
    CHECK_EQ(mem_add(&mem, gpa(M(16)), M(1)), -ENOSPC);
    mem_free(&mem);
}

static void memory_copies(void)
{
    struct mem mem = {.count = 0};
    uint64_t value = 0;
    if (!CHECK_EQ(mem_add(&mem, gpa(0), M(1)), 0))
        return;
    CHECK_EQ(mem_write(&mem, gpa(M(1) - 8), "abcdefg", 8), 0);
    CHECK_EQ(mem_read(&mem, &value, gpa(M(1) - 8), 8), 0);
    CHECK(memcmp(&value, "abcdefg", 8) == 0);
    CHECK_EQ(mem_write(&mem, gpa(M(1) - 7), "xxxxxxx", 8), -EFAULT);
    CHECK_EQ(mem_read(&mem, &value, gpa(M(1) - 8), 8), 0);
    CHECK(memcmp(&value, "abcdefg", 8) == 0);
    CHECK_EQ(mem_read(&mem, &value, gpa(M(1)), 8), -EFAULT);
    CHECK_EQ(mem_read(&mem, &value, gpa(M(9)), 0), 0);
    mem_clear(&mem);
    CHECK_EQ(mem_read(&mem, &value, gpa(M(1) - 8), 8), 0);
    CHECK_EQ(value, 0);
    mem_free(&mem);
}

static void memory_strings(void)
{
    struct mem mem = {.count = 0};
    if (!CHECK_EQ(mem_add(&mem, gpa(0), M(1)), 0))
        return;
    memset(mem.region[0].host, 'x', M(1));
    CHECK_EQ(mem_string(&mem, gpa(0), 100), -E2BIG);
    CHECK_EQ(mem_string(&mem, gpa(M(1) - 50), 100), -EFAULT);
    CHECK_EQ(mem_string(&mem, gpa(M(1)), 100), -EFAULT);
    mem.region[0].host[100] = 0;
    CHECK_EQ(mem_string(&mem, gpa(0), 100), 100);
    CHECK_EQ(mem_string(&mem, gpa(0), 99), -E2BIG);
    CHECK_EQ(mem_string(&mem, gpa(100), 99), 0);
    CHECK_EQ(mem_string(&mem, gpa(0), UINT64_MAX - 1), 100);
    mem_free(&mem);
}

/* ---- bus.c ---- */

static struct {
    unsigned calls, width;
    uint64_t offset, value;
} seen;

static uint64_t fake_read(struct device *dev, uint64_t offset, unsigned width)
{
    (void)dev;
    seen.calls++;
    seen.offset = offset;
    seen.width = width;
    return UINT64_C(0x8182838485868788);
}

static void fake_write(struct device *dev, uint64_t offset, unsigned width, uint64_t value)
{
    fake_read(dev, offset, width);
    seen.value = value;
}

static bool fake_peek(struct device *dev, uint64_t offset, uint64_t *value)
{
    (void)dev;
    *value = UINT64_C(0x5152535455565758);
    return offset == 0x20;
}

static const struct device_ops shown_ops = {
    .name = "shown",
    .widths = DEV_WIDTH_8 | DEV_WIDTH_32,
    .peek = fake_peek,
    .read = fake_read,
};

static const struct device_ops fake_ops = {
    .name = "fake",
    .widths = DEV_WIDTH_8 | DEV_WIDTH_32,
    .read = fake_read,
    .write = fake_write,
};

static void bus_placement(void)
{
    struct bus bus = {.count = 0};
    struct device a = {.ops = &fake_ops, .base = 0x2000, .size = 0x1000};
    struct device b = {.ops = &fake_ops, .base = 0x1000, .size = 0x1000};
    struct device c = {.ops = &fake_ops, .base = 0x2fff, .size = 0x1000};
    struct device d = {.ops = &fake_ops, .base = UINT64_MAX, .size = 2};
    struct device e = {.ops = &fake_ops, .base = 0x9000, .size = 0};
    CHECK_EQ(bus_attach(&bus, &a), 0);
    CHECK_EQ(bus_attach(&bus, &b), 0);
    CHECK_EQ(bus_attach(&bus, &c), -EEXIST);
    CHECK_EQ(bus_attach(&bus, &a), -EEXIST);
    CHECK_EQ(bus_attach(&bus, &d), -EINVAL);
    CHECK_EQ(bus_attach(&bus, &e), -EINVAL);
    CHECK(bus_find(&bus, 0x0fff, 1) == NULL);
    CHECK(bus_find(&bus, 0x1000, 8) == &b);
    CHECK(bus_find(&bus, 0x1fff, 1) == &b);
    CHECK(bus_find(&bus, 0x1fff, 2) == NULL);
    CHECK(bus_find(&bus, 0x2000, 1) == &a);
    CHECK(bus_find(&bus, 0x2ffc, 4) == &a);
    CHECK(bus_find(&bus, 0x2ffd, 4) == NULL);
    CHECK(bus_find(&bus, 0x3000, 1) == NULL);
    CHECK(bus_find(&bus, UINT64_MAX, 8) == NULL);
    bus_destroy(&bus);
}

static void bus_widths(void)
{
    struct bus bus = {.count = 0};
    struct device a = {.ops = &fake_ops, .base = 0x1000, .size = 0x100};
    struct device *last = NULL;
    uint64_t value = 1;
    CHECK_EQ(bus_attach(&bus, &a), 0);
    memset(&seen, 0, sizeof(seen));
    CHECK(!bus_read(&bus, &last, 0x2000, 4, &value));
    CHECK(bus_read(&bus, &last, 0x1010, 4, &value));
    CHECK_EQ(value, 0x85868788);
    CHECK_EQ(seen.offset, 0x10);
    CHECK(bus_read(&bus, &last, 0x1003, 1, &value));
    CHECK_EQ(value, 0x88);
    CHECK_EQ(seen.calls, 2);
    /* Not a width of this device: answered with zero, and the device hears nothing. */
    CHECK(bus_read(&bus, &last, 0x1010, 2, &value));
    CHECK_EQ(value, 0);
    CHECK(bus_write(&bus, &last, 0x1010, 8, 5));
    CHECK_EQ(seen.calls, 2);
    CHECK(bus_write(&bus, &last, 0x1010, 1, 0x1234));
    CHECK_EQ(seen.value, 0x34);
    bus_destroy(&bus);
}

/* A register that the device shows without being asked in earnest: the width rules are the same. */
static void bus_peeks(void)
{
    struct bus bus = {.count = 0};
    struct device a = {.ops = &shown_ops, .base = 0x1000, .size = 0x24};
    struct device *last = NULL;
    uint64_t value = 1;
    CHECK_EQ(bus_attach(&bus, &a), 0);
    memset(&seen, 0, sizeof(seen));
    CHECK(bus_read(&bus, &last, 0x1020, 4, &value));
    CHECK_EQ(value, 0x55565758);
    CHECK(bus_read(&bus, &last, 0x1020, 1, &value));
    CHECK_EQ(value, 0x58);
    CHECK(bus_read(&bus, &last, 0x1020, 2, &value));
    CHECK_EQ(value, 0);
    CHECK(!bus_read(&bus, &last, 0x1020, 8, &value));
    CHECK_EQ(seen.calls, 0);
    CHECK(bus_read(&bus, &last, 0x101c, 4, &value));
    CHECK_EQ(value, 0x85868788);
    CHECK_EQ(seen.calls, 1);
    CHECK(bus_write(&bus, &last, 0x1020, 4, 5));
    CHECK_EQ(seen.calls, 1);
    bus_destroy(&bus);
}

/* ---- console.c ---- */

static unsigned partials, errors;

static void count_partial(void *context)
{
    (void)context;
    partials++;
}

static void count_error(void *context, int error)
{
    (void)context;
    errors += error == -EBADF;
}

/* What can be read from fd now. */
static const char *available(int fd)
{
    static char text[8192];
    ssize_t n = read(fd, text, sizeof(text) - 1);
    text[n > 0 ? n : 0] = 0;
    return text;
}

static void console_lines(void)
{
    static struct console console;
    int ends[2];
    if (!CHECK(pipe(ends) == 0))
        return;
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    console_init(&console, -1, ends[1]);
    console.on_partial = count_partial;
    console_write(&console, "one\ntw", 6);
    CHECK(strcmp(available(ends[0]), "one\n") == 0);
    CHECK_EQ(partials, 1);
    console_write(&console, "o", 1);
    CHECK_EQ(partials, 1);
    CHECK(strcmp(available(ends[0]), "") == 0);
    console_tick(&console);
    CHECK(strcmp(available(ends[0]), "two") == 0);
    console_write(&console, "\n3", 2);
    CHECK(strcmp(available(ends[0]), "\n") == 0);
    CHECK_EQ(partials, 2);
    console_flush(&console);
    CHECK(strcmp(available(ends[0]), "3") == 0);
    CHECK_EQ(console.bytes, 9);
    CHECK_EQ(console_read_wait(&console, ends[0]), -ENODATA);
    close(ends[0]);
    close(ends[1]);
    console_destroy(&console);
}

static void console_long_line(void)
{
    static struct console console;
    static char text[3 * CONSOLE_LINE];
    int ends[2];
    if (!CHECK(pipe(ends) == 0))
        return;
    console_init(&console, -1, ends[1]);
    memset(text, 'x', sizeof(text));
    console_write(&console, text, sizeof(text));
    CHECK_EQ(console.used, 0);
    CHECK_EQ(read(ends[0], text, sizeof(text)), CONSOLE_LINE * 3);
    close(ends[0]);
    close(ends[1]);
    console_destroy(&console);
}

static void console_errors(void)
{
    static struct console console;
    console_init(&console, -1, -1);
    console.on_error = count_error;
    console_write(&console, "a\nb\nc\n", 6);
    CHECK_EQ(errors, 1);
    CHECK_EQ(console.error, -EBADF);
    console_destroy(&console);
}

static void console_input(void)
{
    static struct console console;
    int in[2], cancel[2];
    if (!CHECK(pipe(in) == 0 && pipe(cancel) == 0))
        return;
    console_init(&console, in[0], STDERR_FILENO);
    CHECK(write(in[1], "\377a", 2) == 2);
    CHECK_EQ(console_read_wait(&console, cancel[0]), 255);
    CHECK_EQ(console_read_wait(&console, cancel[0]), 'a');
    CHECK(write(cancel[1], "", 1) == 1);
    CHECK_EQ(console_read_wait(&console, cancel[0]), -ECANCELED);
    available(cancel[0]);
    close(in[1]);
    CHECK_EQ(console_read_wait(&console, cancel[0]), -ENODATA);
    close(in[0]);
    close(cancel[0]);
    close(cancel[1]);
    console_destroy(&console);
}

/* ---- loop.c, clock.c ---- */

static unsigned ticks, reads;
static struct loop loop;
static int loop_pipe[2];

static void on_tick(void *context)
{
    ticks++;
    if (ticks < 3)
        loop_arm(&loop, *(int *)context, host_ns() + 1000000);
}

static void on_read(void *context, int revents)
{
    char c;
    (void)context;
    CHECK(revents & POLLIN);
    CHECK(read(loop_pipe[0], &c, 1) == 1);
    reads++;
    loop_unwatch(&loop, loop_pipe[0]);
}

static bool loop_done(void *context)
{
    (void)context;
    return ticks >= 3 && reads;
}

static void loop_serves(void)
{
    int timer;
    if (!CHECK_EQ(loop_init(&loop), 0) || !CHECK(pipe(loop_pipe) == 0))
        return;
    timer = loop_add_timer(&loop, on_tick, &timer);
    CHECK(timer >= 0);
    CHECK_EQ(loop_watch(&loop, loop_pipe[0], POLLIN, on_read, NULL), 0);
    CHECK(write(loop_pipe[1], "ab", 2) == 2);
    uint64_t before = host_ns();
    loop_arm(&loop, timer, before + 2000000);
    CHECK_EQ(loop_run(&loop, loop_done, NULL), 0);
    CHECK(host_ns() - before >= 4000000);
    CHECK_EQ(reads, 1); /* unwatched by the first call */
    for (int i = 0; i < LOOP_MAX_WATCHES; i++)
        CHECK_EQ(loop_watch(&loop, 1000 + i, 0, on_read, NULL), 0);
    CHECK_EQ(loop_watch(&loop, 999, 0, on_read, NULL), -ENOSPC);
    loop_destroy(&loop);
    close(loop_pipe[0]);
    close(loop_pipe[1]);
}

static void ticks_convert(void)
{
    mach_timebase_info_data_t base;
    mach_timebase_info(&base);
    CHECK_EQ(ticks_to_ns(0), 0);
    CHECK_EQ(ticks_to_ns(base.denom), base.numer);
    CHECK(ticks_to_ns(1) * base.denom >= base.numer);
    CHECK(ticks_to_ns(UINT64_MAX) >= UINT64_MAX / base.denom);
}

int main(void)
{
    TEST(memory_edges);
    TEST(memory_regions);
    TEST(memory_copies);
    TEST(memory_strings);
    TEST(bus_placement);
    TEST(bus_widths);
    TEST(bus_peeks);
    TEST(console_lines);
    TEST(console_long_line);
    TEST(console_errors);
    TEST(console_input);
    TEST(loop_serves);
    TEST(ticks_convert);
    return test_done();
}
