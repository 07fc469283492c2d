/* SPDX-License-Identifier: MIT */
/*
 * Function ids of the SMC calling convention by HVC: SMCCC itself (DEN 0028), PSCI 1.1 (DEN 0022)
 * and TRNG 1.0 (DEN 0098). Runs on the calling vCPU's thread. Ids are 32 bits wide; arguments and
 * results are 64 bits wide in the SMC64 calls and 32 in the others.
 */
#include "vmm.h"

#include <string.h>

#include "random.h"

#define SMC64                  UINT32_C(0x40000000) /* bit of an id: the 64-bit form of a call */

#define SMCCC_VERSION          UINT32_C(0x80000000)
#define SMCCC_ARCH_FEATURES    UINT32_C(0x80000001)
#define PSCI_VERSION           UINT32_C(0x84000000)
#define PSCI_CPU_SUSPEND       UINT32_C(0x84000001)
#define PSCI_CPU_OFF           UINT32_C(0x84000002)
#define PSCI_CPU_ON            UINT32_C(0x84000003)
#define PSCI_AFFINITY_INFO     UINT32_C(0x84000004)
#define PSCI_MIGRATE_INFO_TYPE UINT32_C(0x84000006)
#define PSCI_SYSTEM_OFF        UINT32_C(0x84000008)
#define PSCI_SYSTEM_RESET      UINT32_C(0x84000009)
#define PSCI_FEATURES          UINT32_C(0x8400000a)
#define PSCI_SYSTEM_RESET2     UINT32_C(0x84000012)
#define TRNG_VERSION           UINT32_C(0x84000050)
#define TRNG_FEATURES          UINT32_C(0x84000051)
#define TRNG_GET_UUID          UINT32_C(0x84000052)
#define TRNG_RND               UINT32_C(0x84000053)

/* Results of PSCI; SMCCC and TRNG use the first three as well (5.2.2). */
enum {
    SUCCESS = 0,
    NOT_SUPPORTED = -1,
    INVALID_PARAMETERS = -2,
    ALREADY_ON = -4,
    INVALID_ADDRESS = -9,
};

#define VERSION_1_0     0x10000
#define VERSION_1_1     0x10001

#define SUSPEND_MAX_NS  UINT64_C(1000000)
#define AFFINITY_ON     0
#define AFFINITY_OFF    1
#define NO_TRUSTED_OS   2 /* MIGRATE_INFO_TYPE: nothing that would have to be migrated */
#define VENDOR_RESET    UINT64_C(0x80000000)
#define TRNG_WORDS      3
#define TRNG_UUID_WORDS 4

/* One call, and its results x0..x3. */
struct call {
    struct vcpu *v;
    bool wide;
    uint64_t result[4];
    unsigned results; /* how many of them are written back */
};

typedef int64_t smccc_fn(struct call *call);

/* Argument n, from x1 on, cut to the width of the id. */
static uint64_t arg(const struct call *call, unsigned n)
{
    uint64_t x = vcpu_x(call->v, n + 1);
    return call->wide ? x : (uint32_t)x;
}

static int64_t version_1_1(struct call *call)
{
    (void)call;
    return VERSION_1_1;
}

static int64_t version_1_0(struct call *call)
{
    (void)call;
    return VERSION_1_0;
}

/* ---- PSCI ---- */

/* 5.4: a core that wakes up at once is allowed, so every state is entered as WFI would be. With the
 * framework's GIC the monitor cannot see a pending interrupt: then it does not sleep long. */
static int64_t cpu_suspend(struct call *call)
{
    struct vcpu *v = call->v;
    vcpu_wait(v, v->vm->machine->gic ? SUSPEND_MAX_NS : UINT64_MAX);
    return SUCCESS;
}

static int64_t cpu_off(struct call *call)
{
    vcpu_power_off(call->v);
    return SUCCESS;
}

static int64_t cpu_on(struct call *call)
{
    struct vm *vm = call->v->vm;
    struct vcpu *target = vcpu_by_mpidr(vm, arg(call, 0));
    uint64_t entry = arg(call, 1);
    if (!target)
        return INVALID_PARAMETERS;
    if (entry % 4 || mem_left(&vm->mem, gpa(entry)) == 0)
        return INVALID_ADDRESS;
    return vcpu_power_on(target, entry, arg(call, 2)) ? ALREADY_ON : SUCCESS;
}

/* 5.1.5: a level above 0 asks for a group of cores, on if one of them is. */
static int64_t affinity_info(struct call *call)
{
    static const uint64_t mask[4] = {UINT64_C(0xff00ffffff), UINT64_C(0xff00ffff00),
                                     UINT64_C(0xff00ff0000), UINT64_C(0xff00000000)};
    struct vm *vm = call->v->vm;
    uint64_t affinity = arg(call, 0), level = arg(call, 1);
    int64_t state = INVALID_PARAMETERS;
    if (level > 3 || affinity & ~UINT64_C(0xff00ffffff))
        return INVALID_PARAMETERS;
    for (unsigned i = 0; i < vm->cpus; i++) {
        if ((vm->vcpu[i].mpidr ^ affinity) & mask[level])
            continue;
        if (atomic_load(&vm->vcpu[i].on))
            return AFFINITY_ON;
        state = AFFINITY_OFF;
    }
    return state;
}

static int64_t migrate_info_type(struct call *call)
{
    (void)call;
    return NO_TRUSTED_OS;
}

static int64_t system_off(struct call *call)
{
    vm_stop(call->v->vm, VM_END_EXIT, 0);
    return SUCCESS;
}

static int64_t system_reset(struct call *call)
{
    vm_stop(call->v->vm, VM_END_RESET, 0);
    return SUCCESS;
}

/* 5.15: architectural reset type 0 is a warm reset; vendors' own have bit 31 set, we have none. */
static int64_t system_reset2(struct call *call)
{
    if (arg(call, 0) & VENDOR_RESET || arg(call, 0) != 0)
        return INVALID_PARAMETERS;
    return system_reset(call);
}

/* ---- TRNG ---- */

static int64_t trng_uuid(struct call *call)
{
    /* Made for this monitor; tells one entropy source from another. */
    static const uint32_t uuid[TRNG_UUID_WORDS] = {0x7c1f2b90, 0x4d5653a1, 0x8e4a9f06, 0x5b7d13c2};
    for (unsigned i = 1; i < TRNG_UUID_WORDS; i++)
        call->result[i] = uuid[i];
    call->results = TRNG_UUID_WORDS;
    return uuid[0];
}

/* 4.6: as many bits as asked for, right-aligned in x1:x2:x3 (x3 lowest), zeroes above. */
static int64_t trng_rnd(struct call *call)
{
    unsigned width = call->wide ? 64 : 32;
    uint64_t bits = arg(call, 0);
    uint64_t word[TRNG_WORDS];
    if (bits == 0 || bits > TRNG_WORDS * width)
        return INVALID_PARAMETERS;
    if (host_random(word, sizeof word))
        return -3; /* NO_ENTROPY */
    for (unsigned i = 0; i < TRNG_WORDS; i++) {
        uint64_t below = (uint64_t)i * width; /* bits in the words under this one */
        uint64_t have = bits > below ? bits - below : 0;
        uint64_t value = have >= 64 ? word[i] : word[i] & ((UINT64_C(1) << have) - 1);
        call->result[3 - i] = width == 64 ? value : (uint32_t)value;
    }
    call->results = 4;
    memset(word, 0, sizeof word);
    return SUCCESS;
}

/* ---- the table ---- */

static int64_t features(struct call *call);
static int64_t trng_features(struct call *call);

static const struct {
    uint32_t function;
    bool wide; /* has an SMC64 form too */
    smccc_fn *fn;
} table[] = {
    {SMCCC_VERSION, false, version_1_1},
    {SMCCC_ARCH_FEATURES, false, features},
    {PSCI_VERSION, false, version_1_1},
    {PSCI_CPU_SUSPEND, true, cpu_suspend},
    {PSCI_CPU_OFF, false, cpu_off},
    {PSCI_CPU_ON, true, cpu_on},
    {PSCI_AFFINITY_INFO, true, affinity_info},
    {PSCI_MIGRATE_INFO_TYPE, false, migrate_info_type},
    {PSCI_SYSTEM_OFF, false, system_off},
    {PSCI_SYSTEM_RESET, false, system_reset},
    {PSCI_FEATURES, false, features},
    {PSCI_SYSTEM_RESET2, true, system_reset2},
    {TRNG_VERSION, false, version_1_0},
    {TRNG_FEATURES, false, trng_features},
    {TRNG_GET_UUID, false, trng_uuid},
    {TRNG_RND, true, trng_rnd},
};

static smccc_fn *find(uint32_t function)
{
    for (unsigned i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].function == function ||
            (table[i].wide && (table[i].function | SMC64) == function))
            return table[i].fn;
    return NULL;
}

/* 0 says that the function in w1 is there; none of ours has feature flags to report. */
static int64_t features(struct call *call)
{
    return find((uint32_t)arg(call, 0)) ? SUCCESS : NOT_SUPPORTED;
}

static int64_t trng_features(struct call *call)
{
    uint32_t function = (uint32_t)arg(call, 0);
    bool ours = (function & ~SMC64) >= TRNG_VERSION && (function & ~SMC64) <= TRNG_RND;
    return ours && find(function) ? SUCCESS : NOT_SUPPORTED;
}

int smccc(struct vcpu *v, uint32_t function)
{
    struct call call;
    call.v = v;
    call.wide = function & SMC64;
    call.results = 1;
    smccc_fn *fn = find(function);
    call.result[0] = (uint64_t)(fn ? fn(&call) : NOT_SUPPORTED);
    for (unsigned i = 0; i < call.results; i++)
        vcpu_set_x(v, i, call.result[i]);
    return 0;
}
