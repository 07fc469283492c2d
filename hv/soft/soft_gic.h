/* SPDX-License-Identifier: MIT */
/* The GIC of the software machine, as soft.c and the CPU see it (soft_gic.c). */
#pragma once

#include "cpu.h"

bool soft_gic_available(void);
void soft_gic_destroy(void);                                /* with the VM; nothing without a GIC */
void soft_gic_after_fork(void);                             /* in the child: forget the parent's */
hv_return_t soft_gic_attach(struct cpu *c, uint32_t index); /* a new vCPU */
void soft_gic_detach(struct cpu *c);
