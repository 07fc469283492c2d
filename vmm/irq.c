/* SPDX-License-Identifier: MIT */
/* Interrupt lines of devices, by the framework's GIC: the one place where a device's line changes.
 */
#include <Hypervisor/Hypervisor.h>

#include "dev/dev.h"

void device_set_irq(struct device *dev, bool level)
{
    /* Under the device's lock, so line and GIC cannot disagree. Only changes go to the GIC: devices
     * set their line after every access, and a call may cost a system call. */
    if (dev->line == level || dev->intid == 0)
        return;
    dev->line = level;
    hv_gic_set_spi(dev->intid, level);
}
