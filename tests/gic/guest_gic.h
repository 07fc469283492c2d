/* SPDX-License-Identifier: MIT */
/* Access to the GIC and to the host, for the GIC guests. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define DIST   0x08000000ul
#define REDIST 0x080a0000ul
#define MSI    0x08020000ul

/* Device registers are accessed by plain loads and stores of one register without write-back: no
 * other instruction may be used for memory that a hypervisor emulates. */
static inline uint32_t read32(uint64_t address)
{
    uint32_t v;
    __asm__ volatile("ldr %w0, [%1]" : "=r"(v) : "r"(address) : "memory");
    return v;
}
static inline void write32(uint64_t address, uint32_t v)
{
    __asm__ volatile("str %w0, [%1]" ::"rZ"(v), "r"(address) : "memory");
}
static inline void write8(uint64_t address, uint8_t v)
{
    __asm__ volatile("strb %w0, [%1]" ::"rZ"(v), "r"(address) : "memory");
}
static inline void write64(uint64_t address, uint64_t v)
{
    __asm__ volatile("str %x0, [%1]" ::"rZ"(v), "r"(address) : "memory");
}

static inline uint32_t gicr(unsigned cpu, unsigned offset)
{
    return read32(REDIST + cpu * 0x20000ul + offset);
}
static inline void set_gicr(unsigned cpu, unsigned offset, uint32_t v)
{
    write32(REDIST + cpu * 0x20000ul + offset, v);
}
static inline uint32_t sgif(unsigned cpu, unsigned offset)
{
    return gicr(cpu, 0x10000 + offset);
}
static inline void set_sgif(unsigned cpu, unsigned offset, uint32_t v)
{
    set_gicr(cpu, 0x10000 + offset, v);
}

#define TEXT_(x) #x
#define TEXT(x)  TEXT_(x)

#define MRS(name)                                                                                  \
    ({                                                                                             \
        uint64_t v_;                                                                               \
        __asm__ volatile("mrs %0, " TEXT(name) : "=r"(v_)::"memory");                              \
        v_;                                                                                        \
    })
#define MSR(name, value)                                                                           \
    __asm__ volatile("msr " TEXT(name) ", %0\n\tisb" ::"r"((uint64_t)(value)) : "memory")

#define HPPIR0   s3_0_c12_c8_2
#define BPR0     s3_0_c12_c8_3
#define AP0R0    s3_0_c12_c8_4
#define AP1R0    s3_0_c12_c9_0
#define DIR      s3_0_c12_c11_1
#define HPPIR1   s3_0_c12_c12_2
#define BPR1     s3_0_c12_c12_3
#define ICC_CTLR s3_0_c12_c12_4
#define IAR0     s3_0_c12_c8_0
#define EOIR0    s3_0_c12_c8_1
#define AP1R1    s3_0_c12_c9_1
#define PMR      s3_0_c4_c6_0
#define RPR      s3_0_c12_c11_3
#define SGI0R    s3_0_c12_c11_7
#define SGI1R    s3_0_c12_c11_5
#define IAR1     s3_0_c12_c12_0
#define EOIR1    s3_0_c12_c12_1
#define SRE      s3_0_c12_c12_5
#define IGRPEN0  s3_0_c12_c12_6
#define IGRPEN1  s3_0_c12_c12_7

static inline uint64_t host(uint64_t call, uint64_t a, uint64_t b)
{
    register uint64_t x0 __asm__("x0") = call;
    register uint64_t x1 __asm__("x1") = a;
    register uint64_t x2 __asm__("x2") = b;
    __asm__ volatile("hvc #0" : "+r"(x0) : "r"(x1), "r"(x2) : "memory");
    return x0;
}
