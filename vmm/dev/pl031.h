/* SPDX-License-Identifier: MIT */
/* PL031 real-time clock. Created before the first vCPU runs; the bus destroys it. */
#pragma once

#include "../loop.h"
#include "dev.h"

#define PL031_SIZE 0x1000

int pl031_create(struct device **dev, struct loop *loop);
