/* SPDX-License-Identifier: MIT */
/* The VM and its memory: every error of hv_vm_*, and what a guest sees of its mappings. */
#include "api.h"

#include <fcntl.h>
#include <os/object.h>
#include <stdatomic.h>
#include <sys/mman.h>

#define RWX (HV_MEMORY_READ | HV_MEMORY_WRITE | HV_MEMORY_EXEC)
#define RX  (HV_MEMORY_READ | HV_MEMORY_EXEC)

/* Fault status of an abort, ESR.xFSC without the level. */
enum { TRANSLATION = 1, PERMISSION = 3 };

static unsigned fault_kind(const struct machine *m)
{
    return (m->exit->exception.syndrome & 0x3f) >> 2;
}

static void one_vm(void)
{
    CHECK_EQ(hv_vm_create(NULL), HV_SUCCESS);
    CHECK_EQ(hv_vm_create(NULL), HV_BUSY);
    CHECK_EQ(hv_vm_destroy(), HV_SUCCESS);
    CHECK_EQ(hv_vm_create(NULL), HV_SUCCESS);
    CHECK_EQ(hv_vm_destroy(), HV_SUCCESS);
}

static void without_vm(void)
{
    uint8_t *page = new_pages(PAGE);
    hv_vcpu_t vcpu = 0, wanted = 0;
    hv_vcpu_exit_t *exit;
    uint64_t value;
    CHECK_EQ(hv_vm_destroy(), HV_NO_DEVICE);
    CHECK_EQ(hv_vm_map(page, 0, PAGE, HV_MEMORY_READ), HV_NO_DEVICE);
    CHECK_EQ(hv_vm_unmap(0, PAGE), HV_NO_DEVICE);
    CHECK_EQ(hv_vm_protect(0, PAGE, HV_MEMORY_READ), HV_NO_DEVICE);
    CHECK_EQ(hv_vcpu_create(&vcpu, &exit, NULL), HV_NO_DEVICE);
    CHECK_EQ(hv_vcpu_run(0), HV_NO_DEVICE);
    CHECK_EQ(hv_vcpu_get_reg(0, HV_REG_X0, &value), HV_NO_DEVICE);
    CHECK(hv_vcpus_exit(&wanted, 1) != HV_SUCCESS);
    free(page);
}

static void destroy_with_vcpu(void)
{
    struct machine m;
    if (!new_machine(&m))
        return;
    CHECK(hv_vm_destroy() != HV_SUCCESS);
    CHECK_EQ(reg(&m, HV_REG_PC), CODE); /* nothing happened to it */
    end_machine(&m);
}

static void map_arguments(void)
{
    uint8_t *mem = new_pages(4 * PAGE);
    uint32_t bits = 0;
    CHECK_EQ(hv_vm_config_get_default_ipa_size(&bits), HV_SUCCESS);
    uint64_t end = 1ull << bits;
    CHECK_EQ(hv_vm_create(NULL), HV_SUCCESS);
    CHECK_EQ(hv_vm_map(mem + 0x1000, 0, PAGE, RWX), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vm_map(mem + 1, 0, PAGE, RWX), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vm_map(mem, 0x1000, PAGE, RWX), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vm_map(mem, 0, 0x1000, RWX), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vm_map(mem, 0, PAGE + 1, RWX), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vm_map(mem, 0, 0, RWX), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vm_map(mem, end, PAGE, RWX), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vm_map(mem, end - PAGE, 2 * PAGE, RWX), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vm_map(mem, UINT64_MAX - PAGE + 1, PAGE, RWX), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vm_map(mem, UINT64_MAX - PAGE + 1, 2 * PAGE, RWX), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vm_map(mem, end - PAGE, PAGE, RWX), HV_SUCCESS);
    CHECK_EQ(hv_vm_map(mem, 0, PAGE, 0), HV_SUCCESS);
    CHECK_EQ(hv_vm_destroy(), HV_SUCCESS);
    free(mem);
}

static void map_overlap(void)
{
    uint8_t *mem = new_pages(8 * PAGE);
    CHECK_EQ(hv_vm_create(NULL), HV_SUCCESS);
    CHECK_EQ(hv_vm_map(mem, 4 * PAGE, 2 * PAGE, RWX), HV_SUCCESS);
    CHECK_EQ(hv_vm_map(mem, 4 * PAGE, 2 * PAGE, RWX), HV_ERROR);
    CHECK_EQ(hv_vm_map(mem, 5 * PAGE, PAGE, RWX), HV_ERROR);
    CHECK_EQ(hv_vm_map(mem, 5 * PAGE, 2 * PAGE, RWX), HV_ERROR);
    CHECK_EQ(hv_vm_map(mem, 3 * PAGE, 2 * PAGE, RWX), HV_ERROR);
    CHECK_EQ(hv_vm_map(mem, 0, 8 * PAGE, RWX), HV_ERROR);
    CHECK_EQ(hv_vm_map(mem, 3 * PAGE, PAGE, RWX), HV_SUCCESS);
    CHECK_EQ(hv_vm_map(mem, 6 * PAGE, PAGE, RWX), HV_SUCCESS);
    CHECK_EQ(hv_vm_destroy(), HV_SUCCESS);
    free(mem);
}

/* Host memory that is not there, or cannot be used as asked. */
static void map_host_memory(void)
{
    char name[] = "/tmp/tinyvmm-api-XXXXXX";
    int fd = mkstemp(name);
    if (!CHECK(fd >= 0))
        return;
    CHECK_EQ(ftruncate(fd, 4 * PAGE), 0);
    close(fd);
    fd = open(name, O_RDONLY);
    unlink(name);
    CHECK_EQ(hv_vm_create(NULL), HV_SUCCESS);
    /* Eight granules of which the upper half is gone. The addresses are made aligned by hand. */
    uint8_t *area = mmap(NULL, 17 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
    uint8_t *a = area + (-(uintptr_t)area & (PAGE - 1));
    munmap(a + 4 * PAGE, 4 * PAGE);
    CHECK_EQ(hv_vm_map(a, 0, 8 * PAGE, RWX), HV_ERROR);
    CHECK_EQ(hv_vm_map(a, 0, 4 * PAGE, RWX), HV_SUCCESS);
    uint8_t *b = mmap(a + 8 * PAGE, 4 * PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0);
    CHECK_EQ(hv_vm_map(b, 16 * PAGE, 4 * PAGE, HV_MEMORY_READ), HV_ERROR);
    b = mmap(a + 8 * PAGE, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd, 0);
    CHECK_EQ(hv_vm_map(b, 16 * PAGE, 4 * PAGE, RWX), HV_SUCCESS);
    CHECK_EQ(hv_vm_destroy(), HV_SUCCESS);
    munmap(area, 17 * PAGE);
    close(fd);
}

static void unmap_arguments(void)
{
    uint8_t *mem = new_pages(4 * PAGE);
    CHECK_EQ(hv_vm_create(NULL), HV_SUCCESS);
    CHECK_EQ(hv_vm_unmap(0, PAGE), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vm_map(mem, 0, 2 * PAGE, RWX), HV_SUCCESS);
    CHECK_EQ(hv_vm_unmap(0x1000, PAGE), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vm_unmap(0, 0x1000), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vm_unmap(0, 0), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vm_unmap(0, 3 * PAGE), HV_BAD_ARGUMENT); /* the third page is not mapped */
    CHECK_EQ(hv_vm_unmap(2 * PAGE, PAGE), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vm_unmap(0, 2 * PAGE), HV_SUCCESS);
    CHECK_EQ(hv_vm_unmap(0, 2 * PAGE), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vm_map(mem, 0, 2 * PAGE, RWX), HV_SUCCESS);
    CHECK_EQ(hv_vm_destroy(), HV_SUCCESS);
    free(mem);
}

static void protect_arguments(void)
{
    uint8_t *mem = new_pages(4 * PAGE);
    CHECK_EQ(hv_vm_create(NULL), HV_SUCCESS);
    CHECK(hv_vm_protect(0, PAGE, HV_MEMORY_READ) != HV_SUCCESS);
    CHECK_EQ(hv_vm_map(mem, 0, 2 * PAGE, RWX), HV_SUCCESS);
    CHECK_EQ(hv_vm_protect(0, 0x1000, HV_MEMORY_READ), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vm_protect(0x1000, PAGE, HV_MEMORY_READ), HV_BAD_ARGUMENT);
    CHECK(hv_vm_protect(0, 3 * PAGE, HV_MEMORY_READ) != HV_SUCCESS);
    CHECK_EQ(hv_vm_protect(PAGE, PAGE, HV_MEMORY_READ), HV_SUCCESS);
    CHECK_EQ(hv_vm_protect(0, 2 * PAGE, 0), HV_SUCCESS);
    CHECK_EQ(hv_vm_protect(0, 2 * PAGE, RWX), HV_SUCCESS);
    CHECK_EQ(hv_vm_destroy(), HV_SUCCESS);
    free(mem);
}

/* The guest's stores land in the client's own memory, and the other way round. */
static void memory_is_shared(void)
{
    struct machine m;
    if (!new_machine(&m))
        return;
    PUT_CODE(m.ram, CODE, LOAD_X0, INCREMENT_X0, STORE_X0, HVC_0, LOAD_X0, HVC_0);
    uint64_t value = 41;
    memcpy(m.ram + DATA, &value, 8);
    set_reg(&m, HV_REG_X1, DATA);
    if (run_to_hvc(&m, 0)) {
        memcpy(&value, m.ram + DATA, 8);
        CHECK_EQ(value, 42);
        value = 1234;
        memcpy(m.ram + DATA, &value, 8);
        if (run_to_hvc(&m, 0))
            CHECK_EQ(reg(&m, HV_REG_X0), 1234);
    }
    end_machine(&m);
}

/* One host page at two guest addresses. */
static void mapped_twice(void)
{
    struct machine m;
    if (!new_machine(&m))
        return;
    uint8_t *page = new_pages(PAGE);
    CHECK_EQ(hv_vm_map(page, 0x100000, PAGE, HV_MEMORY_READ | HV_MEMORY_WRITE), HV_SUCCESS);
    CHECK_EQ(hv_vm_map(page, 0x200000, PAGE, HV_MEMORY_READ), HV_SUCCESS);
    PUT_CODE(m.ram, CODE, STORE_X0, 0xf9400043 /* ldr x3, [x2] */, HVC_0);
    set_reg(&m, HV_REG_X0, 0x1122334455667788);
    set_reg(&m, HV_REG_X1, 0x100010);
    set_reg(&m, HV_REG_X2, 0x200010);
    if (run_to_hvc(&m, 0))
        CHECK_EQ(reg(&m, HV_REG_X3), 0x1122334455667788);
    CHECK_EQ(hv_vm_unmap(0x100000, PAGE), HV_SUCCESS); /* the other one stays */
    set_reg(&m, HV_REG_X3, 0);
    set_reg(&m, HV_REG_PC, CODE + 4);
    if (run_to_hvc(&m, 0))
        CHECK_EQ(reg(&m, HV_REG_X3), 0x1122334455667788);
    end_machine(&m);
    free(page);
}

/* Writes are noticed page by page: how clients find dirty memory. */
static void write_protection(void)
{
    struct machine m;
    if (!new_machine(&m))
        return;
    PUT_CODE(m.ram, CODE, STORE_X0, LOAD_X0, HVC_0);
    set_reg(&m, HV_REG_X0, 7);
    set_reg(&m, HV_REG_X1, DATA + 0x48);
    CHECK_EQ(hv_vm_protect(0, RAM_SIZE, RX), HV_SUCCESS);
    if (run_to(&m, EC_DABT)) {
        CHECK_EQ(fault_kind(&m), PERMISSION);
        CHECK(m.exit->exception.syndrome & 0x40); /* WnR */
        CHECK_EQ(m.exit->exception.physical_address, DATA + 0x48);
        CHECK_EQ(m.exit->exception.virtual_address, DATA + 0x48);
        CHECK_EQ(reg(&m, HV_REG_PC), CODE);
        CHECK_EQ(m.ram[DATA + 0x48], 0);
        CHECK_EQ(hv_vm_protect(DATA, PAGE, RWX), HV_SUCCESS);
        run_to_hvc(&m, 0); /* the same instruction again, now with success */
        CHECK_EQ(m.ram[DATA + 0x48], 7);
    }
    end_machine(&m);
}

/* Rights taken away after the guest has used them. */
static void protect_takes_effect(void)
{
    struct machine m;
    if (!new_machine(&m))
        return;
    PUT_CODE(m.ram, CODE, STORE_X0, LOAD_X0, HVC_0, STORE_X0, LOAD_X0, HVC_0);
    set_reg(&m, HV_REG_X1, DATA);
    run_to_hvc(&m, 0);
    CHECK_EQ(hv_vm_protect(DATA, PAGE, HV_MEMORY_READ), HV_SUCCESS);
    if (run_to(&m, EC_DABT))
        CHECK_EQ(reg(&m, HV_REG_PC), CODE + 12);
    set_reg(&m, HV_REG_PC, CODE + 16);
    run_to_hvc(&m, 0); /* reading is still fine */
    CHECK_EQ(hv_vm_protect(DATA, PAGE, 0), HV_SUCCESS);
    set_reg(&m, HV_REG_PC, CODE + 4);
    if (run_to(&m, EC_DABT)) {
        CHECK(!(m.exit->exception.syndrome & 0x40));
        CHECK_EQ(m.exit->exception.physical_address, DATA);
    }
    end_machine(&m);
}

static void not_executable(void)
{
    struct machine m;
    if (!strcmp(backend_asked(), "kvm")) {
        TEST_SKIP("KVM has no such right (tests/kvm: no_execute_right)");
        return;
    }
    if (!new_machine(&m))
        return;
    PUT_CODE(m.ram, CODE, 0xd61f0020 /* br x1 */);
    PUT_CODE(m.ram, DATA, HVC_0);
    CHECK_EQ(hv_vm_protect(DATA, PAGE, HV_MEMORY_READ | HV_MEMORY_WRITE), HV_SUCCESS);
    set_reg(&m, HV_REG_X1, DATA);
    if (run_to(&m, EC_IABT)) {
        CHECK_EQ(fault_kind(&m), PERMISSION);
        CHECK_EQ(reg(&m, HV_REG_PC), DATA);
        CHECK_EQ(m.exit->exception.physical_address, DATA);
        CHECK_EQ(m.exit->exception.virtual_address, DATA);
    }
    CHECK_EQ(hv_vm_protect(DATA, PAGE, RWX), HV_SUCCESS);
    run_to_hvc(&m, 0);
    end_machine(&m);
}

static void jump_to_nowhere(void)
{
    struct machine m;
    if (!strcmp(backend_asked(), "kvm")) {
        TEST_SKIP("the Linux kernel answers itself (tests/kvm: fetch_outside_memory)");
        return;
    }
    if (!new_machine(&m))
        return;
    PUT_CODE(m.ram, CODE, 0xd61f0020 /* br x1 */);
    set_reg(&m, HV_REG_X1, 0x700000);
    if (run_to(&m, EC_IABT)) {
        CHECK_EQ(fault_kind(&m), TRANSLATION);
        CHECK_EQ(reg(&m, HV_REG_PC), 0x700000);
        CHECK_EQ(m.exit->exception.physical_address, 0x700000);
    }
    end_machine(&m);
}

/* Unmapping the middle leaves the two ends, with the host memory they had. */
static void unmap_part(void)
{
    struct machine m;
    if (!new_machine(&m))
        return;
    uint8_t *mem = new_pages(4 * PAGE);
    for (unsigned i = 0; i < 4; i++)
        mem[i * PAGE] = (uint8_t)(0x10 + i);
    CHECK_EQ(hv_vm_map(mem, 0x100000, 4 * PAGE, RWX), HV_SUCCESS);
    hv_return_t r = hv_vm_unmap(0x100000 + PAGE, 2 * PAGE);
#ifdef __APPLE__
    if (r == HV_BAD_ARGUMENT) {
        TEST_SKIP("this release of the framework does not split mappings");
        end_machine(&m);
        free(mem);
        return;
    }
#endif
    CHECK_EQ(r, HV_SUCCESS);
    for (unsigned i = 0; i < 4; i++) {
        PUT_CODE(m.ram, CODE, LOAD_X0, HVC_0);
        set_reg(&m, HV_REG_PC, CODE);
        set_reg(&m, HV_REG_X1, 0x100000 + i * PAGE);
        if (i == 0 || i == 3) {
            if (run_to_hvc(&m, 0))
                CHECK_EQ(reg(&m, HV_REG_X0), 0x10 + i);
        } else if (run_to(&m, EC_DABT)) {
            CHECK_EQ(fault_kind(&m), TRANSLATION);
        }
    }
    CHECK_EQ(hv_vm_map(mem, 0x100000 + PAGE, 2 * PAGE, RWX), HV_SUCCESS);
    CHECK_EQ(hv_vm_unmap(0x100000, 4 * PAGE), HV_SUCCESS); /* three pieces at once */
    end_machine(&m);
    free(mem);
}

/* New code at an address that has run before. */
static void code_changes(void)
{
    struct machine m;
    if (!new_machine(&m))
        return;
    for (unsigned i = 0; i < 100; i++) {
        PUT_CODE(m.ram, CODE, 0xd2800000u | i << 5 /* mov x0, #i */, HVC_0);
        set_reg(&m, HV_REG_PC, CODE);
        if (!run_to_hvc(&m, 0) || !CHECK_EQ(reg(&m, HV_REG_X0), i))
            break;
    }
    end_machine(&m);
}

/* Another page of code at the same guest address. */
static void remap_code(void)
{
    struct machine m;
    if (!new_machine(&m))
        return;
    uint8_t *mem = new_pages(2 * PAGE);
    PUT_CODE(mem, 0, 0xd2800020 /* mov x0, #1 */, HVC_0);
    PUT_CODE(mem, PAGE, 0xd2800040 /* mov x0, #2 */, HVC_0);
    for (unsigned i = 0; i < 6; i++) {
        CHECK_EQ(hv_vm_map(mem + (i & 1) * PAGE, 0x100000, PAGE, RX), HV_SUCCESS);
        set_reg(&m, HV_REG_PC, 0x100000);
        if (run_to_hvc(&m, 0))
            CHECK_EQ(reg(&m, HV_REG_X0), 1 + (i & 1));
        CHECK_EQ(hv_vm_unmap(0x100000, PAGE), HV_SUCCESS);
    }
    end_machine(&m);
    free(mem);
}

#ifdef HAVE_GRANULE
static void four_kib_granule(void)
{
    if (!strcmp(backend_asked(), "kvm") && sysconf(_SC_PAGESIZE) > 0x1000) {
        TEST_SKIP("KVM maps whole pages of the host (tests/kvm: large_host_pages)");
        return;
    }
    hv_vm_config_t config = hv_vm_config_create();
    uint8_t *mem = new_pages(2 * PAGE);
    CHECK_EQ(hv_vm_config_set_ipa_granule(config, HV_IPA_GRANULE_4KB), HV_SUCCESS);
    hv_return_t r = hv_vm_create(config);
    os_release(config);
    if (r == HV_UNSUPPORTED) {
        TEST_SKIP("no VM with 4 KiB granules on this host");
        return;
    }
    CHECK_EQ(r, HV_SUCCESS);
    CHECK_EQ(hv_vm_map(mem + 0x1000, 0x3000, 0x2000, RWX), HV_SUCCESS);
    CHECK_EQ(hv_vm_protect(0x4000, 0x1000, HV_MEMORY_READ), HV_SUCCESS);
    CHECK_EQ(hv_vm_unmap(0x3000, 0x1000), HV_SUCCESS);
    CHECK_EQ(hv_vm_map(mem, 0x800, 0x1000, RWX), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vm_destroy(), HV_SUCCESS);
    free(mem);
}

#endif

/* A guest that writes without pause; its memory is taken away under it, again and again: a fault
 * counts if stores have been done since the last one. */
static void *writer(void *arg)
{
    struct machine *m = arg;
    if (!new_vcpu(m, CODE))
        return NULL;
    set_reg(m, HV_REG_X1, 0x100000);
    uint64_t stored = 0;
    unsigned faults = 0;
    while (faults < 50) {
        if (!CHECK_EQ(hv_vcpu_run(m->vcpu), HV_SUCCESS) ||
            !CHECK_EQ(m->exit->reason, HV_EXIT_REASON_EXCEPTION) ||
            !CHECK_EQ(m->exit->exception.syndrome >> 26, EC_DABT) ||
            !CHECK_EQ(m->exit->exception.physical_address, 0x100000))
            break;
        faults += reg(m, HV_REG_X0) != stored;
        stored = reg(m, HV_REG_X0);
        sleep_ms(1); /* and try the same store again */
    }
    CHECK_EQ(hv_vcpu_destroy(m->vcpu), HV_SUCCESS);
    atomic_store_explicit((_Atomic bool *)(m->ram + DATA), true, memory_order_release);
    return NULL;
}

static void unmap_while_running(void)
{
    struct machine m;
    pthread_t thread;
    if (!new_ram(&m))
        return;
    uint8_t *page = new_pages(PAGE);
    _Atomic uint64_t *counter = (_Atomic uint64_t *)(void *)page;
    _Atomic bool *done = (_Atomic bool *)(m.ram + DATA);
    PUT_CODE(m.ram, CODE, INCREMENT_X0, STORE_X0, 0x17fffffe /* b CODE */);
    CHECK_EQ(pthread_create(&thread, NULL, writer, &m), 0);
    while (!atomic_load(done)) {
        CHECK_EQ(hv_vm_map(page, 0x100000, PAGE, HV_MEMORY_READ | HV_MEMORY_WRITE), HV_SUCCESS);
        sleep_ms(1);
        CHECK_EQ(hv_vm_unmap(0x100000, PAGE), HV_SUCCESS);
        uint64_t seen = atomic_load(counter);
        sleep_ms(1);
        if (!CHECK_EQ(atomic_load(counter), seen)) /* a store after unmap had returned */
            break;
    }
    pthread_join(thread, NULL);
    CHECK(atomic_load(counter) > 0);
    CHECK_EQ(hv_vm_destroy(), HV_SUCCESS);
    free(page);
    free(m.ram);
}

static void in_child(struct machine *parent)
{
    struct machine m;
    uint64_t value;
    CHECK_EQ(hv_vcpu_get_reg(parent->vcpu, HV_REG_X0, &value), HV_NO_DEVICE);
    CHECK_EQ(hv_vcpu_run(parent->vcpu), HV_NO_DEVICE);
    CHECK_EQ(hv_vm_destroy(), HV_NO_DEVICE);
    CHECK_EQ(hv_vm_unmap(0, PAGE), HV_NO_DEVICE);
    if (!new_machine(&m)) /* its own VM, and its own vCPU on the same thread */
        return;
    PUT_CODE(m.ram, CODE, 0xd2800aa0 /* mov x0, #85 */, HVC_0);
    if (run_to_hvc(&m, 0))
        CHECK_EQ(reg(&m, HV_REG_X0), 85);
    end_machine(&m);
}

static void fork_has_no_vm(void)
{
    struct machine m;
    if (!new_machine(&m))
        return;
    PUT_CODE(m.ram, CODE, INCREMENT_X0, HVC_0, INCREMENT_X0, HVC_0);
    run_to_hvc(&m, 0);
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        in_child(&m);
        if (test_state.result == TEST_FAILED)
            fprintf(stderr, "in the child: %s\n", test_state.detail);
        _exit(test_state.result == TEST_FAILED);
    }
    CHECK(child > 0);
    waitpid(child, &status, 0);
    CHECK_EQ(status, 0);
    if (run_to_hvc(&m, 0)) /* the parent's machine did not notice */
        CHECK_EQ(reg(&m, HV_REG_X0), 2);
    end_machine(&m);
}

int main(void)
{
    TEST_ALONE(one_vm);
    TEST_ALONE(without_vm);
    TEST_ALONE(destroy_with_vcpu);
    TEST_ALONE(map_arguments);
    TEST_ALONE(map_overlap);
    TEST_ALONE(map_host_memory);
    TEST_ALONE(unmap_arguments);
    TEST_ALONE(protect_arguments);
#ifdef HAVE_GRANULE
    TEST_ALONE(four_kib_granule);
#endif
    TEST_ALONE(memory_is_shared);
    TEST_ALONE(mapped_twice);
    TEST_ALONE(write_protection);
    TEST_ALONE(protect_takes_effect);
    TEST_ALONE(not_executable);
    TEST_ALONE(jump_to_nowhere);
    TEST_ALONE(unmap_part);
    TEST_ALONE(code_changes);
    TEST_ALONE(remap_code);
    TEST_ALONE(unmap_while_running);
    TEST_ALONE(fork_has_no_vm);
    return test_done();
}
