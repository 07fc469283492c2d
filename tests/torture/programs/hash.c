/* SPDX-License-Identifier: MIT */
/* SHA-256, MD5, CRC-32 and FNV-1a over data of many lengths; the known answers of "abc" come first.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static uint32_t ror(uint32_t x, unsigned n)
{
    return x >> n | x << (32 - n);
}

static uint32_t k256[64], kmd5[64], crc_table[256];

/* The fractional parts of cube roots of primes, by integer search; |sin| for MD5. */
static void make_tables(void)
{
    unsigned n = 0;
    for (unsigned p = 2; n < 64; p++) {
        unsigned d = 2;
        while (d * d <= p && p % d)
            d++;
        if (d * d <= p)
            continue;
        unsigned __int128 low = 0, high = (unsigned __int128)8 << 32;
        while (high - low > 1) { /* floor(cbrt(p) * 2^32) */
            const unsigned __int128 mid = (low + high) / 2;
            if (mid * mid * mid <= (unsigned __int128)p << 96)
                low = mid;
            else
                high = mid;
        }
        k256[n++] = (uint32_t)low;
    }
    for (n = 0; n < 64; n++)
        kmd5[n] = (uint32_t)(fabs(sin(n + 1.0)) * 4294967296.0);
    for (n = 0; n < 256; n++) {
        uint32_t c = n;
        for (int bit = 0; bit < 8; bit++)
            c = c & 1 ? c >> 1 ^ 0xedb88320 : c >> 1;
        crc_table[n] = c;
    }
}

static void sha256_block(uint32_t h[8], const uint8_t *p)
{
    uint32_t w[64], v[8];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)p[4 * i] << 24 | p[4 * i + 1] << 16 | p[4 * i + 2] << 8 | p[4 * i + 3];
    for (int i = 16; i < 64; i++)
        w[i] = w[i - 16] + w[i - 7] + (ror(w[i - 15], 7) ^ ror(w[i - 15], 18) ^ w[i - 15] >> 3) +
               (ror(w[i - 2], 17) ^ ror(w[i - 2], 19) ^ w[i - 2] >> 10);
    memcpy(v, h, sizeof v);
    for (int i = 0; i < 64; i++) {
        uint32_t a = v[0], e = v[4];
        uint32_t t = v[7] + (ror(e, 6) ^ ror(e, 11) ^ ror(e, 25)) + ((e & v[5]) ^ (~e & v[6])) +
                     k256[i] + w[i];
        uint32_t u =
            (ror(a, 2) ^ ror(a, 13) ^ ror(a, 22)) + ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof v[0]);
        v[4] += t;
        v[0] = t + u;
    }
    for (int i = 0; i < 8; i++)
        h[i] += v[i];
}

static void md5_block(uint32_t h[4], const uint8_t *p)
{
    static const uint8_t s[4][4] = {
        {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
    uint32_t m[16], a = h[0], b = h[1], c = h[2], d = h[3];
    for (int i = 0; i < 16; i++)
        m[i] = (uint32_t)p[4 * i + 3] << 24 | p[4 * i + 2] << 16 | p[4 * i + 1] << 8 | p[4 * i];
    for (unsigned i = 0; i < 64; i++) {
        uint32_t f;
        unsigned g;
        switch (i / 16) {
        case 0: f = (b & c) | (~b & d), g = i; break;
        case 1: f = (d & b) | (~d & c), g = (5 * i + 1) % 16; break;
        case 2: f = b ^ c ^ d, g = (3 * i + 5) % 16; break;
        default: f = c ^ (b | ~d), g = 7 * i % 16;
        }
        f += a + kmd5[i] + m[g];
        a = d, d = c, c = b;
        b += ror(f, 32u - s[i / 16][i % 4]);
    }
    h[0] += a, h[1] += b, h[2] += c, h[3] += d;
}

static void digest(const char *name, const uint8_t *data, size_t n)
{
    static const uint32_t first[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    uint32_t sha[8], md5[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}, crc = ~0u;
    uint64_t fnv = 0xcbf29ce484222325;
    uint8_t tail[2][128] = {{0}, {0}};
    const size_t whole = n & ~(size_t)63, rest = n - whole, end = rest < 56 ? 64 : 128;
    memcpy(sha, first, sizeof sha);
    for (int t = 0; t < 2; t++) {
        memcpy(tail[t], data + whole, rest);
        tail[t][rest] = 0x80;
        for (unsigned i = 0; i < 8; i++)
            tail[t][end - 8 + i] = (uint8_t)((uint64_t)n * 8 >> (t ? 8 * i : 56 - 8 * i));
    }
    for (size_t i = 0; i < whole; i += 64)
        sha256_block(sha, data + i), md5_block(md5, data + i);
    for (size_t i = 0; i < end; i += 64)
        sha256_block(sha, tail[0] + i), md5_block(md5, tail[1] + i);
    for (size_t i = 0; i < n; i++) {
        crc = crc >> 8 ^ crc_table[(crc ^ data[i]) & 255];
        fnv = (fnv ^ data[i]) * 0x100000001b3;
    }
    printf("%s %zu ", name, n);
    for (int i = 0; i < 8; i++)
        printf("%08x", sha[i]);
    printf(" ");
    for (int i = 0; i < 16; i++)
        printf("%02x", md5[i / 4] >> i % 4 * 8 & 255);
    printf(" %08x %016llx\n", ~crc, (unsigned long long)fnv);
}

int main(void)
{
    static uint8_t data[100000];
    uint32_t x = 1;
    make_tables();
    digest("abc", (const uint8_t *)"abc", 3);
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)((x = x * 1664525 + 1013904223) >> 24);
    for (size_t n = 0; n < 200; n += 7)
        digest("data", data + n, n);
    digest("all", data, sizeof data);
    return 0;
}
