/* SPDX-License-Identifier: MIT */
/*
 * Random instructions of the Advanced SIMD and crypto tables on this CPU and on an independent one,
 * compared bit for bit: all V and X registers, FPSR, the memory around, and which words are
 * UNDEFINED.
 *
 *   simd_diff [-n tests] [-s seed] [-r row] [-t title] oracle-command...
 *
 * Prints each difference with its registers (up to ten); the seed and -n reproduce it.
 */
#include "machine.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct row {
    const char *name, *pattern;
    uint32_t mask, value;
    unsigned long tests, allocated;
};

static struct row rows[] = {
#define A64(id, pattern, format, handler, flags) {#id, pattern, 0, 0, 0, 0},
#include "soft/a64_simd.def"
#include "soft/a64_simd_ldst.def"
#include "soft/a64_crypto.def"
#undef A64
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static void parse_rows(void)
{
    for (unsigned r = 0; r < ROWS; r++)
        for (const char *p = rows[r].pattern; *p; p++) {
            rows[r].mask = rows[r].mask << 1 | (*p == '0' || *p == '1');
            rows[r].value = rows[r].value << 1 | (*p == '1');
        }
}

/* Both sides keep a register of their own (x29); literals near the code would see it. */
static bool usable(uint32_t w)
{
    const unsigned rm = w >> 16 & 31, rn = w >> 5 & 31;
    if ((w & 31) == 29 || rn == 29 || rm == 29)
        return false;
    if ((w & 0x3f000000) == 0x1c000000) {
        const int32_t words = (int32_t)(w << 8) >> 13;
        return words < -4096 || words > 4096;
    }
    /* An index that is also the base cannot be both near and small. */
    return (w & 0x3f200c00) != 0x3c200800 || rm != rn;
}

static uint32_t make_word(const struct row *r, uint64_t *rng)
{
    uint32_t w;
    do {
        w = (uint32_t)next_random(rng);
        if (next_random(rng) % 4 == 0) /* few registers: results that are also sources */
            w &= (uint32_t)next_random(rng) | 0xffe0fc00;
        w = (w & ~r->mask) | r->value;
    } while (!usable(w));
    return w;
}

/* Start the oracle on these words; its states come from the stream. */
static FILE *start_oracle(char **command, const char *words, uint64_t seed, pid_t *child)
{
    int fd[2];
    char number[32], *argv[16] = {0};
    unsigned n = 0;
    while (command[n] && n < 12) {
        argv[n] = command[n];
        n++;
    }
    snprintf(number, sizeof number, "%" PRIu64, seed);
    if (pipe(fd))
        return NULL;
    *child = fork();
    if (*child == 0) {
        argv[n++] = (char *)(uintptr_t)words;
        argv[n] = number;
        dup2(fd[1], 1);
        close(fd[0]);
        close(fd[1]);
        execvp(argv[0], argv);
        perror(argv[0]);
        _exit(127);
    }
    close(fd[1]);
    return *child > 0 ? fdopen(fd[0], "rb") : NULL;
}

static void print_difference(const struct row *r, uint32_t w, uint64_t number,
                             const struct test_state *in, const struct test_state *got,
                             const struct test_state *want)
{
    printf("# %s %08" PRIx32 ", state %" PRIu64 "\n", r->name, w, number);
    for (unsigned n = 0; n < 32; n++) {
        const bool operand = n == (w & 31) || n == (w >> 5 & 31) || n == (w >> 16 & 31);
        const bool differs = memcmp(got->v[n], want->v[n], 16) != 0;
        if (operand || differs)
            printf("#   v%-2u was %016" PRIx64 "%016" PRIx64 "\n", n, in->v[n][1], in->v[n][0]);
        if (differs)
            printf("#    *  got %016" PRIx64 "%016" PRIx64 "\n#      want %016" PRIx64 "%016" PRIx64
                   "\n",
                   got->v[n][1], got->v[n][0], want->v[n][1], want->v[n][0]);
        if (got->x[n] != want->x[n])
            printf("#  * x%u was %" PRIx64 ", got %" PRIx64 ", want %" PRIx64 "\n", n, in->x[n],
                   got->x[n], want->x[n]);
    }
    if (got->fpsr != want->fpsr)
        printf("#  * fpsr got %" PRIx64 ", want %" PRIx64 "\n", got->fpsr, want->fpsr);
    if (got->undefined != want->undefined)
        printf("#  * UNDEFINED: got %u, want %u\n", (unsigned)got->undefined,
               (unsigned)want->undefined);
    if (got->memory != want->memory)
        printf("#  * memory differs\n");
}

/* Run slot n. False if the API failed or the guest left in a way that no test should. */
static bool run_test(struct machine *m, unsigned n, uint32_t w, struct test_state *s)
{
    struct outcome o;
    if (!machine_run(m, n, s, &o))
        return false;
    s->x[29] = 0;
    s->undefined = o.imm == 1 && o.esr >> 26 == 0;
    s->memory = is_memory_access(w) ? window_digest(machine_data(m)) : 0;
    if (o.ec == EC_HVC && (o.imm == 0 || s->undefined))
        return true;
    printf("# word %08" PRIx32 ": exit class %#x, ESR_EL1 %#" PRIx64 "\n", w, o.ec, o.esr);
    return false;
}

static unsigned long compare(struct machine *m, FILE *words, FILE *oracle, const uint16_t *which,
                             uint64_t seed)
{
    unsigned long done = 0, bad = 0;
    uint32_t w[SLOTS];
    size_t count;
    while ((count = fread(w, sizeof w[0], SLOTS, words)) > 0) {
        machine_set_words(m, w, (unsigned)count);
        for (unsigned n = 0; n < count; n++, done++) {
            struct row *r = &rows[which[done]];
            struct test_state in, got, want;
            make_state(&in, w[n], seed + done);
            got = in;
            if (fread(&want, sizeof want, 1, oracle) != 1) {
                printf("# the oracle ended after %lu tests\n", done);
                return bad + 1;
            }
            const bool ran = run_test(m, n, w[n], &got);
            r->tests++;
            r->allocated += !want.undefined;
            if (ran && memcmp(&got, &want, sizeof got) == 0)
                continue;
            if (bad++ < 10)
                print_difference(r, w[n], seed + done, &in, &got, &want);
        }
    }
    return bad;
}

static bool row_named(const char *name)
{
    for (unsigned r = 0; r < ROWS; r++)
        if (strcmp(rows[r].name, name) == 0)
            return true;
    printf("# no row is called %s\n", name);
    return false;
}

int main(int argc, char **argv)
{
    unsigned long tests = 20000;
    uint64_t seed = (uint64_t)time(NULL);
    const char *only = NULL, *title = "";
    int option;
    while ((option = getopt(argc, argv, "+n:s:r:t:")) != -1) {
        switch (option) {
        case 'n': tests = strtoul(optarg, NULL, 0); break;
        case 's': seed = strtoull(optarg, NULL, 0); break;
        case 'r': only = optarg; break;
        case 't': title = optarg; break;
        default: return 2;
        }
    }
    if (optind == argc || (only && !row_named(only)))
        return 2;
    char path[] = "/tmp/simd_words.XXXXXX";
    const int fd = mkstemp(path);
    FILE *words = fd >= 0 ? fdopen(fd, "w+b") : NULL;
    uint16_t *which = malloc(tests * sizeof *which);
    if (!words || !which)
        return 1;
    parse_rows();
    uint64_t rng = seed;
    for (unsigned long n = 0; n < tests; n++) {
        unsigned r;
        do
            r = next_random(&rng) % ROWS;
        while (only && strcmp(only, rows[r].name) != 0);
        const uint32_t w = make_word(&rows[r], &rng);
        which[n] = (uint16_t)r;
        fwrite(&w, sizeof w, 1, words);
    }
    rewind(words);

    pid_t child = 0;
    FILE *oracle = start_oracle(argv + optind, path, seed, &child);
    struct machine *m = machine_new();
    unsigned long bad = 1, covered = 0;
    if (oracle && m)
        bad = compare(m, words, oracle, which, seed);
    unlink(path);
    if (oracle)
        fclose(oracle);
    if (child > 0)
        waitpid(child, NULL, 0);
    if (m)
        machine_delete(m);
    for (unsigned r = 0; r < ROWS; r++)
        covered += rows[r].allocated > 0;
    printf("# %lu instructions, %lu of %u rows, seed %" PRIu64 "\n", tests, covered, (unsigned)ROWS,
           seed);
    if (bad)
        printf("not ok - simd: %s%lu of %lu instructions differ (-n %lu -s %" PRIu64 ")\n", title,
               bad, tests, tests, seed);
    else
        printf("ok - simd: %srandom instructions give what an independent CPU gives\n", title);
    free(which);
    return bad != 0;
}
