/* SPDX-License-Identifier: MIT */
/*
 * NZCV in short loops, as an exception sees it that stops them: where they begin, and when they
 * have come round. The loops are of the kinds that compilers make, and run often enough for a
 * translator to take an interest, which will want to compute as few flags as it can.
 */
#include "lib/lib.h"

#define WINDOW     0x0000123456780000ull
#define ATTRIBUTES (PTE_NORMAL | PTE_PXN | PTE_UXN)
#define N          8u
#define Z          4u
#define C          2u
#define V          1u
#define SPSR_NZCV  28

/* x0: pointer, x1: count or limit, x2: NZCV at the start, in place. In x0 comes back what it is at
 * the end; a fault leads there, to the address in x17. */
#define LOOP(name, body)                                                                           \
    extern u64 name(u64 pointer, u64 limit, u64 nzcv);                                             \
    __asm__(".text\n" #name ": adr x17, 9f\n mov x9, #5\n mov w10, #7\n msr nzcv, x2\n" body       \
            "\n9: mrs x0, nzcv\n ret\n");

LOOP(by_compare, "1: ldrb w3, [x0], #1\n cmp w3, w1\n b.lo 1b")
LOOP(by_compare_signed, "1: ldrsb w3, [x0], #1\n cmp w3, w1\n b.lt 1b")
LOOP(by_count, "1: ldr x3, [x0], #8\n subs x1, x1, #1\n b.ne 1b")
LOOP(by_count_w, "1: ldr x3, [x0], #8\n subs w1, w1, #1\n b.ne 1b")
LOOP(by_count_twice,
     "1: ldp x3, x4, [x0], #16\n mov x5, x3\n str x5, [x0]\n subs x1, x1, x9\n b.pl 1b")
LOOP(by_store, "1: str x1, [x0], #8\n subs x1, x1, #3\n b.hi 1b")
LOOP(by_sum, "1: ldrb w3, [x0], #1\n adds w1, w1, w3\n b.vc 1b")
LOOP(by_cmn, "1: ldrb w3, [x0], #1\n cmn w3, #1\n b.ne 1b")
LOOP(by_tst, "1: ldrb w3, [x0], #1\n tst w3, #0x40\n b.eq 1b")
LOOP(by_ands, "1: ldrb w4, [x0], #1\n ands w3, w4, w10\n b.pl 1b")
LOOP(by_bics, "1: ldrb w4, [x0], #1\n bics w3, w4, w10, lsl #1\n b.pl 1b")
LOOP(by_ccmp, "1: ldrb w3, [x0], #1\n cmp w3, w1\n ccmp w3, #9, #6, lo\n b.ne 1b")
LOOP(loses_operand, "1: ldrb w3, [x0], #1\n ldrb w4, [x0]\n cmp w3, w4\n b.ne 1b")
LOOP(loses_operand_early, "1: mov w3, #0\n ldrb w4, [x0], #1\n cmp w3, w4\n mov w3, w4\n b.ne 1b")
LOOP(by_bit, "1: ldrb w3, [x0], #1\n cmp w3, #0x30\n csel w4, w3, w1, hi\n tbz w4, #7, 1b")
LOOP(by_zero, "1: ldrb w3, [x0], #1\n subs w4, w1, w3\n csinc w5, w4, wzr, lt\n cbnz w3, 1b")
LOOP(leaves_aside, "1: ldrb w3, [x0], #1\n cbz w3, 9f\n cmp w3, w1\n b.lo 1b")
LOOP(leaves_in_the_middle,
     "1: ldrb w3, [x0], #1\n cmp w3, w1\n b.hs 9f\n subs x9, x9, #1\n b.ne 1b")

static struct space space;
static unsigned char *page;
static u64 spsr;

static bool leave(struct frame *f)
{
    spsr = f->spsr;
    f->elr = f->x[17];
    return true;
}

static unsigned sub_flags(u64 a, u64 b, unsigned bits)
{
    const u64 top = 1ull << (bits - 1), mask = top | (top - 1), r = (a - b) & mask;
    a &= mask;
    b &= mask;
    return (r & top ? N : 0) | (r ? 0 : Z) | (a >= b ? C : 0) | ((a ^ b) & (a ^ r) & top ? V : 0);
}

static unsigned and_flags(u64 r)
{
    return (r & 0x80000000u ? N : 0) | (r ? 0 : Z);
}

/* The last `bytes` bytes of the page, then nothing. Runs the loop there, from NZCV = `start`;
 * returns what the exception saw, which must be what it left behind. */
static unsigned faults(u64 (*loop)(u64, u64, u64), unsigned bytes, u64 limit, unsigned start)
{
    spsr = ~0ull;
    trap_clear();
    const u64 after = loop(WINDOW + 4096 - bytes, limit, (u64)start << 28);
    OK(spsr != ~0ull);
    EQ(after >> 28, spsr >> SPSR_NZCV & 15);
    return spsr >> SPSR_NZCV & 15;
}

#define ROUNDS 160

static void fill(unsigned char first, unsigned char step)
{
    for (unsigned n = 0; n < 4096; n++)
        page[n] = (unsigned char)(first + n * step);
}

/* A fault at the first access sees what was there before. */
static void at_once(void)
{
    fill(1, 0);
    for (unsigned round = 0; round < ROUNDS; round++) {
        const unsigned start = round & 15;
        EQ(faults(by_compare, 0, 100, start), start);
        EQ(faults(by_count, 0, 100, start), start);
        EQ(faults(by_store, 0, 100, start), start);
        EQ(faults(by_tst, 0, 100, start), start);
        EQ(faults(by_ccmp, 0, 100, start), start);
        EQ(faults(by_bit, 0, 100, start), start);
        EQ(faults(loses_operand_early, 0, 100, start), start);
        faults(by_compare, 64, 100, start); /* and the loop gets warm */
    }
}

static void come_round(void)
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        const unsigned start = round & 15, times = 1 + round % 40;
        const u64 limit = 200 + round;

        fill(5, 0);
        EQ(faults(by_compare, times, limit, start), sub_flags(5, limit, 32));
        EQ(faults(by_compare_signed, times, limit, start), sub_flags(5, limit, 32));
        EQ(faults(by_count, 8 * times, limit, start), sub_flags(limit - times + 1, 1, 64));
        EQ(faults(by_count_w, 8 * times, limit, start), sub_flags(limit - times + 1, 1, 32));
        EQ(faults(by_count_twice, 16 * times + 8, limit + 400, start),
           sub_flags(limit + 400 - 5 * (times - 1), 5, 64));
        EQ(faults(by_store, 8 * times, limit, start), sub_flags(limit - 3 * (times - 1), 3, 64));
        fill(5, 0);
        EQ(faults(by_sum, times, limit, start), 0);
        EQ(faults(by_sum, times, (u64)-2, start), times == 1 ? C : 0);
        EQ(faults(by_cmn, times, limit, start), 0);
        EQ(faults(by_tst, times, limit, start), and_flags(5 & 0x40));
        EQ(faults(by_ands, times, limit, start), and_flags(5 & 7));
        EQ(faults(by_bics, times, limit, start), and_flags(5 & ~14u));
        EQ(faults(by_ccmp, times, limit, start), sub_flags(5, 9, 32));
        EQ(faults(by_bit, times, 6, start), sub_flags(5, 0x30, 32));
        EQ(faults(by_zero, times, limit, start), sub_flags(limit, 5, 32));
        EQ(faults(leaves_aside, times, limit, start), sub_flags(5, limit, 32));
        EQ(faults(loses_operand_early, times, limit, start), sub_flags(0, 5, 32));
        fill(0, 3); /* the last byte is 0xfd */
        EQ(faults(loses_operand, times + 1, limit, start), sub_flags(0xfa, 0xfd, 32));
    }
}

/* By its own ways out. */
static void leave_by_itself(void)
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        const unsigned at = round % 50;
        const u64 start = (u64)(round & 15) << 28, from = WINDOW + 128;

        fill(5, 0);
        page[128 + at] = 0;
        EQ(leaves_aside(from, 9, start) >> 28, at ? sub_flags(5, 9, 32) : start >> 28);
        page[128 + at] = 9;
        EQ(leaves_aside(from, 9, start) >> 28, sub_flags(9, 9, 32));
        page[128 + at] = 200;
        EQ(by_compare(from, 9, start) >> 28, sub_flags(200, 9, 32));
        EQ(by_count(from, at + 1, start) >> 28, sub_flags(1, 1, 64));
        EQ(leaves_in_the_middle(from, 9, start) >> 28,
           at < 5 ? sub_flags(200, 9, 32) : sub_flags(1, 1, 64));
    }
}

int main(void)
{
    space_init(&space, 12, 16);
    space_map_program(&space);
    page = page_alloc(4096);
    mmu_on(&space, NULL, 0);
    space_map(&space, WINDOW, (u64)page, 3, ATTRIBUTES);
    DSB();
    ISB();
    trap_hook = leave;
    RUN(at_once);
    RUN(come_round);
    RUN(leave_by_itself);
    mmu_off();
    return 0;
}
