/* SPDX-License-Identifier: MIT */
/*
 * The cryptographic extensions: AES, SHA-1, SHA-256, SHA-512 and SHA-3 (Arm ARM C4.1.96, J1.1). The
 * polynomial multiply stands with the other long multiplies.
 *
 * Runs on the vCPU's thread. Without crypto_host.h's help AES is not constant-time:
 * its tables are indexed by guest data.
 */
#include "crypto_host.h"
#include "simd.h"

static inline uint32_t rol32(uint32_t x, unsigned n)
{
    return x << n | x >> (32 - n);
}

static inline uint32_t ror32(uint32_t x, unsigned n)
{
    return x >> n | x << (32 - n);
}

static inline uint64_t ror64(uint64_t x, unsigned n)
{
    return n ? x >> n | x << (64 - n) : x;
}

bool dec_v_regs(struct insn *i, uint32_t w)
{
    v_fields(i, w);
    return true;
}

/* With the host's instruction instead of the row's handler, if there is one. */
#define HOST_FORMAT(name, op)                                                                      \
    bool dec_##name(struct insn *i, uint32_t w)                                                    \
    {                                                                                              \
        op_fn *host = crypto_host(op);                                                             \
        v_fields(i, w);                                                                            \
        if (host)                                                                                  \
            i->fn = host;                                                                          \
        return true;                                                                               \
    }
HOST_FORMAT(aese, CRYPTO_AESE)
HOST_FORMAT(aesd, CRYPTO_AESD)
HOST_FORMAT(aesmc, CRYPTO_AESMC)
HOST_FORMAT(aesimc, CRYPTO_AESIMC)

/* ---- AES (FIPS 197) ---- */

static const uint8_t aes_sbox[256] = {
    0x63, 0x7c, 0x77, 0x7b, 0xf2, 0x6b, 0x6f, 0xc5, 0x30, 0x01, 0x67, 0x2b, 0xfe, 0xd7, 0xab, 0x76,
    0xca, 0x82, 0xc9, 0x7d, 0xfa, 0x59, 0x47, 0xf0, 0xad, 0xd4, 0xa2, 0xaf, 0x9c, 0xa4, 0x72, 0xc0,
    0xb7, 0xfd, 0x93, 0x26, 0x36, 0x3f, 0xf7, 0xcc, 0x34, 0xa5, 0xe5, 0xf1, 0x71, 0xd8, 0x31, 0x15,
    0x04, 0xc7, 0x23, 0xc3, 0x18, 0x96, 0x05, 0x9a, 0x07, 0x12, 0x80, 0xe2, 0xeb, 0x27, 0xb2, 0x75,
    0x09, 0x83, 0x2c, 0x1a, 0x1b, 0x6e, 0x5a, 0xa0, 0x52, 0x3b, 0xd6, 0xb3, 0x29, 0xe3, 0x2f, 0x84,
    0x53, 0xd1, 0x00, 0xed, 0x20, 0xfc, 0xb1, 0x5b, 0x6a, 0xcb, 0xbe, 0x39, 0x4a, 0x4c, 0x58, 0xcf,
    0xd0, 0xef, 0xaa, 0xfb, 0x43, 0x4d, 0x33, 0x85, 0x45, 0xf9, 0x02, 0x7f, 0x50, 0x3c, 0x9f, 0xa8,
    0x51, 0xa3, 0x40, 0x8f, 0x92, 0x9d, 0x38, 0xf5, 0xbc, 0xb6, 0xda, 0x21, 0x10, 0xff, 0xf3, 0xd2,
    0xcd, 0x0c, 0x13, 0xec, 0x5f, 0x97, 0x44, 0x17, 0xc4, 0xa7, 0x7e, 0x3d, 0x64, 0x5d, 0x19, 0x73,
    0x60, 0x81, 0x4f, 0xdc, 0x22, 0x2a, 0x90, 0x88, 0x46, 0xee, 0xb8, 0x14, 0xde, 0x5e, 0x0b, 0xdb,
    0xe0, 0x32, 0x3a, 0x0a, 0x49, 0x06, 0x24, 0x5c, 0xc2, 0xd3, 0xac, 0x62, 0x91, 0x95, 0xe4, 0x79,
    0xe7, 0xc8, 0x37, 0x6d, 0x8d, 0xd5, 0x4e, 0xa9, 0x6c, 0x56, 0xf4, 0xea, 0x65, 0x7a, 0xae, 0x08,
    0xba, 0x78, 0x25, 0x2e, 0x1c, 0xa6, 0xb4, 0xc6, 0xe8, 0xdd, 0x74, 0x1f, 0x4b, 0xbd, 0x8b, 0x8a,
    0x70, 0x3e, 0xb5, 0x66, 0x48, 0x03, 0xf6, 0x0e, 0x61, 0x35, 0x57, 0xb9, 0x86, 0xc1, 0x1d, 0x9e,
    0xe1, 0xf8, 0x98, 0x11, 0x69, 0xd9, 0x8e, 0x94, 0x9b, 0x1e, 0x87, 0xe9, 0xce, 0x55, 0x28, 0xdf,
    0x8c, 0xa1, 0x89, 0x0d, 0xbf, 0xe6, 0x42, 0x68, 0x41, 0x99, 0x2d, 0x0f, 0xb0, 0x54, 0xbb, 0x16,
};
static const uint8_t aes_inv_sbox[256] = {
    0x52, 0x09, 0x6a, 0xd5, 0x30, 0x36, 0xa5, 0x38, 0xbf, 0x40, 0xa3, 0x9e, 0x81, 0xf3, 0xd7, 0xfb,
    0x7c, 0xe3, 0x39, 0x82, 0x9b, 0x2f, 0xff, 0x87, 0x34, 0x8e, 0x43, 0x44, 0xc4, 0xde, 0xe9, 0xcb,
    0x54, 0x7b, 0x94, 0x32, 0xa6, 0xc2, 0x23, 0x3d, 0xee, 0x4c, 0x95, 0x0b, 0x42, 0xfa, 0xc3, 0x4e,
    0x08, 0x2e, 0xa1, 0x66, 0x28, 0xd9, 0x24, 0xb2, 0x76, 0x5b, 0xa2, 0x49, 0x6d, 0x8b, 0xd1, 0x25,
    0x72, 0xf8, 0xf6, 0x64, 0x86, 0x68, 0x98, 0x16, 0xd4, 0xa4, 0x5c, 0xcc, 0x5d, 0x65, 0xb6, 0x92,
    0x6c, 0x70, 0x48, 0x50, 0xfd, 0xed, 0xb9, 0xda, 0x5e, 0x15, 0x46, 0x57, 0xa7, 0x8d, 0x9d, 0x84,
    0x90, 0xd8, 0xab, 0x00, 0x8c, 0xbc, 0xd3, 0x0a, 0xf7, 0xe4, 0x58, 0x05, 0xb8, 0xb3, 0x45, 0x06,
    0xd0, 0x2c, 0x1e, 0x8f, 0xca, 0x3f, 0x0f, 0x02, 0xc1, 0xaf, 0xbd, 0x03, 0x01, 0x13, 0x8a, 0x6b,
    0x3a, 0x91, 0x11, 0x41, 0x4f, 0x67, 0xdc, 0xea, 0x97, 0xf2, 0xcf, 0xce, 0xf0, 0xb4, 0xe6, 0x73,
    0x96, 0xac, 0x74, 0x22, 0xe7, 0xad, 0x35, 0x85, 0xe2, 0xf9, 0x37, 0xe8, 0x1c, 0x75, 0xdf, 0x6e,
    0x47, 0xf1, 0x1a, 0x71, 0x1d, 0x29, 0xc5, 0x89, 0x6f, 0xb7, 0x62, 0x0e, 0xaa, 0x18, 0xbe, 0x1b,
    0xfc, 0x56, 0x3e, 0x4b, 0xc6, 0xd2, 0x79, 0x20, 0x9a, 0xdb, 0xc0, 0xfe, 0x78, 0xcd, 0x5a, 0xf4,
    0x1f, 0xdd, 0xa8, 0x33, 0x88, 0x07, 0xc7, 0x31, 0xb1, 0x12, 0x10, 0x59, 0x27, 0x80, 0xec, 0x5f,
    0x60, 0x51, 0x7f, 0xa9, 0x19, 0xb5, 0x4a, 0x0d, 0x2d, 0xe5, 0x7a, 0x9f, 0x93, 0xc9, 0x9c, 0xef,
    0xa0, 0xe0, 0x3b, 0x4d, 0xae, 0x2a, 0xf5, 0xb0, 0xc8, 0xeb, 0xbb, 0x3c, 0x83, 0x53, 0x99, 0x61,
    0x17, 0x2b, 0x04, 0x7e, 0xba, 0x77, 0xd6, 0x26, 0xe1, 0x69, 0x14, 0x63, 0x55, 0x21, 0x0c, 0x7d,
};

const struct insn *op_aese(struct cpu *c, const struct insn *i)
{
    const v128 n = c->v[i->rn], d = c->v[i->rd];
    v128 r;
    /* Column k / 4, row k % 4 comes from the column `row` to the right. */
    for (unsigned k = 0; k < 16; k++) {
        const unsigned from = (k + 4 * (k % 4)) & 15;
        r.b[k] = aes_sbox[d.b[from] ^ n.b[from]];
    }
    c->v[i->rd] = r;
    return i + 1;
}

const struct insn *op_aesd(struct cpu *c, const struct insn *i)
{
    const v128 n = c->v[i->rn], d = c->v[i->rd];
    v128 r;
    for (unsigned k = 0; k < 16; k++) {
        const unsigned from = (k - 4 * (k % 4)) & 15;
        r.b[k] = aes_inv_sbox[d.b[from] ^ n.b[from]];
    }
    c->v[i->rd] = r;
    return i + 1;
}

/* Multiply each of four bytes by x in GF(2^8). */
static inline uint32_t xtime4(uint32_t a)
{
    return (a & 0x7f7f7f7f) << 1 ^ (a >> 7 & 0x01010101) * 0x1b;
}

/* Row k of a column, its byte k, becomes 2 a[k] + 3 a[k+1] + a[k+2] + a[k+3]. */
static inline uint32_t mix_column(uint32_t a)
{
    const uint32_t twice = xtime4(a);
    return twice ^ ror32(twice ^ a, 8) ^ ror32(a, 16) ^ ror32(a, 24);
}

const struct insn *op_aesmc(struct cpu *c, const struct insn *i)
{
    const v128 n = c->v[i->rn];
    v128 r;
    for (unsigned k = 0; k < 4; k++)
        r.s[k] = mix_column(n.s[k]);
    c->v[i->rd] = r;
    return i + 1;
}

/* The inverse's coefficients 14, 11, 13, 9 are those of mix_column() times 5, 0, 4, 0. */
const struct insn *op_aesimc(struct cpu *c, const struct insn *i)
{
    const v128 n = c->v[i->rn];
    v128 r;
    for (unsigned k = 0; k < 4; k++) {
        const uint32_t a = n.s[k];
        r.s[k] = mix_column(a ^ xtime4(xtime4(a ^ ror32(a, 16))));
    }
    c->v[i->rd] = r;
    return i + 1;
}

/* ---- SHA-1 and SHA-256 (FIPS 180) ---- */

static inline uint32_t choose(uint32_t x, uint32_t y, uint32_t z)
{
    return ((y ^ z) & x) ^ z;
}

static inline uint32_t majority(uint32_t x, uint32_t y, uint32_t z)
{
    return (x & y) | ((x | y) & z);
}

static inline uint32_t parity(uint32_t x, uint32_t y, uint32_t z)
{
    return x ^ y ^ z;
}

/* Four rounds: Qd holds a to d, Sn e, Vm the schedule plus the constant. */
#define SHA1_ROUNDS(op, f)                                                                         \
    const struct insn *op_##op(struct cpu *c, const struct insn *i)                                \
    {                                                                                              \
        const v128 w = c->v[i->rm];                                                                \
        v128 x = c->v[i->rd];                                                                      \
        uint32_t e = c->v[i->rn].s[0];                                                             \
        for (unsigned k = 0; k < 4; k++) {                                                         \
            const uint32_t a = e + rol32(x.s[0], 5) + f(x.s[1], x.s[2], x.s[3]) + w.s[k];          \
            e = x.s[3];                                                                            \
            x.s[3] = x.s[2];                                                                       \
            x.s[2] = rol32(x.s[1], 30);                                                            \
            x.s[1] = x.s[0];                                                                       \
            x.s[0] = a;                                                                            \
        }                                                                                          \
        c->v[i->rd] = x;                                                                           \
        return i + 1;                                                                              \
    }
SHA1_ROUNDS(sha1c, choose)
SHA1_ROUNDS(sha1p, parity)
SHA1_ROUNDS(sha1m, majority)

const struct insn *op_sha1h(struct cpu *c, const struct insn *i)
{
    const uint32_t x = rol32(c->v[i->rn].s[0], 30);
    c->v[i->rd] = (v128){.s = {x}};
    return i + 1;
}

const struct insn *op_sha1su0(struct cpu *c, const struct insn *i)
{
    const v128 d = c->v[i->rd], n = c->v[i->rn], m = c->v[i->rm];
    c->v[i->rd] = (v128){.d = {d.d[1] ^ d.d[0] ^ m.d[0], n.d[0] ^ d.d[1] ^ m.d[1]}};
    return i + 1;
}

const struct insn *op_sha1su1(struct cpu *c, const struct insn *i)
{
    const v128 d = c->v[i->rd], n = c->v[i->rn];
    const uint32_t t0 = d.s[0] ^ n.s[1];
    c->v[i->rd] = (v128){.s = {rol32(t0, 1), rol32(d.s[1] ^ n.s[2], 1), rol32(d.s[2] ^ n.s[3], 1),
                               rol32(d.s[3], 1) ^ rol32(t0, 2)}};
    return i + 1;
}

/* Four rounds on a to d (x) and e to h (y). */
static void sha256_rounds(v128 *x, v128 *y, const v128 *w)
{
    uint32_t a = x->s[0], b = x->s[1], c = x->s[2], d = x->s[3];
    uint32_t e = y->s[0], f = y->s[1], g = y->s[2], h = y->s[3];
    for (unsigned k = 0; k < 4; k++) {
        const uint32_t t =
            h + (ror32(e, 6) ^ ror32(e, 11) ^ ror32(e, 25)) + choose(e, f, g) + w->s[k];
        const uint32_t t2 = (ror32(a, 2) ^ ror32(a, 13) ^ ror32(a, 22)) + majority(a, b, c);
        h = g, g = f, f = e, e = d + t;
        d = c, c = b, b = a, a = t + t2;
    }
    *x = (v128){.s = {a, b, c, d}};
    *y = (v128){.s = {e, f, g, h}};
}

const struct insn *op_sha256h(struct cpu *c, const struct insn *i)
{
    const v128 w = c->v[i->rm];
    v128 x = c->v[i->rd], y = c->v[i->rn];
    sha256_rounds(&x, &y, &w);
    c->v[i->rd] = x;
    return i + 1;
}

const struct insn *op_sha256h2(struct cpu *c, const struct insn *i)
{
    const v128 w = c->v[i->rm];
    v128 x = c->v[i->rn], y = c->v[i->rd];
    sha256_rounds(&x, &y, &w);
    c->v[i->rd] = y;
    return i + 1;
}

static inline uint32_t sha256_sigma0(uint32_t x)
{
    return ror32(x, 7) ^ ror32(x, 18) ^ x >> 3;
}

static inline uint32_t sha256_sigma1(uint32_t x)
{
    return ror32(x, 17) ^ ror32(x, 19) ^ x >> 10;
}

const struct insn *op_sha256su0(struct cpu *c, const struct insn *i)
{
    const v128 d = c->v[i->rd], n = c->v[i->rn];
    c->v[i->rd] = (v128){.s = {d.s[0] + sha256_sigma0(d.s[1]), d.s[1] + sha256_sigma0(d.s[2]),
                               d.s[2] + sha256_sigma0(d.s[3]), d.s[3] + sha256_sigma0(n.s[0])}};
    return i + 1;
}

const struct insn *op_sha256su1(struct cpu *c, const struct insn *i)
{
    const v128 d = c->v[i->rd], n = c->v[i->rn], m = c->v[i->rm];
    v128 r;
    r.s[0] = d.s[0] + sha256_sigma1(m.s[2]) + n.s[1];
    r.s[1] = d.s[1] + sha256_sigma1(m.s[3]) + n.s[2];
    r.s[2] = d.s[2] + sha256_sigma1(r.s[0]) + n.s[3];
    r.s[3] = d.s[3] + sha256_sigma1(r.s[1]) + m.s[0];
    c->v[i->rd] = r;
    return i + 1;
}

/* ---- SHA-512 ---- */

static inline uint64_t choose64(uint64_t x, uint64_t y, uint64_t z)
{
    return ((y ^ z) & x) ^ z;
}

static inline uint64_t majority64(uint64_t x, uint64_t y, uint64_t z)
{
    return (x & y) | ((x | y) & z);
}

static inline uint64_t sha512_sum0(uint64_t x)
{
    return ror64(x, 28) ^ ror64(x, 34) ^ ror64(x, 39);
}

static inline uint64_t sha512_sum1(uint64_t x)
{
    return ror64(x, 14) ^ ror64(x, 18) ^ ror64(x, 41);
}

const struct insn *op_sha512h(struct cpu *c, const struct insn *i)
{
    const v128 x = c->v[i->rn], y = c->v[i->rm], w = c->v[i->rd];
    v128 r;
    r.d[1] = choose64(y.d[1], x.d[0], x.d[1]) + sha512_sum1(y.d[1]) + w.d[1];
    const uint64_t t = r.d[1] + y.d[0];
    r.d[0] = choose64(t, y.d[1], x.d[0]) + sha512_sum1(t) + w.d[0];
    c->v[i->rd] = r;
    return i + 1;
}

const struct insn *op_sha512h2(struct cpu *c, const struct insn *i)
{
    const v128 x = c->v[i->rn], y = c->v[i->rm], w = c->v[i->rd];
    v128 r;
    r.d[1] = majority64(x.d[0], y.d[1], y.d[0]) + sha512_sum0(y.d[0]) + w.d[1];
    r.d[0] = majority64(r.d[1], y.d[0], y.d[1]) + sha512_sum0(r.d[1]) + w.d[0];
    c->v[i->rd] = r;
    return i + 1;
}

static inline uint64_t sha512_sigma0(uint64_t x)
{
    return ror64(x, 1) ^ ror64(x, 8) ^ x >> 7;
}

static inline uint64_t sha512_sigma1(uint64_t x)
{
    return ror64(x, 19) ^ ror64(x, 61) ^ x >> 6;
}

const struct insn *op_sha512su0(struct cpu *c, const struct insn *i)
{
    const v128 w = c->v[i->rd], x = c->v[i->rn];
    c->v[i->rd] = (v128){.d = {w.d[0] + sha512_sigma0(w.d[1]), w.d[1] + sha512_sigma0(x.d[0])}};
    return i + 1;
}

const struct insn *op_sha512su1(struct cpu *c, const struct insn *i)
{
    const v128 w = c->v[i->rd], x = c->v[i->rn], y = c->v[i->rm];
    c->v[i->rd] = (v128){
        .d = {w.d[0] + sha512_sigma1(x.d[0]) + y.d[0], w.d[1] + sha512_sigma1(x.d[1]) + y.d[1]}};
    return i + 1;
}

/* ---- SHA-3 (FIPS 202) ---- */

/* In each: n, m, a as 64-bit halves. */
#define SHA3(op, expr)                                                                             \
    const struct insn *op_##op(struct cpu *c, const struct insn *i)                                \
    {                                                                                              \
        const v128 vn = c->v[i->rn], vm = c->v[i->rm], va = c->v[i->ra];                           \
        v128 r;                                                                                    \
        for (unsigned k = 0; k < 2; k++) {                                                         \
            const uint64_t n = vn.d[k], m = vm.d[k], a = va.d[k];                                  \
            (void)a;                                                                               \
            r.d[k] = (expr);                                                                       \
        }                                                                                          \
        c->v[i->rd] = r;                                                                           \
        return i + 1;                                                                              \
    }
SHA3(eor3, n ^ m ^ a)
SHA3(bcax, n ^ (m & ~a))
SHA3(rax1, n ^ ror64(m, 63))
SHA3(xar, ror64(n ^ m, (unsigned)i->imm))

bool dec_v_xar(struct insn *i, uint32_t w)
{
    v_fields(i, w);
    i->ra = 0;
    i->imm = insn_bits(w, 10, 6);
    return true;
}
