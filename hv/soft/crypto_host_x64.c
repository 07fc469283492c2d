/* SPDX-License-Identifier: MIT */
/*
 * AES and polynomial multiply by x86-64's AES-NI and PCLMULQDQ, QARMA5 by the byte shuffles of
 * SSSE3, which most of these CPUs have: asked for at run time. The two instruction sets cut a round
 * of AES at different places, so that AESE is the last round with a zero key, and MixColumns alone
 * a whole round after an inverse last one.
 */
#include "crypto_host.h"
#include "cpu.h"
#include "pauth.h"

#include <immintrin.h>
#include <stddef.h>

#define LOAD(reg)    _mm_load_si128((const __m128i *)&c->v[i->reg])
#define STORE(value) _mm_store_si128((__m128i *)&c->v[i->rd], (value))
#define HOST(op, isa, value)                                                                       \
    __attribute__((target(isa))) static const struct insn *op(struct cpu *c, const struct insn *i) \
    {                                                                                              \
        const __m128i zero = _mm_setzero_si128();                                                  \
        (void)zero;                                                                                \
        STORE(value);                                                                              \
        return i + 1;                                                                              \
    }
HOST(aese, "aes", _mm_aesenclast_si128(_mm_xor_si128(LOAD(rd), LOAD(rn)), zero))
HOST(aesd, "aes", _mm_aesdeclast_si128(_mm_xor_si128(LOAD(rd), LOAD(rn)), zero))
HOST(aesmc, "aes", _mm_aesenc_si128(_mm_aesdeclast_si128(LOAD(rn), zero), zero))
HOST(aesimc, "aes", _mm_aesimc_si128(LOAD(rn)))
HOST(pmull, "pclmul", _mm_clmulepi64_si128(LOAD(rn), LOAD(rm), 0x00))
HOST(pmull2, "pclmul", _mm_clmulepi64_si128(LOAD(rn), LOAD(rm), 0x11))

op_fn *crypto_host(enum crypto_op op)
{
    const bool has_aes = __builtin_cpu_supports("aes");
    const bool has_pclmul = __builtin_cpu_supports("pclmul");
    switch (op) {
    case CRYPTO_AESE: return has_aes ? aese : NULL;
    case CRYPTO_AESD: return has_aes ? aesd : NULL;
    case CRYPTO_AESMC: return has_aes ? aesmc : NULL;
    case CRYPTO_AESIMC: return has_aes ? aesimc : NULL;
    case CRYPTO_PMULL: return has_pclmul ? pmull : NULL;
    case CRYPTO_PMULL2: return has_pclmul ? pmull2 : NULL;
    }
    return NULL;
}

/* ---- QARMA5: a cell of the block in each byte ---- */

#define SSSE3 __attribute__((target("ssse3")))

SSSE3 static inline __m128i cells(uint64_t x)
{
    const __m128i low = _mm_set1_epi8(15), v = _mm_cvtsi64_si128((int64_t)x);
    return _mm_unpacklo_epi8(_mm_and_si128(v, low), _mm_and_si128(_mm_srli_epi16(v, 4), low));
}

SSSE3 static inline uint64_t block_of(__m128i v)
{
    const __m128i pairs = _mm_maddubs_epi16(v, _mm_set1_epi16(0x1001));
    return (uint64_t)_mm_cvtsi128_si64(_mm_packus_epi16(pairs, pairs));
}

SSSE3 static inline __m128i constant(const uint8_t bytes[16])
{
    return _mm_loadu_si128((const __m128i *)bytes);
}

/* The columns times (0, r, r^2, r): a column's cells are four apart. */
SSSE3 static inline __m128i mix(__m128i v)
{
    const __m128i by_1 = _mm_setr_epi8(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15);
    const __m128i by_2 = _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const __m128i near = _mm_xor_si128(_mm_shuffle_epi32(v, _MM_SHUFFLE(0, 3, 2, 1)),
                                       _mm_shuffle_epi32(v, _MM_SHUFFLE(2, 1, 0, 3)));
    const __m128i far = _mm_shuffle_epi32(v, _MM_SHUFFLE(1, 0, 3, 2));
    return _mm_xor_si128(_mm_shuffle_epi8(by_1, near), _mm_shuffle_epi8(by_2, far));
}

SSSE3 static inline __m128i next_tweak(__m128i t)
{
    /* Bit 3 := bit 0 ^ bit 1, the others one down. */
    const __m128i lfsr = _mm_setr_epi8(0, 8, 9, 1, 2, 10, 11, 3, 4, 12, 13, 5, 6, 14, 15, 7);
    t = _mm_shuffle_epi8(t, constant(qarma_tweak_shuffle));
    const __m128i change = _mm_xor_si128(t, _mm_shuffle_epi8(lfsr, t));
    return _mm_xor_si128(t, _mm_and_si128(change, cells(QARMA_TWEAK_ROTATED)));
}

SSSE3 static uint64_t qarma5(uint64_t data, uint64_t modifier, uint64_t hi, uint64_t lo)
{
    const __m128i sbox = constant(qarma_sbox), back = constant(qarma_inverse_sbox);
    const __m128i shuffle = constant(qarma_shuffle), unshuffle = constant(qarma_inverse_shuffle);
    const __m128i turned = cells(qarma_turned(hi));
    __m128i key[QARMA_ROUNDS], tweak = cells(modifier), x = cells(data ^ hi);

    for (unsigned n = 0; n < QARMA_ROUNDS; n++) {
        key[n] = _mm_xor_si128(cells(lo ^ qarma_round_constant[n]), tweak);
        x = _mm_xor_si128(x, key[n]);
        if (n)
            x = mix(_mm_shuffle_epi8(x, shuffle));
        x = _mm_shuffle_epi8(sbox, x);
        tweak = next_tweak(tweak);
    }
    x = _mm_xor_si128(x, _mm_xor_si128(turned, tweak));
    x = _mm_shuffle_epi8(sbox, mix(_mm_shuffle_epi8(x, shuffle)));
    x = _mm_xor_si128(mix(_mm_shuffle_epi8(x, shuffle)), cells(lo));
    x = _mm_shuffle_epi8(back, _mm_shuffle_epi8(x, unshuffle));
    x = _mm_shuffle_epi8(mix(x), unshuffle);
    x = _mm_xor_si128(x, _mm_xor_si128(cells(hi), tweak));
    for (unsigned n = QARMA_ROUNDS; n-- > 0;) {
        x = _mm_shuffle_epi8(back, x);
        if (n)
            x = _mm_shuffle_epi8(mix(x), unshuffle);
        x = _mm_xor_si128(x, _mm_xor_si128(key[n], cells(QARMA_ALPHA)));
    }
    return block_of(_mm_xor_si128(x, turned));
}

qarma5_fn *crypto_host_qarma5(void)
{
    return __builtin_cpu_supports("ssse3") ? qarma5 : NULL;
}
