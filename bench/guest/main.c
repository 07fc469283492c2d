/* SPDX-License-Identifier: MIT */
/*
 * The bench guest: one ELF for machine virt of TinyVMM and of QEMU. It says "ready", reads a line
 * from the PL011 and does what it says:
 *
 *     NAME REPEATS   run that workload (REPEATS 0: as often as its table says) and print
 *                    "NAME REPEATS NANOSECONDS CHECKSUM", or "NAME skip WHY"
 *     idle           wait for ever
 *
 * Then the machine is switched off. The time is the generic timer's (CNTVCT_EL0).
 */
#include "../work.h"
#include "guest.h"

void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);

/* ---- what compilers call by themselves ---- */

void *memcpy(void *to, const void *from, size_t n)
{
    char *t = to;
    const char *f = from;
    while (n--)
        *t++ = *f++;
    return to;
}

void *memset(void *to, int byte, size_t n)
{
    char *t = to;
    while (n--)
        *t++ = (char)byte;
    return to;
}

/* ---- console and the way out ---- */

uint64_t psci(uint64_t function)
{
    register uint64_t x0 __asm__("x0") = function;
    __asm__ volatile("hvc #0" : "+r"(x0) : : "x1", "x2", "x3", "memory");
    return x0;
}

static void put(const char *s)
{
    for (; *s; s++)
        *(volatile uint32_t *)UART_BASE = (unsigned char)*s;
}

static void put_number(uint64_t n, unsigned base)
{
    char digits[24], *p = digits + sizeof(digits);
    *--p = 0;
    do
        *--p = "0123456789abcdef"[n % base];
    while (n /= base);
    put(p);
}

static char get(void)
{
    while (mmio_read(UART_BASE + 0x18) & 1 << 4)
        ;
    return (char)mmio_read(UART_BASE);
}

void guest_fault(uint64_t esr, uint64_t elr, uint64_t far)
{
    put("fault: esr ");
    put_number(esr, 16);
    put(" elr ");
    put_number(elr, 16);
    put(" far ");
    put_number(far, 16);
    put("\n");
    psci(PSCI_SYSTEM_OFF);
    for (;;)
        ;
}

/* ---- time ---- */

static uint64_t ticks(void)
{
    uint64_t t;
    __asm__ volatile("isb\n mrs %0, cntvct_el0" : "=r"(t) : : "memory");
    return t;
}

static uint64_t nanoseconds(uint64_t t)
{
    uint64_t frequency;
    __asm__("mrs %0, cntfrq_el0" : "=r"(frequency));
    return t / frequency * 1000000000 + t % frequency * 1000000000 / frequency;
}

/* ---- the command ---- */

static int same(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

static int has_lse(void)
{
    uint64_t isar0;
    __asm__("mrs %0, id_aa64isar0_el1" : "=r"(isar0));
    return (isar0 >> 20 & 15) >= 2;
}

/* Run it that often. A checksum that differs between two runs becomes 0, which is nobody's. */
static void measure(const struct work *w, unsigned repeats)
{
    uint64_t total = 0, checksum = 0;
    if (w->run == run_atomics_lse && !has_lse()) {
        put(w->name);
        put(" skip this CPU has no LSE\n");
        return;
    }
    repeats = repeats ? repeats : w->repeats;
    for (unsigned i = 0; i < repeats; i++) {
        if (w->setup)
            w->setup();
        uint64_t begin = ticks();
        uint64_t answer = w->run();
        total += ticks() - begin;
        checksum = i == 0 || answer == checksum ? answer : 0;
    }
    put(w->name);
    put(" ");
    put_number(repeats, 10);
    put(" ");
    put_number(nanoseconds(total), 10);
    put(" ");
    put_number(checksum, 16);
    put("\n");
}

static const struct work *find(const struct work *w, const char *name)
{
    while (w->name && !same(w->name, name))
        w++;
    return w->name ? w : NULL;
}

void guest_main(void)
{
    char line[64];
    unsigned n = 0, repeats = 0;
    char c;
    put("ready\n");
    while ((c = get()) != '\n' && c != ' ' && n < sizeof(line) - 1)
        line[n++] = c;
    line[n] = 0;
    while (c == ' ' || (c >= '0' && c <= '9')) {
        repeats = c == ' ' ? repeats : repeats * 10 + (unsigned)(c - '0');
        c = get();
    }
    if (same(line, "idle"))
        return;
    mmu_on();
    const struct work *w = find(works, line);
    w = w ? w : find(system_works, line);
    if (w)
        measure(w, repeats);
    else
        put("which workload?\n");
    psci(PSCI_SYSTEM_OFF);
}
