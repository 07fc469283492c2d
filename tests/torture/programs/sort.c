/* SPDX-License-Identifier: MIT */
/* Sorting four ways, binary search, a heap, string functions of the C library with their own
 * checks. */
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t rng = 88172645463325252ull;
static uint64_t rnd(void)
{
    rng ^= rng << 13, rng ^= rng >> 7, rng ^= rng << 17;
    return rng;
}

static int by_value(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void shell_sort(int64_t *v, int n)
{
    for (int gap = n / 2; gap; gap /= 2)
        for (int i = gap; i < n; i++)
            for (int j = i; j >= gap && v[j - gap] > v[j]; j -= gap) {
                int64_t t = v[j];
                v[j] = v[j - gap], v[j - gap] = t;
            }
}

static void merge_sort(int64_t *v, int64_t *tmp, int n)
{
    if (n < 2)
        return;
    const int half = n / 2;
    merge_sort(v, tmp, half);
    merge_sort(v + half, tmp, n - half);
    memcpy(tmp, v, (size_t)half * sizeof *v);
    for (int i = 0, j = half, k = 0; i < half; k++)
        v[k] = j < n && v[j] < tmp[i] ? v[j++] : tmp[i++];
}

static void radix_sort(int64_t *v, int64_t *tmp, int n)
{
    for (unsigned shift = 0; shift < 64; shift += 8) {
        int count[257] = {0};
        const unsigned flip = shift == 56 ? 128 : 0;
        for (int i = 0; i < n; i++)
            count[((uint64_t)v[i] >> shift & 255 ^ flip) + 1]++;
        for (int i = 0; i < 256; i++)
            count[i + 1] += count[i];
        for (int i = 0; i < n; i++)
            tmp[count[(uint64_t)v[i] >> shift & 255 ^ flip]++] = v[i];
        memcpy(v, tmp, (size_t)n * sizeof *v);
    }
}

static uint64_t sum_of(const int64_t *v, int n)
{
    uint64_t sum = 0;
    for (int i = 0; i < n; i++)
        sum = sum * 6364136223846793005ull + (uint64_t)v[i];
    return sum;
}

static void sort_numbers(int n)
{
    int64_t *v[5];
    for (int k = 0; k < 5; k++)
        v[k] = malloc((size_t)(n + 1) * sizeof *v[k]);
    for (int i = 0; i < n; i++)
        v[0][i] = (int64_t)(rnd() % 3 ? rnd() : rnd() % 100);
    for (int k = 1; k < 4; k++)
        memcpy(v[k], v[0], (size_t)n * sizeof **v);
    qsort(v[0], (size_t)n, sizeof **v, by_value);
    shell_sort(v[1], n);
    merge_sort(v[2], v[4], n);
    radix_sort(v[3], v[4], n);
    for (int k = 0; k < 4; k++)
        printf("%d %d: %016llx\n", n, k, (unsigned long long)sum_of(v[k], n));
    for (int k = 0; k < 5; k++)
        free(v[k]);
}

static void sort_strings(void)
{
    enum { N = 2000 };
    static char *text[N];
    uint32_t sum = 0;
    for (int i = 0; i < N; i++) {
        const size_t n = rnd() % 40;
        text[i] = malloc(n + 1);
        for (size_t k = 0; k < n; k++)
            text[i][k] = "abcxyz\xe4\xff"[rnd() % (i % 3 ? 8 : 2)];
        text[i][n] = 0;
    }
    qsort(text, N, sizeof *text, by_text);
    for (int i = 0; i < N; i++)
        for (const char *c = text[i];; c++) {
            sum = sum * 33 + (unsigned char)*c;
            if (!*c)
                break;
        }
    printf("strings %08x\n", sum);
}

/* Every length and alignment up to a few vectors. */
static void string_functions(void)
{
    static char a[300], b[300], c[300];
    uint64_t sum = 0;
    for (unsigned off = 0; off < 17; off++)
        for (unsigned n = 0; n < 140; n += n < 40 ? 1 : 7) {
            for (unsigned i = 0; i < sizeof a; i++)
                a[i] = (char)('a' + rnd() % 25), b[i] = '#', c[i] = '?';
            a[off + n] = 0;
            strcpy(b + (off * 5) % 16, a + off);
            memmove(c + 100, a + off, n + 1);
            memmove(c + 100 + off, c + 100, n + 1);
            char *z = strchr(a + off, 'z'), *m = strrchr(a + off, 'm'), *s = strstr(a + off, "ab");
            const void *p = memchr(a, 'q', sizeof a);
            sum = sum * 31 + strlen(a + off);
            sum = sum * 31 + (uint64_t)(z ? z - a : -1) * 3 + (uint64_t)(m ? m - a : -1);
            sum = sum * 31 + (uint64_t)(s ? s - a : -1) + (uint64_t)(p ? (const char *)p - a : -1);
            sum = sum * 31 + (uint64_t)!memcmp(c + 100 + off, a + off, n + 1);
            sum = sum * 31 + (uint64_t)(strncmp(a + off, b + (off * 5) % 16, n + 2) == 0);
            sum = sum * 31 + (uint64_t)(strcmp(a, b) > 0) + strspn(a, "abcdefghijklmnop");
            for (unsigned i = 0; i < sizeof b; i++)
                sum = sum * 31 + (unsigned char)b[i] + (unsigned)toupper((unsigned char)c[i]);
        }
    printf("string functions %016llx\n", (unsigned long long)sum);
}

int main(void)
{
    for (int n = 1; n < 6000; n = n * 5 + 2)
        sort_numbers(n);
    sort_strings();
    string_functions();
    return 0;
}
