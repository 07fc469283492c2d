/* SPDX-License-Identifier: MIT */
/*
 * String functions as one writes them in C: byte by byte, eight bytes at a time, and eight at a
 * time where they happen to be. The compiler is told not to recognise them.
 */
#include "work.h"

#define TEXT     65536
#define NOINLINE __attribute__((noinline, noclone))

static char *const text = (char *)arena, *const copy = (char *)arena + 2 * TEXT;

void setup_strings(void)
{
    uint64_t seed = 521288629;
    for (size_t i = 0; i < TEXT; i++) {
        uint64_t r = random_next(&seed) >> 9;
        text[i] = r % 9 ? (char)('a' + r % 26) : ' ';
        copy[i] = 0;
    }
    text[TEXT - 1] = 0;
}

/* ---- bytes ---- */

static NOINLINE size_t length(const char *s)
{
    const char *p = s;
    while (*p)
        p++;
    return (size_t)(p - s);
}

static NOINLINE void copy_string(char *to, const char *from)
{
    while ((*to++ = *from++))
        ;
}

static NOINLINE int compare(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return (unsigned char)*a - (unsigned char)*b;
}

static NOINLINE size_t count(const char *s, char c)
{
    size_t n = 0;
    for (; *s; s++)
        n += *s == c;
    return n;
}

uint64_t run_string_bytes(void)
{
    uint64_t hash = HASH_START;
    for (unsigned round = 0; round < 20; round++) {
        hash = hash_add(hash, length(text + round));
        copy_string(copy, text + round);
        hash = hash_add(hash, (uint64_t)compare(copy, text + round));
        hash = hash_add(hash, count(copy, (char)('a' + round)));
    }
    return hash;
}

/* ---- words ---- */

#define ONES  UINT64_C(0x0101010101010101)
#define HIGHS UINT64_C(0x8080808080808080)

static NOINLINE size_t length_words(const uint64_t *s)
{
    const uint64_t *p = s;
    while (!((*p - ONES) & ~*p & HIGHS))
        p++;
    const char *end = (const char *)p;
    while (*end)
        end++;
    return (size_t)(end - (const char *)s);
}

static NOINLINE void copy_words(uint64_t *to, const uint64_t *from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = from[i];
}

static NOINLINE size_t compare_words(const uint64_t *a, const uint64_t *b, size_t n)
{
    size_t i = 0;
    while (i < n && a[i] == b[i])
        i++;
    return i;
}

uint64_t run_string_words(void)
{
    const uint64_t *from = (const uint64_t *)(void *)text;
    uint64_t *to = (uint64_t *)(void *)copy, hash = HASH_START;
    for (unsigned round = 0; round < 80; round++) {
        hash = hash_add(hash, length_words(from + round));
        copy_words(to, from + round, TEXT / 8 - round);
        hash = hash_add(hash, compare_words(to, from + round, TEXT / 8 - round));
    }
    return hash;
}

/* ---- unaligned ---- */

static inline uint64_t load8(const char *p)
{
    uint64_t v;
    __builtin_memcpy(&v, p, 8);
    return v;
}

static NOINLINE void copy_unaligned(char *to, const char *from, size_t n)
{
    for (size_t i = 0; i + 8 <= n; i += 8) {
        uint64_t v = load8(from + i);
        __builtin_memcpy(to + i, &v, 8);
    }
}

static NOINLINE uint64_t sum_unaligned(const char *p, size_t n)
{
    uint64_t sum = 0;
    for (size_t i = 0; i + 8 <= n; i += 7)
        sum = (sum << 1 | sum >> 63) ^ load8(p + i);
    return sum;
}

uint64_t run_string_unaligned(void)
{
    uint64_t hash = HASH_START;
    for (unsigned round = 0; round < 80; round++) {
        size_t from = round % 13, to = round % 7 + 1;
        copy_unaligned(copy + to, text + from, TEXT - 16);
        hash = hash_add(hash, sum_unaligned(copy + to, TEXT - 16));
    }
    return hash;
}
