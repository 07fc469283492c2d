/* SPDX-License-Identifier: MIT */
/* The software machine without a GIC. */
#include "soft_gic.h"
#include "timer.h"

bool soft_gic_available(void)
{
    return false;
}

void soft_gic_destroy(void)
{
}

void soft_gic_after_fork(void)
{
}

hv_return_t soft_gic_attach(struct cpu *c, uint32_t index)
{
    (void)c, (void)index;
    return HV_SUCCESS;
}

void soft_gic_detach(struct cpu *c)
{
    (void)c;
}

void timer_drive_gic(struct cpu *c, bool virt, bool phys)
{
    (void)c, (void)virt, (void)phys;
}
