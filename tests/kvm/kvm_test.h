/* SPDX-License-Identifier: MIT */
/* What the test programs of the KVM backend share: one vCPU with 1 MiB of memory at 0, EL1h, MMU
 * off, code at CODE. */
#pragma once

#include "test.h"
#include <Hypervisor/Hypervisor.h>
#include <libkern/OSCacheControl.h>
#include <sys/mman.h>

#define SIZE   0x100000u
#define CODE   0x10000u
#define HOLE   0x40000000u /* nothing is there */
#define HVC(n) (0xd4000002u | (uint32_t)(n) << 5)

static uint8_t *memory;
static hv_vcpu_t vcpu;
static hv_vcpu_exit_t *vmexit;

static inline uint64_t reg(hv_reg_t r)
{
    uint64_t value = 0;
    CHECK(hv_vcpu_get_reg(vcpu, r, &value) == HV_SUCCESS);
    return value;
}

static inline uint64_t sys(hv_sys_reg_t r)
{
    uint64_t value = 0;
    CHECK(hv_vcpu_get_sys_reg(vcpu, r, &value) == HV_SUCCESS);
    return value;
}

static inline void set(hv_reg_t r, uint64_t value)
{
    CHECK(hv_vcpu_set_reg(vcpu, r, value) == HV_SUCCESS);
}

static inline void set_sys(hv_sys_reg_t r, uint64_t value)
{
    CHECK(hv_vcpu_set_sys_reg(vcpu, r, value) == HV_SUCCESS);
}

static inline void load(const uint32_t *code, size_t words)
{
    memcpy(memory + CODE, code, 4 * words);
    sys_icache_invalidate(memory + CODE, 4 * words);
    set(HV_REG_PC, CODE);
}

#define LOAD(...) load((const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / 4)

static inline void start(void)
{
    CHECK(hv_vm_create(NULL) == HV_SUCCESS);
    memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
    CHECK(((uintptr_t)memory & 0x3fff) == 0 || hv_vm_allocate((void **)&memory, SIZE, 0) == 0);
    CHECK_EQ(hv_vm_map(memory, 0, SIZE, HV_MEMORY_READ | HV_MEMORY_WRITE | HV_MEMORY_EXEC), 0);
    CHECK_EQ(hv_vcpu_create(&vcpu, &vmexit, NULL), 0);
    set(HV_REG_CPSR, 0x3c5);
}

static inline void stop(void)
{
    CHECK_EQ(hv_vcpu_destroy(vcpu), 0);
    CHECK_EQ(hv_vm_destroy(), 0);
}

/* Run; the exit has to be an exception of this class. */
static inline bool run(unsigned class)
{
    CHECK_EQ(hv_vcpu_run(vcpu), 0);
    return CHECK_EQ(vmexit->reason, HV_EXIT_REASON_EXCEPTION) &
           CHECK_EQ(vmexit->exception.syndrome >> 26, class);
}

static inline uint64_t iss(void)
{
    return vmexit->exception.syndrome & 0x1ffffff;
}
