/* SPDX-License-Identifier: MIT */
/* Floating point: shortest and exact decimals, n-body, matrices, conversions, integer division. No
 * function whose result the C library chooses by rounding errors of its own is printed. */
#include <fenv.h>
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t rng = 0x9e3779b97f4a7c15ull;
static uint64_t rnd(void)
{
    rng ^= rng << 13, rng ^= rng >> 7, rng ^= rng << 17;
    return rng;
}

static double bits(uint64_t b)
{
    double d;
    memcpy(&d, &b, sizeof d);
    return d;
}

static uint64_t bits_of(double d)
{
    uint64_t b;
    memcpy(&b, &d, sizeof b);
    return b;
}

static void decimals(void)
{
    char text[400];
    for (int n = 0; n < 300; n++) {
        double d = bits(n % 3 ? rnd() : rnd() >> 12 << (n % 60));
        if (!isfinite(d))
            continue;
        int digits = 1;
        do
            snprintf(text, sizeof text, "%.*g", digits, d);
        while (bits_of(strtod(text, NULL)) != bits_of(d) && ++digits < 18);
        printf("%d: %s %d", n, text, digits);
        snprintf(text, sizeof text, "%.30e", d);
        printf(" %s %a %.9g\n", text, d, (double)(float)d);
    }
}

struct body {
    double x[3], v[3], mass;
};

static void n_body(void)
{
    struct body b[5];
    for (int i = 0; i < 5; i++) {
        for (int k = 0; k < 3; k++) {
            b[i].x[k] = (double)(rnd() % 2000) / 100 - 10;
            b[i].v[k] = (double)(rnd() % 2000) / 1000 - 1;
        }
        b[i].mass = (double)(rnd() % 100 + 1) / 10;
    }
    for (int step = 0; step < 3000; step++) {
        for (int i = 0; i < 5; i++)
            for (int j = 0; j < 5; j++) {
                double d[3], square = 0.01;
                for (int k = 0; k < 3; k++)
                    d[k] = b[j].x[k] - b[i].x[k], square += d[k] * d[k];
                for (int k = 0; k < 3; k++)
                    b[i].v[k] += d[k] * b[j].mass * 0.001 / (square * sqrt(square));
            }
        for (int i = 0; i < 5; i++)
            for (int k = 0; k < 3; k++)
                b[i].x[k] += b[i].v[k] * 0.001;
    }
    for (int i = 0; i < 5; i++)
        printf("body %a %a %a\n", b[i].x[0], b[i].x[1], b[i].x[2]);
}

static void matrices(void)
{
    enum { N = 32 };
    static double a[N][N], b[N][N];
    static float f[N][N], g[N][N];
    static int32_t m[N][N], p[N][N];
    double trace = 0;
    float ftrace = 0;
    int64_t itrace = 0;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i][j] = (double)(rnd() % 1000) / 999;
            f[i][j] = (float)a[i][j];
            m[i][j] = (int32_t)(rnd() % 2001) - 1000;
        }
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            for (int k = 0; k < N; k++) {
                b[i][j] += a[i][k] * a[k][j];
                g[i][j] += f[i][k] * f[k][j];
                p[i][j] += m[i][k] * m[k][j];
            }
    for (int i = 0; i < N; i++)
        trace += b[i][i], ftrace += g[i][N - 1 - i], itrace += p[i][(i * 7) % N];
    printf("matrices %a %a %lld\n", trace, (double)ftrace, (long long)itrace);
}

static void conversions(void)
{
    static const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    uint64_t sum = 0;
    for (int n = 0; n < 2000; n++) {
        volatile double d = bits((rnd() & 0x800fffffffffffff) | (1000 + rnd() % 80) << 52);
        volatile int64_t i = (int64_t)rnd();
        fesetround(modes[n % 4]);
        volatile float x = (float)d, y = (float)i;
        volatile double z = (double)(uint64_t)i, q = d / 3.0, r = sqrt(fabs(d));
        volatile double whole = rint(d);
        volatile int64_t near = llrint(d);
        sum = sum * 31 + bits_of(x) + bits_of(y) * 3 + bits_of(z) * 5 + bits_of(q) * 7 + bits_of(r);
        sum = sum * 31 + bits_of(whole) + bits_of(floor(d)) + bits_of(ceil(d)) + bits_of(trunc(d));
        if (fabs(d) < 9e18)
            sum = sum * 31 + (uint64_t)(int64_t)d + (uint64_t)near + (uint64_t)(int32_t)(d / 1e10);
        fesetround(FE_TONEAREST);
        sum = sum * 31 + bits_of(fma(d, 3.0, x)) + bits_of(fmod(d, 1.25)) + bits_of(fmax(d, y));
        sum = sum * 31 + (uint64_t)(i / (n + 1)) + (uint64_t)(i % (n + 3)) +
              (uint64_t)i / (rnd() | 1);
        sum = sum * 31 + (uint64_t)((__int128)i * (int64_t)sum >> 64);
    }
    printf("conversions %016llx\n", (unsigned long long)sum);
    long double l = 1;
    for (int n = 1; n < 30; n++)
        l = l * n / 3;
    printf("long double %.15Lg\n", l);
}

int main(void)
{
    decimals();
    n_body();
    matrices();
    conversions();
    return 0;
}
