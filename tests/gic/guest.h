/* SPDX-License-Identifier: MIT */
/* What the GIC guest and its host agree on: HVC #0 with the call in x0 and arguments in x1, x2. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define MAX_CPUS  8
#define LEVEL_SPI 40
#define EDGE_SPI  41
#define MSI_SPI   64
#define ROUNDS    2000

enum {
    HOST_END,         /* x1: 0, or the guest has given up */
    HOST_NOTE,        /* x1: text of a check that failed */
    HOST_RESULT,      /* x1: name of a test, x2: did it hold */
    HOST_FIGURE,      /* x1: nanoseconds of an SGI round trip */
    HOST_CPUS,        /* how many vCPUs there are */
    HOST_READY,       /* this vCPU takes interrupts */
    HOST_WAIT_READY,  /* return when all the others do */
    HOST_RAISE_LATER, /* x1: SPI that a device thread raises soon */
    HOST_LOWER,       /* x1: SPI to lower now */
    HOST_MSI_LATER,   /* x1: SPI that a device thread sends as a message soon */
    HOST_SEED,        /* guest_random.c: what to begin with */
    HOST_RECORD,      /* x1: array of 32-bit words, x2: their number */
};
