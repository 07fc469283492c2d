/* SPDX-License-Identifier: MIT */
/*
 * The bench's driver: runs every workload natively, in TinyVMM (with its JIT and without) and in
 * QEMU, in turn, RUNS times; checks each output and each clock; prints the table and writes its
 * figures, tab-separated, for those who draw.
 *
 *     driver DIRECTORY RESULT.tsv     DIRECTORY: guest.elf and native.run
 *
 * Environment: TINYVMM (the program), QEMU (qemu-system-aarch64; empty: none), RUNS (3), ROWS (only
 * rows whose name contains this), SHORT (divide the repeats by this), GUESTS (kernels for the
 * boots).
 *
 * A ratio is QEMU's time over TinyVMM's of the same round; the median of the rounds is shown with
 * the least and the greatest. A run whose checksum is not the host's, or whose guest clock says
 * more than the wall clock, does not count and fails the bench.
 */
#include <dlfcn.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "peer.h"

enum who { NATIVE, JIT, INTERP, QEMU, PEERS };
enum kind { WORK, MACHINE, START, RESIDENT, BOOT };

#define MAX_RUNS        15
#define WAIT_SECONDS    100
#define IDLE_MIB        128

#define INTERPRETER_AIM 3.0

struct row {
    enum kind kind;
    const char *name, *group;      /* of one group the ratio is the geometric mean of its rows */
    double aim;                    /* QEMU's time over ours that the project wants at least */
    unsigned repeats;              /* so many that QEMU takes a second or more (WORK) */
    unsigned operations;           /* of one run, where the time of one of them says something */
    double value[PEERS][MAX_RUNS]; /* ns a run, or KiB; 0: no figure */
};

static struct row rows[] = {
    {WORK, "integer-mix", "integer mix", 2, 36, 0, {{0}}},
    {WORK, "sieve", "memory", 2, 10, 0, {{0}}},
    {WORK, "sort", "memory", 2, 18, 0, {{0}}},
    {WORK, "stream", "memory", 2, 2, 0, {{0}}},
    {WORK, "sha256", "SHA-256", 1.5, 45, 0, {{0}}},
    {WORK, "nbody", "double precision", 5, 18, 0, {{0}}},
    {WORK, "nbody-fma", "double precision", 5, 18, 0, {{0}}},
    {WORK, "mandelbrot", "double precision", 5, 6, 0, {{0}}},
    {WORK, "mandelbrot-fma", "double precision", 5, 6, 0, {{0}}},
    {WORK, "vector-int8", "NEON loops", 6, 100, 0, {{0}}},
    {WORK, "vector-int32", "NEON loops", 6, 250, 0, {{0}}},
    {WORK, "vector-float32", "NEON loops", 6, 100, 0, {{0}}},
    {WORK, "bytecode", "bytecode interpreter", 6, 60, 0, {{0}}},
    {WORK, "fibonacci", "recursive Fibonacci", 4, 26, 0, {{0}}},
    {WORK, "string-bytes", "string functions", 2, 60, 0, {{0}}},
    {WORK, "string-words", "string functions", 2, 200, 0, {{0}}},
    {WORK, "string-unaligned", "string functions", 2, 200, 0, {{0}}},
    {WORK, "random-access", "random access, 64 MiB", 4, 5, 300000, {{0}}},
    {WORK, "atomics", "atomics", 2, 100, 0, {{0}}},
    {WORK, "atomics-lse", "atomics", 2, 100, 0, {{0}}},
    {MACHINE, "svc", "SVC to EL1 and back", 5, 2, 100000, {{0}}},
    {MACHINE, "tlbi", "page-table write, TLBI, 4 loads", 3, 2, 100000, {{0}}},
    {MACHINE, "cold-code", "cold code", 4, 1, 1000000, {{0}}},
    {MACHINE, "self-modifying", "self-modifying code", 4, 1, 20000, {{0}}},
    {MACHINE, "hypercall", "hypercall", 1.5, 4, 300000, {{0}}},
    {MACHINE, "mmio", "MMIO register read", 1.5, 8, 300000, {{0}}},
    {BOOT, "small", "small kernel to user space", 2, 1, 0, {{0}}},
    {BOOT, "cloud", "cloud kernel to user space", 2, 1, 0, {{0}}},
    {START, "first-output", "exec to first output", 8, 1, 0, {{0}}},
    {RESIDENT, "resident", "resident beyond an idle guest", 10, 1, 0, {{0}}},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static struct {
    const char *directory, *tinyvmm, *qemu, *guests, *only;
    unsigned runs, divide;
    int have_qemu, have_off;
    unsigned wrong;
    char elf[512], native[512];
} o;

/* ---- command lines ---- */

static int works(char *const argv[], const char *word)
{
    struct peer p;
    const char *line;
    if (peer_start(&p, argv, 0))
        return 0;
    uint64_t t = peer_wait_line(&p, word, 10, &line);
    peer_end(&p, 2000);
    return t > 0;
}

/* The command line of a guest; argv has room for 20. */
static void command(char **argv, const struct row *r, enum who who, unsigned mib)
{
    static char memory[32], kernel[600], initrd[600];
    static char append[] = "console=ttyAMA0 quiet";
    unsigned n = 0;
    snprintf(memory, sizeof(memory), who == QEMU ? "%u" : "%uM", mib);
    snprintf(kernel, sizeof(kernel), "%s/%s/Image", o.guests, r->name);
    snprintf(initrd, sizeof(initrd), "%s/%s.cpio.gz", o.guests, r->name);
#define ARG(x) (argv[n++] = (char *)(uintptr_t)(x))
    if (who == QEMU) {
        ARG(o.qemu), ARG("-M"), ARG(r->kind == BOOT ? "virt,gic-version=3" : "virt");
        ARG("-cpu"), ARG(strcmp(r->name, "atomics-lse") ? "cortex-a72" : "neoverse-n1");
        ARG("-m"), ARG(memory), ARG("-nodefaults"), ARG("-display"), ARG("none");
        ARG("-serial"), ARG("stdio"), ARG("-kernel"), ARG(r->kind == BOOT ? kernel : o.elf);
        if (r->kind == BOOT)
            ARG("-initrd"), ARG(initrd), ARG("-append"), ARG(append);
    } else {
        ARG(o.tinyvmm), ARG("run"), ARG("-q"), ARG("--machine"), ARG("virt");
        ARG("--memory"), ARG(memory);
        if (who == INTERP)
            ARG("--jit"), ARG("off");
        if (r->kind == BOOT)
            ARG("--initrd"), ARG(initrd), ARG("--append"), ARG(append);
        ARG(r->kind == BOOT ? kernel : o.elf);
    }
#undef ARG
    argv[n] = NULL;
}

/* ---- one measurement ---- */

static void wrong(const struct row *r, enum who who, const char *what)
{
    static const char *const names[] = {"native", "TinyVMM", "TinyVMM --jit off", "QEMU"};
    fprintf(stderr, "bench: %s in %s: %s\n", r->name, names[who], what);
    o.wrong++;
}

static unsigned repeats_of(const struct row *r, enum who who)
{
    unsigned n = r->repeats / (who == INTERP ? 8 * o.divide : o.divide);
    return n ? n : 1;
}

/* "NAME REPEATS NS CHECKSUM" of one run; 0 and a message if it is not that. */
static int parse(const struct row *r, enum who who, const char *line, double *ns,
                 unsigned long long *checksum)
{
    unsigned repeats;
    unsigned long long total;
    if (sscanf(line + strlen(r->name), " %u %llu %llx", &repeats, &total, checksum) == 3 &&
        repeats) {
        *ns = (double)total / repeats;
        return 1;
    }
    if (strncmp(line + strlen(r->name), " skip", 5) != 0)
        wrong(r, who, line);
    return 0;
}

static double run_native(const struct row *r, unsigned long long *checksum)
{
    char repeats[16];
    const char *line;
    struct peer p;
    double ns = 0;
    snprintf(repeats, sizeof(repeats), "%u", repeats_of(r, NATIVE));
    char *argv[] = {o.native, (char *)(uintptr_t)r->name, repeats, NULL};
    if (peer_start(&p, argv, 1) || !peer_wait_line(&p, r->name, WAIT_SECONDS, &line) ||
        !parse(r, NATIVE, line, &ns, checksum))
        wrong(r, NATIVE, "no result");
    peer_end(&p, 2000);
    return ns;
}

static double run_guest(const struct row *r, enum who who, unsigned long long expected)
{
    char *argv[20], say[80];
    const char *line;
    struct peer p;
    unsigned long long checksum;
    double ns = 0;
    command(argv, r, who, 256);
    if (peer_start(&p, argv, 1))
        return 0;
    snprintf(say, sizeof(say), "%s %u\n", r->name, repeats_of(r, who));
    if (!peer_wait_line(&p, "ready", WAIT_SECONDS, &line) || peer_say(&p, say)) {
        wrong(r, who, "the guest does not start");
    } else {
        uint64_t begin = now_ns();
        uint64_t end = peer_wait_line(&p, "", WAIT_SECONDS, &line);
        double wall = (double)(now_ns() - begin);
        if (!end || strncmp(line, r->name, strlen(r->name)) != 0)
            wrong(r, who, end ? line : "no result");
        else if (parse(r, who, line, &ns, &checksum) && checksum != expected)
            wrong(r, who, "wrong checksum"), ns = 0;
        else if (ns * repeats_of(r, who) > wall * 1.02 + 2e6)
            wrong(r, who, "its clock is ahead of ours"), ns = 0;
    }
    peer_end(&p, 2000);
    return ns;
}

/* From exec to a line of output; the guest is ended then. */
static double run_to_line(const struct row *r, enum who who, const char *word)
{
    char *argv[20];
    const char *line;
    struct peer p;
    command(argv, r, who, r->kind == BOOT ? 512 : IDLE_MIB);
    if (peer_start(&p, argv, 1))
        return 0;
    uint64_t ns = peer_wait_line(&p, word, WAIT_SECONDS, &line);
    peer_end(&p, 0);
    if (!ns)
        wrong(r, who, "its line does not come");
    return (double)ns;
}

static double run_resident(const struct row *r, enum who who)
{
    char *argv[20];
    const char *line;
    struct peer p;
    long kib = 0;
    command(argv, r, who, IDLE_MIB);
    if (peer_start(&p, argv, 1))
        return 0;
    if (peer_wait_line(&p, "ready", WAIT_SECONDS, &line) && !peer_say(&p, "idle\n")) {
        nanosleep(&(struct timespec){0, 400000000}, NULL);
        kib = peer_resident_beyond(&p, IDLE_MIB * 1024);
    }
    peer_end(&p, 0);
    return kib > 0 ? (double)kib : 0;
}

static int boot_is_here(const struct row *r)
{
    char path[700];
    snprintf(path, sizeof(path), "%s/%s/Image", o.guests, r->name);
    int kernel = access(path, R_OK) == 0;
    snprintf(path, sizeof(path), "%s/%s.cpio.gz", o.guests, r->name);
    return kernel && access(path, R_OK) == 0;
}

static void measure(struct row *r, unsigned round)
{
    unsigned long long expected = 0;
    int has_native = r->kind == WORK || r->kind == MACHINE;
    if (r->kind == BOOT && !boot_is_here(r))
        return;
    if (has_native)
        r->value[NATIVE][round] = run_native(r, &expected);
    for (enum who who = JIT; who < PEERS; who++) {
        if ((who == QEMU && !o.have_qemu) || (who == INTERP && !o.have_off))
            continue;
        double *v = &r->value[who][round];
        switch (r->kind) {
        case START: *v = run_to_line(r, who, "ready"); break;
        case BOOT: *v = run_to_line(r, who, "BOOTED"); break;
        case RESIDENT: *v = run_resident(r, who); break;
        default: *v = run_guest(r, who, expected); break;
        }
    }
}

/* ---- figures ---- */

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median of what is not 0; least and greatest. 0 if there is nothing. */
static double median(const double *v, double *least, double *most)
{
    double sorted[MAX_RUNS];
    unsigned n = 0;
    for (unsigned i = 0; i < o.runs; i++)
        if (v[i] > 0)
            sorted[n++] = v[i];
    qsort(sorted, n, sizeof(double), ascending);
    *least = n ? sorted[0] : 0;
    *most = n ? sorted[n - 1] : 0;
    return n ? n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2 : 0;
}

static double ratio(const struct row *r, enum who over, enum who under, double *least, double *most)
{
    double v[MAX_RUNS] = {0};
    for (unsigned i = 0; i < o.runs; i++)
        if (r->value[over][i] > 0 && r->value[under][i] > 0)
            v[i] = r->value[over][i] / r->value[under][i];
    return median(v, least, most);
}

/* A time, per operation where there are such; KiB for memory. */
static void cell(char *text, size_t size, const struct row *r, enum who who)
{
    double least, most, v = median(r->value[who], &least, &most);
    if (v <= 0)
        snprintf(text, size, "-");
    else if (r->kind == RESIDENT)
        snprintf(text, size, "%.0f KiB", v);
    else if (r->operations && v / r->operations < 1e5)
        snprintf(text, size, "%.1f ns", v / r->operations);
    else
        snprintf(text, size, "%.2f ms", v / 1e6);
}

static void print_row(const struct row *r, FILE *tsv)
{
    char text[PEERS][32], spread[40] = "-", times[24] = "-";
    double least, most, x = ratio(r, QEMU, JIT, &least, &most), unused;
    for (enum who who = NATIVE; who < PEERS; who++)
        cell(text[who], sizeof(text[who]), r, who);
    if (x > 0) {
        snprintf(times, sizeof(times), "%.2f", x);
        snprintf(spread, sizeof(spread), "%.2f-%.2f", least, most);
    }
    printf("%-17s %11s %11s %11s %11s %8s %13s %5.1f%s\n", r->name, text[NATIVE], text[JIT],
           text[INTERP], text[QEMU], times, spread, r->aim,
           x <= 0        ? ""
           : x >= r->aim ? "  yes"
           : x >= 1      ? "  below"
                         : "  SLOWER");
    fprintf(tsv, "%s\t%s\t%.2f\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\n", r->name, r->group, r->aim, x,
            least, most, ratio(r, JIT, NATIVE, &unused, &unused),
            ratio(r, QEMU, NATIVE, &unused, &unused));
}

/* Groups weigh alike, however many rows one has. */
static void print_mean(void)
{
    double sum = 0;
    unsigned groups = 0;
    for (unsigned i = 0; i < ROWS; i++) {
        double logs = 0, least, most;
        unsigned n = 0;
        if (i && strcmp(rows[i].group, rows[i - 1].group) == 0)
            continue;
        for (unsigned k = i; k < ROWS && strcmp(rows[k].group, rows[i].group) == 0; k++) {
            double x = ratio(&rows[k], QEMU, JIT, &least, &most);
            if (x > 0) {
                logs += log(x);
                n++;
            }
        }
        if (n) {
            sum += logs / n;
            groups++;
        }
    }
    if (groups)
        printf("\ngeometric mean of %u groups: %.2f times as fast as QEMU\n", groups,
               exp(sum / groups));
}

/* Without its JIT a boot may take so many times QEMU's time. */
static void print_interpreter(void)
{
    for (unsigned i = 0; i < ROWS; i++) {
        double least, most, x = ratio(&rows[i], INTERP, QEMU, &least, &most);
        if (rows[i].kind == BOOT && x > 0)
            printf("%s, --jit off: %.2f times QEMU's time (%.2f-%.2f), aim %.0f at most%s\n",
                   rows[i].group, x, least, most, INTERPRETER_AIM,
                   x <= INTERPRETER_AIM ? "  yes" : "  SLOWER");
    }
}

static void print_all(FILE *tsv)
{
    printf("\n%-17s %11s %11s %11s %11s %8s %13s %5s\n", "workload", "native", "TinyVMM",
           "--jit off", "QEMU", "x QEMU", "spread", "aim");
    for (unsigned i = 0; i < ROWS; i++)
        if (rows[i].value[JIT][0] > 0 || rows[i].value[QEMU][0] > 0)
            print_row(&rows[i], tsv);
    print_mean();
    print_interpreter();
    printf("x QEMU: QEMU's figure over TinyVMM's, median and extremes of %u rounds.\n", o.runs);
}

/* ---- what is here ---- */

static unsigned number(const char *name, unsigned otherwise, unsigned most)
{
    const char *text = getenv(name);
    unsigned n = text ? (unsigned)strtoul(text, NULL, 10) : 0;
    return n == 0 ? otherwise : n > most ? most : n;
}

static const char *setting(const char *name, const char *otherwise)
{
    const char *text = getenv(name);
    return text ? text : otherwise;
}

/* Emulators that are a CPU in a library are no peers: the guest wants a machine, with a UART, a
 * timer and an interrupt controller, and whoever wrote that around them would be measured too. */
static void look_for_library(const char *name, const char *base, const char *const versions[])
{
    static const char why[] = "a CPU without a machine to run the guest on";
    for (unsigned i = 0;; i++) {
        char file[64];
        snprintf(file, sizeof(file), "lib%s.so%s%s", base, *versions[i] ? "." : "", versions[i]);
        void *library = dlopen(file, RTLD_LAZY | RTLD_LOCAL);
        if (library) {
            dlclose(library);
            printf("skip - %s: %s is here, but it is %s\n", name, file, why);
            return;
        }
        if (!*versions[i])
            break;
    }
    printf("skip - %s: not installed (and it would be %s)\n", name, why);
}

static void look_around(void)
{
    char *qemu[] = {(char *)(uintptr_t)o.qemu, "--version", NULL};
    char *help[] = {(char *)(uintptr_t)o.tinyvmm, "run", "--help", NULL};
    o.have_qemu = *o.qemu && works(qemu, "QEMU");
    o.have_off = works(help, "  --jit ");
    if (!o.have_qemu)
        printf("skip - QEMU: qemu-system-aarch64 is not installed (make deps)\n");
    if (!o.have_off)
        printf("skip - TinyVMM --jit off: this build has no such option\n");
    look_for_library("Unicorn", "unicorn", (const char *const[]){"2", "1", ""});
    look_for_library("dynarmic", "dynarmic", (const char *const[]){"6", "5", ""});
    for (unsigned i = 0; i < ROWS; i++)
        if (rows[i].kind == BOOT && !boot_is_here(&rows[i]))
            printf("skip - %s kernel: not in %s (tools/fetch_guests.sh, tools/kernel/build.sh)\n",
                   rows[i].name, o.guests);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: driver DIRECTORY RESULT.tsv\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    o.directory = argv[1];
    o.tinyvmm = setting("TINYVMM", "./tinyvmm");
    o.qemu = setting("QEMU", "qemu-system-aarch64");
    o.guests = setting("GUESTS", "guests");
    o.only = setting("ROWS", "");
    o.runs = number("RUNS", 3, MAX_RUNS);
    o.divide = number("SHORT", 1, 1000);
    snprintf(o.elf, sizeof(o.elf), "%s/guest.elf", o.directory);
    snprintf(o.native, sizeof(o.native), "%s/native.run", o.directory);
    FILE *tsv = fopen(argv[2], "w");
    if (!tsv) {
        fprintf(stderr, "bench: cannot write '%s'\n", argv[2]);
        return 1;
    }
    look_around();
    for (unsigned round = 0; round < o.runs; round++)
        for (unsigned i = 0; i < ROWS; i++)
            if (strstr(rows[i].name, o.only))
                measure(&rows[i], round);
    print_all(tsv);
    fclose(tsv);
    if (o.wrong)
        fprintf(stderr, "bench: %u runs failed\n", o.wrong);
    return o.wrong ? 1 : 0;
}
