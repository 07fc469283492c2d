/* SPDX-License-Identifier: MIT */
/*
 * A GICv3 interrupt controller in software, as the Arm GIC architecture specification (IHI 0069,
 * "GIC" below) defines it for a system with one security state: GICD_CTLR.DS = 1, affinity routing
 * always on, no LPIs and no ITS, 5 priority bits, SPIs 32..1019, and a GICv2m-style frame for MSIs.
 *
 * It knows no CPU. It takes register accesses and input lines; it gives one IRQ and one FIQ line
 * per vCPU, and calls `wake` when one of them rises. Every function may be called from any thread
 * unless it says otherwise: one lock inside, held for short sections, never while `wake` runs.
 *
 * Two families of register access: the guest's (gic_mmio, gic_icc_read, gic_icc_write), with the
 * side effects of the architecture, and the restore family (gic_get_*, gic_set_*), without them.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GIC_MAX_VCPUS     64u
#define GIC_DIST_SIZE     0x10000u
#define GIC_REDIST_SIZE   0x20000u   /* one vCPU: the RD frame and the SGI frame */
#define GIC_REDIST_REGION 0x2000000u /* what is reserved for all of them */
#define GIC_MSI_SIZE      0x10000u
#define GIC_SPI_BASE      32u
#define GIC_SPI_COUNT     988u
#define GIC_SPURIOUS      1023u /* INTID of "nothing to acknowledge" */

/* PPIs that have an input line (gic_set_ppi). */
#define GIC_PPI_PMU         23u
#define GIC_PPI_MAINTENANCE 25u
#define GIC_PPI_VTIMER      27u
#define GIC_PPI_PTIMER      30u

/* Output lines of a vCPU. Group 0 is signalled as FIQ, group 1 as IRQ (GIC 4.6.2, one security
 * state). At most one is up: that of the highest priority pending interrupt. */
#define GIC_LINE_IRQ 1u
#define GIC_LINE_FIQ 2u

struct gic;

struct gic_config {
    uint64_t dist_base; /* guest physical addresses, aligned to 64 KiB, not overlapping */
    uint64_t redist_base;
    uint64_t msi_base;  /* meaningful if msi_count > 0 */
    uint32_t msi_intid; /* first SPI of the MSI frame */
    uint32_t msi_count; /* 0 = no MSI frame */
    /* A line of vCPU `vcpu` rose. Called from the thread that made it rise, without the GIC's lock,
     * so it may come late: after the vCPU took the interrupt, or even after gic_vcpu_detach. */
    void (*wake)(void *ctx, unsigned vcpu);
    void *ctx;
};

/* NULL if a base or the MSI range is not valid, or memory is short. */
struct gic *gic_new(const struct gic_config *config);
void gic_free(struct gic *g); /* nobody uses it any more */

/*
 * vCPUs, named by an index below GIC_MAX_VCPUS that the caller chooses. A new vCPU gets the lowest
 * free redistributor frame; the frame in the highest place says so in GICR_TYPER.Last. Its CPU
 * interface is in its reset state and its affinity is 0 until it is set. False: index in use or too
 * large.
 */
bool gic_vcpu_attach(struct gic *g, unsigned vcpu);
void gic_vcpu_detach(struct gic *g, unsigned vcpu);
/* mpidr: the MPIDR_EL1 image; Aff3..Aff0 count. */
void gic_vcpu_set_affinity(struct gic *g, unsigned vcpu, uint64_t mpidr);
void gic_vcpu_reset(struct gic *g, unsigned vcpu); /* the CPU interface alone */
/* False until the affinity was set. */
bool gic_vcpu_redist_base(struct gic *g, unsigned vcpu, uint64_t *ipa);

/* Back to reset: distributor and redistributors. Input lines, affinities and CPU interfaces stay.
 */
void gic_reset(struct gic *g);

/*
 * Guest side. gic_mmio: false if the address is in no frame that exists (the access is somebody
 * else's). An access of a width or alignment that the register does not take reads as zero and
 * writes nothing. The ICC functions take the 16-bit encoding op0:op1:CRn:CRm:op2 of the system
 * register; false means UNDEFINED: no such register, or not in that direction. Call them on the
 * vCPU's own thread.
 */
bool gic_claims(const struct gic *g, uint64_t ipa); /* is the address in such a frame? No lock. */
bool gic_mmio(struct gic *g, uint64_t ipa, unsigned size, bool write, uint64_t *value,
              unsigned vcpu);
bool gic_icc_read(struct gic *g, unsigned vcpu, uint16_t reg, uint64_t *value);
bool gic_icc_write(struct gic *g, unsigned vcpu, uint16_t reg, uint64_t value);

/*
 * Input. An SPI configured as level follows `level`; one configured as edge takes each `true` as an
 * edge and ignores `false`. gic_send_msi is an edge whatever the configuration. False: not an SPI.
 * gic_set_ppi drives the level of a PPI; on the vCPU's own thread; costs nothing when it does not
 * change.
 */
bool gic_set_spi(struct gic *g, unsigned intid, bool level);
bool gic_send_msi(struct gic *g, unsigned intid);
void gic_set_ppi(struct gic *g, unsigned vcpu, unsigned intid, bool level);

/* Output: GIC_LINE_* bits, without the lock. The pointer is for those who look often; both are
 * valid as long as the GIC is. */
unsigned gic_lines(const struct gic *g, unsigned vcpu);
const _Atomic uint32_t *gic_lines_of(const struct gic *g, unsigned vcpu);
static inline bool gic_irq_pending(const struct gic *g, unsigned vcpu)
{
    return gic_lines(g, vcpu) != 0;
}

/*
 * Restore side. Offsets are those of the specification, from the start of the frame (redistributor:
 * from the RD frame). False: no such register, or a value that cannot be taken. Writes to read-only
 * registers are ignored, except ICC_RPR_EL1, which is refused. Set and clear registers (ISENABLER
 * ... ICACTIVER) set and clear, so that a client can drive PPIs. Pending registers show the latch,
 * without the input line: what is read here and written back elsewhere does not turn a level into a
 * latched interrupt.
 */
bool gic_get_dist_reg(struct gic *g, uint32_t offset, uint64_t *value);
bool gic_set_dist_reg(struct gic *g, uint32_t offset, uint64_t value);
bool gic_get_redist_reg(struct gic *g, unsigned vcpu, uint32_t offset, uint64_t *value);
bool gic_set_redist_reg(struct gic *g, unsigned vcpu, uint32_t offset, uint64_t value);
bool gic_get_icc_reg(struct gic *g, unsigned vcpu, uint16_t reg, uint64_t *value);
bool gic_set_icc_reg(struct gic *g, unsigned vcpu, uint16_t reg, uint64_t value);
bool gic_get_msi_reg(struct gic *g, uint32_t offset, uint64_t *value);
bool gic_set_msi_reg(struct gic *g, uint32_t offset, uint64_t value);

/*
 * Everything but the CPU interfaces as one block of bytes: versioned, tagged, with a checksum,
 * little endian. save: with buf NULL gives the size alone; else *size is the room on entry, the
 * length on return; false if too small. restore: the same vCPUs must be attached, with the same
 * affinities; on false nothing has changed. No vCPU runs meanwhile.
 */
bool gic_state_save(struct gic *g, void *buf, size_t *size);
bool gic_state_restore(struct gic *g, const void *buf, size_t size);
