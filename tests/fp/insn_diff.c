/* SPDX-License-Identifier: MIT */
/*
 * Decodes and runs every row of a64_fp.def, with random words for its fields and random registers,
 * and compares all registers and flags with an independent CPU: insn_oracle.c under qemu-aarch64.
 *
 *   insn_diff [-n words per row] [-s seed] oracle-command…
 */
#include "../oracle.h"
#include "a64.h"
#include "cpu.h"
#include "insn_wire.h"

#include <stdio.h>
#include <stdlib.h>

static const struct row {
    unsigned id;
    const char *format;
} rows[] = {
#define A64(id, pattern, format, handler, flags) {A64_##id, #format},
#include "a64_fp.def"
#undef A64
};
enum { ROWS = sizeof rows / sizeof *rows };

static uint64_t seed = 1;

static uint64_t random64(void)
{
    uint64_t z = seed += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

/* ---- words and states
 * ------------------------------------------------------------------------------ */

/* The row's fixed bits, and random fields; general registers are X0 to X7 or XZR. */
static uint32_t random_word(const struct row *row)
{
    uint32_t w = 0;
    for (const char *p = a64_rows[row->id].pattern; *p; p++)
        if (*p != ' ')
            w = w << 1 | (*p == '1' || (*p != '0' && random64() & 1));
    bool to = !strcmp(row->format, "fp_to_int") || !strcmp(row->format, "fp_to_fixed");
    bool from = !strcmp(row->format, "fp_from_int") || !strcmp(row->format, "fp_from_fixed");
    if (to && (w & 31) != 31)
        w &= ~0x18u;
    if (from && (w >> 5 & 31) != 31)
        w &= ~0x300u;
    return w;
}

static uint64_t half_edge(void)
{
    static const uint16_t list[] = {0,      1,      0x3ff,  0x400,  0x401,  0x3c00, 0x3bff, 0x4000,
                                    0x7bff, 0x7c00, 0x7c01, 0x7e00, 0x7fff, 0x200,  0x3800, 0x5000};
    return list[random64() % 16] | (random64() & 0x8000);
}
static uint64_t single_edge(void)
{
    static const uint32_t list[] = {0,          1,          0x7fffff,   0x800000,   0x800001,
                                    0x3f800000, 0x3f7fffff, 0x40000000, 0x7f7fffff, 0x7f800000,
                                    0x7f800001, 0x7fc00000, 0x7fffffff, 0x400000,   0x3f000000,
                                    0x4b000000, 0x4f000000, 0x5f000000};
    return list[random64() % 18] | (random64() & 0x80000000u);
}
static uint64_t double_edge(void)
{
    static const uint64_t list[] = {
        0,
        1,
        0xfffffffffffff,
        0x10000000000000,
        0x10000000000001,
        0x3ff0000000000000,
        0x3fefffffffffffff,
        0x4000000000000000,
        0x7fefffffffffffff,
        0x7ff0000000000000,
        0x7ff0000000000001,
        0x7ff8000000000000,
        0x7fffffffffffffff,
        0x3fe0000000000000,
        0x4330000000000000,
        0x41e0000000000000,
        0x43e0000000000000,
        0x3800000000000000,
    };
    return list[random64() % 18] | (random64() & 1ull << 63);
}

/* 64 bits of a vector: edges of some format, numbers near 1, or anything. */
static uint64_t random_half_vector(void)
{
    switch (random64() % 6) {
    case 0: return half_edge() | half_edge() << 16 | half_edge() << 32 | half_edge() << 48;
    case 1: return single_edge() | single_edge() << 32;
    case 2: return double_edge();
    case 3: return (random64() & 0x81ffffff81ffffff) + 0x3f0000003f000000;
    case 4: return (random64() & 0x803fffffffffffff) + 0x3fe0000000000000;
    default: return random64();
    }
}

static void random_state(struct state *s)
{
    for (unsigned k = 0; k < 32; k++) {
        s->v[k][0] = random_half_vector();
        s->v[k][1] = random_half_vector();
    }
    for (unsigned k = 0; k < 8; k++)
        s->x[k] = random64() >> random64() % 64;
    uint64_t e = random64();
    s->fpcr = e & FPCR_RMODE;
    s->fpcr |= (e >> 32 & 3 ? 0 : FPCR_FZ) | (e >> 34 & 3 ? 0 : FPCR_DN);
    s->fpcr |= (e >> 36 & 3 ? 0 : FPCR_FZ16) | (e >> 38 & 3 ? 0 : FPCR_AHP);
    if (!(e >> 40 & 1))
        s->fpcr = 0;
    s->fpsr = e >> 42 & 1 ? FPSR_IXC : 0;
    s->nzcv = (e >> 44 & 15) << 28;
}

/* ---- comparing
 * ----------------------------------------------------------------------------------------- */

static struct oracle oracle;
static uint64_t words, cases, deviations;

/* Where qemu-aarch64 7.2 is wrong; fp_diff.c has the reasons. */
static bool known_deviation(unsigned id, const struct state *before, struct state *want,
                            const struct state *got, uint32_t w)
{
    uint64_t operand = before->v[w >> 5 & 31][0];
    if (id == A64_FCVTZS_fixed_sH)
        want->v[w & 31][0] &= 0xffff;
    else if (id == A64_FJCVTZS && (before->fpcr & FPCR_FZ) && !(operand >> 52) && operand)
        want->nzcv = 0;
    else
        return false;
    return !memcmp(want, got, sizeof *got);
}

static void run(const struct insn *i, const struct state *before, struct state *after)
{
    static struct cpu c;
    memcpy(c.v, before->v, sizeof before->v);
    memcpy(c.x, before->x, sizeof before->x);
    c.fpcr = (uint32_t)before->fpcr;
    c.fpsr = (uint32_t)before->fpsr;
    c.nzcv = nzcv_from_arch((uint32_t)before->nzcv);
    i->fn(&c, i);
    *after = *before;
    memcpy(after->v, c.v, sizeof after->v);
    memcpy(after->x, c.x, sizeof after->x);
    after->fpcr = c.fpcr;
    after->fpsr = c.fpsr;
    after->nzcv = nzcv_to_arch(c.nzcv);
}

static void show(const char *whose, const struct state *s, uint32_t w)
{
    const uint64_t *d = s->v[w & 31];
    printf("#   %s: Vd %016llx%016llx Xd %llx FPSR %02x NZCV %x\n", whose, (unsigned long long)d[1],
           (unsigned long long)d[0], (unsigned long long)s->x[w & 7], (unsigned)s->fpsr,
           (unsigned)(s->nzcv >> 28));
}

static bool compare_word(const struct row *row, struct exchange *sent, struct exchange *answer)
{
    struct insn i;
    a64_decode(sent->word, 0, &i);
    words++;
    if ((i.id == A64_UNDEFINED) != answer->undefined) {
        printf("# %s, word %08x: UNDEFINED for one only (oracle: %u)\n", a64_rows[row->id].name,
               sent->word, answer->undefined);
        return false;
    }
    if (answer->undefined)
        return true;
    for (unsigned k = 0; k < STATES; k++) {
        struct state got;
        run(&i, &sent->s[k], &got);
        cases++;
        if (!memcmp(&got, &answer->s[k], sizeof got))
            continue;
        if (known_deviation(i.id, &sent->s[k], &answer->s[k], &got, sent->word)) {
            deviations++;
            continue;
        }
        printf("# %s, word %08x, FPCR %08x\n", a64_rows[row->id].name, sent->word,
               (unsigned)sent->s[k].fpcr);
        show("before", &sent->s[k], sent->word);
        show("ours", &got, sent->word);
        show("expected", &answer->s[k], sent->word);
        return false;
    }
    return true;
}

static bool test_row(const struct row *row, unsigned long n)
{
    static struct exchange sent, answer;
    unsigned bad = 0;
    for (unsigned long k = 0; k < n && bad < 5; k++) {
        sent = (struct exchange){.word = random_word(row)};
        for (unsigned j = 0; j < STATES; j++)
            random_state(&sent.s[j]);
        if (!oracle_ask(&oracle, &sent, sizeof sent, &answer, sizeof answer)) {
            fprintf(stderr, "insn_diff: the oracle has gone\n");
            exit(2);
        }
        bad += !compare_word(row, &sent, &answer);
    }
    if (bad)
        printf("not ok - %s\n", a64_rows[row->id].name);
    return !bad;
}

int main(int argc, char **argv)
{
    unsigned long n = 30;
    int opt;
    unsigned good = 0;
    while ((opt = getopt(argc, argv, "+n:s:")) != -1) {
        switch (opt) {
        case 'n': n = strtoul(optarg, NULL, 0); break;
        case 's': seed = strtoull(optarg, NULL, 0); break;
        default: return 2;
        }
    }
    if (optind >= argc || !oracle_start(&oracle, argv + optind))
        return 2;
    printf("# seed %llu\n", (unsigned long long)seed);
    for (unsigned k = 0; k < ROWS; k++)
        good += test_row(&rows[k], n);
    oracle_stop(&oracle);
    printf("# %llu words, %llu cases, %llu known deviations of the oracle\n",
           (unsigned long long)words, (unsigned long long)cases, (unsigned long long)deviations);
    if (good == ROWS)
        printf("ok - instructions: %u of %u rows give what an independent CPU gives\n", good, ROWS);
    return good != ROWS;
}
