/* SPDX-License-Identifier: MIT */
/*
 * hv_gic_* on KVM's in-kernel GICv3.
 *
 * KVM initialises the GIC after the last vCPU was made and before anything else is asked of it;
 * Apple's exists at once. In between, distributor writes and interrupt levels are kept here and
 * handed over by kvm_gic_start(), which the first run or the first access to a vCPU's part calls.
 * The MSI frame is not KVM's: its two registers are answered here on the exit.
 *
 * lock guards everything in `early` and the start; the kernel has its own locks for the rest.
 */
#include "kvm/kvm.h"
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define FRAME         0x10000u
#define DIST_WORDS    (FRAME / 4)
#define GICM_TYPER    0x008
#define GICM_SETSPI   0x040
#define GICM_IIDR     0xfcc
#define GICD_TYPER    0x0004
#define GICD_IROUTER  0x6000
#define GICD_IROUTERE 0x8000
#define GICD_PIDR2    0xffe8
#define GICR_TYPER    0x0008

static struct {
    pthread_mutex_t lock;
    uint32_t word[DIST_WORDS]; /* distributor registers written before the start */
    bool written[DIST_WORDS];
    bool level[KVM_GIC_IRQS];
} early = {.lock = PTHREAD_MUTEX_INITIALIZER};

static hv_return_t gic_fail(const char *what)
{
    return kvm_fail(kvm_error(errno, HV_ERROR), what, errno);
}

/* The kernel wants all vCPUs for most of these, and says EBUSY if one is in use: then keep them out
 * of the guest. */
static int device_attr(unsigned long request, uint32_t group, uint64_t attr, void *value)
{
    struct kvm_device_attr a = {.group = group, .attr = attr, .addr = (uintptr_t)value};
    if (ioctl(kvm_vm.gic, request, &a) == 0)
        return 0;
    if (errno != EBUSY)
        return -1;
    kvm_pause_all();
    int failed = kvm_ioctl_paused(kvm_vm.gic, request, &a);
    int error = errno;
    kvm_resume_all();
    errno = error;
    return failed;
}

/* ---- creation -------------------------------------------------------------------------------- */

void kvm_gic_forget(void)
{
    pthread_mutex_init(&early.lock, NULL); /* also in a forked child, where it may be taken */
    kvm_vm.gic = -1;
    kvm_vm.gic_ready = false;
    memset(early.word, 0, sizeof early.word);
    memset(early.written, 0, sizeof early.written);
    memset(early.level, 0, sizeof early.level);
}

hv_return_t kvm_gic_create(const struct hvi_gic_config *config)
{
    struct kvm_create_device device = {.type = KVM_DEV_TYPE_ARM_VGIC_V3};
    if (ioctl(kvm_vm.fd, KVM_CREATE_DEVICE, &device) < 0)
        return gic_fail("KVM cannot create a GICv3");
    kvm_gic_forget();
    kvm_vm.gic = (int)device.fd;
    kvm_vm.gic_config = *config;
    uint32_t irqs = KVM_GIC_IRQS;
    uint64_t distributor = config->distributor_base;
    uint64_t region = (uint64_t)MAX_VCPUS << 52 | config->redistributor_base;
    if (device_attr(KVM_SET_DEVICE_ATTR, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &irqs) == 0 &&
        device_attr(KVM_SET_DEVICE_ATTR, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST,
                    &distributor) == 0 &&
        device_attr(KVM_SET_DEVICE_ATTR, KVM_DEV_ARM_VGIC_GRP_ADDR,
                    KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION, &region) == 0)
        return HV_SUCCESS;
    hv_return_t result = gic_fail("KVM refuses the place of the GIC");
    close(kvm_vm.gic);
    kvm_vm.gic = -1;
    return result;
}

/* ---- registers by the kernel's accessors, which restore state without side effects ----------- */

int kvm_gic_dist_word(unsigned long request, uint32_t offset, uint32_t *value)
{
    return device_attr(request, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, offset, value);
}

/* The affinity fields of MPIDR, packed as the kernel wants them in an attribute's upper half. */
static uint64_t affinity(const struct hvi_vcpu *v)
{
    return ((v->mpidr >> 32 & 0xff) << 24 | (v->mpidr & 0xffffff)) << 32;
}

int kvm_gic_redist_word(unsigned long request, const struct hvi_vcpu *v, uint32_t offset,
                        uint32_t *value)
{
    return device_attr(request, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, affinity(v) | offset, value);
}

int kvm_gic_level_word(unsigned long request, const struct hvi_vcpu *v, uint32_t intid,
                       uint32_t *levels)
{
    uint64_t attr = (v ? affinity(v) : 0) |
                    VGIC_LEVEL_INFO_LINE_LEVEL << KVM_DEV_ARM_VGIC_LINE_LEVEL_INFO_SHIFT | intid;
    return device_attr(request, KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO, attr, levels);
}

static int set_spi_line(uint32_t intid, bool level)
{
    struct kvm_irq_level line = {.irq = KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT | intid,
                                 .level = level};
    return ioctl(kvm_vm.fd, KVM_IRQ_LINE, &line);
}

/* KVM starts with edge-triggered interrupts; the architecture leaves the reset value open. The
 * software CPU has level-triggered ones, so these are too. */
static bool to_hand_over(uint32_t offset)
{
    return early.written[offset / 4] || (offset >= 0xc08 && offset < 0xc00 + KVM_GIC_IRQS / 4);
}

/* Configuration before state: the order of offsets would make interrupts pending first. */
static hv_return_t hand_over(void)
{
    for (unsigned pass = 0; pass < 2; pass++) {
        for (uint32_t offset = 0; offset < FRAME; offset += 4) {
            bool state = offset >= 0x200 && offset < 0x400;
            if (to_hand_over(offset) && state == (pass == 1) &&
                kvm_gic_dist_word(KVM_SET_DEVICE_ATTR, offset, &early.word[offset / 4]) < 0)
                return gic_fail("KVM refuses a distributor register");
        }
    }
    for (uint32_t intid = 32; intid < KVM_GIC_IRQS; intid++)
        if (early.level[intid] && set_spi_line(intid, true) < 0)
            return gic_fail("KVM_IRQ_LINE");
    return HV_SUCCESS;
}

/* ---- before the start ------------------------------------------------------------------------ */

static bool wide(uint32_t offset)
{
    return offset >= GICD_IROUTER && offset < GICD_IROUTERE;
}

/* Registers that set bits at an offset and clear them 0x80 above it: enable, pending, active. */
static bool sets_bits(uint32_t offset)
{
    return offset >= 0x100 && offset < 0x400 && !(offset & 0x80);
}

static bool clears_bits(uint32_t offset)
{
    return offset >= 0x100 && offset < 0x400 && offset & 0x80;
}

static void set_early(uint32_t offset, uint32_t value)
{
    uint32_t *word = &early.word[(clears_bits(offset) ? offset - 0x80 : offset) / 4];
    if (clears_bits(offset))
        *word &= ~value;
    else
        *word = sets_bits(offset) ? *word | value : value;
    early.written[word - early.word] = true;
}

/* What a distributor that nobody has touched shows. Identification as KVM will show it. */
static uint32_t early_word(uint32_t offset)
{
    if (offset == GICD_TYPER)
        return (KVM_GIC_IRQS / 32 - 1) | 9u << 19; /* 10 bits of INTID */
    if (offset == GICD_PIDR2)
        return 0x3b;
    return early.word[(clears_bits(offset) ? offset - 0x80 : offset) / 4];
}

/* ---- interrupts ------------------------------------------------------------------------------ */

/* The distributor's part before the start: an edge-triggered interrupt latches what rises. */
static void early_spi(uint32_t intid, bool level)
{
    uint32_t config = early.word[(0xc00 + intid / 16 * 4) / 4] >> (intid % 16 * 2 + 1) & 1;
    if (level && !early.level[intid] && config)
        set_early(0x200 + intid / 32 * 4, 1u << intid % 32);
    early.level[intid] = level;
}

hv_return_t kvm_gic_set_spi(uint32_t intid, bool level)
{
    if (intid >= KVM_GIC_IRQS)
        return kvm_fail(HV_BAD_ARGUMENT, "KVM's GIC has interrupts below 992 only", 0);
    pthread_mutex_lock(&early.lock);
    bool ready = kvm_vm.gic_ready;
    if (!ready)
        early_spi(intid, level);
    pthread_mutex_unlock(&early.lock);
    return ready && set_spi_line(intid, level) < 0 ? gic_fail("KVM_IRQ_LINE") : HV_SUCCESS;
}

/* A message is an edge: up and down again. */
hv_return_t kvm_gic_send_msi(uint32_t intid)
{
    hv_return_t result = kvm_gic_set_spi(intid, true);
    return result == HV_SUCCESS ? kvm_gic_set_spi(intid, false) : result;
}

/* ---- distributor ----------------------------------------------------------------------------- */

static int access_word(bool set, uint32_t offset, uint32_t *value)
{
    pthread_mutex_lock(&early.lock);
    bool ready = kvm_vm.gic_ready;
    if (!ready && set)
        set_early(offset, *value);
    else if (!ready)
        *value = early_word(offset);
    pthread_mutex_unlock(&early.lock);
    return ready ? kvm_gic_dist_word(set ? KVM_SET_DEVICE_ATTR : KVM_GET_DEVICE_ATTR, offset, value)
                 : 0;
}

hv_return_t kvm_gic_get_dist_reg(uint32_t offset, uint64_t *value)
{
    uint32_t low = 0, high = 0;
    if (access_word(false, offset, &low) < 0 ||
        (wide(offset) && access_word(false, offset + 4, &high) < 0))
        return gic_fail("distributor register");
    *value = (uint64_t)high << 32 | low;
    return HV_SUCCESS;
}

/* KVM's restore accessor of ISPENDR takes the whole new state and that of ICPENDR nothing: change
 * the bits that the client names. The other set and clear registers work as they do for a guest. */
static bool is_pending(uint32_t offset)
{
    return offset >= 0x200 && offset < 0x300;
}

static uint32_t changed(uint32_t offset, uint32_t state, uint32_t bits)
{
    return clears_bits(offset) ? state & ~bits : state | bits;
}

hv_return_t kvm_gic_set_dist_reg(uint32_t offset, uint64_t value)
{
    uint32_t low = (uint32_t)value, high = (uint32_t)(value >> 32);
    if (offset == GICD_TYPER || offset == GICD_PIDR2)
        return HV_SUCCESS; /* read-only: ignored, as on Apple's */
    if (is_pending(offset) && kvm_vm.gic_ready) {
        uint32_t state = 0, latch = offset & ~0x80u;
        if (kvm_gic_dist_word(KVM_GET_DEVICE_ATTR, latch, &state) < 0)
            return gic_fail("distributor register");
        low = changed(offset, state, low);
        offset = latch;
    }
    if (access_word(true, offset, &low) < 0 ||
        (wide(offset) && access_word(true, offset + 4, &high) < 0))
        return gic_fail("distributor register");
    return HV_SUCCESS;
}

/* ---- redistributor and CPU interface --------------------------------------------------------- */

hv_return_t kvm_gic_get_redist_reg(struct hvi_vcpu *v, uint32_t offset, uint64_t *value)
{
    uint32_t low = 0, high = 0;
    hv_return_t result = kvm_gic_start();
    if (result != HV_SUCCESS)
        return result;
    if (kvm_gic_redist_word(KVM_GET_DEVICE_ATTR, v, offset, &low) < 0 ||
        (offset == GICR_TYPER &&
         kvm_gic_redist_word(KVM_GET_DEVICE_ATTR, v, offset + 4, &high) < 0))
        return gic_fail("redistributor register");
    *value = (uint64_t)high << 32 | low;
    return HV_SUCCESS;
}

/* The value that the restore accessors want for what the client writes. */
static hv_return_t write_redist(struct hvi_vcpu *v, uint32_t offset, uint64_t value)
{
    uint32_t word = (uint32_t)value;
    if (offset >= 0x10000 && is_pending(offset - 0x10000)) {
        uint32_t state = 0, latch = offset & ~0x80u;
        if (kvm_gic_redist_word(KVM_GET_DEVICE_ATTR, v, latch, &state) < 0)
            return gic_fail("redistributor register");
        word = changed(offset - 0x10000, state, word);
        offset = latch;
    }
    return kvm_gic_redist_word(KVM_SET_DEVICE_ATTR, v, offset, &word) < 0
               ? gic_fail("redistributor register")
               : HV_SUCCESS;
}

static int icc_register(unsigned long request, const struct hvi_vcpu *v, uint32_t reg,
                        uint64_t *value)
{
    return device_attr(request, KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS, affinity(v) | reg, value);
}

static hv_return_t write_icc(struct hvi_vcpu *v, uint32_t reg, uint64_t value)
{
    if (reg == HV_GIC_ICC_REG_CTLR_EL1) {
        /* Only CBPR and EOImode can be written. KVM takes the other fields for those of another
         * host that the vCPU comes from, and refuses or narrows what differs. */
        uint64_t now;
        if (icc_register(KVM_GET_DEVICE_ATTR, v, reg, &now) < 0)
            return gic_fail("CPU interface register");
        value = (now & ~3ull) | (value & 3);
    }
    return icc_register(KVM_SET_DEVICE_ATTR, v, reg, &value) < 0
               ? gic_fail("CPU interface register")
               : HV_SUCCESS;
}

/* Before the start a write is put by, so that a client can prepare one vCPU before it makes the
 * next. False: the GIC runs, or there is no room; then the write is to be done. */
static bool put_by(struct hvi_vcpu *v, bool icc, uint32_t reg, uint64_t value)
{
    pthread_mutex_lock(&early.lock);
    bool room = !kvm_vm.gic_ready && v->early_count < sizeof v->early / sizeof *v->early;
    if (room) {
        v->early[v->early_count].icc = icc;
        v->early[v->early_count].reg = reg;
        v->early[v->early_count++].value = value;
    }
    pthread_mutex_unlock(&early.lock);
    return room;
}

static hv_return_t hand_over_vcpu(struct hvi_vcpu *v)
{
    hv_return_t result = HV_SUCCESS;
    for (unsigned i = 0; i < v->early_count && result == HV_SUCCESS; i++)
        result = v->early[i].icc ? write_icc(v, v->early[i].reg, v->early[i].value)
                                 : write_redist(v, v->early[i].reg, v->early[i].value);
    v->early_count = 0;
    return result;
}

hv_return_t kvm_gic_start(void)
{
    hv_return_t result = HV_SUCCESS;
    if (kvm_vm.gic_ready)
        return result;
    pthread_mutex_lock(&early.lock);
    if (!kvm_vm.gic_ready) {
        if (device_attr(KVM_SET_DEVICE_ATTR, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT,
                        NULL) < 0)
            result = gic_fail("KVM cannot initialise the GIC");
        else
            result = hand_over();
        for (unsigned i = 0; i < MAX_VCPUS && result == HV_SUCCESS; i++) {
            struct hvi_vcpu *v = atomic_load(&kvm_vm.vcpu[i]);
            if (v && v->live)
                result = hand_over_vcpu(v);
        }
        kvm_vm.gic_ready = result == HV_SUCCESS;
    }
    pthread_mutex_unlock(&early.lock);
    return result;
}

hv_return_t kvm_gic_set_redist_reg(struct hvi_vcpu *v, uint32_t offset, uint64_t value)
{
    if (offset == GICR_TYPER || offset == GICD_PIDR2 || put_by(v, false, offset, value))
        return HV_SUCCESS;
    hv_return_t result = kvm_gic_start();
    return result == HV_SUCCESS ? write_redist(v, offset, value) : result;
}

/* KVM has no running priority to show; it is the highest of the active ones, whose bits stand for
 * steps of 8 (5 bits of priority). */
static hv_return_t running_priority(struct hvi_vcpu *v, uint64_t *value)
{
    uint64_t group0 = 0, group1 = 0;
    hv_return_t result = kvm_gic_get_icc_reg(v, HV_GIC_ICC_REG_AP0R0_EL1, &group0);
    if (result == HV_SUCCESS)
        result = kvm_gic_get_icc_reg(v, HV_GIC_ICC_REG_AP1R0_EL1, &group1);
    uint32_t active = (uint32_t)(group0 | group1);
    *value = active ? (uint64_t)__builtin_ctz(active) << 3 : 0xff;
    return result;
}

hv_return_t kvm_gic_get_icc_reg(struct hvi_vcpu *v, hv_gic_icc_reg_t reg, uint64_t *value)
{
    if (reg == HV_GIC_ICC_REG_RPR_EL1)
        return running_priority(v, value);
    hv_return_t result = kvm_gic_start();
    if (result == HV_SUCCESS && icc_register(KVM_GET_DEVICE_ATTR, v, reg, value) < 0)
        return gic_fail("CPU interface register");
    return result;
}

hv_return_t kvm_gic_set_icc_reg(struct hvi_vcpu *v, hv_gic_icc_reg_t reg, uint64_t value)
{
    if (reg == HV_GIC_ICC_REG_RPR_EL1)
        return HV_BAD_ARGUMENT;
    if (put_by(v, true, reg, value))
        return HV_SUCCESS;
    hv_return_t result = kvm_gic_start();
    return result == HV_SUCCESS ? write_icc(v, reg, value) : result;
}

/* ---- the MSI frame --------------------------------------------------------------------------- */

static uint32_t msi_typer(void)
{
    return kvm_vm.gic_config.msi_intid << 16 | kvm_vm.gic_config.msi_count;
}

hv_return_t kvm_gic_get_msi_reg(hv_gic_msi_reg_t reg, uint64_t *value)
{
    *value = reg == HV_GIC_REG_GICM_TYPER ? msi_typer() : 0;
    return HV_SUCCESS;
}

hv_return_t kvm_gic_set_msi_reg(hv_gic_msi_reg_t reg, uint64_t value)
{
    const struct hvi_gic_config *c = &kvm_vm.gic_config;
    if (reg != HV_GIC_REG_GICM_SET_SPI_NSR)
        return HV_SUCCESS;
    if (value - c->msi_intid >= c->msi_count)
        return HV_BAD_ARGUMENT;
    return kvm_gic_send_msi((uint32_t)value);
}

bool kvm_gic_mmio(struct hvi_vcpu *v)
{
    const struct hvi_gic_config *c = &kvm_vm.gic_config;
    uint64_t offset = v->run->mmio.phys_addr - c->msi_base;
    if (kvm_vm.gic < 0 || !c->msi_count || offset >= FRAME)
        return false;
    uint32_t value = 0;
    if (v->run->mmio.is_write) {
        memcpy(&value, v->run->mmio.data, v->run->mmio.len < 4 ? v->run->mmio.len : 4);
        if (offset == GICM_SETSPI && value - c->msi_intid < c->msi_count)
            (void)kvm_gic_send_msi(value);
        return true;
    }
    memset(v->run->mmio.data, 0, sizeof v->run->mmio.data);
    if (offset == GICM_TYPER)
        value = msi_typer();
    memcpy(v->run->mmio.data, &value, sizeof value);
    return true;
}
