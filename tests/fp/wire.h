/* SPDX-License-Identifier: MIT */
/* What the driver and the program under qemu-aarch64 say to each other: batches of fixed size. */
#pragma once

#include <stdint.h>

#define BATCH 512

struct request {
    uint32_t op, fpcr, fpsr, pad;
    uint64_t a, b, c;
};

struct answer {
    uint64_t v, x;
    uint32_t fpsr, nzcv;
};
