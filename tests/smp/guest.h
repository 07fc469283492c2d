/* SPDX-License-Identifier: MIT */
/* What the guest and the host program agree on. Physical addresses; the map is the identity. */
#pragma once

#define RAM         0x80000000ul
#define RAM_SIZE    0x400000ul
#define TABLES      0x80200000ul /* level 1, level 2, level 3 of the window */
#define STACKS      0x80300000ul /* 64 KiB each, from there on */
#define WINDOW_SLOT 0x80202000ul /* level-3 table of the window */
#define WINDOW      0x90000000ul /* 2 MiB of virtual addresses for tests of translation */
#define PAGES       0x80280000ul /* physical pages behind the window */
#define MAX_CPUS    8

/* x3 of a report: this CPU has not what the test is about. */
#define NOT_HERE (~0ul)

/* HVC #0 with x0 = 1 reports: x1 = the test, x2 = failures, x3 = a figure. */
enum test {
    SPIN_LOCK,
    TICKET_LOCK,
    PAIR_COUNTER,
    QUEUE,
    STACK,
    MESSAGE_DMB,
    MESSAGE_RELEASE,
    STORE_BUFFER_DMB,
    STORE_BUFFER_RELEASE,
    STORE_BUFFER_EXCLUSIVE,
    STORE_BUFFER_LOOP,
    STORE_BUFFER_PLAIN,
    COHERENCE,
    WIDE,
    TLB,
    CODE,
    FIRST_LSE, /* from here on, FEAT_LSE */
    SPIN_LOCK_LSE = FIRST_LSE,
    TICKET_LOCK_LSE,
    PAIR_COUNTER_LSE,
    QUEUE_LSE,
    STACK_LSE,
    MESSAGE_LSE,
    STORE_BUFFER_LSE,
    BITS_LSE,
    EXTREMES_LSE,
    MIXED_LSE,
    TESTS
};
