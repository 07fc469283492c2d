/* SPDX-License-Identifier: MIT */
/* The GIC of the software machine, as soft.c and the CPU see it (soft_gic.c). The model behind it
 * is gic.h, which knows no CPU. */
#pragma once

#include "cpu.h"

bool soft_gic_available(void);
void soft_gic_destroy(void);    /* with the VM; nothing without a GIC */
void soft_gic_after_fork(void); /* in the child: forget the parent's */

/* A vCPU comes and goes. With or without a GIC, c->gic_lines is valid in between. */
hv_return_t soft_gic_attach(struct cpu *c, uint32_t index);
void soft_gic_detach(struct cpu *c);
void soft_gic_set_affinity(struct cpu *c, uint64_t mpidr); /* MPIDR_EL1 was set */

/* The guest is about to exit with this syndrome: is it an access to the GIC? Then it is done, true,
 * and the instruction is complete. Only accesses that the syndrome describes (ESR_ELx.ISV). Owner.
 */
bool soft_gic_emulate(struct cpu *c, uint32_t syndrome, uint64_t ipa);
/* May that be so at this address? The TLBs keep the answer: a vCPU that brings a frame of its own
 * makes them forget it. */
bool soft_gic_claims(uint64_t ipa);

/* The gic_* operations of backend.h. */
hv_return_t soft_gic_create(const struct hvi_gic_config *config);
hv_return_t soft_gic_set_spi(uint32_t intid, bool level);
hv_return_t soft_gic_send_msi(uint32_t intid);
hv_return_t soft_gic_get_dist_reg(uint32_t offset, uint64_t *value);
hv_return_t soft_gic_set_dist_reg(uint32_t offset, uint64_t value);
hv_return_t soft_gic_get_redist_reg(struct hvi_vcpu *v, uint32_t offset, uint64_t *value);
hv_return_t soft_gic_set_redist_reg(struct hvi_vcpu *v, uint32_t offset, uint64_t value);
hv_return_t soft_gic_get_icc_reg(struct hvi_vcpu *v, hv_gic_icc_reg_t reg, uint64_t *value);
hv_return_t soft_gic_set_icc_reg(struct hvi_vcpu *v, hv_gic_icc_reg_t reg, uint64_t value);
hv_return_t soft_gic_get_msi_reg(hv_gic_msi_reg_t reg, uint64_t *value);
hv_return_t soft_gic_set_msi_reg(hv_gic_msi_reg_t reg, uint64_t value);
hv_return_t soft_gic_state_save(void *buf, size_t *size);
hv_return_t soft_gic_state_restore(const void *buf, size_t size);
hv_return_t soft_gic_reset(void);
