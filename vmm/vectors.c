/* SPDX-License-Identifier: MIT */
/*
 * A program that sets no VBAR_EL1 takes its exceptions to address 0, where a bare machine has
 * whatever is there, and is lost. Machine tiny puts an HVC into each of the 16 vectors from address
 * 0 on, so that such an exception comes to the monitor and becomes a crash report. The guest may
 * overwrite them: it is its memory.
 *
 * The immediate of these HVCs is only for the eye: a backend may not be able to report it. What
 * counts is where the HVC was.
 */
#include "vmm.h"

#include <errno.h>
#include <inttypes.h>

#define VECTORS       16
#define VECTOR_SIZE   0x80
#define HVC_WORD(imm) (UINT32_C(0xd4000002) | (uint32_t)(imm) << 5)
#define IMM_FIRST     0xe00
#define MODE_EL1T     4

static void put_word(uint8_t *at, uint32_t word)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(word >> (8 * i));
}

static uint32_t get_word(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

int vectors_install(struct vm *vm)
{
    uint8_t *table = mem_at(&vm->mem, gpa(vm->machine->ram_base), VECTORS * VECTOR_SIZE);
    if (!table)
        return -EFAULT;
    for (unsigned i = 0; i < VECTORS; i++)
        put_word(table + i * VECTOR_SIZE, HVC_WORD(IMM_FIRST + i));
    return 0;
}

static const char *const kinds[4] = {"exception", "IRQ", "FIQ", "SError"};

bool vectors_caught(struct vcpu *v)
{
    uint64_t pc = vcpu_reg(v, HV_REG_PC) - 4; /* an HVC leaves PC after itself */
    uint64_t offset = pc - v->vm->machine->ram_base;
    unsigned slot = (unsigned)(offset / VECTOR_SIZE);
    if (offset % VECTOR_SIZE || offset >= VECTORS * VECTOR_SIZE)
        return false;
    const uint8_t *word = mem_at(&v->vm->mem, gpa(pc), 4);
    if (!word || get_word(word) != HVC_WORD(IMM_FIRST + slot))
        return false;

    uint64_t esr = vcpu_sys_reg(v, HV_SYS_REG_ESR_EL1), spsr = vcpu_sys_reg(v, HV_SYS_REG_SPSR_EL1);
    if (slot == 0 && (spsr & 0xf) != MODE_EL1T) {
        /* No exception comes here from EL1h: the program jumped to address 0. */
        vcpu_set_reg(v, HV_REG_PC, pc);
        crash(v, 0, 0, "jump to address 0 (x30 may say from where)");
        return true;
    }
    /* Show the guest as it was when the exception hit it. */
    vcpu_set_reg(v, HV_REG_PC, vcpu_sys_reg(v, HV_SYS_REG_ELR_EL1));
    vcpu_set_reg(v, HV_REG_CPSR, spsr);
    const char *name = exit_class_name(esr >> 26 & 63);
    if (slot % 4 != 0)
        crash(v, 0, 0, "%s, and the guest has no vector table", kinds[slot % 4]);
    else if (esr >> 26 == 0)
        crash(v, esr, 0, "undefined instruction, and the guest has no vector table");
    else
        crash(v, esr, vcpu_sys_reg(v, HV_SYS_REG_FAR_EL1), "%s, and the guest has no vector table",
              name ? name : kinds[0]);
    return true;
}
