/* SPDX-License-Identifier: MIT */
/*
 * A guest that uses its GIC at random, within what the architecture defines, and records what it
 * reads. The record depends on nothing but the seed and the GIC, so that it can be compared between
 * machines: ours, QEMU's virt board (-DBOARD, which prints the record at its UART), and KVM.
 *
 * One vCPU, interrupts masked in PSTATE, no timers and no devices. The group enables of the CPU
 * interface stay on: QEMU lets a pending interrupt of a group that is off there hide the other
 * group.
 */
#include "guest.h"
#include "guest_gic.h"

#ifndef SEED
#define SEED 1
#endif
#define STEPS 4000u
#define WORDS 12u
#define DEPTH 5u

void guest_main(unsigned cpu);
uint64_t guest_irq(void);
uint64_t guest_fiq(void);
uint64_t guest_sync(void);

static uint32_t record[STEPS * WORDS];
static uint32_t *at = record;

static uint64_t seed;

/* Interrupts in use: SGIs, PPIs without a device, SPIs without a device on either board. */
static const uint8_t intids[] = {0, 3, 14, 15, 18, 20, 60, 61, 62, 63};
#define COUNT (sizeof intids)

/* Acknowledged and not ended, in order; ended and not deactivated (EOImode 1); made active by hand.
 */
static struct {
    uint8_t intid, group;
} running[DEPTH];
static unsigned depth, waiting, by_hand;
static uint8_t to_deactivate, hand_intid;
static bool split;

static uint32_t rnd(uint32_t below)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(seed >> 33) % below;
}

static uint64_t frame_of(unsigned intid)
{
    return intid < 32 ? REDIST + 0x10000 : DIST;
}

static uint64_t reg_of(unsigned intid, unsigned reg)
{
    return frame_of(intid) + reg + (intid / 32) * 4;
}

static bool is_active(unsigned intid)
{
    return read32(reg_of(intid, 0x300)) >> (intid % 32) & 1;
}

static bool is_enabled(unsigned intid)
{
    return read32(reg_of(intid, 0x100)) >> (intid % 32) & 1;
}

static void write_bit(unsigned reg, unsigned intid)
{
    write32(reg_of(intid, reg), 1u << (intid % 32));
}

/* Group and trigger may only change while the interrupt is disabled and idle. */
static void reconfigure(unsigned intid)
{
    bool was_on = is_enabled(intid);
    if (is_active(intid)) {
        return;
    }
    write_bit(0x180, intid);
    write_bit(0x280, intid);
    uint32_t groups = read32(reg_of(intid, 0x80));
    write32(reg_of(intid, 0x80),
            rnd(3) ? groups | 1u << (intid % 32) : groups & ~(1u << (intid % 32)));
    if (intid >= 32) {
        uint64_t reg = DIST + 0xc00 + intid / 16 * 4;
        uint32_t edge = 2u << (intid % 16 * 2);
        write32(reg, rnd(2) ? read32(reg) | edge : read32(reg) & ~edge);
    }
    write8(frame_of(intid) + 0x400 + intid, (uint8_t)(rnd(32) << 3));
    if (was_on) {
        write_bit(0x100, intid);
    }
}

static uint32_t acknowledge(unsigned group)
{
    uint32_t intid = (uint32_t)(group ? MRS(IAR1) : MRS(IAR0));
    if (intid != 1023) {
        running[depth].intid = (uint8_t)intid;
        running[depth++].group = (uint8_t)group;
    }
    return intid;
}

static void end(void)
{
    depth--;
    if (running[depth].group) {
        MSR(EOIR1, running[depth].intid);
    } else {
        MSR(EOIR0, running[depth].intid);
    }
    if (split) {
        to_deactivate = running[depth].intid;
        waiting++;
    }
}

static void deactivate(void)
{
    waiting--;
    MSR(DIR, to_deactivate);
}

/* Registers of the CPU interface. Modes change only while nothing is active. */
static void tune(void)
{
    uint32_t value = rnd(256);
    switch (rnd(5)) {
    case 0: MSR(PMR, rnd(4) ? 0xf0 : value); break;
    case 1: MSR(BPR0, value & 7); break;
    case 2: MSR(BPR1, value & 7); break;
    case 3:
        if (!depth && !waiting) {
            split = value & 2;
            MSR(ICC_CTLR, value & 3);
        }
        break;
    default: write32(DIST, rnd(4) ? 3 : value & 3);
    }
}

static void hand_active(unsigned intid)
{
    if (by_hand) {
        write_bit(0x380, hand_intid);
        by_hand = 0;
    } else if (!is_active(intid)) {
        write_bit(0x300, intid);
        hand_intid = (uint8_t)intid;
        by_hand = 1;
    }
}

/* To the group that the SGI is configured for. QEMU takes ICC_SGI1R_EL1 for group 1 alone; we let
 * it reach either group where GICD_CTLR.DS = 1, as KVM does. */
static void send_sgi(unsigned intid)
{
    bool group1 = read32(reg_of(0, 0x80)) >> intid & 1;
    uint64_t value = (uint64_t)intid << 24 | 1;
    if (group1) {
        MSR(SGI1R, value);
    } else {
        MSR(SGI0R, value);
    }
}

static uint32_t step(void)
{
    unsigned intid = intids[rnd(COUNT)];
    switch (rnd(18)) {
    case 0: write_bit(rnd(4) ? 0x100 : 0x180, intid); return 0;
    case 1:
    case 2:
    case 3: write_bit(0x200, intid); return 0;
    case 4: write_bit(0x280, intid); return 0;
    case 5: reconfigure(intid); return 0;
    case 6: tune(); return 0;
    case 7: hand_active(intid); return 0;
    case 8: send_sgi(intid & 0xf); return 0;
    case 9:
    case 10:
    case 11:
        if (depth < DEPTH) {
            return acknowledge(rnd(4) != 0);
        } /* fall through */
    default:
        if (depth && !(split && waiting)) {
            end();
        } else if (waiting) {
            deactivate();
        }
        return 0;
    }
}

static void note(uint32_t read)
{
    *at++ = read;
    *at++ = (uint32_t)MRS(RPR);
    *at++ = (uint32_t)MRS(HPPIR0);
    *at++ = (uint32_t)MRS(HPPIR1);
    *at++ = (uint32_t)MRS(AP0R0);
    *at++ = (uint32_t)MRS(AP1R0);
    *at++ = (uint32_t)MRS(isr_el1) & 0xc0;
    *at++ = read32(reg_of(0, 0x200));
    *at++ = read32(reg_of(0, 0x300));
    *at++ = read32(reg_of(32, 0x200));
    *at++ = read32(reg_of(32, 0x300));
    *at++ = (uint32_t)(MRS(BPR0) | MRS(BPR1) << 8 | MRS(PMR) << 16);
}

#ifdef BOARD
static void finish(void)
{
    for (const uint32_t *w = record; w < at; w++) {
        for (int shift = 28; shift >= 0; shift -= 4) {
            write32(0x09000000, (uint32_t) "0123456789abcdef"[*w >> shift & 15]);
        }
        write32(0x09000000, (w - record) % WORDS == WORDS - 1 ? '\n' : ' ');
    }
    host(0x84000008, 0, 0); /* PSCI SYSTEM_OFF */
}
static void begin(void)
{
    seed = SEED;
}
#else
static void finish(void)
{
    host(HOST_RECORD, (uint64_t)record, (uint64_t)(at - record));
    host(HOST_END, 0, 0);
}
static void begin(void)
{
    seed = host(HOST_SEED, 0, 0);
}
#endif

uint64_t guest_irq(void)
{
    finish(); /* masked: must not come */
    return 0;
}
uint64_t guest_fiq(void)
{
    finish();
    return 0;
}
uint64_t guest_sync(void)
{
    finish();
    return 4;
}

void guest_main(unsigned cpu)
{
    (void)cpu;
    begin();
    set_gicr(0, 0x14, 0);
    while (gicr(0, 0x14) & 4) {
    }
    write32(DIST, 3);
    write32(reg_of(0, 0x180), 0xffffffff);
    write32(reg_of(0, 0x80), 0xffffffff);
    write32(reg_of(32, 0x80), 0xffffffff);
    for (unsigned i = 0; i < COUNT; i++) {
        write8(frame_of(intids[i]) + 0x400 + intids[i], (uint8_t)(i << 4));
        if (intids[i] >= 32) {
            write64(DIST + 0x6000 + 8 * intids[i], 0);
        }
        write_bit(0x100, intids[i]);
    }
    MSR(PMR, 0xf0);
    MSR(IGRPEN0, 1);
    MSR(IGRPEN1, 1);
    for (unsigned i = 0; i < STEPS; i++) {
        note(step());
    }
    finish();
    for (;;) {
    }
}
