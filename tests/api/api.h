/* SPDX-License-Identifier: MIT */
/*
 * What the API tests share: a small machine around one vCPU. Public headers only, so that the same
 * tests run on a Mac against Apple's framework.
 *
 * The machine: 64 KiB of RAM at guest address 0. Code at CODE; exception vectors at VECTORS;
 * nothing is mapped from RAM_SIZE up. The vCPU starts at EL1h with interrupts masked and the MMU
 * off.
 */
#pragma once

#include <Hypervisor/Hypervisor.h>
#include <libkern/OSCacheControl.h>
#include <mach/mach_time.h>
#include <time.h>

#include "../test.h"

/* The granule calls came with the SDK of macOS 26. */
#if !defined(__APPLE__) || __MAC_OS_X_VERSION_MAX_ALLOWED >= 260000
#define HAVE_GRANULE 1
#endif

#define PAGE     0x4000u
#define RAM_SIZE 0x10000u
#define CODE     0x4000u
#define VECTORS  0x8000u
#define DATA     0xc000u
#define CPSR     0x3c5u /* EL1h, DAIF masked */

/* Instructions that several tests use. */
enum {
    HVC_0 = 0xd4000002,        /* hvc #0 */
    HVC_1 = 0xd4000022,        /* hvc #1 */
    SPIN = 0x14000000,         /* b . */
    NOP = 0xd503201f,          /* nop */
    ERET = 0xd69f03e0,         /* eret */
    INCREMENT_X0 = 0x91000400, /* add x0, x0, #1 */
    STORE_X0 = 0xf9000020,     /* str x0, [x1] */
    LOAD_X0 = 0xf9400020,      /* ldr x0, [x1] */
};

struct machine {
    uint8_t *ram;
    hv_vcpu_t vcpu;
    hv_vcpu_exit_t *exit;
};

/* Zeroed memory of whole granules. */
static inline uint8_t *new_pages(size_t size)
{
    void *p;
    if (posix_memalign(&p, PAGE, size))
        return NULL;
    return memset(p, 0, size);
}

/* Put instructions into the guest's memory. */
static inline void put_code(uint8_t *ram, uint64_t at, const uint32_t *words, size_t count)
{
    memcpy(ram + at, words, count * 4);
    sys_icache_invalidate(ram + at, count * 4);
}

#define PUT_CODE(ram, at, ...)                                                                     \
    put_code(ram, at, (const uint32_t[]){__VA_ARGS__},                                             \
             sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

/* A vCPU of the calling thread, ready to run at `pc`. */
static inline bool new_vcpu(struct machine *m, uint64_t pc)
{
    return CHECK_EQ(hv_vcpu_create(&m->vcpu, &m->exit, NULL), HV_SUCCESS) &&
           CHECK_EQ(hv_vcpu_set_reg(m->vcpu, HV_REG_CPSR, CPSR), HV_SUCCESS) &&
           CHECK_EQ(hv_vcpu_set_reg(m->vcpu, HV_REG_PC, pc), HV_SUCCESS) &&
           CHECK_EQ(hv_vcpu_set_sys_reg(m->vcpu, HV_SYS_REG_VBAR_EL1, VECTORS), HV_SUCCESS);
}

static inline bool new_ram(struct machine *m)
{
    *m = (struct machine){.ram = new_pages(RAM_SIZE)};
    return CHECK(m->ram) && CHECK_EQ(hv_vm_create(NULL), HV_SUCCESS) &&
           CHECK_EQ(
               hv_vm_map(m->ram, 0, RAM_SIZE, HV_MEMORY_READ | HV_MEMORY_WRITE | HV_MEMORY_EXEC),
               HV_SUCCESS);
}

static inline bool new_machine(struct machine *m)
{
    return new_ram(m) && new_vcpu(m, CODE);
}

static inline void end_machine(struct machine *m)
{
    CHECK_EQ(hv_vcpu_destroy(m->vcpu), HV_SUCCESS);
    CHECK_EQ(hv_vm_destroy(), HV_SUCCESS);
    free(m->ram);
}

static inline uint64_t reg(const struct machine *m, hv_reg_t r)
{
    uint64_t value = 0xdeadbeefdeadbeef;
    CHECK_EQ(hv_vcpu_get_reg(m->vcpu, r, &value), HV_SUCCESS);
    return value;
}

static inline void set_reg(const struct machine *m, hv_reg_t r, uint64_t value)
{
    CHECK_EQ(hv_vcpu_set_reg(m->vcpu, r, value), HV_SUCCESS);
}

static inline uint64_t sys_reg(const struct machine *m, hv_sys_reg_t r)
{
    uint64_t value = 0xdeadbeefdeadbeef;
    CHECK_EQ(hv_vcpu_get_sys_reg(m->vcpu, r, &value), HV_SUCCESS);
    return value;
}

/* Run; true if the exit is an exception of this class (ESR.EC). */
static inline bool run_to(struct machine *m, unsigned ec)
{
    return CHECK_EQ(hv_vcpu_run(m->vcpu), HV_SUCCESS) &&
           CHECK_EQ(m->exit->reason, HV_EXIT_REASON_EXCEPTION) &&
           CHECK_EQ(m->exit->exception.syndrome >> 26, ec);
}

enum {
    EC_WFX = 0x01,
    EC_HVC = 0x16,
    EC_SMC = 0x17,
    EC_SYSREG = 0x18,
    EC_IABT = 0x20,
    EC_DABT = 0x24,
    EC_BRK = 0x3c
};

/* Run to HVC #imm. */
static inline bool run_to_hvc(struct machine *m, unsigned imm)
{
    return run_to(m, EC_HVC) && CHECK_EQ(m->exit->exception.syndrome & 0xffff, imm);
}

static inline void sleep_ms(unsigned ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&t, NULL);
}

static inline uint64_t ms_to_ticks(uint64_t ms)
{
    mach_timebase_info_data_t base;
    mach_timebase_info(&base);
    return ms * 1000000 * base.denom / base.numer;
}

/* A thread that cancels a vCPU after some time, so that a test of "nothing happens" ends. */
struct canceller {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    hv_vcpu_t vcpu;
    unsigned ms;
    bool over, cancelled;
};

static inline void *canceller_main(void *arg)
{
    struct canceller *c = arg;
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_nsec += (long)(c->ms % 1000) * 1000000;
    end.tv_sec += c->ms / 1000 + end.tv_nsec / 1000000000;
    end.tv_nsec %= 1000000000;
    pthread_mutex_lock(&c->lock);
    while (!c->over && pthread_cond_timedwait(&c->wake, &c->lock, &end) == 0)
        ;
    if (!c->over) {
        c->cancelled = true;
        hv_vcpus_exit(&c->vcpu, 1);
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

/* Run with a time limit; the exit reason. */
static inline hv_exit_reason_t run_for(struct machine *m, unsigned ms)
{
    struct canceller c = {.lock = PTHREAD_MUTEX_INITIALIZER,
                          .wake = PTHREAD_COND_INITIALIZER,
                          .vcpu = m->vcpu,
                          .ms = ms};
    CHECK_EQ(pthread_create(&c.thread, NULL, canceller_main, &c), 0);
    CHECK_EQ(hv_vcpu_run(m->vcpu), HV_SUCCESS);
    hv_exit_reason_t reason = m->exit->reason;
    pthread_mutex_lock(&c.lock);
    c.over = true;
    pthread_cond_signal(&c.wake);
    pthread_mutex_unlock(&c.lock);
    pthread_join(c.thread, NULL);
    if (reason != HV_EXIT_REASON_CANCELED && c.cancelled) { /* it waits for the next run */
        hv_vcpu_exit_t kept = *m->exit;
        CHECK_EQ(hv_vcpu_run(m->vcpu), HV_SUCCESS);
        CHECK_EQ(m->exit->reason, HV_EXIT_REASON_CANCELED);
        *m->exit = kept;
    }
    return reason;
}

/* Which backend this run was asked to use: "", "soft", "kvm". */
static inline const char *backend_asked(void)
{
    const char *name = getenv("TINYVMM_BACKEND");
    return name ? name : "";
}
