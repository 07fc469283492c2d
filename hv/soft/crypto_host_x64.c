/* SPDX-License-Identifier: MIT */
/*
 * AES and polynomial multiply by x86-64's AES-NI and PCLMULQDQ, which most of these CPUs have:
 * asked for at run time. The two instruction sets cut a round of AES at different places, so that
 * AESE is the last round with a zero key, and MixColumns alone a whole round after an inverse last
 * one.
 */
#include "crypto_host.h"
#include "cpu.h"

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
