/* SPDX-License-Identifier: MIT */
/* The guest side of the bench: what its files share. */
#pragma once

#include <stdint.h>

#define UART_BASE       UINT64_C(0x09000000) /* PL011: data 0x00, flags 0x18 */

#define PSCI_VERSION    UINT64_C(0x84000000)
#define PSCI_SYSTEM_OFF UINT64_C(0x84000008)

/* Where page-table work happens: four pages of it, in the second GiB behind RAM. */
#define WINDOW UINT64_C(0x100000000)

/* start.S */
uint64_t svc_from_el0(uint64_t count);
void guest_main(void);
void guest_fault(uint64_t esr, uint64_t elr, uint64_t far);
/* mmu.c */
void mmu_on(void);
void window_map(unsigned page, const void *to);
/* main.c */
uint64_t psci(uint64_t function);

static inline uint32_t mmio_read(uint64_t address)
{
    return *(volatile uint32_t *)address;
}
