/* SPDX-License-Identifier: MIT */
/*
 * Random instruction streams on the interpreter, on the translator, and on an independent CPU,
 * compared bit for bit: X, SP, NZCV, V, FPSR, the memory around.
 *
 *   cpu_diff [-n streams] [-s seed] [-k most] [-l length] [-r row] [-w] [-V] [-c]
 *            [-o qemu|vixl oracle-command...]
 *
 * -c: as little memory for code as can be, so that it is dropped all the time.
 * -V: the translator in mode "verify", which compares each block by itself.
 * -w: wild streams, with accesses that fault in the middle; the two engines of this CPU alone, also
 * compared in ESR_EL1, FAR_EL1, ELR_EL1 and SPSR_EL1. Without a command likewise only the two. The
 * seed and the number of a stream reproduce it: -s SEED -n NUMBER.
 */
#include "stream.h"
#include "soft/a64.h"
#include "soft/cpu.h"

#include <Hypervisor/Hypervisor.h>
#include <hvx.h>
#include <inttypes.h>
#include <libkern/OSCacheControl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define TABLES_ADDR UINT64_C(0x50000000)
#define VECTORS     UINT64_C(0x8000)
#define RWX         (HV_MEMORY_READ | HV_MEMORY_WRITE | HV_MEMORY_EXEC)
#define BATCH       256

struct result {
    struct regs regs;
    uint64_t memory;
    uint64_t elr, esr, far, spsr; /* if it ended in the vectors */
    uint64_t trapped;
};

static bool verify, little;
static uint8_t *data, *below, *tables;
static hv_vcpu_t vcpu;
static hv_vcpu_exit_t *vm_exit;

static void must(hv_return_t result, const char *what)
{
    if (result == HV_SUCCESS)
        return;
    printf("# %s: %#x: %s\n", what, (unsigned)result, hvx_last_error());
    exit(1);
}
#define MUST(call) must((call), #call)

static uint8_t *map(uint64_t addr, uint64_t bytes)
{
    void *p;
    if (posix_memalign(&p, 0x4000, bytes))
        exit(1);
    fill_pattern(p, addr, bytes);
    return p;
}

static void put64(uint8_t *at, uint64_t v)
{
    memcpy(at, &v, 8);
}

/* Pages that are neighbours for the guest are not neighbours in memory. */
static uint64_t placed(uint64_t at)
{
    return at ^ 0x2000;
}

/* 4 KiB granule, 39 bits. Data page by page, so that wild streams meet one that is not there. */
static void make_tables(bool wild)
{
    const uint64_t leaf = 0x701;
    memset(tables, 0, 0x10000);
    put64(tables, (TABLES_ADDR + 0x1000) | 3);
    put64(tables + 8, UINT64_C(0x40000000) | leaf);
    put64(tables + 0x1000 + 8 * (DATA_ADDR >> 21), (TABLES_ADDR + 0x2000) | 3);
    for (uint64_t at = 0; at < DATA_BYTES; at += 4096) {
        bool hole = wild && at == BASE - DATA_ADDR + 0x1000;
        put64(tables + 0x2000 + at / 4096 * 8, hole ? 0 : (DATA_ADDR + placed(at)) | leaf | 0x42);
    }
    for (uint64_t at = 0; at < 0x800; at += 4)
        memcpy(tables + VECTORS + at, &(uint32_t){0xd4000022 /* hvc #1 */}, 4);
}

static void set_sys(hv_sys_reg_t reg, uint64_t value)
{
    must(hv_vcpu_set_sys_reg(vcpu, reg, value), "set_sys_reg");
}

static uint64_t get_sys(hv_sys_reg_t reg)
{
    uint64_t v = 0;
    must(hv_vcpu_get_sys_reg(vcpu, reg, &v), "get_sys_reg");
    return v;
}

static void machine_open(bool jit)
{
    const char *mode = !jit ? "off" : verify ? "verify" : "on";
    if (!hvx_set_option("jit", mode) || (jit && !hvx_set_option("jit-heat", "1")) ||
        (little && !hvx_set_option("jit-code", "524288"))) {
        printf("# no option jit\n");
        exit(1);
    }
    MUST(hv_vm_create(NULL));
    MUST(hv_vm_map(data, DATA_ADDR, DATA_BYTES, RWX));
    MUST(hv_vm_map(below, CODE_ADDR - 0x4000, CODE_BYTES, RWX));
    MUST(hv_vm_map(tables, TABLES_ADDR, 0x10000, RWX));
    MUST(hv_vcpu_create(&vcpu, &vm_exit, NULL));
    set_sys(HV_SYS_REG_TTBR0_EL1, TABLES_ADDR);
    set_sys(HV_SYS_REG_TCR_EL1, 25 | 1u << 8 | 1u << 10 | 3u << 12 | 1u << 23 | UINT64_C(2) << 32);
    set_sys(HV_SYS_REG_MAIR_EL1, 0xff);
    set_sys(HV_SYS_REG_VBAR_EL1, TABLES_ADDR + VECTORS);
    set_sys(HV_SYS_REG_CPACR_EL1, 3u << 20);
    set_sys(HV_SYS_REG_SCTLR_EL1, 0x30d01805);
}

static void machine_close(void)
{
    MUST(hv_vcpu_destroy(vcpu));
    MUST(hv_vm_destroy());
}

static void set_regs(const struct regs *s)
{
    for (unsigned n = 0; n < 31; n++)
        MUST(hv_vcpu_set_reg(vcpu, HV_REG_X0 + n, s->x[n]));
    for (unsigned n = 0; n < 32; n++) {
        hv_simd_fp_uchar16_t q;
        memcpy(&q, s->v[n], 16);
        MUST(hv_vcpu_set_simd_fp_reg(vcpu, HV_SIMD_FP_REG_Q0 + n, q));
    }
    MUST(hv_vcpu_set_reg(vcpu, HV_REG_FPSR, s->fpsr));
    MUST(hv_vcpu_set_reg(vcpu, HV_REG_FPCR, s->fpcr));
    MUST(hv_vcpu_set_reg(vcpu, HV_REG_CPSR, 0x3c5 | s->nzcv));
    set_sys(HV_SYS_REG_SP_EL1, s->sp);
    MUST(hv_vcpu_set_reg(vcpu, HV_REG_PC, CODE_ADDR));
}

static void get_regs(struct regs *s)
{
    uint64_t cpsr = 0;
    for (unsigned n = 0; n < 31; n++)
        MUST(hv_vcpu_get_reg(vcpu, HV_REG_X0 + n, &s->x[n]));
    for (unsigned n = 0; n < 32; n++) {
        hv_simd_fp_uchar16_t q = {0};
        MUST(hv_vcpu_get_simd_fp_reg(vcpu, HV_SIMD_FP_REG_Q0 + n, &q));
        memcpy(s->v[n], &q, 16);
    }
    MUST(hv_vcpu_get_reg(vcpu, HV_REG_FPSR, &s->fpsr));
    MUST(hv_vcpu_get_reg(vcpu, HV_REG_FPCR, &s->fpcr));
    MUST(hv_vcpu_get_reg(vcpu, HV_REG_CPSR, &cpsr));
    s->nzcv = cpsr & 0xf0000000;
    s->x[29] = 0;
    s->sp = get_sys(HV_SYS_REG_SP_EL1);
}

/* Run a stream `times`, so that the translator meets it warm; the last run counts. */
static void run(const struct request *r, struct result *out, unsigned times)
{
    static uint8_t seen[DATA_BYTES]; /* as the guest sees it */
    const uint32_t end = 0xd4000002; /* hvc #0 */
    memcpy(below + 0x4000, r->words, r->count * 4);
    memcpy(below + 0x4000 + r->count * 4, &end, 4);
    sys_icache_invalidate(below + 0x4000, r->count * 4 + 4);
    memset(out, 0, sizeof *out);
    for (unsigned n = 0; n < times; n++) {
        for (uint64_t at = 0; at < DATA_BYTES; at += 4096)
            fill_pattern(data + placed(at), DATA_ADDR + at, 4096);
        set_regs(&r->regs);
        MUST(hv_vcpu_run(vcpu));
    }
    get_regs(&out->regs);
    for (uint64_t at = 0; at < DATA_BYTES; at += 4096)
        memcpy(seen + at, data + placed(at), 4096);
    out->memory = digest(seen + (BASE - DATA_ADDR) - WINDOW, 2 * WINDOW);
    if (vm_exit->reason != HV_EXIT_REASON_EXCEPTION || vm_exit->exception.syndrome >> 26 != 0x16) {
        out->trapped = UINT64_MAX;
        out->esr = vm_exit->exception.syndrome;
        out->far = vm_exit->exception.physical_address;
        return;
    }
    out->trapped = vm_exit->exception.syndrome & 1;
    if (out->trapped) {
        out->elr = get_sys(HV_SYS_REG_ELR_EL1);
        out->esr = get_sys(HV_SYS_REG_ESR_EL1);
        out->far = get_sys(HV_SYS_REG_FAR_EL1);
        out->spsr = get_sys(HV_SYS_REG_SPSR_EL1);
    }
}

static void print_stream(const struct request *r)
{
    for (unsigned n = 0; n < r->count; n++) {
        struct insn i;
        a64_decode(r->words[n], BLOCK_EL1, &i);
        printf("#   %08" PRIx64 "  %08" PRIx32 "  %s\n", CODE_ADDR + 4 * n, r->words[n],
               a64_name(i.id));
    }
}

static void star(const char *name, unsigned n, uint64_t was, uint64_t got, uint64_t want)
{
    if (got != want)
        printf("# * %s%u was %016" PRIx64 ", got %016" PRIx64 ", want %016" PRIx64 "\n", name, n,
               was, got, want);
}

static void print_difference(const char *who, uint64_t number, const struct request *r,
                             const struct result *got, const struct result *want)
{
    printf("# stream %" PRIu64 ": %s, FPCR %" PRIx64 "\n", number, who, r->regs.fpcr);
    print_stream(r);
    for (unsigned n = 0; n < 31; n++)
        star("x", n, r->regs.x[n], got->regs.x[n], want->regs.x[n]);
    for (unsigned n = 0; n < 32; n++) {
        star("v.d0 ", n, r->regs.v[n][0], got->regs.v[n][0], want->regs.v[n][0]);
        star("v.d1 ", n, r->regs.v[n][1], got->regs.v[n][1], want->regs.v[n][1]);
    }
    star("sp", 0, r->regs.sp, got->regs.sp, want->regs.sp);
    star("nzcv", 0, r->regs.nzcv, got->regs.nzcv, want->regs.nzcv);
    star("fpsr", 0, r->regs.fpsr, got->regs.fpsr, want->regs.fpsr);
    star("fpcr", 0, r->regs.fpcr, got->regs.fpcr, want->regs.fpcr);
    star("memory", 0, 0, got->memory, want->memory);
    star("trapped", 0, 0, got->trapped, want->trapped);
    star("esr", 0, 0, got->esr, want->esr);
    star("elr", 0, 0, got->elr, want->elr);
    star("far", 0, 0, got->far, want->far);
    star("spsr", 0, 0, got->spsr, want->spsr);
}

static struct oracle oracle;

struct options {
    unsigned long streams;
    uint64_t seed;
    struct stream_kind kind;
    unsigned long most; /* differences to count before giving up */
};

static unsigned long instructions;

/* One batch on one engine. */
static void run_batch(const struct options *o, uint64_t first, unsigned count, bool jit,
                      struct result *results)
{
    struct request r;
    machine_open(jit);
    for (unsigned n = 0; n < count; n++) {
        stream_make(&r, first + n, &o->kind);
        run(&r, &results[n], jit ? 4 : 1);
        instructions += r.count;
    }
    machine_close();
}

static unsigned compare_oracle(const struct options *o, uint64_t first, unsigned count,
                               const struct result *results)
{
    unsigned bad = 0;
    for (unsigned n = 0; n < count; n++) {
        struct request r;
        struct reply reply;
        stream_make(&r, first + n, &o->kind);
        if (!oracle_ask(&oracle, &r, sizeof r, &reply, sizeof reply)) {
            printf("# the oracle ended at stream %" PRIu64 "\n", first + n);
            return bad + 1;
        }
        struct result want = {.regs = reply.regs, .memory = reply.memory};
        if (reply.signal)
            want.trapped = 1000 + reply.signal;
        if (o->kind.judge == JUDGE_VIXL)
            want.regs.fpsr = results[n].regs.fpsr;
        if (memcmp(&want, &results[n], sizeof want) != 0 && bad++ < o->most)
            print_difference("interpreter against the oracle", first + n, &r, &results[n], &want);
    }
    return bad;
}

static unsigned long compare_all(const struct options *o)
{
    static struct result interpreted[BATCH], translated[BATCH];
    unsigned long bad = 0;
    for (unsigned long done = 0; done < o->streams && bad < o->most; done += BATCH) {
        unsigned count = (unsigned)(o->streams - done < BATCH ? o->streams - done : BATCH);
        uint64_t first = o->seed + done;
        run_batch(o, first, count, false, interpreted);
        run_batch(o, first, count, true, translated);
        for (unsigned n = 0; n < count; n++) {
            struct request r;
            if (memcmp(&interpreted[n], &translated[n], sizeof interpreted[n]) == 0)
                continue;
            stream_make(&r, first + n, &o->kind);
            if (bad++ < 3)
                print_difference("translator against the interpreter", first + n, &r,
                                 &translated[n], &interpreted[n]);
        }
        if (oracle.pid)
            bad += compare_oracle(o, first, count, interpreted);
    }
    return bad;
}

static bool read_oracle(const char *name, enum judge *value)
{
    *value = strcmp(name, "qemu") == 0   ? JUDGE_QEMU
             : strcmp(name, "vixl") == 0 ? JUDGE_VIXL
                                         : JUDGE_NONE;
    return *value != JUDGE_NONE;
}

static bool read_options(struct options *o, int argc, char **argv)
{
    int c;
    while ((c = getopt(argc, argv, "+k:n:o:s:r:l:wVc")) != -1) {
        switch (c) {
        case 'n': o->streams = strtoul(optarg, NULL, 0); break;
        case 's': o->seed = strtoull(optarg, NULL, 0); break;
        case 'k': o->most = strtoul(optarg, NULL, 0); break;
        case 'r': o->kind.only = optarg; break;
        case 'l': o->kind.longest = (unsigned)strtoul(optarg, NULL, 0); break;
        case 'w': o->kind.wild = true; break;
        case 'V': verify = true; break;
        case 'c': little = true; break;
        case 'o':
            if (!read_oracle(optarg, &o->kind.judge))
                return false;
            break;
        default: return false;
        }
    }
    return o->kind.longest >= 1 && o->kind.longest <= STREAM_INSNS &&
           (o->kind.judge == JUDGE_NONE) == (optind == argc);
}

int main(int argc, char **argv)
{
    struct options o = {
        .most = 10,
        .streams = 2000,
        .seed = (uint64_t)time(NULL) << 20,
        .kind = {.longest = STREAM_INSNS},
    };
    if (!read_options(&o, argc, argv)) {
        printf("# cpu_diff: bad arguments; the head of cpu_diff.c tells them\n");
        return 2;
    }
    if (stream_init(&o.kind) == 0) {
        printf("# no row of the table is called %s and can be in a stream\n", o.kind.only);
        return 2;
    }
    if (optind < argc && !oracle_start(&oracle, argv + optind))
        return 1;
    setenv("TINYVMM_BACKEND", "soft", 1);
    data = map(DATA_ADDR, DATA_BYTES);
    below = map(CODE_ADDR - 0x4000, CODE_BYTES);
    tables = map(TABLES_ADDR, 0x10000);
    make_tables(o.kind.wild);
    unsigned long bad = compare_all(&o);
    unsigned covered, rows = stream_rows(&covered);
    printf("# seed %" PRIu64
           ": %lu streams, %lu instructions, %u of %u encodings (%u in the table), "
           "%lu differ\n",
           o.seed, o.streams, instructions / 2, covered, rows, A64_END_OF_PAGE - 1, bad);
    oracle_stop(&oracle);
    return bad ? 1 : 0;
}
