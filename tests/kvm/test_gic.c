/* SPDX-License-Identifier: MIT */
/*
 * hv_gic_* with guests: interrupts that devices, timers, messages and other vCPUs send reach a
 * guest that waits in WFI, and the state of the controller can be carried to another VM. Public
 * headers only; the same file runs on every backend that has a GIC.
 *
 * Each test is a process of its own. Guests: memory at 0, code at CODE, vectors at VECTORS, and an
 * IRQ handler that acknowledges, does HVC #5 with the INTID in x0, ends the interrupt and returns.
 */
#include "test.h"
#include <Hypervisor/Hypervisor.h>
#include <mach/mach_time.h>
#include <os/object.h>
#include <libkern/OSCacheControl.h>
#include <time.h>

#define SIZE          0x100000u
#define CODE          0x10000u
#define VECTORS       0x20000u
#define DIST          0x08000000u
#define REDIST        0x080a0000u
#define MSI           0x08020000u
#define SPI           40u
#define MSI_SPI       64u
#define HVC(n)        (0xd4000002u | (uint32_t)(n) << 5)

#define D(name)       ((hv_gic_distributor_reg_t)(name))
#define ICFGR(n)      D(0xc00 + (n) / 16 * 4)
#define ISENABLER(n)  D(0x100 + (n) / 32 * 4)
#define ISPENDR(n)    D(0x200 + (n) / 32 * 4)
#define ICPENDR(n)    D(0x280 + (n) / 32 * 4)
#define IGROUPR(n)    D(0x080 + (n) / 32 * 4)
#define IROUTER(n)    D(0x6000 + (n)*8)
#define IPRIORITYR(n) D(0x400 + (n) / 4 * 4)
#define R_ISENABLER0  ((hv_gic_redistributor_reg_t)0x10100)
#define R_ISPENDR0    ((hv_gic_redistributor_reg_t)0x10200)
#define R_IGROUPR0    ((hv_gic_redistributor_reg_t)0x10080)

static uint8_t *memory;
static hv_vcpu_t vcpu;
static hv_vcpu_exit_t *vmexit;

static uint64_t reg(hv_reg_t r)
{
    uint64_t value = 0;
    CHECK_EQ(hv_vcpu_get_reg(vcpu, r, &value), 0);
    return value;
}

static void set_dist(hv_gic_distributor_reg_t r, uint64_t value)
{
    CHECK_EQ(hv_gic_set_distributor_reg(r, value), 0);
}

static uint64_t dist(hv_gic_distributor_reg_t r)
{
    uint64_t value = 0;
    CHECK_EQ(hv_gic_get_distributor_reg(r, &value), 0);
    return value;
}

static void put(uint32_t at, const uint32_t *code, size_t words)
{
    memcpy(memory + at, code, 4 * words);
    sys_icache_invalidate(memory + at, 4 * words);
}

/* A vCPU that opens its CPU interface, unmasks and waits for ever. */
static void new_vcpu(hv_vcpu_t *v, hv_vcpu_exit_t **exit, uint64_t mpidr)
{
    CHECK_EQ(hv_vcpu_create(v, exit, NULL), 0);
    CHECK_EQ(hv_vcpu_set_sys_reg(*v, HV_SYS_REG_MPIDR_EL1, mpidr), 0);
    CHECK_EQ(hv_vcpu_set_sys_reg(*v, HV_SYS_REG_VBAR_EL1, VECTORS), 0);
    CHECK_EQ(hv_vcpu_set_reg(*v, HV_REG_CPSR, 0x3c5), 0);
    CHECK_EQ(hv_vcpu_set_reg(*v, HV_REG_PC, CODE), 0);
    CHECK_EQ(hv_vcpu_set_reg(*v, HV_REG_X1, 0xf0), 0);
    CHECK_EQ(hv_vcpu_set_reg(*v, HV_REG_X2, 1), 0);
}

static bool start_vm(void)
{
    static const uint32_t wait[] = {
        0xd5184601, /* msr icc_pmr_el1, x1 */
        0xd518cce2, /* msr icc_igrpen1_el1, x2 */
        0xd5033fdf, /* isb */
        HVC(1),     /* ready */
        0xd50342ff, /* msr daifclr, #2 */
        0xd503207f, /* wfi */
        0x17ffffff, /* b to the wfi */
    };
    static const uint32_t irq[] = {
        0xd538cc00,         /* mrs x0, icc_iar1_el1 */
        HVC(5), 0xd518cc20, /* msr icc_eoir1_el1, x0 */
        0xd69f03e0,         /* eret */
    };
    void *allocated = NULL;
    CHECK_EQ(hv_vm_create(NULL), 0);
    CHECK_EQ(hv_vm_allocate(&allocated, SIZE, 0), 0);
    memory = allocated;
    CHECK_EQ(hv_vm_map(memory, 0, SIZE, HV_MEMORY_READ | HV_MEMORY_WRITE | HV_MEMORY_EXEC), 0);
    put(CODE, wait, sizeof wait / 4);
    put(VECTORS + 0x280, irq, sizeof irq / 4);

    hv_gic_config_t config = hv_gic_config_create();
    CHECK_EQ(hv_gic_config_set_distributor_base(config, DIST), 0);
    CHECK_EQ(hv_gic_config_set_redistributor_base(config, REDIST), 0);
    CHECK_EQ(hv_gic_config_set_msi_region_base(config, MSI), 0);
    CHECK_EQ(hv_gic_config_set_msi_interrupt_range(config, MSI_SPI, 8), 0);
    hv_return_t result = hv_gic_create(config);
    os_release(config);
    if (result == HV_UNSUPPORTED) {
        TEST_SKIP("this backend has no GIC");
        return false;
    }
    return CHECK_EQ(result, 0);
}

static void configure(uint32_t intid, bool edge)
{
    set_dist(D(0), dist(D(0)) | 2 | 1u << 4); /* group 1, affinity routing */
    set_dist(IGROUPR(intid), dist(IGROUPR(intid)) | 1u << intid % 32);
    uint64_t config = dist(ICFGR(intid)) & ~(3ull << intid % 16 * 2);
    set_dist(ICFGR(intid), config | (edge ? 2ull : 0) << intid % 16 * 2);
    set_dist(IROUTER(intid), 0);
    set_dist(ISENABLER(intid), 1u << intid % 32);
}

static bool start(void)
{
    if (!start_vm())
        return false;
    new_vcpu(&vcpu, &vmexit, 0);
    return true;
}

static void stop(void)
{
    CHECK_EQ(hv_vcpu_destroy(vcpu), 0);
    CHECK_EQ(hv_vm_destroy(), 0);
}

static bool run_to_hvc(unsigned number)
{
    CHECK_EQ(hv_vcpu_run(vcpu), 0);
    return CHECK_EQ(vmexit->reason, HV_EXIT_REASON_EXCEPTION) &
           CHECK_EQ(vmexit->exception.syndrome, 0x16ull << 26 | 1u << 25 | number);
}

static void ready(void)
{
    run_to_hvc(1);
}

/* ---- delivery -------------------------------------------------------------------------------- */

struct later {
    pthread_t thread;
    void (*what)(void);
};

static void *do_later(void *argument)
{
    nanosleep(&(struct timespec){.tv_nsec = 30000000}, NULL);
    ((struct later *)argument)->what();
    return NULL;
}

static void begin(struct later *l, void (*what)(void))
{
    l->what = what;
    pthread_create(&l->thread, NULL, do_later, l);
}

static void raise_spi(void)
{
    CHECK_EQ(hv_gic_set_spi(SPI, true), 0);
}

static void level_wakes_a_waiting_guest(void)
{
    struct later l;
    if (!start())
        return;
    configure(SPI, false);
    ready();
    begin(&l, raise_spi);
    run_to_hvc(5);
    CHECK_EQ(reg(HV_REG_X0), SPI);
    pthread_join(l.thread, NULL);
    run_to_hvc(5); /* the level is still high after the end of interrupt */
    CHECK_EQ(reg(HV_REG_X0), SPI);
    CHECK_EQ(hv_gic_set_spi(SPI, false), 0);
    begin(&l, raise_spi);
    run_to_hvc(5);
    pthread_join(l.thread, NULL);
    stop();
}

static void stop_waiting(void)
{
    CHECK_EQ(hv_vcpus_exit(&vcpu, 1), 0);
}

/* One edge, one interrupt; and a waiting guest does not leave before the cancel. */
static void edge_comes_once(void)
{
    struct later l;
    if (!start())
        return;
    configure(SPI, true);
    CHECK_EQ(hv_gic_set_spi(SPI, true), 0);
    CHECK_EQ(hv_gic_set_spi(SPI, false), 0);
    ready();
    run_to_hvc(5);
    CHECK_EQ(reg(HV_REG_X0), SPI);
    begin(&l, stop_waiting);
    CHECK_EQ(hv_vcpu_run(vcpu), 0);
    CHECK_EQ(vmexit->reason, HV_EXIT_REASON_CANCELED);
    pthread_join(l.thread, NULL);
    stop();
}

static void send_message(void)
{
    CHECK_EQ(hv_gic_send_msi(MSI + 0x40, MSI_SPI + 3), 0);
}

static void message_arrives(void)
{
    struct later l;
    uint64_t typer = 0;
    if (!start())
        return;
    CHECK_EQ(hv_gic_get_msi_reg(HV_GIC_REG_GICM_TYPER, &typer), 0);
    CHECK_EQ(typer, MSI_SPI << 16 | 8);
    configure(MSI_SPI + 3, true);
    ready();
    begin(&l, send_message);
    run_to_hvc(5);
    CHECK_EQ(reg(HV_REG_X0), MSI_SPI + 3);
    pthread_join(l.thread, NULL);
    stop();
}

/* The guest reads the frame's type and writes a message of its own. */
static void guest_writes_the_message_frame(void)
{
    static const uint32_t code[] = {
        0xb9400866, /* ldr w6, [x3, #8] */
        0xb9004065, /* str w5, [x3, #64] */
        HVC(2),
    };
    if (!start())
        return;
    configure(MSI_SPI + 1, true);
    ready();
    put(CODE + 0x100, code, 3);
    uint64_t back = reg(HV_REG_PC);
    CHECK_EQ(hv_vcpu_set_reg(vcpu, HV_REG_PC, CODE + 0x100), 0);
    CHECK_EQ(hv_vcpu_set_reg(vcpu, HV_REG_X3, MSI), 0);
    CHECK_EQ(hv_vcpu_set_reg(vcpu, HV_REG_X5, MSI_SPI + 1), 0);
    run_to_hvc(2);
    CHECK_EQ(reg(HV_REG_X6), MSI_SPI << 16 | 8);
    CHECK_EQ(hv_vcpu_set_reg(vcpu, HV_REG_PC, back), 0);
    run_to_hvc(5);
    CHECK_EQ(reg(HV_REG_X0), MSI_SPI + 1);
    stop();
}

/* The virtual timer is PPI 27 inside; there is no exit for it. */
static void timer_interrupts(void)
{
    if (!start())
        return;
    set_dist(D(0), 0x12);
    CHECK_EQ(hv_gic_set_redistributor_reg(vcpu, R_IGROUPR0, 0xffffffff), 0);
    CHECK_EQ(hv_gic_set_redistributor_reg(vcpu, R_ISENABLER0, 1u << 27), 0);
    ready();
    CHECK_EQ(hv_vcpu_set_sys_reg(vcpu, HV_SYS_REG_CNTV_CVAL_EL0, mach_absolute_time() + 100000), 0);
    CHECK_EQ(hv_vcpu_set_sys_reg(vcpu, HV_SYS_REG_CNTV_CTL_EL0, 1), 0);
    run_to_hvc(5);
    CHECK_EQ(reg(HV_REG_X0), 27);
    stop();
}

/* ---- two vCPUs ------------------------------------------------------------------------------- */

static pthread_barrier_t both;

static void *second(void *unused)
{
    hv_vcpu_t v;
    hv_vcpu_exit_t *exit;
    uint64_t value = 0;
    hv_ipa_t base = 0;
    (void)unused;
    pthread_barrier_wait(&both); /* created after the first */
    new_vcpu(&v, &exit, 0x101);
    CHECK_EQ(hv_gic_get_redistributor_base(v, &base), 0);
    CHECK_EQ(base, REDIST + 0x20000);
    pthread_barrier_wait(&both);
    CHECK_EQ(hv_gic_get_redistributor_reg(v, (hv_gic_redistributor_reg_t)8, &value), 0);
    CHECK_EQ(value >> 32, 0x101);
    CHECK_EQ(value >> 4 & 1, 1); /* the last one */
    CHECK_EQ(hv_gic_set_redistributor_reg(v, R_IGROUPR0, 0xffffffff), 0);
    CHECK_EQ(hv_gic_set_redistributor_reg(v, R_ISENABLER0, 0xffff), 0);
    CHECK_EQ(hv_vcpu_run(v), 0); /* to its HVC #1 */
    pthread_barrier_wait(&both);
    CHECK_EQ(hv_vcpu_run(v), 0);
    CHECK_EQ(exit->exception.syndrome & 0xffff, 5);
    CHECK_EQ(hv_vcpu_get_reg(v, HV_REG_X0, &value), 0);
    CHECK_EQ(value, 9);
    CHECK_EQ(hv_vcpu_destroy(v), 0);
    return NULL;
}

/* Software-generated interrupt 9 to affinity 0.0.1.1. */
static void one_vcpu_calls_another(void)
{
    static const uint32_t code[] = {0xd518cba4 /* msr icc_sgi1r_el1, x4 */, HVC(2)};
    pthread_t thread;
    if (!start())
        return;
    set_dist(D(0), 0x12);
    pthread_barrier_init(&both, NULL, 2);
    pthread_create(&thread, NULL, second, NULL);
    pthread_barrier_wait(&both);
    pthread_barrier_wait(&both);
    ready();
    put(CODE + 0x100, code, 2);
    CHECK_EQ(hv_vcpu_set_reg(vcpu, HV_REG_PC, CODE + 0x100), 0);
    CHECK_EQ(hv_vcpu_set_reg(vcpu, HV_REG_X4, 9ull << 24 | 1ull << 16 | 2), 0);
    pthread_barrier_wait(&both);
    run_to_hvc(2);
    pthread_join(thread, NULL);
    stop();
}

/* ---- state ----------------------------------------------------------------------------------- */

static void state_moves_to_another_vm(void)
{
    if (!start())
        return;
    configure(SPI, true);
    configure(SPI + 1, false);
    set_dist(IPRIORITYR(SPI), 0x50505050);
    CHECK_EQ(hv_gic_set_spi(SPI, true), 0);
    CHECK_EQ(hv_gic_set_spi(SPI, false), 0);
    CHECK_EQ(hv_gic_set_spi(SPI + 1, true), 0);
    ready(); /* not yet unmasked: both wait */

    size_t size = 0;
    hv_gic_state_t state = hv_gic_state_create();
    CHECK(state != NULL);
    CHECK_EQ(hv_gic_state_get_size(state, &size), 0);
    uint8_t *blob = calloc(1, size);
    CHECK_EQ(hv_gic_state_get_data(state, blob), 0);
    os_release(state);
    stop();

    if (!start())
        return;
    CHECK_EQ(hv_gic_set_state(blob, size - 4), HV_BAD_ARGUMENT);
    blob[0] ^= 1;
    CHECK_EQ(hv_gic_set_state(blob, size), HV_BAD_ARGUMENT);
    blob[0] ^= 1;
    CHECK_EQ(hv_gic_set_state(blob, size), 0);
    CHECK_EQ(dist(IPRIORITYR(SPI)), 0x50505050);
    CHECK_EQ(dist(ISENABLER(SPI)), 3u << SPI % 32);
    ready();
    run_to_hvc(5);
    uint64_t first = reg(HV_REG_X0);
    run_to_hvc(5);
    CHECK_EQ(first + reg(HV_REG_X0), 2 * SPI + 1); /* one each, the order is the controller's */
    stop();
    free(blob);
}

static void reset_forgets(void)
{
    struct later l;
    if (!start())
        return;
    configure(SPI, true);
    CHECK_EQ(hv_gic_set_spi(SPI, true), 0);
    ready();
    CHECK_EQ(hv_gic_set_spi(SPI, false), 0);
    CHECK_EQ(hv_gic_reset(), 0);
    CHECK_EQ(dist(ISENABLER(SPI)), 0);
    CHECK_EQ(dist(ISPENDR(SPI)), 0);
    begin(&l, stop_waiting);
    CHECK_EQ(hv_vcpu_run(vcpu), 0);
    CHECK_EQ(vmexit->reason, HV_EXIT_REASON_CANCELED);
    pthread_join(l.thread, NULL);
    stop();
}

static void pending_can_be_set_and_cleared(void)
{
    if (!start())
        return;
    configure(SPI, true);
    set_dist(ISPENDR(SPI), 3u << SPI % 32);
    CHECK_EQ(dist(ISPENDR(SPI)), 3u << SPI % 32);
    set_dist(ICPENDR(SPI), 1u << (SPI + 1) % 32);
    CHECK_EQ(dist(ISPENDR(SPI)), 1u << SPI % 32);
    ready();
    run_to_hvc(5);
    CHECK_EQ(reg(HV_REG_X0), SPI);
    stop();
}

static void icc_registers(void)
{
    uint64_t value = 0;
    if (!start())
        return;
    ready();
    CHECK_EQ(hv_gic_get_icc_reg(vcpu, HV_GIC_ICC_REG_PMR_EL1, &value), 0);
    CHECK_EQ(value, 0xf0);
    CHECK_EQ(hv_gic_get_icc_reg(vcpu, HV_GIC_ICC_REG_IGRPEN1_EL1, &value), 0);
    CHECK_EQ(value, 1);
    CHECK_EQ(hv_gic_set_icc_reg(vcpu, HV_GIC_ICC_REG_PMR_EL1, 0x80), 0);
    CHECK_EQ(hv_gic_get_icc_reg(vcpu, HV_GIC_ICC_REG_PMR_EL1, &value), 0);
    CHECK_EQ(value, 0x80);
    CHECK_EQ(hv_gic_get_icc_reg(vcpu, HV_GIC_ICC_REG_SRE_EL1, &value), 0);
    CHECK_EQ(value & 1, 1);
    CHECK_EQ(hv_gic_get_icc_reg(vcpu, HV_GIC_ICC_REG_RPR_EL1, &value), 0);
    CHECK_EQ(value, 0xff); /* idle */
    uint64_t control = 0;
    CHECK_EQ(hv_gic_get_icc_reg(vcpu, HV_GIC_ICC_REG_CTLR_EL1, &control), 0);
    CHECK_EQ(hv_gic_set_icc_reg(vcpu, HV_GIC_ICC_REG_CTLR_EL1, 2), 0);
    CHECK_EQ(hv_gic_get_icc_reg(vcpu, HV_GIC_ICC_REG_CTLR_EL1, &value), 0);
    CHECK_EQ(value, control | 2); /* EOImode; the rest is read-only */
    CHECK_EQ(hv_gic_set_icc_reg(vcpu, HV_GIC_ICC_REG_CTLR_EL1, 0), 0);
    stop();
}

int main(void)
{
    TEST_ALONE(level_wakes_a_waiting_guest);
    TEST_ALONE(edge_comes_once);
    TEST_ALONE(message_arrives);
    TEST_ALONE(guest_writes_the_message_frame);
    TEST_ALONE(timer_interrupts);
    TEST_ALONE(one_vcpu_calls_another);
    TEST_ALONE(state_moves_to_another_vm);
    TEST_ALONE(reset_forgets);
    TEST_ALONE(pending_can_be_set_and_cleared);
    TEST_ALONE(icc_registers);
    return test_done();
}
