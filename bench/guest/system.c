/* SPDX-License-Identifier: MIT */
/* Workloads that are the machine's and not the compiler's: exceptions, page tables, code, devices.
 */
#include "../work.h"
#include "../work_system.h"
#include "guest.h"

static uint64_t run_svc(void)
{
    return svc_from_el0(SVC_COUNT);
}

/* Two pages take turns behind page 0 of the window; the other three stay. */
static void setup_tlbi(void)
{
    for (unsigned page = 0; page < 8; page++)
        *(uint64_t *)(arena + page * 4096) = page;
    for (unsigned page = 0; page < 4; page++)
        window_map(page, arena + page * 4096);
}

static uint64_t run_tlbi(void)
{
    const volatile uint64_t *window = (const volatile uint64_t *)WINDOW;
    uint64_t sum = 0;
    for (unsigned i = 0; i < TLBI_COUNT; i++) {
        window_map(0, arena + (i & 1 ? 4 : 0) * 4096);
        sum += window[0] + window[512] + window[1024] + window[1536];
    }
    return sum;
}

/* ---- code made at run time ---- */

static void code_written(uint64_t from, uint64_t bytes)
{
    for (uint64_t a = from & ~UINT64_C(63); a < from + bytes; a += 64)
        __asm__ volatile("dc cvau, %0" : : "r"(a) : "memory");
    __asm__ volatile("dsb ish" : : : "memory");
    for (uint64_t a = from & ~UINT64_C(63); a < from + bytes; a += 64)
        __asm__ volatile("ic ivau, %0" : : "r"(a) : "memory");
    __asm__ volatile("dsb ish\n isb" : : : "memory");
}

#define CODE ((uint32_t *)(arena + 8 * MIB))
typedef uint64_t function(uint64_t *);

static void setup_cold(void)
{
    size_t n = cold_generate(CODE, COLD_INSNS + 64);
    code_written((uint64_t)CODE, n * 4);
    cold_scratch((uint64_t *)arena);
}

static uint64_t run_cold(void)
{
    ((function *)(uintptr_t)CODE)((uint64_t *)arena);
    return cold_hash((const uint64_t *)arena);
}

static uint64_t run_self_modifying(void)
{
    volatile uint32_t *code = CODE;
    uint64_t sum = 0;
    code[1] = 0xd65f03c0; /* ret */
    for (uint32_t i = 0; i < MODIFY_COUNT; i++) {
        code[0] = 0xd2800000 | (i & 0xffff) << 5; /* mov x0, #i */
        code_written((uint64_t)code, 4);
        sum += ((function *)(uintptr_t)code)(NULL);
    }
    return sum;
}

/* ---- leaving the guest ---- */

static uint64_t run_hypercall(void)
{
    uint64_t answers = 0;
    for (unsigned i = 0; i < HYPERCALL_COUNT; i++)
        answers += psci(PSCI_VERSION) >> 16 == 1; /* PSCI 1.x */
    return answers;
}

/* FR bit 5, transmit FIFO full, is never set here: both take a byte at once. */
static uint64_t run_mmio(void)
{
    uint64_t room = 0;
    for (unsigned i = 0; i < MMIO_COUNT; i++)
        room += !(mmio_read(UART_BASE + 0x18) & 1 << 5);
    return room;
}

const struct work system_works[] = {
    {"svc", 2, NULL, run_svc},
    {"tlbi", 2, setup_tlbi, run_tlbi},
    {"cold-code", 1, setup_cold, run_cold},
    {"self-modifying", 1, NULL, run_self_modifying},
    {"hypercall", 4, NULL, run_hypercall},
    {"mmio", 8, NULL, run_mmio},
    {NULL, 0, NULL, NULL},
};
