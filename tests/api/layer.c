/* SPDX-License-Identifier: MIT */
/*
 * The public layer above a backend that only keeps books: what it asks of a backend and in which
 * order, its lookups under concurrent change, and what it does when a backend fails.
 */
#include "../test.h"
#include "fake.h"

#include <hvx.h>
#include <libkern/OSCacheControl.h>
#include <sched.h>
#include <sys/mman.h>

#define PAGE 0x4000u
#define RWX  (HV_MEMORY_READ | HV_MEMORY_WRITE | HV_MEMORY_EXEC)

static void *nothing; /* a NULL that the compiler does not know, as it warns of those */

/* The book so far is `want`; then a new page of it. */
#define BOOK(want) check_book((want), __LINE__)

static void check_book(const char *want, int line)
{
    char text[200];
    snprintf(text, sizeof text, "book says \"%.80s\", not \"%.80s\"", fake.book, want);
    test_check(!strcmp(fake.book, want), __FILE__, line, text);
    fake.book[0] = 0;
}

static uint8_t *memory(unsigned pages)
{
    void *p = NULL;
    CHECK_EQ(hv_vm_allocate(&p, pages * (size_t)PAGE, HV_ALLOCATE_DEFAULT), HV_SUCCESS);
    return p;
}

/* What is mapped at this page? The number of the host page, or -1. */
static int host_page(const uint8_t *base, unsigned page)
{
    struct hvi_region r;
    if (!hvi_mem_lookup((uint64_t)page * PAGE + 5, &r))
        return -1;
    return (int)((r.host + ((uint64_t)page * PAGE - r.ipa) - base) / PAGE);
}

static void memory_calls(void)
{
    uint8_t *mem = memory(8);
    CHECK_EQ(hv_vm_create(NULL), HV_SUCCESS);
    BOOK("create 36 16384;");
    CHECK_EQ(hv_vm_map(mem, 8 * PAGE, 8 * PAGE, RWX), HV_SUCCESS);
    BOOK("map 8+8 7;");
    CHECK(!fake.visible); /* found after the backend knows it */
    CHECK_EQ(host_page(mem, 8), 0);
    CHECK_EQ(host_page(mem, 15), 7);
    CHECK_EQ(host_page(mem, 7), -1);
    CHECK_EQ(host_page(mem, 16), -1);
    CHECK_EQ(hv_vm_protect(10 * PAGE, 2 * PAGE, HV_MEMORY_READ), HV_SUCCESS);
    BOOK("split 8+8 2;split 10+6 2;protect 10+2 7-1;");
    CHECK(fake.visible); /* the new rights are in force before the backend drops the old */
    CHECK_EQ(hv_vm_protect(10 * PAGE, 2 * PAGE, HV_MEMORY_READ), HV_SUCCESS);
    BOOK("");
    CHECK_EQ(hv_vm_unmap(9 * PAGE, 2 * PAGE), HV_SUCCESS);
    BOOK("split 8+2 1;split 10+2 1;unmap 9+1;unmap 10+1;");
    CHECK(!fake.visible);
    static const int want[] = {0, -1, -1, 3, 4, 5, 6, 7};
    for (unsigned i = 0; i < 8; i++)
        CHECK_EQ(host_page(mem, 8 + i), want[i]);
    CHECK_EQ(hv_vm_unmap(8 * PAGE, 2 * PAGE), HV_BAD_ARGUMENT);
    BOOK("");
    CHECK_EQ(hv_vm_destroy(), HV_SUCCESS);
    BOOK("destroy;");
    CHECK_EQ(host_page(mem, 8), -1);
}

static void failing_backend(void)
{
    uint8_t *mem = memory(4);
    struct hvi_region r;
    fake.error = HV_NO_RESOURCES;
    fake.fail_after = 1;
    CHECK_EQ(hv_vm_create(NULL), HV_NO_RESOURCES);
    CHECK_EQ(hv_vm_map(mem, 0, PAGE, RWX), HV_NO_DEVICE);
    CHECK_EQ(hv_vm_create(NULL), HV_SUCCESS);
    fake.fail_after = 1;
    CHECK_EQ(hv_vm_map(mem, 0, 4 * PAGE, RWX), HV_NO_RESOURCES);
    CHECK_EQ(host_page(mem, 0), -1);
    CHECK_EQ(hv_vm_map(mem, 0, 4 * PAGE, RWX), HV_SUCCESS);
    fake.fail_after = 1;
    CHECK_EQ(hv_vm_unmap(0, 4 * PAGE), HV_NO_RESOURCES);
    CHECK_EQ(host_page(mem, 3), 3); /* still there */
    fake.fail_after = 1;
    CHECK_EQ(hv_vm_protect(0, 4 * PAGE, 0), HV_NO_RESOURCES);
    CHECK(hvi_mem_lookup(0, &r) && r.flags == RWX);
    fake.fail_after = 1; /* the split itself */
    CHECK_EQ(hv_vm_unmap(PAGE, PAGE), HV_NO_RESOURCES);
    CHECK(hvi_mem_lookup(PAGE, &r) && r.ipa == 0 && r.size == 4 * PAGE);
    CHECK_EQ(hv_vm_unmap(0, 4 * PAGE), HV_SUCCESS);
    CHECK_EQ(hv_vm_destroy(), HV_SUCCESS);
}

/* Against a plain array: random maps, unmaps and protects. */
static void random_ranges(void)
{
    enum { PAGES = 64, STEPS = 20000 };
    uint8_t *mem = memory(PAGES);
    struct {
        int host;
        hv_memory_flags_t flags;
    } model[PAGES];
    uint32_t seed = 12345;
    for (unsigned i = 0; i < PAGES; i++)
        model[i].host = -1;
    CHECK_EQ(hv_vm_create(NULL), HV_SUCCESS);
    for (unsigned step = 0; step < STEPS; step++) {
        seed = seed * 1664525 + 1013904223;
        unsigned start = seed >> 26, size = 1 + (seed >> 20) % 8, host = (seed >> 12) % 56;
        hv_memory_flags_t flags = seed >> 9 & 7;
        bool all = start + size <= PAGES, none = true;
        for (unsigned i = start; i < start + size && i < PAGES; i++) {
            all &= model[i].host >= 0;
            none &= model[i].host < 0;
        }
        hv_return_t r;
        hv_ipa_t ipa = (uint64_t)start * PAGE;
        size_t bytes = size * (size_t)PAGE;
        if (start + size > PAGES)
            continue;
        switch (seed >> 6 & 3) {
        case 0:
        case 1:
            r = hv_vm_map(mem + host * (size_t)PAGE, ipa, bytes, flags);
            CHECK_EQ(r, none ? HV_SUCCESS : HV_ERROR);
            for (unsigned i = 0; i < size && r == HV_SUCCESS; i++) {
                model[start + i].host = (int)(host + i);
                model[start + i].flags = flags;
            }
            break;
        case 2:
            r = hv_vm_unmap(ipa, bytes);
            CHECK_EQ(r, all ? HV_SUCCESS : HV_BAD_ARGUMENT);
            for (unsigned i = 0; i < size && r == HV_SUCCESS; i++)
                model[start + i].host = -1;
            break;
        default:
            r = hv_vm_protect(ipa, bytes, flags);
            CHECK_EQ(r, all ? HV_SUCCESS : HV_BAD_ARGUMENT);
            for (unsigned i = 0; i < size && r == HV_SUCCESS; i++)
                model[start + i].flags = flags;
        }
        fake.book[0] = 0;
        struct hvi_region region;
        unsigned page = seed % PAGES;
        bool found = hvi_mem_lookup((uint64_t)page * PAGE, &region);
        if (!CHECK_EQ(host_page(mem, page), model[page].host) ||
            (found && !CHECK_EQ(region.flags, model[page].flags)))
            break;
    }
    CHECK_EQ(hv_vm_destroy(), HV_SUCCESS);
}

static void host_lookup(void)
{
    uint8_t *mem = memory(8);
    struct hvi_region r;
    hv_ipa_t next = 0;
    CHECK_EQ(hv_vm_create(NULL), HV_SUCCESS);
    CHECK(!hvi_mem_next_host(mem, PAGE, &next, &r));
    CHECK_EQ(hv_vm_map(mem, 0, 4 * PAGE, RWX), HV_SUCCESS);
    CHECK_EQ(hv_vm_map(mem + 2 * PAGE, 16 * PAGE, 4 * PAGE, RWX), HV_SUCCESS);
    CHECK_EQ(hv_vm_map(mem, 32 * PAGE, 1 * PAGE, RWX), HV_SUCCESS);
    next = 0; /* bytes 3 pages + 100 ... + 107: twice in the guest */
    CHECK(hvi_mem_next_host(mem + 3 * PAGE + 100, 8, &next, &r));
    CHECK_EQ(r.ipa, 3 * PAGE + 100);
    CHECK_EQ(r.size, 8);
    CHECK(r.host == mem + 3 * PAGE + 100);
    CHECK(hvi_mem_next_host(mem + 3 * PAGE + 100, 8, &next, &r));
    CHECK_EQ(r.ipa, 17 * PAGE + 100);
    CHECK(!hvi_mem_next_host(mem + 3 * PAGE + 100, 8, &next, &r));
    next = 0; /* clipped at both ends, and everything */
    CHECK(hvi_mem_next_host(mem + 4 * PAGE - 1, 2, &next, &r) && r.size == 1);
    CHECK(hvi_mem_next_host(mem + 4 * PAGE - 1, 2, &next, &r) && r.size == 2);
    unsigned count = 0;
    for (next = 0; hvi_mem_next_host(NULL, SIZE_MAX, &next, &r); count++)
        ;
    CHECK_EQ(count, 3);
    CHECK_EQ(hv_vm_destroy(), HV_SUCCESS);
}

/* Readers during changes: pages 0...3 never change, the rest comes and goes. */
static struct {
    uint8_t *mem;
    atomic_bool stop;
} readers;

static void *reader(void *arg)
{
    unsigned page = 0;
    (void)arg;
    while (!atomic_load(&readers.stop)) {
        page = (page + 1) % 16;
        int host = host_page(readers.mem, page);
        if (!CHECK(page < 4 ? host == (int)page : host == -1 || host == (int)page))
            break;
        struct hvi_region r;
        hv_ipa_t next = 0;
        if (!CHECK(hvi_mem_next_host(readers.mem + PAGE, 1, &next, &r) && r.ipa == PAGE))
            break;
    }
    return NULL;
}

static void lookup_during_changes(void)
{
    pthread_t thread[2];
    readers.mem = memory(16);
    CHECK_EQ(hv_vm_create(NULL), HV_SUCCESS);
    CHECK_EQ(hv_vm_map(readers.mem, 0, 4 * PAGE, RWX), HV_SUCCESS);
    for (int i = 0; i < 2; i++)
        CHECK_EQ(pthread_create(&thread[i], NULL, reader, NULL), 0);
    for (unsigned i = 0; i < 2000; i++) {
        unsigned page = 4 + i % 12;
        CHECK_EQ(hv_vm_map(readers.mem + page * (size_t)PAGE, page * (uint64_t)PAGE, PAGE, RWX),
                 HV_SUCCESS);
        CHECK_EQ(hv_vm_protect((i % 4) * (uint64_t)PAGE, PAGE, i & 7), HV_SUCCESS);
        CHECK_EQ(hv_vm_unmap(page * (uint64_t)PAGE, PAGE), HV_SUCCESS);
        fake.book[0] = 0;
    }
    atomic_store(&readers.stop, true);
    for (int i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
    CHECK_EQ(hv_vm_destroy(), HV_SUCCESS);
}

static void host_rights(void)
{
    uint8_t *mem = memory(4);
    CHECK_EQ(hv_vm_create(NULL), HV_SUCCESS);
    mprotect(mem, 4 * PAGE, PROT_READ);
    CHECK_EQ(hv_vm_map(mem, 0, 4 * PAGE, RWX), HV_ERROR);
    CHECK_EQ(hv_vm_map(mem, 0, 4 * PAGE, HV_MEMORY_READ | HV_MEMORY_EXEC), HV_SUCCESS);
    CHECK_EQ(hv_vm_protect(0, PAGE, RWX), HV_ERROR); /* gains a right that the host has not */
    CHECK_EQ(hv_vm_protect(0, PAGE, HV_MEMORY_READ), HV_SUCCESS);
    mprotect(mem, 4 * PAGE, PROT_NONE);
    CHECK_EQ(hv_vm_map(mem, 8 * PAGE, 4 * PAGE, HV_MEMORY_READ), HV_ERROR);
    CHECK_EQ(hv_vm_map(mem, 8 * PAGE, 4 * PAGE, 0), HV_SUCCESS);
    munmap(mem + 2 * PAGE, PAGE);
    CHECK_EQ(hv_vm_map(mem, 16 * PAGE, 4 * PAGE, 0), HV_ERROR);
    CHECK_EQ(hv_vm_destroy(), HV_SUCCESS);
}

/* ---- vCPUs
 * ---------------------------------------------------------------------------------------- */

static void handles(void)
{
    hv_vcpu_t vcpu = 99;
    hv_vcpu_exit_t *exit = NULL;
    uint64_t value;
    CHECK_EQ(hv_vm_create(NULL), HV_SUCCESS);
    CHECK_EQ(hv_vcpu_create(nothing, &exit, NULL), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vcpu_create(&vcpu, nothing, NULL), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vcpu_create(&vcpu, &exit, NULL), HV_SUCCESS);
    BOOK("create 36 16384;vcpu 0;");
    CHECK_EQ(vcpu, 0);
    CHECK_EQ(hv_vcpu_get_reg(vcpu, HV_REG_X0, nothing), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vcpu_set_reg(vcpu, HV_REG_X0, 5), HV_SUCCESS);
    CHECK_EQ(hv_vcpu_get_reg(vcpu, HV_REG_X0, &value), HV_SUCCESS);
    CHECK_EQ(value, 5);
    CHECK_EQ(hv_vcpu_get_reg(vcpu, HV_REG_X1, nothing), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vcpu_get_reg(vcpu, HV_REG_X1, &value), HV_SUCCESS);
    CHECK_EQ(value, 0x1111);
    CHECK_EQ(hv_vcpu_set_reg(vcpu, HV_REG_X1, 6), HV_SUCCESS);
    CHECK_EQ(hv_vcpu_get_reg(vcpu, HV_REG_X1, &value), HV_SUCCESS);
    CHECK_EQ(value, 6);
    CHECK_EQ(hv_vm_destroy(), HV_BUSY);
    CHECK_EQ(hv_vcpu_destroy(vcpu), HV_SUCCESS);
    fake.error = HV_DENIED;
    fake.fail_after = 1;
    CHECK_EQ(hv_vcpu_create(&vcpu, &exit, NULL), HV_DENIED);
    CHECK_EQ(hv_vcpu_create(&vcpu, &exit, NULL), HV_SUCCESS); /* the failure left nothing behind */
    CHECK_EQ(hv_vcpu_destroy(vcpu), HV_SUCCESS);
    CHECK_EQ(hv_vm_destroy(), HV_SUCCESS);
}

/* Exactly the registers of the API are known, each in the right kind of VM. */
static void register_table(void)
{
    hv_vcpu_t vcpu;
    hv_vcpu_exit_t *exit;
    uint64_t value;
    unsigned known = 0, absent = 0;
    CHECK_EQ(hv_vm_create(NULL), HV_SUCCESS);
    hv_gic_config_t config = hv_gic_config_create();
    CHECK_EQ(hv_vcpu_create(&vcpu, &exit, NULL), HV_SUCCESS);
    for (unsigned reg = 0; reg <= 0xffff; reg++) {
        hv_return_t r = hv_vcpu_get_sys_reg(vcpu, (hv_sys_reg_t)reg, &value);
        known += r == HV_SUCCESS;
        absent += r == HV_UNSUPPORTED;
        CHECK(r == HV_SUCCESS || r == HV_UNSUPPORTED || r == HV_BAD_ARGUMENT);
    }
    CHECK_EQ(known + absent, 152 + 1); /* the enumerators, and MDCR_EL2's old number */
    CHECK_EQ(absent, 25 + 1 + 3 + 3);  /* EL2 and that number, CNTP, SME */
    CHECK_EQ(hv_vcpu_get_sys_reg(vcpu, HV_SYS_REG_CNTP_CTL_EL0, &value), HV_UNSUPPORTED);
    CHECK_EQ(hv_vcpu_destroy(vcpu), HV_SUCCESS);
    CHECK_EQ(hv_gic_config_set_distributor_base(config, 0x8000000), HV_SUCCESS);
    CHECK_EQ(hv_gic_create(config), HV_SUCCESS);
    CHECK_EQ(hv_vcpu_create(&vcpu, &exit, NULL), HV_SUCCESS);
    CHECK_EQ(hv_vcpu_get_sys_reg(vcpu, HV_SYS_REG_CNTP_CTL_EL0, &value), HV_SUCCESS);
    CHECK_EQ(hv_vcpu_destroy(vcpu), HV_SUCCESS);
    os_release(config);
    CHECK_EQ(hv_vm_destroy(), HV_SUCCESS);
}

/* What this backend lacks is HV_UNSUPPORTED, not a crash. */
static void missing_operations(void)
{
    hv_vcpu_t vcpu;
    hv_vcpu_exit_t *exit;
    uint64_t value;
    size_t size;
    bool flag;
    CHECK_EQ(hv_vm_create(NULL), HV_SUCCESS);
    CHECK_EQ(hv_vcpu_create(&vcpu, &exit, NULL), HV_SUCCESS);
    CHECK_EQ(hv_vcpu_get_exec_time(vcpu, &value), HV_UNSUPPORTED);
    CHECK_EQ(hv_vcpu_set_trap_debug_exceptions(vcpu, true), HV_UNSUPPORTED);
    CHECK_EQ(hv_vcpu_set_trap_debug_exceptions(vcpu, false), HV_SUCCESS);
    CHECK_EQ(hv_vcpu_get_serror(vcpu, &flag), HV_UNSUPPORTED);
    CHECK_EQ(hv_vcpu_get_wait_for_interrupt_time(vcpu, &value), HV_UNSUPPORTED);
    CHECK_EQ(hv_vcpu_invalidate_tlb(vcpu, HV_TLBI_OP_VMALLE1IS, 0), HV_UNSUPPORTED);
    CHECK_EQ(hv_sme_config_get_max_svl_bytes(&size), HV_UNSUPPORTED);
    hv_vcpu_sme_state_t sme;
    CHECK_EQ(hv_vcpu_get_sme_state(vcpu, &sme), HV_UNSUPPORTED);
    CHECK_EQ(hv_vcpu_get_sme_state(vcpu + 1, &sme), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vcpu_destroy(vcpu), HV_SUCCESS);
    CHECK_EQ(hv_vcpu_get_sme_state(vcpu, &sme), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vm_destroy(), HV_SUCCESS);
    CHECK_EQ(hv_vcpu_get_sme_state(vcpu, &sme), HV_NO_DEVICE);
}

static atomic_bool finished;

static void *come_and_go(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < 20000; i++) {
        hv_vcpu_t vcpu;
        hv_vcpu_exit_t *exit;
        if (!CHECK_EQ(hv_vcpu_create(&vcpu, &exit, NULL), HV_SUCCESS) ||
            !CHECK_EQ(hv_vcpu_destroy(vcpu), HV_SUCCESS))
            break;
    }
    atomic_store(&finished, true);
    return NULL;
}

/* A vCPU is never touched after its destruction (the sanitizers look on). */
static void cancel_races_with_destroy(void)
{
    pthread_t thread;
    hv_vcpu_t vcpu = 0;
    fake.quiet = true;
    CHECK_EQ(hv_vm_create(NULL), HV_SUCCESS);
    CHECK_EQ(pthread_create(&thread, NULL, come_and_go, NULL), 0);
    while (!atomic_load(&finished)) {
        hv_return_t r = hv_vcpus_exit(&vcpu, 1);
        if (!CHECK(r == HV_SUCCESS || r == HV_BAD_ARGUMENT))
            break;
    }
    pthread_join(thread, NULL);
    CHECK(!atomic_load(&fake.touched_dead_vcpu));
    CHECK_EQ(hv_vm_destroy(), HV_SUCCESS);
}

/* All handles are checked before the first is cancelled. */
static void cancel_checks_first(void)
{
    hv_vcpu_t vcpu[2];
    hv_vcpu_exit_t *exit;
    CHECK_EQ(hv_vm_create(NULL), HV_SUCCESS);
    CHECK_EQ(hv_vcpu_create(&vcpu[0], &exit, NULL), HV_SUCCESS);
    vcpu[1] = 63;
    CHECK_EQ(hv_vcpus_exit(vcpu, 2), HV_BAD_ARGUMENT);
    CHECK_EQ(atomic_load(&fake.cancels), 0);
    CHECK_EQ(hv_vcpus_exit(vcpu, 1), HV_SUCCESS);
    CHECK_EQ(atomic_load(&fake.cancels), 1);
    CHECK_EQ(hv_vcpus_exit(nothing, 1), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vcpus_exit(nothing, 0), HV_SUCCESS);
    CHECK_EQ(hv_vcpu_destroy(vcpu[0]), HV_SUCCESS);
    CHECK_EQ(hv_vm_destroy(), HV_SUCCESS);
}

/* ---- GIC
 * -------------------------------------------------------------------------------------------- */

static void gic_while_running(void)
{
    hv_gic_state_t state = hv_gic_state_create();
    CHECK(!state);
    CHECK_EQ(hv_gic_set_state("state", 5), HV_BUSY);
    CHECK_EQ(hv_gic_reset(), HV_BUSY);
}

static void gic_calls(void)
{
    hv_vcpu_t vcpu;
    hv_vcpu_exit_t *exit;
    uint64_t value;
    bool pending;
    hv_gic_config_t config = hv_gic_config_create();
    CHECK_EQ(hv_vm_create(NULL), HV_SUCCESS);
    CHECK_EQ(hv_gic_config_set_distributor_base(config, 0x8000000), HV_SUCCESS);
    CHECK_EQ(hv_gic_config_set_redistributor_base(config, 0x80a0000), HV_SUCCESS);
    CHECK_EQ(hv_gic_config_set_msi_region_base(config, 0x8020000), HV_SUCCESS);
    CHECK_EQ(hv_gic_config_set_msi_interrupt_range(config, 100, 20), HV_SUCCESS);
    fake.book[0] = 0;
    CHECK_EQ(hv_gic_create(config), HV_SUCCESS);
    BOOK("gic 8000000 80a0000 8020000 100 20;");
    CHECK_EQ(hv_gic_create(config), HV_BUSY);
    CHECK_EQ(hv_gic_set_spi(32, true), HV_SUCCESS);
    CHECK_EQ(hv_gic_set_spi(1019, false), HV_SUCCESS);
    CHECK_EQ(hv_gic_set_spi(31, true), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_gic_set_spi(1020, true), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_gic_set_spi(100, true), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_gic_set_spi(119, true), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_gic_set_spi(120, true), HV_SUCCESS);
    CHECK_EQ(hv_gic_send_msi(0x8020040, 119), HV_SUCCESS);
    CHECK_EQ(hv_gic_send_msi(0x8020040, 120), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_gic_send_msi(0x8020044, 110), HV_BAD_ARGUMENT);
    BOOK("spi 32 1;spi 1019 0;spi 120 1;msi 119;");
    CHECK_EQ(hv_gic_set_distributor_reg(HV_GIC_DISTRIBUTOR_REG_GICD_TYPER, 1), HV_SUCCESS);
    CHECK_EQ(hv_gic_set_distributor_reg(HV_GIC_DISTRIBUTOR_REG_GICD_PIDR2, 1), HV_SUCCESS);
    CHECK_EQ(hv_gic_set_distributor_reg(HV_GIC_DISTRIBUTOR_REG_GICD_IROUTER32 + 8, 1), HV_SUCCESS);
    CHECK_EQ(hv_gic_set_distributor_reg(HV_GIC_DISTRIBUTOR_REG_GICD_IROUTER32 + 4, 1),
             HV_BAD_ARGUMENT);
    CHECK_EQ(hv_gic_set_distributor_reg(0x8, 1), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_gic_get_distributor_reg(0x0, &value), HV_UNSUPPORTED); /* not in this backend */
    BOOK("dist 6108;");
    CHECK_EQ(hv_vcpu_create(&vcpu, &exit, NULL), HV_SUCCESS);
    CHECK_EQ(hv_gic_get_redistributor_base(vcpu, &value), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_vcpu_set_sys_reg(vcpu, HV_SYS_REG_MPIDR_EL1, 3), HV_SUCCESS);
    CHECK_EQ(hv_gic_get_redistributor_base(vcpu, &value), HV_SUCCESS);
    CHECK_EQ(value, 0x80a0000);
    CHECK_EQ(hv_gic_get_redistributor_base(vcpu + 1, &value), HV_BAD_ARGUMENT);
    fake.book[0] = 0;
    CHECK_EQ(hv_gic_set_icc_reg(vcpu, HV_GIC_ICC_REG_PMR_EL1, 0xf0), HV_SUCCESS);
    CHECK_EQ(hv_gic_set_icc_reg(vcpu, HV_GIC_ICC_REG_RPR_EL1, 0), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_gic_set_icc_reg(vcpu, HV_GIC_ICC_REG_SRE_EL2, 0), HV_UNSUPPORTED);
    CHECK_EQ(hv_gic_set_icc_reg(vcpu, 0xc660 /* IAR1 */, 0), HV_BAD_ARGUMENT);
    BOOK("icc c230;");
    CHECK_EQ(hv_gic_get_ich_reg(vcpu, HV_GIC_ICH_REG_HCR_EL2, &value), HV_UNSUPPORTED);
    CHECK_EQ(hv_gic_get_icv_reg(vcpu, HV_GIC_ICV_REG_PMR_EL1, &value), HV_UNSUPPORTED);
    CHECK_EQ(hv_vcpu_get_pending_interrupt(vcpu, HV_INTERRUPT_TYPE_IRQ, &pending), HV_UNSUPPORTED);
    CHECK_EQ(hv_vcpu_set_pending_interrupt(vcpu, HV_INTERRUPT_TYPE_IRQ, true), HV_UNSUPPORTED);
    fake.in_run = gic_while_running;
    CHECK_EQ(hv_vcpu_run(vcpu), HV_SUCCESS);
    CHECK_EQ(hv_vcpu_destroy(vcpu), HV_SUCCESS);
    os_release(config);
    CHECK_EQ(hv_vm_destroy(), HV_SUCCESS);
    CHECK_EQ(hv_gic_set_spi(32, true), HV_NO_DEVICE);
    CHECK_EQ(hv_vm_create(NULL), HV_SUCCESS); /* the next VM starts without one */
    CHECK_EQ(hv_gic_set_spi(32, true), HV_UNSUPPORTED);
    CHECK_EQ(hv_vm_destroy(), HV_SUCCESS);
}

static void *device_thread(void *arg)
{
    (void)arg;
    while (!atomic_load(&finished)) {
        hv_return_t r = hv_gic_set_spi(40, true);
        if (!CHECK(r == HV_SUCCESS || r == HV_UNSUPPORTED || r == HV_NO_DEVICE))
            break;
        r = hv_gic_send_msi(0x8020040, 40); /* no MSI frame */
        if (!CHECK(r != HV_SUCCESS))
            break;
    }
    return NULL;
}

/* The backend's GIC is never called once the VM is gone. */
static void device_races_with_destroy(void)
{
    pthread_t thread;
    hv_gic_config_t config = hv_gic_config_create();
    CHECK_EQ(hv_gic_config_set_distributor_base(config, 0x8000000), HV_SUCCESS);
    fake.quiet = true;
    CHECK_EQ(pthread_create(&thread, NULL, device_thread, NULL), 0);
    for (unsigned i = 0; i < 3000; i++) {
        CHECK_EQ(hv_vm_create(NULL), HV_SUCCESS);
        CHECK_EQ(hv_gic_create(config), HV_SUCCESS);
        CHECK_EQ(hv_vm_destroy(), HV_SUCCESS);
    }
    atomic_store(&finished, true);
    pthread_join(thread, NULL);
    CHECK(!atomic_load(&fake.touched_dead_gic));
    os_release(config);
}

static void gic_state(void)
{
    char data[5];
    size_t size = 0;
    hv_gic_config_t config = hv_gic_config_create();
    CHECK_EQ(hv_vm_create(NULL), HV_SUCCESS);
    CHECK(!hv_gic_state_create());
    CHECK_EQ(hv_gic_config_set_distributor_base(config, 0x8000000), HV_SUCCESS);
    CHECK_EQ(hv_gic_create(config), HV_SUCCESS);
    hv_gic_state_t state = hv_gic_state_create();
    if (!CHECK(state))
        return;
    CHECK_EQ(hv_gic_state_get_size(state, &size), HV_SUCCESS);
    CHECK_EQ(size, 5);
    CHECK_EQ(hv_gic_state_get_data(state, data), HV_SUCCESS);
    CHECK_EQ(hv_gic_set_state(data, 5), HV_SUCCESS);
    CHECK_EQ(hv_gic_set_state(data, 4), HV_BAD_ARGUMENT);
    CHECK_EQ(hv_gic_set_state(nothing, 5), HV_BAD_ARGUMENT);
    os_release(state);
    os_release(config);
    CHECK_EQ(hv_vm_destroy(), HV_SUCCESS);
}

/* ---- the choice of the backend; each test is a process of its own
 * ------------------------------------ */

static void best_that_works(void)
{
    struct hvx_backend_info info;
    CHECK(hvx_backend(0, &info) && !strcmp(info.name, "better") && !info.available);
    CHECK(!strcmp(info.why, "never there") && !info.chosen);
    CHECK(hvx_backend(1, &info) && !strcmp(info.name, "fake") && info.available && info.chosen);
    CHECK_EQ(info.max_vcpus, 64); /* not more than there are handles */
    CHECK(info.gic && info.max_ipa_bits == 40 && !info.why[0]);
    CHECK(hvx_backend(2, &info) && !info.available && info.why[0]);
    CHECK(hvx_backend(3, &info) && !strcmp(info.name, "hvf") && info.why[0]);
    CHECK(!hvx_backend(4, &info));
    CHECK(hvx_set_option("known", "good"));
    CHECK(!hvx_set_option("known", "bad"));
    CHECK(!hvx_set_option("unknown", "good"));
    CHECK_EQ(hv_vm_create(NULL), HV_SUCCESS);
    CHECK(!hvx_set_option("known", "good")); /* too late */
    CHECK_EQ(hv_vm_destroy(), HV_SUCCESS);
}

static void no_backend(void)
{
    uint32_t value;
    CHECK_EQ(hv_vm_create(NULL), HV_UNSUPPORTED);
    CHECK_EQ(hv_vm_get_max_vcpu_count(&value), HV_UNSUPPORTED);
    CHECK_EQ(hv_vm_config_get_max_ipa_size(&value), HV_UNSUPPORTED);
    CHECK_EQ(hv_vm_destroy(), HV_NO_DEVICE);
    hv_vm_config_t config = hv_vm_config_create();
    CHECK_EQ(hv_vm_config_set_ipa_size(config, 36), HV_UNSUPPORTED);
    os_release(config);
    CHECK(!hvx_set_option("known", "good"));
}

static void named_but_absent(void)
{
    setenv(HVX_BACKEND_ENV, "better", 1);
    no_backend();
}

static void named_but_unknown(void)
{
    setenv(HVX_BACKEND_ENV, "hvf", 1);
    no_backend();
}

static void nothing_works(void)
{
    fake.unavailable = true;
    no_backend();
}

static void fork_tells_the_backend(void)
{
    uint8_t *mem = memory(1);
    int status = -1;
    CHECK_EQ(hv_vm_create(NULL), HV_SUCCESS);
    CHECK_EQ(hv_vm_map(mem, 0, PAGE, RWX), HV_SUCCESS);
    fake.book[0] = 0;
    pid_t child = fork();
    if (child == 0) {
        BOOK("forked;");
        CHECK_EQ(host_page(mem, 0), -1);
        CHECK_EQ(hv_vm_create(NULL), HV_SUCCESS);
        CHECK_EQ(hv_vm_map(mem, 0, PAGE, RWX), HV_SUCCESS);
        CHECK_EQ(hv_vm_destroy(), HV_SUCCESS);
        _exit(test_state.result == TEST_FAILED);
    }
    waitpid(child, &status, 0);
    CHECK_EQ(status, 0);
    BOOK("");
    CHECK_EQ(host_page(mem, 0), 0);
    CHECK_EQ(hv_vm_destroy(), HV_SUCCESS);
}

static void caches(void)
{
    uint8_t *mem = memory(1);
    sys_icache_invalidate(mem, 64); /* no VM: nobody to tell */
    BOOK("");
    CHECK_EQ(hv_vm_create(NULL), HV_SUCCESS);
    fake.book[0] = 0;
    sys_icache_invalidate(mem, 64);
    sys_icache_invalidate(mem, 0);
    sys_dcache_flush(mem, 8);
    BOOK("icache 64;icache 8;");
    CHECK_EQ(hv_vm_destroy(), HV_SUCCESS);
}

int main(void)
{
    unsetenv(HVX_BACKEND_ENV);
    TEST_ALONE(memory_calls);
    TEST_ALONE(failing_backend);
    TEST_ALONE(random_ranges);
    TEST_ALONE(host_lookup);
    TEST_ALONE(lookup_during_changes);
    TEST_ALONE(host_rights);
    TEST_ALONE(handles);
    TEST_ALONE(register_table);
    TEST_ALONE(missing_operations);
    TEST_ALONE(cancel_races_with_destroy);
    TEST_ALONE(cancel_checks_first);
    TEST_ALONE(gic_calls);
    TEST_ALONE(gic_state);
    TEST_ALONE(device_races_with_destroy);
    TEST_ALONE(best_that_works);
    TEST_ALONE(named_but_absent);
    TEST_ALONE(named_but_unknown);
    TEST_ALONE(nothing_works);
    TEST_ALONE(fork_tells_the_backend);
    TEST_ALONE(caches);
    return test_done();
}
