/* SPDX-License-Identifier: MIT */
/*
 * Machine tiny: the smallest thing that runs a program.
 *
 *     0x00000   16 HVC instructions that stand in for a vector table (vectors.c)
 *     0x10000   the program: a raw binary is loaded and entered here
 *        ...
 *     top - 0x1000   the stack pointer; 0xff000 with the default 1 MiB
 *
 * RAM from 0, one vCPU, no devices, MMU off. The guest has hypercalls and nothing else.
 */
#include "vmm.h"

#include <errno.h>

#define TINY_LOAD      UINT64_C(0x10000)
#define TINY_STACK_GAP UINT64_C(0x1000)

static int tiny_plan(struct vm *vm)
{
    struct vm_error error;
    if (vm->image.format == IMAGE_LINUX)
        return vm_fail(vm, -ENOEXEC, "guest '%s' is a Linux kernel: it needs machine 'virt'",
                       vm->image.name);
    int err = image_check(&vm->image, &vm->mem, TINY_LOAD, &error);
    if (err)
        return vm_fail(vm, err, "%s", error.text);
    vm->boot = (struct vm_boot){
        .pc = vm->image.format == IMAGE_ELF ? vm->image.entry : TINY_LOAD,
        .sp = vm->machine->ram_base + vm->mem.region[0].size - TINY_STACK_GAP,
        .image_base = TINY_LOAD,
    };
    return 0;
}

static int tiny_load(struct vm *vm)
{
    struct vm_error error;
    int err = vectors_install(vm);
    if (err)
        return vm_fail(vm, err, "no room for the vectors at the start of memory");
    err = image_reload(&vm->image, &error);
    if (!err)
        err = image_place(&vm->image, &vm->mem, vm->boot.image_base, &error);
    image_release(&vm->image);
    return err ? vm_fail(vm, err, "%s", error.text) : 0;
}

const struct machine machine_tiny = {
    .name = "tiny",
    .title = "bare machine: RAM and hypercalls",
    .ram_base = 0,
    .ram_default = 1 << 20,
    .ram_min = 1 << 20,
    .max_cpus = 1,
    .trap_vectors = true,
    .plan = tiny_plan,
    .load = tiny_load,
};
