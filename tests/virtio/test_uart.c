/* SPDX-License-Identifier: MIT */
/* PL011 and PL031, register by register: expected values from ARM DDI 0183 and DDI 0224. */
#include "../test.h"

#include <poll.h>
#include <time.h>

#include "dev/pl011.h"
#include "dev/pl031.h"
#include "driver.h"

enum {
    DR = 0,
    FR = 0x18,
    LCR = 0x2c,
    CR = 0x30,
    IFLS = 0x34,
    IMSC = 0x38,
    RIS = 0x3c,
    MIS = 0x40,
    ICR = 0x44
};
enum { RXFE = 0x10, RXFF = 0x40, TXFE = 0x80, FEN = 0x10, RX = 0x10, TX = 0x20, RT = 0x40 };

#define MS UINT64_C(1000000)

static struct driver d;
static struct device *dev;
static struct console console;
static int out[2];
static int room_calls;

static void on_room(void *context)
{
    (void)context;
    room_calls++;
}

static void open_uart(void)
{
    driver_open(&d);
    if (pipe(out))
        abort();
    console_init(&console, -1, out[1]);
    room_calls = 0;
    CHECK_EQ(pl011_create(&dev, &console, &d.loop, loop_add_timer(&d.loop, on_room, NULL)), 0);
    dev->base = BASE;
    dev->intid = 33;
    CHECK_EQ(bus_attach(&d.bus, dev), 0);
}

static void close_uart(void)
{
    driver_close(&d);
    console_destroy(&console);
    close(out[0]);
    close(out[1]);
}

static void input(const char *text)
{
    pl011_input(dev, (const uint8_t *)text, (unsigned)strlen(text));
}

static void identifies_itself(void)
{
    static const uint8_t id[8] = {0x11, 0x10, 0x14, 0, 0x0d, 0xf0, 0x05, 0xb1};
    open_uart();
    for (unsigned i = 0; i < 8; i++)
        CHECK_EQ(reg_get(&d, 0xfe0 + 4 * i), id[i]);
    CHECK_EQ(reg_get(&d, CR), 0x300);
    CHECK_EQ(reg_get(&d, IFLS), 0x12);
    CHECK_EQ(reg_get(&d, FR) & (RXFE | TXFE | RXFF), RXFE | TXFE);
    close_uart();
}

static void sends(void)
{
    char text[8] = {0};
    open_uart();
    reg_set(&d, DR, 'h');
    reg_set(&d, DR, 'i');
    reg_set(&d, DR, '\n');
    CHECK_EQ(read(out[0], text, sizeof text), 3);
    CHECK(strcmp(text, "hi\n") == 0);
    CHECK_EQ(reg_get(&d, RIS), TX);
    CHECK(!dev->line);
    reg_set(&d, IMSC, TX);
    CHECK_EQ(reg_get(&d, MIS), TX);
    CHECK(dev->line);
    reg_set(&d, ICR, TX);
    CHECK(!dev->line);
    close_uart();
}

/* Once looking at the flags does nothing else, they are shown without the lock; and never old ones.
 */
static void shows_flags(void)
{
    uint64_t value = 0;
    open_uart();
    CHECK(!dev->ops->peek(dev, DR, &value));
    CHECK(!dev->ops->peek(dev, FR, &value)); /* this one counts: somebody polls for input */
    for (unsigned i = 0; i < 8; i++)
        CHECK_EQ(reg_get(&d, FR) & (RXFE | TXFE | RXFF), RXFE | TXFE);
    CHECK(dev->ops->peek(dev, FR, &value));
    CHECK_EQ(value & (RXFE | TXFE | RXFF), RXFE | TXFE);
    input("x");
    CHECK(dev->ops->peek(dev, FR, &value));
    CHECK_EQ(value & (RXFE | TXFE | RXFF), TXFE | RXFF); /* the FIFO is off: one is all */
    reg_set(&d, LCR, FEN);                               /* which empties it */
    input("y");
    CHECK_EQ(reg_get(&d, FR) & (RXFE | TXFE | RXFF), TXFE);
    CHECK_EQ(reg_get(&d, DR), 'y');
    CHECK(!dev->ops->peek(dev, FR, &value));
    CHECK_EQ(reg_get(&d, FR) & (RXFE | TXFE | RXFF), RXFE | TXFE);
    close_uart();
}

static void waits_for_a_listener(void)
{
    open_uart();
    clock_stop();
    CHECK_EQ(pl011_room(dev), 0);
    reg_get(&d, FR); /* a driver that drains the FIFO looks once */
    CHECK_EQ(pl011_room(dev), 0);
    reg_set(&d, LCR, FEN);
    reg_set(&d, IMSC, RX | RT);
    CHECK_EQ(pl011_room(dev), 0); /* it may still empty the FIFO */
    reg_set(&d, IMSC, RX | RT | TX);
    clock_forward(99 * MS);
    turn_loop(&d);
    CHECK_EQ(pl011_room(dev), 0);
    clock_forward(2 * MS);
    turn_loop(&d);
    CHECK_EQ(pl011_room(dev), 16);
    CHECK_EQ(room_calls, 1);
    reg_set(&d, IMSC, 0);
    CHECK_EQ(pl011_room(dev), 0);
    for (int i = 0; i < 20; i++) /* one that polls */
        reg_get(&d, FR);
    CHECK_EQ(pl011_room(dev), 16);
    clock_run();
    close_uart();
}

static void receives(void)
{
    open_uart();
    reg_set(&d, LCR, FEN);
    reg_set(&d, IMSC, RX | RT);
    input("abc");
    CHECK_EQ(reg_get(&d, MIS), RT); /* below the trigger of 8: the timeout tells */
    CHECK(dev->line);
    CHECK_EQ(reg_get(&d, FR) & RXFE, 0);
    CHECK_EQ(reg_get(&d, DR), 'a');
    CHECK_EQ(reg_get(&d, DR), 'b');
    CHECK(dev->line);
    CHECK_EQ(reg_get(&d, DR), 'c');
    CHECK(!dev->line);
    CHECK_EQ(reg_get(&d, FR) & RXFE, RXFE);
    input("01234567");
    CHECK_EQ(reg_get(&d, MIS), RX | RT);
    CHECK_EQ(reg_get(&d, DR), '0');
    CHECK_EQ(reg_get(&d, MIS), RT); /* fell below the trigger */
    close_uart();
}

static void overruns(void)
{
    open_uart();
    input("ab"); /* no FIFO: one place */
    CHECK_EQ(reg_get(&d, FR) & RXFF, RXFF);
    CHECK_EQ(reg_get(&d, RIS) & 0x400, 0x400);
    CHECK_EQ(reg_get(&d, DR), 'a');
    CHECK_EQ(reg_get(&d, FR) & RXFE, RXFE);
    reg_set(&d, LCR, FEN);
    input("0123456789abcdef");
    CHECK_EQ(reg_get(&d, FR) & RXFF, RXFF);
    CHECK_EQ(pl011_room(dev), 0);
    close_uart();
}

static void loops_back_and_breaks(void)
{
    open_uart();
    clock_stop();
    reg_set(&d, LCR, FEN);
    reg_set(&d, CR, 0x381);
    reg_set(&d, DR, 'x');
    CHECK_EQ(reg_get(&d, DR), 'x');
    reg_set(&d, CR, 0x301);
    reg_set(&d, IMSC, RX | RT | 0x200);
    clock_forward(101 * MS);
    pl011_break(dev);
    CHECK_EQ(reg_get(&d, MIS) & 0x200, 0x200);
    CHECK_EQ(reg_get(&d, DR), 0x400);
    clock_run();
    close_uart();
}

static void keeps_its_state(void)
{
    uint8_t state[256];
    open_uart();
    reg_set(&d, LCR, FEN);
    reg_set(&d, IMSC, RX | RT);
    input("abc");
    size_t size = dev->ops->save(dev, state, sizeof state);
    dev->ops->reset(dev);
    CHECK(!dev->line);
    for (size_t cut = 0; cut < size; cut++)
        CHECK(dev->ops->restore(dev, state, cut) != 0);
    CHECK_EQ(dev->ops->restore(dev, state, size), 0);
    CHECK(dev->line);
    CHECK_EQ(reg_get(&d, DR), 'a');
    CHECK_EQ(reg_get(&d, DR), 'b');
    CHECK_EQ(reg_get(&d, DR), 'c');
    CHECK_EQ(reg_get(&d, FR) & RXFE, RXFE);
    close_uart();
}

/* ---- PL031 ---- */

static void open_clock(void)
{
    driver_open(&d);
    clock_stop();
    CHECK_EQ(pl031_create(&dev, &d.loop), 0);
    dev->base = BASE;
    dev->intid = 34;
    CHECK_EQ(bus_attach(&d.bus, dev), 0);
}

static void close_clock(void)
{
    clock_run();
    driver_close(&d);
}

static void tells_the_time(void)
{
    const uint64_t before = (uint64_t)time(NULL);
    open_clock();
    const uint64_t now = reg_get(&d, 0);
    CHECK(now >= before && now <= (uint64_t)time(NULL));
    CHECK_EQ(reg_get(&d, 0x0c), 1);
    CHECK_EQ(reg_get(&d, 0xfe0), 0x31);
    reg_set(&d, 0x08, 1000);
    CHECK_EQ(reg_get(&d, 0), 1000);
    clock_skew_ns = INT64_C(5000000000);
    CHECK_EQ(reg_get(&d, 0), 1005);
    clock_forward(1000 * MS);
    CHECK_EQ(reg_get(&d, 0), 1006);
    close_clock();
}

static void rings(void)
{
    open_clock();
    uint32_t now = reg_get(&d, 0);
    reg_set(&d, 0x10, 1);
    reg_set(&d, 0x04, now + 1);
    CHECK(!dev->line);
    for (int i = 0; i < 100 && !dev->line; i++) {
        CHECK_EQ(reg_get(&d, 0), now);
        clock_forward(20 * MS);
        turn_loop(&d);
    }
    CHECK(dev->line);
    CHECK_EQ(reg_get(&d, 0), now + 1);
    CHECK_EQ(reg_get(&d, 0x18), 1);
    reg_set(&d, 0x1c, 1);
    CHECK(!dev->line);
    reg_set(&d, 0x04, now + 3600);
    turn_loop(&d);
    CHECK_EQ(reg_get(&d, 0x14), 0);
    close_clock();
}

int main(void)
{
    TEST(identifies_itself);
    TEST(sends);
    TEST(shows_flags);
    TEST(waits_for_a_listener);
    TEST(receives);
    TEST(overruns);
    TEST(loops_back_and_breaks);
    TEST(keeps_its_state);
    TEST(tells_the_time);
    TEST(rings);
    return test_done();
}
