/* SPDX-License-Identifier: MIT */
/*
 * PL011 UART: ARM DDI 0183 (r1p5), without the modem lines' changes, infrared and DMA. References
 * are to sections of that manual.
 *
 * Transmission takes no time: the transmit FIFO is always empty. Reception is paced by the guest:
 * the event loop hands over no more than fits (pl011_room), and nothing at all before the guest
 * listens, so that what was piped in early is not swallowed while a kernel sets the UART up
 * (drivers drain the FIFO then).
 *
 * Register accesses come from vCPU threads, input from the event loop; both under dev->lock. The
 * flags of a UART that is waited for can be read without it: pl011_peek.
 */
#include "pl011.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "../clock.h"
#include "state.h"

enum {
    DR = 0x000,
    RSR = 0x004,
    FR = 0x018,
    ILPR = 0x020,
    IBRD = 0x024,
    FBRD = 0x028,
    LCR_H = 0x02c,
    CR = 0x030,
    IFLS = 0x034,
    IMSC = 0x038,
    RIS = 0x03c,
    MIS = 0x040,
    ICR = 0x044,
    DMACR = 0x048,
    ID = 0xfe0,
};

/* 3.3.3: flags */
#define FR_RXFE 0x10u
#define FR_RXFF 0x40u
#define FR_TXFE 0x80u
#define FR_CTS  0x01u
#define FR_DSR  0x02u
#define FR_DCD  0x04u

#define LCR_FEN 0x10u
#define CR_LBE  0x80u
#define DR_BE   0x400u
#define DR_OE   0x800u

/* 3.3.10: interrupts */
#define INT_RX    0x010u
#define INT_TX    0x020u
#define INT_RT    0x040u
#define INT_BE    0x200u
#define INT_OE    0x400u
#define INT_MASK  0x7ffu

#define FIFO_SIZE 16 /* r1p4 and before; the ID registers say so */
/* So many looks at an empty FIFO without sending: the guest polls for input. Drivers that only send
 * look at the flags twice a byte. */
#define POLLS 8

/* After a receive interrupt was unmasked, input waits so long: Linux unmasks first and then empties
 * the FIFO. */
#define SETTLE_NS     UINT64_C(100000000)

#define STATE_VERSION 1

struct pl011 {
    struct device dev;
    struct console *console;
    struct loop *loop;
    int room_timer;

    uint16_t fifo[FIFO_SIZE]; /* data and error bits, as in DR */
    unsigned head, count;
    uint32_t ilpr, ibrd, fbrd, lcr, cr, ifls, imsc, ris, dmacr, rsr;
    unsigned polls; /* looks at the empty FIFO in a row */
    uint64_t
        ready_ns; /* host_ns() from which on an unmasked interrupt means that somebody listens */
    bool waiting; /* host side: the loop was told that there is no room */
    /* Any thread: FR, while reading it does nothing else; else 0, which FR never is. */
    _Atomic uint32_t still_flags;
};

/* Identification (3.3.14 on): part 0x011, designer 0x41, revision 1, then the PrimeCell number. */
static const uint8_t id[8] = {0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1};

static unsigned depth(const struct pl011 *u)
{
    return u->lcr & LCR_FEN ? FIFO_SIZE : 1;
}

static uint32_t flags(const struct pl011 *u)
{
    return FR_TXFE | FR_CTS | FR_DSR | FR_DCD | (u->count == 0 ? FR_RXFE : 0) |
           (u->count >= depth(u) ? FR_RXFF : 0);
}

/* Does a look at the flags count as a poll for input? */
static bool counts_polls(const struct pl011 *u)
{
    return u->count == 0 && u->polls < POLLS;
}

/* What others see of the state, after anything that may have changed it. */
static void update(struct pl011 *u)
{
    device_set_irq(&u->dev, u->ris & u->imsc);
    atomic_store_explicit(&u->still_flags, counts_polls(u) ? 0 : flags(u), memory_order_release);
}

/* 3.3.9: the receive FIFO is 1/8, 1/4, 1/2, 3/4, 7/8 full; a FIFO that is off has one entry. */
static unsigned trigger(const struct pl011 *u)
{
    static const uint8_t level[8] = {2, 4, 8, 12, 14, 8, 8, 8};
    return u->lcr & LCR_FEN ? level[(u->ifls >> 3) & 7] : 1;
}

static void receive(struct pl011 *u, uint16_t entry)
{
    if (u->count >= depth(u)) {
        /* 2.4.4: the FIFO keeps what it has; the next word read tells of the loss. */
        u->ris |= INT_OE;
        u->rsr |= DR_OE >> 8;
        return;
    }
    u->fifo[(u->head + u->count) % FIFO_SIZE] = entry;
    u->count++;
    if (entry & DR_BE)
        u->ris |= INT_BE;
    if (u->count >= trigger(u))
        u->ris |= INT_RX;
    /* 2.8.3: the timeout, 32 bit periods of silence, is over when nothing more came at once. */
    u->ris |= INT_RT;
}

static uint32_t read_data(struct pl011 *u)
{
    uint32_t value = 0;
    u->polls = u->count ? 0 : POLLS;
    if (u->count) {
        value = u->fifo[u->head];
        u->head = (u->head + 1) % FIFO_SIZE;
        u->count--;
    }
    if (u->count < trigger(u))
        u->ris &= ~INT_RX;
    if (u->count == 0)
        u->ris &= ~INT_RT;
    u->rsr = (value >> 8) & 0xf;
    return value;
}

static void write_data(struct pl011 *u, uint8_t byte)
{
    u->polls = 0;
    if (u->cr & CR_LBE)
        receive(u, byte); /* 2.4.7: loopback */
    else
        console_putc(u->console, byte);
    /* 2.8.2: the FIFO has just fallen through its trigger level. */
    u->ris |= INT_TX;
}

static uint32_t read_flags(struct pl011 *u)
{
    u->polls += counts_polls(u);
    return flags(u);
}

/* From when on (host_ns) the guest takes input; UINT64_MAX: not before it does something. */
static uint64_t listens_from(const struct pl011 *u)
{
    if (u->polls >= POLLS)
        return 0;
    return u->imsc & (INT_RX | INT_RT) ? u->ready_ns : UINT64_MAX;
}

/* Room has come into being that the event loop does not know of. */
static void wake_input(struct pl011 *u)
{
    uint64_t from = listens_from(u);
    if (u->waiting && from != UINT64_MAX && u->count < depth(u)) {
        u->waiting = false;
        loop_arm(u->loop, u->room_timer, from);
    }
}

static bool pl011_peek(struct device *dev, uint64_t offset, uint64_t *value)
{
    struct pl011 *u = (struct pl011 *)dev;
    if (offset != FR)
        return false;
    *value = atomic_load_explicit(&u->still_flags, memory_order_acquire);
    return *value != 0;
}

static uint64_t pl011_read(struct device *dev, uint64_t offset, unsigned width)
{
    struct pl011 *u = (struct pl011 *)dev;
    uint32_t value = 0;
    (void)width;
    switch (offset) {
    case DR: value = read_data(u); break;
    case RSR: value = u->rsr; break;
    case FR: value = read_flags(u); break;
    case ILPR: value = u->ilpr; break;
    case IBRD: value = u->ibrd; break;
    case FBRD: value = u->fbrd; break;
    case LCR_H: value = u->lcr; break;
    case CR: value = u->cr; break;
    case IFLS: value = u->ifls; break;
    case IMSC: value = u->imsc; break;
    case RIS: value = u->ris; break;
    case MIS: value = u->ris & u->imsc; break;
    case DMACR: value = u->dmacr; break;
    default:
        if (offset >= ID && offset % 4 == 0)
            value = id[(offset - ID) / 4];
        break;
    }
    update(u);
    wake_input(u);
    return value;
}

/* 3.3.7: a change of FEN empties the FIFO. */
static void write_lcr(struct pl011 *u, uint32_t value)
{
    if ((u->lcr ^ value) & LCR_FEN) {
        u->head = u->count = 0;
        u->ris &= ~(INT_RX | INT_RT);
    }
    u->lcr = value & 0xff;
}

static void pl011_write(struct device *dev, uint64_t offset, unsigned width, uint64_t value64)
{
    struct pl011 *u = (struct pl011 *)dev;
    uint32_t value = (uint32_t)value64;
    (void)width;
    switch (offset) {
    case DR: write_data(u, (uint8_t)value); break;
    case RSR: u->rsr = 0; break;
    case ILPR: u->ilpr = value & 0xff; break;
    case IBRD: u->ibrd = value & 0xffff; break;
    case FBRD: u->fbrd = value & 0x3f; break;
    case LCR_H: write_lcr(u, value); break;
    case CR: u->cr = value & 0xff87; break;
    case IFLS: u->ifls = value & 0x3f; break;
    case IMSC:
        if (!(u->imsc & (INT_RX | INT_RT)))
            u->ready_ns = host_ns() + SETTLE_NS;
        u->imsc = value & INT_MASK;
        u->polls = 0;
        break;
    case ICR: u->ris &= ~value; break;
    case DMACR: u->dmacr = value & 7; break;
    default: break;
    }
    update(u);
    wake_input(u);
}

unsigned pl011_room(struct device *dev)
{
    struct pl011 *u = (struct pl011 *)dev;
    pthread_mutex_lock(&dev->lock);
    uint64_t from = listens_from(u);
    bool settling = from != UINT64_MAX && from > host_ns();
    unsigned room = from == UINT64_MAX || settling ? 0 : depth(u) - u->count;
    u->waiting = room == 0;
    if (settling)
        wake_input(u);
    pthread_mutex_unlock(&dev->lock);
    return room;
}

void pl011_input(struct device *dev, const uint8_t *data, unsigned size)
{
    struct pl011 *u = (struct pl011 *)dev;
    pthread_mutex_lock(&dev->lock);
    for (unsigned i = 0; i < size; i++)
        receive(u, data[i]);
    update(u);
    pthread_mutex_unlock(&dev->lock);
}

void pl011_break(struct device *dev)
{
    struct pl011 *u = (struct pl011 *)dev;
    pthread_mutex_lock(&dev->lock);
    if (listens_from(u) <= host_ns())
        receive(u, DR_BE);
    update(u);
    pthread_mutex_unlock(&dev->lock);
}

static void pl011_reset(struct device *dev)
{
    struct pl011 *u = (struct pl011 *)dev;
    u->head = u->count = 0;
    u->ilpr = u->ibrd = u->fbrd = u->lcr = u->imsc = u->ris = u->dmacr = u->rsr = 0;
    u->cr = 0x300; /* 3.3.8: both directions enabled, the UART off */
    u->ifls = 0x12;
    u->polls = 0;
    u->ready_ns = 0;
    update(u);
}

static size_t pl011_save(struct device *dev, uint8_t *buf, size_t size)
{
    const struct pl011 *u = (const struct pl011 *)dev;
    const uint32_t reg[] = {u->ilpr, u->ibrd, u->fbrd, u->lcr,   u->cr,
                            u->ifls, u->imsc, u->ris,  u->dmacr, u->rsr};
    struct state_out out = {.buf = buf, .size = size};
    put_u32(&out, STATE_VERSION);
    for (unsigned i = 0; i < sizeof reg / sizeof *reg; i++)
        put_u32(&out, reg[i]);
    put_u32(&out, u->count);
    for (unsigned i = 0; i < u->count; i++)
        put_u16(&out, u->fifo[(u->head + i) % FIFO_SIZE]);
    return out.used;
}

static int pl011_restore(struct device *dev, const uint8_t *buf, size_t size)
{
    struct pl011 *u = (struct pl011 *)dev;
    struct state_in in = {.buf = buf, .size = size};
    struct pl011 n = *u;
    uint32_t *reg[] = {&n.ilpr, &n.ibrd, &n.fbrd, &n.lcr,   &n.cr,
                       &n.ifls, &n.imsc, &n.ris,  &n.dmacr, &n.rsr};
    uint32_t version = get_u32(&in);
    for (unsigned i = 0; i < sizeof reg / sizeof *reg; i++)
        *reg[i] = get_u32(&in);
    n.head = 0;
    n.count = get_u32(&in);
    if (version != STATE_VERSION || n.count > FIFO_SIZE)
        return -EINVAL;
    for (unsigned i = 0; i < n.count; i++)
        n.fifo[i] = get_u16(&in);
    if (!state_whole(&in))
        return -EINVAL;
    u->ilpr = n.ilpr;
    u->ibrd = n.ibrd;
    u->fbrd = n.fbrd;
    u->lcr = n.lcr;
    u->cr = n.cr;
    u->ifls = n.ifls;
    u->imsc = n.imsc;
    u->ris = n.ris;
    u->dmacr = n.dmacr;
    u->rsr = n.rsr;
    u->head = 0;
    u->count = n.count;
    for (unsigned i = 0; i < n.count; i++)
        u->fifo[i] = n.fifo[i];
    u->polls = 0;
    update(u);
    return 0;
}

static void pl011_destroy(struct device *dev)
{
    pthread_mutex_destroy(&dev->lock);
    free(dev);
}

static const struct device_node pl011_node = {
    .name = "pl011",
    .compatible = "arm,pl011\0arm,primecell\0",
    .clocks = "uartclk\0apb_pclk\0",
};

static const struct device_ops pl011_ops = {
    .name = "pl011",
    .node = &pl011_node,
    .widths = DEV_WIDTH_8 | DEV_WIDTH_16 | DEV_WIDTH_32,
    .peek = pl011_peek,
    .read = pl011_read,
    .write = pl011_write,
    .reset = pl011_reset,
    .save = pl011_save,
    .restore = pl011_restore,
    .destroy = pl011_destroy,
};

int pl011_create(struct device **dev, struct console *console, struct loop *loop, int room_timer)
{
    struct pl011 *u = calloc(1, sizeof *u);
    if (!u)
        return -ENOMEM;
    int err = device_init(&u->dev, &pl011_ops, "pl011", PL011_SIZE);
    if (err) {
        free(u);
        return err;
    }
    u->console = console;
    u->loop = loop;
    u->room_timer = room_timer;
    pl011_reset(&u->dev);
    *dev = &u->dev;
    return 0;
}
