/* SPDX-License-Identifier: MIT */
/*
 * A virtual machine monitor in one file: create a VM, give it a page of memory and a CPU, run, and
 * handle what the guest asks for. It uses the Hypervisor API alone, so the same source runs on a
 * Mac (Apple's Hypervisor.framework) and on Linux (TinyVMM's libhypervisor):
 *
 *   make examples        (it says where the programs are)
 */
#include <Hypervisor/Hypervisor.h>
#include <libkern/OSCacheControl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * The guest: eight instructions and a string. HVC #0 is its one way out; the number in X0 says what
 * it wants: 1 = print the character in X1, 0 = exit. (Which is this program's own convention.)
 */
static const uint32_t guest_code[] = {
    0x10000102, /*       adr  x2, text        */
    0x38401441, /* loop: ldrb w1, [x2], #1    */
    0xb4000081, /*       cbz  x1, end         */
    0xd2800020, /*       mov  x0, #1          */
    0xd4000002, /*       hvc  #0              */
    0x17fffffc, /*       b    loop            */
    0xd2800000, /* end:  mov  x0, #0          */
    0xd4000002, /*       hvc  #0              */
};
static const char guest_text[] = "Hello from inside the virtual machine!\n"; /* text: */

#define GUEST_ADDRESS 0x10000u /* where the guest sees its memory */
#define GUEST_SIZE    0x4000u  /* 16 KiB, the smallest piece that can be mapped */
#define EL1H_MASKED   0x3c5u   /* start in EL1 (a kernel's level), all interrupts masked */

/* Exception class of HVC, in the top six bits of the exit's syndrome. */
#define EC_HVC 0x16u

static void check(hv_return_t result, const char *what)
{
    if (result == HV_SUCCESS)
        return;
    fprintf(stderr, "%s failed: error 0x%08x\n", what, (unsigned)result);
    if (result == HV_DENIED)
        fprintf(stderr, "On a Mac the program must be signed: see entitlements.plist\n");
    exit(1);
}

/* One exit of the guest. Returns 0 when it is done. */
static int handle(hv_vcpu_t vcpu, const hv_vcpu_exit_t *exit_info)
{
    uint64_t number = 0, argument = 0;
    if (exit_info->reason != HV_EXIT_REASON_EXCEPTION ||
        exit_info->exception.syndrome >> 26 != EC_HVC) {
        fprintf(stderr, "unexpected exit: reason %u, syndrome 0x%llx\n",
                (unsigned)exit_info->reason, (unsigned long long)exit_info->exception.syndrome);
        return 0;
    }
    check(hv_vcpu_get_reg(vcpu, HV_REG_X0, &number), "hv_vcpu_get_reg");
    check(hv_vcpu_get_reg(vcpu, HV_REG_X1, &argument), "hv_vcpu_get_reg");
    if (number == 1)
        putchar((int)(argument & 0x7f));
    return number == 1; /* PC is behind the HVC already: run again and the guest goes on */
}

int main(void)
{
    /* 1. The machine. A process has one at most. */
    check(hv_vm_create(NULL), "hv_vm_create");

    /* 2. Its memory: pages of ours that the guest shares, here with code and text in them. */
    void *memory = NULL;
    check(hv_vm_allocate(&memory, GUEST_SIZE, HV_ALLOCATE_DEFAULT), "hv_vm_allocate");
    memcpy(memory, guest_code, sizeof guest_code);
    memcpy((char *)memory + sizeof guest_code, guest_text, sizeof guest_text);
    sys_icache_invalidate(memory, GUEST_SIZE); /* what was data is code now */
    check(hv_vm_map(memory, GUEST_ADDRESS, GUEST_SIZE, HV_MEMORY_READ | HV_MEMORY_EXEC),
          "hv_vm_map");

    /* 3. Its CPU, which belongs to this thread. Where to start, and in which state. */
    hv_vcpu_t vcpu;
    hv_vcpu_exit_t *exit_info;
    check(hv_vcpu_create(&vcpu, &exit_info, NULL), "hv_vcpu_create");
    check(hv_vcpu_set_reg(vcpu, HV_REG_PC, GUEST_ADDRESS), "hv_vcpu_set_reg");
    check(hv_vcpu_set_reg(vcpu, HV_REG_CPSR, EL1H_MASKED), "hv_vcpu_set_reg");

    /* 4. Run. The call returns when the guest does something that is ours to handle. */
    do
        check(hv_vcpu_run(vcpu), "hv_vcpu_run");
    while (handle(vcpu, exit_info));

    /* 5. Tidy up, in the opposite order. */
    check(hv_vcpu_destroy(vcpu), "hv_vcpu_destroy");
    check(hv_vm_destroy(), "hv_vm_destroy");
    check(hv_vm_deallocate(memory, GUEST_SIZE), "hv_vm_deallocate");
    return 0;
}
