/* SPDX-License-Identifier: MIT */
/* LZ77 with hash chains, then a canonical-like adaptive range coder; round trips of several texts.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW 4096
#define BITS   11

static uint32_t rng = 12345;
static uint32_t rnd(uint32_t n)
{
    rng = rng * 1103515245 + 12345;
    return (rng >> 8) % n;
}

struct coder {
    uint8_t *data;
    size_t at, size;
    uint64_t low;
    uint32_t range, code;
    uint8_t cache;
    uint64_t pending;
};
static uint16_t probability[3][1 << 13];

static void shift_low(struct coder *c)
{
    if ((uint32_t)c->low < 0xff000000u || c->low >> 32) {
        uint8_t carry = (uint8_t)(c->low >> 32), out = c->cache;
        do {
            c->data[c->at++] = (uint8_t)(out + carry);
            out = 0xff;
        } while (--c->pending);
        c->cache = (uint8_t)(c->low >> 24);
    }
    c->pending++;
    c->low = (uint32_t)c->low << 8;
}

static void encode_bit(struct coder *c, uint16_t *p, unsigned bit)
{
    const uint32_t bound = (c->range >> BITS) * *p;
    if (!bit) {
        c->range = bound;
        *p = (uint16_t)(*p + (((1 << BITS) - *p) >> 5));
    } else {
        c->low += bound;
        c->range -= bound;
        *p = (uint16_t)(*p - (*p >> 5));
    }
    for (; c->range < 1u << 24; c->range <<= 8)
        shift_low(c);
}

static unsigned decode_bit(struct coder *c, uint16_t *p)
{
    const uint32_t bound = (c->range >> BITS) * *p;
    const unsigned bit = c->code >= bound;
    if (!bit) {
        c->range = bound;
        *p = (uint16_t)(*p + (((1 << BITS) - *p) >> 5));
    } else {
        c->code -= bound;
        c->range -= bound;
        *p = (uint16_t)(*p - (*p >> 5));
    }
    for (; c->range < 1u << 24; c->range <<= 8)
        c->code = c->code << 8 | c->data[c->at++];
    return bit;
}

static void put(struct coder *c, unsigned model, unsigned bits, unsigned value)
{
    unsigned node = 1;
    for (unsigned n = bits; n--; node = node << 1 | (value >> n & 1))
        encode_bit(c, &probability[model][node], value >> n & 1);
}

static unsigned get(struct coder *c, unsigned model, unsigned bits)
{
    unsigned node = 1;
    while (node < 1u << bits)
        node = node << 1 | decode_bit(c, &probability[model][node]);
    return node - (1u << bits);
}

static void reset_models(void)
{
    for (unsigned m = 0; m < 3; m++)
        for (unsigned i = 0; i < 1 << 13; i++)
            probability[m][i] = 1 << (BITS - 1);
}

static size_t pack(const uint8_t *in, size_t n, uint8_t *out)
{
    static int32_t head[1 << 12], prev[1 << 17];
    struct coder c = {.data = out, .range = ~0u, .pending = 1};
    memset(head, -1, sizeof head);
    reset_models();
    for (size_t i = 0; i < n;) {
        size_t best = 0, from = 0;
        const unsigned h =
            i + 3 <= n ? (in[i] * 31u * 31u + in[i + 1] * 31u + in[i + 2]) & 4095 : 0;
        int32_t at = i + 3 <= n ? head[h] : -1;
        for (unsigned tries = 32; at >= 0 && i - (size_t)at < WINDOW && tries--; at = prev[at]) {
            size_t len = 0;
            while (i + len < n && len < 255 && in[(size_t)at + len] == in[i + len])
                len++;
            if (len > best)
                best = len, from = i - (size_t)at;
        }
        const size_t step = best >= 4 ? best : 1;
        put(&c, 0, 8, (unsigned)(step == 1 ? 0 : step));
        put(&c, step == 1 ? 1 : 2, step == 1 ? 8 : 12, step == 1 ? in[i] : (unsigned)from);
        for (size_t k = 0; k < step; k++, i++)
            if (i + 3 <= n) {
                const unsigned g = (in[i] * 31u * 31u + in[i + 1] * 31u + in[i + 2]) & 4095;
                prev[i] = head[g];
                head[g] = (int32_t)i;
            }
    }
    for (int k = 0; k < 5; k++)
        shift_low(&c);
    return c.at;
}

static void unpack(uint8_t *in, uint8_t *out, size_t n)
{
    struct coder c = {.data = in, .range = ~0u};
    reset_models();
    for (int k = 0; k < 5; k++)
        c.code = c.code << 8 | in[c.at++];
    for (size_t i = 0; i < n;) {
        unsigned len = get(&c, 0, 8);
        if (!len) {
            out[i++] = (uint8_t)get(&c, 1, 8);
            continue;
        }
        const unsigned from = get(&c, 2, 12);
        for (; len-- && i < n; i++)
            out[i] = out[i - from];
    }
}

static void make_text(uint8_t *text, size_t n, int kind)
{
    static const char *const words[] = {"the ", "vCPU ",  "page ", "table ",
                                        "of ",  "walks ", "a ",    "\n"};
    for (size_t i = 0; i < n;) {
        if (kind == 0) {
            for (const char *w = words[rnd(8)]; *w && i < n; w++)
                text[i++] = (uint8_t)*w;
        } else {
            text[i++] = (uint8_t)(kind == 1 ? rnd(256) : kind == 2 ? rnd(3) * rnd(3) : i / 1000);
        }
    }
}

int main(void)
{
    enum { MAX = 60000 };
    uint8_t *text = malloc(MAX), *packed = malloc(2 * MAX + 100), *again = malloc(MAX);
    for (int kind = 0; kind < 4; kind++)
        for (size_t n = 1; n <= MAX; n = n * 7 + 3) {
            make_text(text, n, kind);
            const size_t size = pack(text, n, packed);
            memset(again, 0, n);
            unpack(packed, again, n);
            uint32_t sum = 0;
            for (size_t i = 0; i < size; i++)
                sum = sum * 31 + packed[i];
            printf("kind %d: %zu -> %zu, %08x, %s\n", kind, n, size, sum,
                   memcmp(text, again, n) ? "WRONG" : "same");
        }
    return 0;
}
