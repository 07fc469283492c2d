/* SPDX-License-Identifier: MIT */
/*
 * Who takes memory away waits for every vCPU that may be using it. One that has left the guest may
 * be coming in again without a fence: whoever finds it outside, at first or later, has to execute
 * one for it before that counts. Linked with the product's internals; the fence is this file's.
 */
#include "../test.h"
#include "soft/cpu.h"
#include "soft/host_fence.h"

#include <Hypervisor/Hypervisor.h>

#include <pthread.h>
#include <unistd.h>

#define PAGE 0x4000u
#define RAM  UINT64_C(0x40000000)

static atomic_uint fences;

bool host_fence_init(void)
{
    return true;
}

void host_fence(void)
{
    atomic_fetch_add(&fences, 1);
}

static void *unmap(void *unused)
{
    CHECK_EQ(hv_vm_unmap(RAM, PAGE), HV_SUCCESS);
    return unused;
}

/* While it is sent mail, the vCPU is where `first` says and then goes out. */
static void goes_out(enum cpu_place first)
{
    hv_vcpu_exit_t *e;
    hv_vcpu_t vcpu;
    pthread_t thread;
    void *page = NULL;
    setenv("TINYVMM_BACKEND", "soft", 1);
    if (!CHECK(posix_memalign(&page, PAGE, PAGE) == 0) ||
        !CHECK_EQ(hv_vm_create(NULL), HV_SUCCESS) ||
        !CHECK_EQ(hv_vm_map(page, RAM, PAGE, HV_MEMORY_READ), HV_SUCCESS) ||
        !CHECK_EQ(hv_vcpu_create(&vcpu, &e, NULL), HV_SUCCESS))
        return;
    struct cpu *cpu = machine.cpus[0];
    const uint64_t posted = atomic_load(&cpu->mail_posted);
    atomic_store(&fences, 0);
    atomic_store(&cpu->place, first);
    CHECK_EQ(pthread_create(&thread, NULL, unmap, NULL), 0);
    while (atomic_load(&cpu->mail_posted) == posted)
        usleep(1000);
    usleep(20000); /* by now the sender waits: if not, this test finds less */
    atomic_store(&cpu->place, CPU_OUT);
    pthread_join(thread, NULL);
    CHECK_EQ(atomic_load(&fences), atomic_load(&cpu->mail_posted) - posted); /* one each */
    CHECK_EQ(hv_vcpu_destroy(vcpu), HV_SUCCESS);
    CHECK_EQ(hv_vm_destroy(), HV_SUCCESS);
    free(page);
}

static void is_out(void)
{
    goes_out(CPU_OUT);
}

static void goes_out_while_it_is_waited_for(void)
{
    goes_out(CPU_INSIDE);
}

int main(void)
{
    TEST(is_out);
    TEST(goes_out_while_it_is_waited_for);
    return test_done();
}
