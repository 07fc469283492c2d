/* SPDX-License-Identifier: MIT */
/*
 * QARMA5 (64-bit blocks, five rounds each way): the cipher that FEAT_PAuth calls APA and GPA. Arm
 * ARM pseudocode ComputePAC. A block is sixteen cells of four bits, cell 0 in the lowest. Pure, any
 * thread.
 */
#include "pauth.h"

#define ROUNDS 5
#define ALPHA  UINT64_C(0xc0ac29b7c97c50dd)

static const uint64_t round_constant[ROUNDS] = {
    UINT64_C(0),
    UINT64_C(0x13198a2e03707344),
    UINT64_C(0xa4093822299f31d0),
    UINT64_C(0x082efa98ec4e6c89),
    UINT64_C(0x452821e638d01377),
};

static const uint8_t sbox[16] = {11, 6, 8, 15, 12, 0, 9, 14, 3, 7, 4, 5, 13, 2, 1, 10};
static const uint8_t inverse_sbox[16] = {5, 14, 13, 8, 10, 11, 1, 9, 2, 6, 15, 0, 4, 12, 7, 3};

/* Where each cell comes from. */
static const uint8_t shuffle[16] = {13, 6, 11, 0, 7, 12, 1, 10, 8, 3, 14, 5, 2, 9, 4, 15};
static const uint8_t inverse_shuffle[16] = {3, 6, 12, 9, 14, 11, 1, 4, 8, 13, 7, 2, 5, 0, 10, 15};
static const uint8_t tweak_shuffle[16] = {4, 5, 6, 7, 11, 2, 3, 8, 12, 13, 14, 15, 0, 1, 10, 9};
static const uint8_t inverse_tweak[16] = {12, 13, 5, 6, 0, 1, 2, 3, 7, 15, 14, 4, 8, 9, 10, 11};
#define TWEAK_ROTATED                                                                              \
    UINT64_C(0xff0ff000f00f0f00) /* cells that a tweak's shuffle rotates, after it */

static uint64_t permute(uint64_t x, const uint8_t from[16])
{
    uint64_t out = 0;
    for (unsigned n = 0; n < 16; n++)
        out |= (x >> 4 * from[n] & 15) << 4 * n;
    return out;
}

static uint64_t substitute(uint64_t x, const uint8_t table[16])
{
    uint64_t out = 0;
    for (unsigned n = 0; n < 64; n += 4)
        out |= (uint64_t)table[x >> n & 15] << n;
    return out;
}

static uint64_t rotate(uint64_t x, unsigned n)
{
    return x >> n | x << (64 - n);
}

/* Every cell rotated left by one, by two. */
static uint64_t cells_by_1(uint64_t x)
{
    return (x << 1 & UINT64_C(0xeeeeeeeeeeeeeeee)) | (x >> 3 & UINT64_C(0x1111111111111111));
}
static uint64_t cells_by_2(uint64_t x)
{
    return (x << 2 & UINT64_C(0xcccccccccccccccc)) | (x >> 2 & UINT64_C(0x3333333333333333));
}

/* The columns of the block times the circulant matrix (0, r, r^2, r): it is its own inverse. */
static uint64_t mix_columns(uint64_t x)
{
    return cells_by_1(rotate(x, 16)) ^ cells_by_2(rotate(x, 32)) ^ cells_by_1(rotate(x, 48));
}

/* The shift register of the tweak's cells, one step: bit 3 := bit 0 ^ bit 1. */
static uint64_t lfsr(uint64_t x)
{
    return (x >> 1 & UINT64_C(0x7777777777777777)) |
           ((x ^ x >> 1) << 3 & UINT64_C(0x8888888888888888));
}
static uint64_t inverse_lfsr(uint64_t x)
{
    return (x << 1 & UINT64_C(0xeeeeeeeeeeeeeeee)) | ((x ^ x >> 3) & UINT64_C(0x1111111111111111));
}

static uint64_t next_tweak(uint64_t t)
{
    t = permute(t, tweak_shuffle);
    return (t & ~TWEAK_ROTATED) | (lfsr(t) & TWEAK_ROTATED);
}
static uint64_t previous_tweak(uint64_t t)
{
    t = (t & ~TWEAK_ROTATED) | (inverse_lfsr(t) & TWEAK_ROTATED);
    return permute(t, inverse_tweak);
}

uint64_t pauth_qarma5(uint64_t data, uint64_t modifier, uint64_t hi, uint64_t lo)
{
    const uint64_t hi_turned = hi << 63 | ((hi >> 1) ^ hi >> 63);
    uint64_t tweak = modifier, x = data ^ hi;

    for (unsigned n = 0; n < ROUNDS; n++) {
        x ^= lo ^ tweak ^ round_constant[n];
        if (n)
            x = mix_columns(permute(x, shuffle));
        x = substitute(x, sbox);
        tweak = next_tweak(tweak);
    }
    x ^= hi_turned ^ tweak;
    x = substitute(mix_columns(permute(x, shuffle)), sbox);
    x = mix_columns(permute(x, shuffle)) ^ lo;
    x = substitute(permute(x, inverse_shuffle), inverse_sbox);
    x = permute(mix_columns(x), inverse_shuffle) ^ hi ^ tweak;
    for (unsigned n = 0; n < ROUNDS; n++) {
        x = substitute(x, inverse_sbox);
        if (n < ROUNDS - 1)
            x = permute(mix_columns(x), inverse_shuffle);
        tweak = previous_tweak(tweak);
        x ^= lo ^ tweak ^ round_constant[ROUNDS - 1 - n] ^ ALPHA;
    }
    return x ^ hi_turned;
}
