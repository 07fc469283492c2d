/* SPDX-License-Identifier: MIT */
/* The cipher of pointer authentication (pauth_qarma.c), and its parts for those who do it by the
 * host's own instructions (crypto_host_x64.c). */
#pragma once

#include <stdint.h>

/* The code of `data` under the tweak `modifier` and the key hi:lo, all 64 bits. Pure. */
uint64_t pauth_qarma5(uint64_t data, uint64_t modifier, uint64_t hi, uint64_t lo);
/* The same without the host's help. */
uint64_t pauth_qarma5_portable(uint64_t data, uint64_t modifier, uint64_t hi, uint64_t lo);

#define QARMA_ROUNDS 5
#define QARMA_ALPHA  UINT64_C(0xc0ac29b7c97c50dd)
/* Cells that a tweak's shuffle rotates, after it. */
#define QARMA_TWEAK_ROTATED UINT64_C(0xff0ff000f00f0f00)

extern const uint64_t qarma_round_constant[QARMA_ROUNDS];
extern const uint8_t qarma_sbox[16], qarma_inverse_sbox[16];
/* Where each cell comes from. */
extern const uint8_t qarma_shuffle[16], qarma_inverse_shuffle[16], qarma_tweak_shuffle[16];

/* hi, as it is used after the middle. */
static inline uint64_t qarma_turned(uint64_t hi)
{
    return hi << 63 | ((hi >> 1) ^ hi >> 63);
}
