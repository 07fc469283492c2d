/* SPDX-License-Identifier: MIT */
/*
 * A small library for guest programs: enough to print, to take exceptions and to look at the time.
 * There is no libc and no operating system below; what is not here, a guest writes itself.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "tinyvmm.h"

/* ---- console ---- */

void putchar(char c);
void puts(const char *text); /* no newline is added */
/* %d %u %x (int), %ld %lu %lx (64 bits), %c %s %p %%, with a width as in %8d or %016lx. */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));
int getchar(void); /* waits; -1 at the end of input */

/* ---- the machine ---- */

void exit(int status) __attribute__((noreturn));
uint64_t clock_ns(void);         /* since this VM began to run */
uint64_t vm_info(unsigned item); /* TINYVMM_INFO_... */

/* ---- exceptions (vectors.S) ---- */

/* What the vector stub saves, and restores when on_exception returns. */
struct exception {
    uint64_t x[31];
    uint64_t pc;     /* ELR_EL1: where to return to; for a fault, the instruction that faulted */
    uint64_t pstate; /* SPSR_EL1 */
    uint64_t esr;    /* ESR_EL1: the reason; class in bits 31:26 */
    uint64_t far;    /* FAR_EL1: the address, for aborts */
    uint64_t vector; /* 0..15: which of the sixteen entries */
};

/* The program that calls exceptions_on() may define it; the default one prints and exits. */
void on_exception(struct exception *e);
void exceptions_on(void);
void drop_to_el0(void (*function)(uint64_t), void *stack_top, uint64_t argument)
    __attribute__((noreturn));

#define EXCEPTION_CLASS(esr)   ((unsigned)((esr) >> 26 & 63))
#define CLASS_UNDEFINED        0x00
#define CLASS_SVC              0x15
#define CLASS_TRAPPED_SYSREG   0x18
#define CLASS_DATA_ABORT_LOWER 0x24
#define CLASS_DATA_ABORT       0x25

/* ---- what C compilers call by themselves ---- */

void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *text);
