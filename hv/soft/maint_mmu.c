/* SPDX-License-Identifier: MIT */
/* TLBI: every form drops the whole TLB, of all vCPUs where the operation says so. */
#include "maint.h"
#include "a64.h"

#define CRN(op) ((op) >> 7 & 15)
#define CRM(op) ((op) >> 3 & 15)
#define OP1(op) ((op) >> 11)
#define OP2(op) ((op)&7)

/* VMALLE1 VAE1 ASIDE1 VAAE1 VALE1 VAALE1 with CRm 7, and inner-shareable with CRm 3. */
bool mmu_maintenance_exists(unsigned operation)
{
    return OP1(operation) == 0 && CRN(operation) == 8 &&
           (CRM(operation) == 7 || CRM(operation) == 3) && OP2(operation) != 4 &&
           OP2(operation) != 6;
}

const struct insn *mmu_maintenance(struct cpu *c, const struct insn *i, unsigned operation,
                                   uint64_t value)
{
    (void)value;
    if (c->el == 0)
        return cpu_undefined(c, i);
    const struct insn *next = block_leave_sync(c, i);
    if (CRM(operation) == 3)
        cpu_broadcast(c, MAIL_TLB_ALL, 0, 0);
    else
        tlb_flush_all(c);
    return next;
}
