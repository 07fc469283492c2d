/* SPDX-License-Identifier: MIT */
/*
 * Handlers of crypto instructions made of the host's own. One crypto_host_*.c is built, by the
 * host's CPU. Any thread.
 */
#pragma once

#include "a64.h"

enum crypto_op {
    CRYPTO_AESE,
    CRYPTO_AESD,
    CRYPTO_AESMC,
    CRYPTO_AESIMC,
    CRYPTO_PMULL,
    CRYPTO_PMULL2
};

/* The handler for this operation, or NULL if the host has nothing for it. */
op_fn *crypto_host(enum crypto_op op);

/* pauth_qarma5 by the host's instructions, or NULL. */
typedef uint64_t qarma5_fn(uint64_t data, uint64_t modifier, uint64_t hi, uint64_t lo);
qarma5_fn *crypto_host_qarma5(void);
