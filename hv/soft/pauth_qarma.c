/* SPDX-License-Identifier: MIT */
/*
 * QARMA5 (64-bit blocks, five rounds each way): the cipher that FEAT_PAuth calls APA and GPA. Arm
 * ARM pseudocode ComputePAC. A block is sixteen cells of four bits, cell 0 in the lowest. Pure, any
 * thread.
 *
 * Kernels sign every return address, and so spend a good part of their time here. The host's own
 * byte shuffles do it best (crypto_host.h). Without them each layer is looked up by bytes, in
 * tables that the first call makes of the layer itself; cell by cell it would take four times as
 * long.
 */
#include "crypto_host.h"
#include "pauth.h"

#include <pthread.h>

const uint64_t qarma_round_constant[QARMA_ROUNDS] = {
    UINT64_C(0),
    UINT64_C(0x13198a2e03707344),
    UINT64_C(0xa4093822299f31d0),
    UINT64_C(0x082efa98ec4e6c89),
    UINT64_C(0x452821e638d01377),
};

const uint8_t qarma_sbox[16] = {11, 6, 8, 15, 12, 0, 9, 14, 3, 7, 4, 5, 13, 2, 1, 10};
const uint8_t qarma_inverse_sbox[16] = {5, 14, 13, 8, 10, 11, 1, 9, 2, 6, 15, 0, 4, 12, 7, 3};

const uint8_t qarma_shuffle[16] = {13, 6, 11, 0, 7, 12, 1, 10, 8, 3, 14, 5, 2, 9, 4, 15};
const uint8_t qarma_inverse_shuffle[16] = {3, 6, 12, 9, 14, 11, 1, 4, 8, 13, 7, 2, 5, 0, 10, 15};
const uint8_t qarma_tweak_shuffle[16] = {4, 5, 6, 7, 11, 2, 3, 8, 12, 13, 14, 15, 0, 1, 10, 9};

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

static uint64_t next_tweak(uint64_t t)
{
    t = permute(t, qarma_tweak_shuffle);
    return (t & ~QARMA_TWEAK_ROTATED) | (lfsr(t) & QARMA_TWEAK_ROTATED);
}

/* ---- layers by table ---- */

typedef uint64_t table[8][256]; /* by byte of the block: what its value contributes */

static struct {
    table mix;     /* shuffle, then mix columns */
    table forward; /* substitute, then that */
    table back;    /* substitute back, mix columns, then shuffle back */
    table tweak;   /* the next tweak */
} tables;

static uint64_t mix_layer(uint64_t x)
{
    return mix_columns(permute(x, qarma_shuffle));
}
static uint64_t unmix_layer(uint64_t x)
{
    return permute(mix_columns(x), qarma_inverse_shuffle);
}

/* All layers but the substitution are linear: a block's is the sum of its bytes'. */
static void make_tables(void)
{
    for (unsigned byte = 0; byte < 8; byte++) {
        for (unsigned value = 0; value < 256; value++) {
            const uint64_t x = (uint64_t)value << 8 * byte, mask = UINT64_C(255) << 8 * byte;
            tables.mix[byte][value] = mix_layer(x);
            tables.forward[byte][value] = mix_layer(substitute(x, qarma_sbox) & mask);
            tables.back[byte][value] = unmix_layer(substitute(x, qarma_inverse_sbox) & mask);
            tables.tweak[byte][value] = next_tweak(x);
        }
    }
}

static inline uint64_t look_up(table t, uint64_t x)
{
    return t[0][x & 255] ^ t[1][x >> 8 & 255] ^ t[2][x >> 16 & 255] ^ t[3][x >> 24 & 255] ^
           t[4][x >> 32 & 255] ^ t[5][x >> 40 & 255] ^ t[6][x >> 48 & 255] ^ t[7][x >> 56];
}

uint64_t pauth_qarma5_portable(uint64_t data, uint64_t modifier, uint64_t hi, uint64_t lo)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const uint64_t hi_turned = qarma_turned(hi);
    uint64_t key[QARMA_ROUNDS], tweak = modifier;
    pthread_once(&once, make_tables);

    for (unsigned n = 0; n < QARMA_ROUNDS; n++) {
        key[n] = lo ^ tweak ^ qarma_round_constant[n];
        tweak = look_up(tables.tweak, tweak);
    }
    /* A substitution and the layers after it are one step; the key goes through them alone. */
    uint64_t x = data ^ hi ^ key[0];
    for (unsigned n = 1; n < QARMA_ROUNDS; n++)
        x = look_up(tables.forward, x) ^ look_up(tables.mix, key[n]);
    x = look_up(tables.forward, x) ^ look_up(tables.mix, hi_turned ^ tweak);
    x = permute(look_up(tables.forward, x) ^ lo, qarma_inverse_shuffle);
    x = look_up(tables.back, x) ^ hi ^ tweak;
    for (unsigned n = QARMA_ROUNDS - 1; n > 0; n--)
        x = look_up(tables.back, x) ^ key[n] ^ QARMA_ALPHA;
    return substitute(x, qarma_inverse_sbox) ^ key[0] ^ QARMA_ALPHA ^ hi_turned;
}

static qarma5_fn *best;

static void find_best(void)
{
    best = crypto_host_qarma5();
    if (!best)
        best = pauth_qarma5_portable;
}

uint64_t pauth_qarma5(uint64_t data, uint64_t modifier, uint64_t hi, uint64_t lo)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, find_best);
    return best(data, modifier, hi, lo);
}
