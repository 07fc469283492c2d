/* SPDX-License-Identifier: MIT */
/*
 * A kernel that fails (faulty.h). The results, and the words that go with them, are what the
 * monitor ends with (status 125).
 */
#include "faulty.h"
#include "kvm_test.h"
#include <errno.h>
#include <hvx.h>
#include <linux/kvm.h>

static const char *why_not(void)
{
    static struct hvx_backend_info info;
    CHECK(hvx_backend(0, &info));
    CHECK(!strcmp(info.name, "kvm") && !info.available);
    return info.why;
}

static void no_device(void)
{
    static const struct {
        int error;
        const char *words;
    } cases[] = {
        {ENOENT, "no KVM in this kernel"},     {ENODEV, "no KVM in this kernel"},
        {EACCES, "add yourself to the group"}, {EPERM, "add yourself to the group"},
        {EBUSY, "another hypervisor has it"},  {EMFILE, "Too many open files"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        faulty.open = (unsigned long)cases[i].error;
        CHECK(strstr(why_not(), "cannot open /dev/kvm"));
        CHECK(strstr(why_not(), cases[i].words));
    }
}

static void an_old_kernel_has_no_filter(void)
{
    faulty.filter = ENXIO;
    CHECK(strstr(why_not(), "SMCCC filter"));
    CHECK(strstr(why_not(), "Linux 6.4"));
    CHECK_EQ(hv_vm_create(NULL), HV_UNSUPPORTED);
    CHECK(strstr(hvx_last_error(), "SMCCC filter"));
}

/* Each of those that are needed, by name. */
static void a_capability_is_missing(void)
{
    static const struct {
        unsigned long number;
        const char *name;
    } needed[] = {
        {KVM_CAP_ONE_REG, "KVM_CAP_ONE_REG"},
        {KVM_CAP_READONLY_MEM, "KVM_CAP_READONLY_MEM"},
        {KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT"},
        {KVM_CAP_ARM_USER_IRQ, "KVM_CAP_ARM_USER_IRQ"},
        {KVM_CAP_ARM_NISV_TO_USER, "KVM_CAP_ARM_NISV_TO_USER"},
        {KVM_CAP_SET_GUEST_DEBUG, "KVM_CAP_SET_GUEST_DEBUG"},
        {KVM_CAP_ARM_VM_IPA_SIZE, "KVM_CAP_ARM_VM_IPA_SIZE"},
        {227, "KVM_CAP_COUNTER_OFFSET"}, /* newer than some headers */
    };
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        faulty.cap = needed[i].number;
        CHECK(strstr(why_not(), needed[i].name));
    }
}

static void another_api_version(void)
{
    faulty.api = 11;
    CHECK(strstr(why_not(), "KVM API 11"));
}

static void the_kernel_creates_no_vm(void)
{
    faulty.vm = EBUSY;
    CHECK(strstr(why_not(), "busy"));
}

static void creation_fails_later(void)
{
    static const struct {
        int error;
        hv_return_t want;
    } cases[] = {{ENOMEM, HV_NO_RESOURCES}, {EBUSY, HV_BUSY}, {EPERM, HV_DENIED}};
    struct hvx_backend_info info;
    CHECK(hvx_backend(0, &info) && info.available);
    for (unsigned i = 0; i < 3; i++) {
        faulty.vm = (unsigned long)cases[i].error;
        CHECK_EQ(hv_vm_create(NULL), cases[i].want);
        CHECK(strstr(hvx_last_error(), strerror(cases[i].error)));
    }
    faulty.vm = 0;
    CHECK_EQ(hv_vm_create(NULL), 0);
    faulty.vcpu = ENOMEM;
    CHECK_EQ(hv_vcpu_create(&vcpu, &vmexit, NULL), HV_NO_RESOURCES);
    CHECK(strstr(hvx_last_error(), "KVM_CREATE_VCPU"));
    faulty.vcpu = 0;
    CHECK_EQ(hv_vcpu_create(&vcpu, &vmexit, NULL), 0);
    stop();
}

/* What the kernel says in the middle of a run ends the run with a result and its reason; the next
 * one may do better. */
static void runs_fail(void)
{
    static const struct {
        unsigned exit;
        hv_return_t want;
        const char *words;
    } cases[] = {
        {KVM_EXIT_INTERNAL_ERROR, HV_ERROR, "KVM_EXIT_INTERNAL_ERROR"},
        {KVM_EXIT_FAIL_ENTRY, HV_ILLEGAL_GUEST_STATE, "KVM_EXIT_FAIL_ENTRY"},
        {KVM_EXIT_SHUTDOWN, HV_ERROR, "a reason (8) that is not known"},
    };
    start();
    LOAD(HVC(1));
    for (unsigned i = 0; i < 3; i++) {
        faulty.exit = cases[i].exit;
        CHECK_EQ(hv_vcpu_run(vcpu), cases[i].want);
        CHECK(strstr(hvx_last_error(), cases[i].words));
    }
    faulty.exit = 0;
    faulty.run = EFAULT;
    CHECK_EQ(hv_vcpu_run(vcpu), HV_ERROR);
    CHECK(strstr(hvx_last_error(), strerror(EFAULT)));
    faulty.run = 0;
    run(0x16);
    stop();
}

/* A mapping that the kernel refuses leaves the memory as it was. */
static void slots_fail(void)
{
    start();
    faulty.slot = ENOMEM;
    CHECK_EQ(hv_vm_map(memory, HOLE, SIZE, HV_MEMORY_READ), HV_NO_RESOURCES);
    CHECK(strstr(hvx_last_error(), "KVM_SET_USER_MEMORY_REGION"));
    CHECK_EQ(hv_vm_unmap(0, SIZE), HV_NO_RESOURCES);
    CHECK_EQ(hv_vm_protect(0, SIZE, HV_MEMORY_READ), HV_NO_RESOURCES);
    /* The old slot goes, the new one does not come: the old one is put back. */
    faulty.after = faulty.once = 1;
    CHECK_EQ(hv_vm_protect(0, SIZE, HV_MEMORY_READ), HV_NO_RESOURCES);
    LOAD(HVC(1));
    run(0x16);
    /* Not even that: the memory is away, until the next change succeeds. */
    faulty.slot = ENOMEM;
    faulty.after = 1;
    faulty.once = 0;
    CHECK_EQ(hv_vm_protect(0, SIZE, HV_MEMORY_READ), HV_NO_RESOURCES);
    faulty.slot = 0;
    CHECK_EQ(hv_vm_protect(0, SIZE, HV_MEMORY_READ | HV_MEMORY_EXEC), 0);
    set(HV_REG_PC, CODE);
    run(0x16);
    stop();
}

/* Hosts with large pages: what is not made of whole ones is refused, and nothing has changed. */
static void large_host_pages(void)
{
    void *block;
    faulty.page = 0x10000;
    CHECK_EQ(posix_memalign(&block, faulty.page, SIZE), 0);
    CHECK_EQ(hv_vm_create(NULL), 0);
    CHECK_EQ(hv_vm_map(block, 0, 0x14000, HV_MEMORY_READ), HV_BAD_ARGUMENT);
    CHECK(strstr(hvx_last_error(), "pages are 64 KiB"));
    CHECK_EQ(hv_vm_map((char *)block + 0x4000, 0, 0x10000, HV_MEMORY_READ), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vm_map(block, 0x4000, 0x10000, HV_MEMORY_READ), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vm_map(block, 0, SIZE, HV_MEMORY_READ | HV_MEMORY_WRITE | HV_MEMORY_EXEC), 0);
    CHECK_EQ(hv_vm_protect(0x20000, 0x4000, HV_MEMORY_READ), HV_BAD_ARGUMENT);
    CHECK(strstr(hvx_last_error(), "pages are 64 KiB"));
    CHECK_EQ(hv_vm_unmap(0x2c000, 0x14000), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vm_protect(0x20000, 0x10000, HV_MEMORY_READ), 0);
    CHECK_EQ(hv_vm_unmap(0x30000, 0x10000), 0);

    memory = block;
    CHECK_EQ(hv_vcpu_create(&vcpu, &vmexit, NULL), 0);
    set(HV_REG_CPSR, 0x3c5);
    LOAD(0xf9400041 /* ldr x1, [x2] */, 0xf9000041 /* str x1, [x2] */,
         0xf9400061 /* ldr x1, [x3] */);
    set(HV_REG_X2, 0x20000);
    set(HV_REG_X3, 0x30000);
    run(0x24); /* the store */
    CHECK_EQ(vmexit->exception.physical_address, 0x20000);
    set(HV_REG_PC, CODE + 8);
    run(0x24);
    CHECK_EQ(vmexit->exception.physical_address, 0x30000);
    stop();
    free(block);
}

int main(void)
{
    TEST_ALONE(no_device);
    TEST_ALONE(an_old_kernel_has_no_filter);
    TEST_ALONE(a_capability_is_missing);
    TEST_ALONE(another_api_version);
    TEST_ALONE(the_kernel_creates_no_vm);
    TEST_ALONE(creation_fails_later);
    TEST_ALONE(runs_fail);
    TEST_ALONE(slots_fail);
    TEST_ALONE(large_host_pages);
    return test_done();
}
