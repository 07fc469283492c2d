/* SPDX-License-Identifier: MIT */
/*
 * Trapped system registers: the few for which an answer makes sense, in one table (also in
 * docs/ARCHITECTURE.md). All others are UNDEFINED for the guest, as they are on a CPU that does not
 * have them. On the vCPU's thread.
 */
#include "vmm.h"

#include <mach/mach_time.h>

/* The fields of an MRS/MSR in the order of hv_sys_reg_t. */
#define SYS(op0, op1, crn, crm, op2) ((op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))
#define ALL                          0xffff
#define ANY_OP2                      (ALL & ~7)

enum { READ = 1, WRITE = 2 };

static uint64_t read_zero(void)
{
    return 0;
}

/* OS lock implemented (OSLM = 0b10) and unlocked. */
static uint64_t read_oslsr(void)
{
    return 8;
}

static uint64_t read_counter(void)
{
    return mach_absolute_time();
}

static const struct row {
    uint16_t mask, id;
    uint8_t allowed;
    uint64_t (*read)(void);
} table[] = {
    {ALL, SYS(2, 0, 1, 0, 4), WRITE, NULL},             /* OSLAR_EL1: the lock changes nothing */
    {ALL, SYS(2, 0, 1, 1, 4), READ, read_oslsr},        /* OSLSR_EL1 */
    {ALL, SYS(2, 0, 1, 3, 4), READ | WRITE, read_zero}, /* OSDLR_EL1 */
    {ALL, SYS(2, 0, 1, 0, 0), READ, read_zero},         /* MDRAR_EL1: no debug ROM */
    {ALL, SYS(2, 0, 7, 14, 6), READ, read_zero},        /* DBGAUTHSTATUS_EL1 */
    {ANY_OP2, SYS(3, 0, 0, 1, 0), READ, read_zero},     /* ID space, op0 3, CRn 0, CRm 1..7: */
    {ANY_OP2, SYS(3, 0, 0, 2, 0), READ, read_zero},     /* registers that no backend knows yet */
    {ANY_OP2, SYS(3, 0, 0, 3, 0), READ, read_zero},     /* read as zero, "not implemented" */
    {ANY_OP2, SYS(3, 0, 0, 4, 0), READ, read_zero},     /* */
    {ANY_OP2, SYS(3, 0, 0, 5, 0), READ, read_zero},     /* */
    {ANY_OP2, SYS(3, 0, 0, 6, 0), READ, read_zero},     /* */
    {ANY_OP2, SYS(3, 0, 0, 7, 0), READ, read_zero},     /* */
    {ALL, SYS(3, 0, 0, 0, 6), READ, read_zero},         /* REVIDR_EL1 */
    {ALL, SYS(3, 1, 0, 0, 7), READ, read_zero},         /* AIDR_EL1 */
    {ALL, SYS(3, 0, 1, 0, 1), READ | WRITE, read_zero}, /* ACTLR_EL1 */
    {ANY_OP2, SYS(3, 0, 10, 4, 0), READ | WRITE, read_zero}, /* LORSA, LOREA, LORN, LORC, LORID */
    {ALL, SYS(3, 3, 14, 0, 1), READ, read_counter},          /* CNTPCT_EL0 */
    {ALL, SYS(3, 3, 14, 0, 5), READ, read_counter},          /* CNTPCTSS_EL0 */
    {ALL, SYS(1, 0, 7, 6, 2), WRITE, NULL},                  /* DC ISW, CSW, CISW: caches are the */
    {ALL, SYS(1, 0, 7, 10, 2), WRITE, NULL},                 /* host's, and coherent */
    {ALL, SYS(1, 0, 7, 14, 2), WRITE, NULL},                 /* */
};

int exit_sysreg(struct vcpu *v)
{
    uint64_t iss = v->exit->exception.syndrome;
    unsigned op0 = iss >> 20 & 3, op2 = iss >> 17 & 7, op1 = iss >> 14 & 7;
    unsigned crn = iss >> 10 & 15, crm = iss >> 1 & 15, rt = iss >> 5 & 31;
    unsigned id = SYS(op0, op1, crn, crm, op2);
    bool is_read = iss & 1;
    for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const struct row *r = &table[i];
        if ((id & r->mask) != r->id || !(r->allowed & (is_read ? READ : WRITE)))
            continue;
        if (is_read)
            vcpu_set_x(v, rt, r->read());
        vcpu_skip(v);
        return 0;
    }
    log_verbose("%s of system register S%u_%u_C%u_C%u_%u: undefined", is_read ? "read" : "write",
                op0, op1, crn, crm, op2);
    return inject_undefined(v);
}
