/* SPDX-License-Identifier: MIT */
/*
 * Double precision: the solar system as point masses, and the Mandelbrot set. Compiled without
 * contraction, where the answer is exact to the bit, and with it (FMA=1), where it is rounded: how
 * much is contracted is the compiler's choice.
 */
#include "work.h"

#ifdef FMA
#define run_nbody      run_nbody_fma
#define run_mandelbrot run_mandelbrot_fma
#endif

#define BODIES 5

struct body {
    double x[3], v[3], mass;
};

static double energy(const struct body *b)
{
    double e = 0;
    for (unsigned i = 0; i < BODIES; i++) {
        double v2 = b[i].v[0] * b[i].v[0] + b[i].v[1] * b[i].v[1] + b[i].v[2] * b[i].v[2];
        e += 0.5 * b[i].mass * v2;
        for (unsigned j = i + 1; j < BODIES; j++) {
            double d2 = 0;
            for (unsigned k = 0; k < 3; k++)
                d2 += (b[i].x[k] - b[j].x[k]) * (b[i].x[k] - b[j].x[k]);
            e -= b[i].mass * b[j].mass / __builtin_sqrt(d2);
        }
    }
    return e;
}

static void step(struct body *b, double dt)
{
    for (unsigned i = 0; i < BODIES; i++)
        for (unsigned j = i + 1; j < BODIES; j++) {
            double d[3], d2 = 0;
            for (unsigned k = 0; k < 3; k++) {
                d[k] = b[i].x[k] - b[j].x[k];
                d2 += d[k] * d[k];
            }
            double scale = dt / (d2 * __builtin_sqrt(d2));
            for (unsigned k = 0; k < 3; k++) {
                b[i].v[k] -= d[k] * b[j].mass * scale;
                b[j].v[k] += d[k] * b[i].mass * scale;
            }
        }
    for (unsigned i = 0; i < BODIES; i++)
        for (unsigned k = 0; k < 3; k++)
            b[i].x[k] += dt * b[i].v[k];
}

uint64_t run_nbody(void)
{
    struct body b[BODIES];
    for (unsigned i = 0; i < BODIES; i++) {
        b[i] = (struct body){{0, 0, 0}, {0, 0, 0}, i ? 0.04 / (i * i) : 39.5};
        b[i].x[0] = 5.0 * i;
        b[i].x[1] = i ? 1.25 * i - 3 : 0;
        b[i].x[2] = 0.125 * i;
        b[i].v[1] = i ? 2.75 / i : 0;
        b[i].v[2] = i ? -0.01 * i : 0;
    }
    for (unsigned i = 0; i < 20000; i++)
        step(b, 0.001);
    double e = energy(b);
#ifdef FMA
    return (uint64_t)(int64_t)(e * 1e8);
#else
    union {
        double d;
        uint64_t u;
    } bits = {e};
    return bits.u;
#endif
}

#define SIDE 128

uint64_t run_mandelbrot(void)
{
    uint64_t total = 0;
    for (unsigned py = 0; py < SIDE; py++)
        for (unsigned px = 0; px < SIDE; px++) {
            double cx = px * (2.5 / SIDE) - 2, cy = py * (2.0 / SIDE) - 1, x = 0, y = 0;
            unsigned n = 0;
            while (n < 500 && x * x + y * y <= 4) {
                double next = x * x - y * y + cx;
                y = 2 * x * y + cy;
                x = next;
                n++;
            }
            total += n;
        }
#ifdef FMA
    return (total + 2048) / 4096;
#else
    return total;
#endif
}
