/* SPDX-License-Identifier: MIT */
/*
 * Pointer authentication: the cipher by its published vector, the place of the code in a pointer
 * under several address sizes and tags, failures, enables, the combined instructions. The sums over
 * random operands are those of another implementation: this program runs under qemu too.
 */
#include "lib/lib.h"

__asm__(".arch armv8.5-a+pauth\n");

#define SCTLR_ENIA (1ull << 31)
#define SCTLR_ENIB (1ull << 30)
#define SCTLR_ENDA (1ull << 27)
#define SCTLR_ENDB (1ull << 13)
#define SCTLR_ALL  (SCTLR_ENIA | SCTLR_ENIB | SCTLR_ENDA | SCTLR_ENDB)
#define TCR_TBI0   (1ull << 37)
#define TCR_TBI1   (1ull << 38)
#define TCR_TBID0  (1ull << 51)

static void sctlr(u64 enables)
{
    WRITE(sctlr_el1, (READ(sctlr_el1) & ~SCTLR_ALL) | enables);
    ISB();
}

/* The MMU is off: TCR_EL1 only says where the codes are. */
static void tcr(u64 value)
{
    WRITE(tcr_el1, value);
    ISB();
}

static u64 seed;
static u64 next(void)
{
    seed += 0x9e3779b97f4a7c15;
    u64 x = seed;
    x = (x ^ x >> 33) * 0xff51afd7ed558ccd;
    x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53;
    return x ^ x >> 33;
}

#define KEYS(name, lo, hi)                                                                         \
    do {                                                                                           \
        WRITE(name##keylo_el1, lo);                                                                \
        WRITE(name##keyhi_el1, hi);                                                                \
    } while (0)

static void random_keys(void)
{
    KEYS(apia, next(), next());
    KEYS(apib, next(), next());
    KEYS(apda, next(), next());
    KEYS(apdb, next(), next());
    KEYS(apga, next(), next());
    ISB();
}

#define SIGN(op, ptr, mod)                                                                         \
    ({                                                                                             \
        u64 p_ = (ptr);                                                                            \
        __asm__ volatile(".arch armv8.5-a+pauth\n\t" #op " %0, %1" : "+r"(p_) : "r"((u64)(mod)));  \
        p_;                                                                                        \
    })
#define SIGN0(op, ptr)                                                                             \
    ({                                                                                             \
        u64 p_ = (ptr);                                                                            \
        __asm__ volatile(".arch armv8.5-a+pauth\n\t" #op " %0" : "+r"(p_));                        \
        p_;                                                                                        \
    })
#define PACGA(ptr, mod)                                                                            \
    ({                                                                                             \
        u64 d_;                                                                                    \
        __asm__ volatile(".arch armv8.5-a+pauth\n\tpacga %0, %1, %2"                               \
                         : "=r"(d_)                                                                \
                         : "r"((u64)(ptr)), "r"((u64)(mod)));                                      \
        d_;                                                                                        \
    })

/* QARMA-64, sigma 2, r = 5: the vector of the cipher's own paper. */
static void cipher(void)
{
    KEYS(apga, 0xec2802d4e0a488e9, 0x84be85ce9804e94b);
    ISB();
    EQ(PACGA(0xfb623599da6e8127, 0x477d469dec0b8762), 0xc003b93900000000);
    const u64 isar1 = READ(id_aa64isar1_el1);
    OK(id_field(isar1, 4) >= 1 && id_field(isar1, 8) == 0);
    OK(id_field(isar1, 24) == 1 && id_field(isar1, 28) == 0);
}

static u64 sum;
static void add(u64 value)
{
    sum = (sum ^ value) * 0x9e3779b97f4a7c15;
    sum ^= sum >> 29;
}

/* Every instruction on one pointer; what was signed authenticates. */
static void all_of_them(u64 ptr, u64 mod)
{
    const u64 ia = SIGN(pacia, ptr, mod), ib = SIGN(pacib, ptr, mod), da = SIGN(pacda, ptr, mod),
              db = SIGN(pacdb, ptr, mod);

    add(ia), add(ib), add(da), add(db);
    add(SIGN0(paciza, ptr)), add(SIGN0(pacizb, ptr));
    add(SIGN0(pacdza, ptr)), add(SIGN0(pacdzb, ptr));
    add(PACGA(ptr, mod));
    add(SIGN0(xpaci, ia)), add(SIGN0(xpacd, db));
    add(SIGN(autia, ia, mod)), add(SIGN(autib, ib, mod));
    add(SIGN(autda, da, mod)), add(SIGN(autdb, db, mod));
    add(SIGN(autia, ib, mod)), add(SIGN(autib, ia, mod));
    add(SIGN(autda, da ^ 1, mod)), add(SIGN(autdb, db, mod ^ 1));
    add(SIGN0(autiza, ptr)), add(SIGN0(autizb, ptr));
    add(SIGN0(autdza, ptr)), add(SIGN0(autdzb, ptr));
}

/* A pointer of either half, now and then with a tag or broken extension bits. */
static u64 pointer(unsigned n)
{
    u64 p = next() & 0xffffffffff;
    if (n & 1)
        p |= 0xffffff0000000000;
    if (n % 5 == 2)
        p ^= (next() & 0x3f) << 56 | (u64)(n % 3) << 48;
    return p;
}

static u64 digest(u64 tcr_value, unsigned rounds)
{
    tcr(tcr_value);
    seed = tcr_value;
    sum = 0;
    for (unsigned n = 0; n < rounds; n++) {
        if (n % 16 == 0)
            random_keys();
        all_of_them(pointer(n), next());
    }
    return sum;
}

static void random_operands(void)
{
    static const struct {
        u64 tcr, sum;
    } cases[] = {
        {16 | 16 << 16, 0x1ec766443f2f3305},
        {25 | 25 << 16, 0x759988f3ef39c3e8},
        {39 | 39 << 16, 0x9e987cc66ea19ad},
        {16 | 16 << 16 | TCR_TBI0 | TCR_TBI1, 0xbc2a2d3ac8fb8889},
        {25 | 25 << 16 | TCR_TBI0 | TCR_TBI1 | TCR_TBID0 | TCR_TBID0 << 1, 0x53f229c4e342353},
        {0 | 63 << 16 | TCR_TBI0 | TCR_TBI1, 0x8eebfe9d9f81763},
    };
    sctlr(SCTLR_ALL);
    for (unsigned n = 0; n < sizeof cases / sizeof cases[0]; n++)
        EQ(digest(cases[n].tcr, 256), cases[n].sum);
}

/* The places of code and error, by the architecture's definition. */
static void failures(void)
{
    sctlr(SCTLR_ALL);
    random_keys();
    tcr(16 | 16 << 16);
    const u64 ptr = 0x0000123456789abc, upper = 0xffff123456789abc;
    for (unsigned n = 0; n < 64; n++) {
        const u64 mod = next(), good = SIGN(pacia, ptr, mod), high = SIGN(pacda, upper, mod);
        EQ(good & 0x0000ffffffffffff, ptr);
        EQ(good >> 55 & 1, 0);
        EQ(high >> 55 & 1, 1);
        EQ(high | 0xffff000000000000, upper);
        EQ(SIGN(autia, good, mod), ptr);
        EQ(SIGN(autda, high, mod), upper);
        EQ(SIGN(autia, good ^ 1ull << 60, mod), ptr | 1ull << 61);
        EQ(SIGN(autib, SIGN(pacib, ptr, mod) ^ 1ull << 50, mod), ptr | 2ull << 61);
        EQ(SIGN(autda, high ^ 1ull << 60, mod), (upper & ~(3ull << 61)) | 1ull << 61);
        EQ(SIGN0(xpaci, good), ptr);
        EQ(SIGN0(xpacd, high), upper);
    }
    tcr(16 | 16 << 16 | TCR_TBI0 | TCR_TBI1);
    const u64 tag = 0x5aull << 56;
    for (unsigned n = 0; n < 64; n++) {
        const u64 mod = next(), good = SIGN(pacia, tag | ptr, mod);
        EQ(good & 0xff80ffffffffffff, tag | ptr);
        EQ(SIGN(autia, good, mod), tag | ptr);
        EQ(SIGN(autia, good ^ 1ull << 50, mod), tag | ptr | 1ull << 53);
        EQ(SIGN0(xpaci, good), tag | ptr);
    }
    /* Tags of data alone: the code of an instruction's address takes the top byte. */
    tcr(16 | 16 << 16 | TCR_TBI0 | TCR_TBI1 | TCR_TBID0 | TCR_TBID0 << 1);
    EQ(SIGN0(xpaci, tag | ptr), ptr);
    EQ(SIGN0(xpacd, tag | ptr), tag | ptr);
    tcr(16 | 16 << 16);
}

static void enables(void)
{
    const u64 ptr = 0x123456789abc;
    random_keys();
    sctlr(0);
    EQ(SIGN(pacia, ptr, 1), ptr);
    EQ(SIGN(pacib, ptr, 1), ptr);
    EQ(SIGN(pacda, ptr, 1), ptr);
    EQ(SIGN(pacdb, ptr, 1), ptr);
    EQ(SIGN(autia, ptr | 1ull << 60, 1), ptr | 1ull << 60);
    OK(PACGA(ptr, 1) != 0);
    if (plat_quirks & QUIRK_XPAC_NEEDS_KEY) {
        skip("XPAC without a key", "the platform does nothing");
    } else {
        EQ(SIGN0(xpaci, ptr | 0x5a5aull << 48), ptr);
        EQ(SIGN0(xpacd, ptr | 0x12ull << 56), ptr);
        EQ(SIGN0(xpacd, ptr | 0x80ull << 48), ptr | 0xffffull << 48);
    }
    sctlr(SCTLR_ENIA);
    OK(SIGN(pacia, ptr, 1) != ptr);
    EQ(SIGN(pacib, ptr, 1), ptr);
    sctlr(SCTLR_ENIB);
    OK(SIGN(pacib, ptr, 1) != ptr);
    EQ(SIGN(pacda, ptr, 1), ptr);
    sctlr(SCTLR_ENDA);
    OK(SIGN(pacda, ptr, 1) != ptr);
    EQ(SIGN(pacdb, ptr, 1), ptr);
    EQ(SIGN0(xpaci, ptr | 1ull << 60), ptr); /* for any key */
    sctlr(SCTLR_ENDB);
    OK(SIGN(pacdb, ptr, 1) != ptr);
    EQ(SIGN(pacia, ptr, 1), ptr);
    sctlr(SCTLR_ALL);
}

/* One pointer and one modifier under keys, enables and address sizes that come and go: what was
 * signed before must not be met again under another of them. */
#define VARIANTS 24
static u64 signed_as[VARIANTS];

static bool choose_variant(unsigned n)
{
    const u64 lo = n & 1 ? 0x1234 : 0x5678, hi = n & 2 ? 0xabcd : 0xdcba;
    const bool on = (n & 4) != 0;
    KEYS(apia, lo, hi);
    KEYS(apib, hi, lo);
    tcr(n / 8 == 0 ? 16 | 16 << 16 : n / 8 == 1 ? 25 | 25 << 16 : 16 | TCR_TBI0 | 16 << 16);
    sctlr(on ? SCTLR_ALL : SCTLR_ALL & ~SCTLR_ENIA);
    return on;
}

static void remembered(void)
{
    const u64 ptr = 0x123456789c, mod = 0x40001230;
    for (unsigned round = 0; round < 80; round++) {
        for (unsigned step = 0; step < VARIANTS; step++) {
            const unsigned n = (step * 5 + round * 7) % VARIANTS, other = (n & ~3u) | ((n + 1) & 3);
            const bool on = choose_variant(n);
            const u64 coded = SIGN(pacia, ptr, mod);
            if (!signed_as[n])
                signed_as[n] = coded;
            EQ(coded, signed_as[n]);
            OK((coded == ptr) == !on);
            EQ(SIGN(autia, coded, mod), ptr);
            EQ(SIGN(autib, SIGN(pacib, ptr, mod), mod), ptr);
            OK(SIGN(pacib, ptr, mod) != coded);
            if (on && signed_as[other])
                OK(SIGN(autia, signed_as[other], mod) != ptr);
        }
    }
    choose_variant(4);
}

/* Functions that sign what they return by, and jumps through signed pointers. */
#define SIGNED(name, pac, aut) #name ": " pac "\n add x0, x0, #1\n " aut "\n"
#define CALL(name, pac, insn)                                                                      \
#name ": stp x29, x30, [sp, #-16]!\n adr x9, plain\n mov x10, sp\n adr x30, 1f\n " pac         \
          "\n " insn "\n1: ldp x29, x30, [sp], #16\n ret\n"
__asm__(
    ".text\n" SIGNED(sp_a, "paciasp", "retaa") SIGNED(sp_b, "pacibsp",
                                                      "retab") SIGNED(sp_c, "paciasp",
                                                                      "autiasp\n ret")
        SIGNED(sp_d, "pacibsp", "autibsp\n ret") SIGNED(z_a, "paciaz", "autiaz\n ret") SIGNED(
            z_b, "pacibz",
            "autibz\n ret") "strip: paciasp\n xpaclri\n add x0, x0, #1\n ret\n"
                            "plain: add x0, x0, #1\n ret\n"
                            "wrong: paciasp\n retab\n"
                            "r1716: mov x16, x1\n mov x17, x0\n pacia1716\n autia1716\n "
                            "pacib1716\n autib1716\n"
                            " mov x0, x17\n ret\n" CALL(c_aa, "pacia x9, x10",
                                                        "blraa x9, x10") CALL(c_ab, "pacib x9, x10",
                                                                              "blrab x9, x10")
                                CALL(c_sp, "pacia x9, sp",
                                     "blraa x9, sp") CALL(c_az, "paciza x9",
                                                          "blraaz x9") CALL(c_bz, "pacizb x9",
                                                                            "blrabz x9")
                                    CALL(j_aa, "pacia x9, x10", "braa x9, x10") CALL(
                                        j_bz, "pacizb x9",
                                        "brabz x9") "load: pacdza x0\n ldraa x0, [x0, #-16]\n ret\n"
                                                    "load_pre: pacdzb x0\n mov x2, x0\n ldrab x1, "
                                                    "[x2, #4088]!\n add x0, x1, x2\n ret\n"
                                                    "load_bad: ldraa x0, [x0]\n ret\n");
extern probe_fn sp_a, sp_b, sp_c, sp_d, z_a, z_b, strip, wrong, r1716, c_aa, c_ab, c_sp, c_az, c_bz,
    j_aa, j_bz, load, load_pre, load_bad;

static u64 words[1024];

static void combined(void)
{
    probe_fn *const functions[] = {sp_a, sp_b, sp_c, sp_d, z_a,  z_b,  strip,
                                   c_aa, c_ab, c_sp, c_az, c_bz, j_aa, j_bz};
    random_keys();
    sctlr(SCTLR_ALL);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned n = 0; n < sizeof functions / sizeof functions[0]; n++)
            EQ(functions[n](41 + n, 0), 42 + n);
        random_keys();
    }
    EQ(r1716(0x123456789abc, 77), 0x123456789abc);
    words[510] = 1234;
    words[511] = 99;
    EQ(load((u64)&words[512], 0), 1234);
    EQ(load_pre((u64)&words[0], 0), (u64)&words[511] + 99);
}

/* A return that does not authenticate goes to an address that is none. */
static u64 fetched_far;
static bool bad_fetch(struct frame *f)
{
    fetched_far = f->far;
    f->elr = (f->far & 0x0000ffffffffffff);
    f->x[0] = 4711;
    return true;
}
static void bad_return(void)
{
    struct space space;
    page_reset();
    space_init(&space, 12, 16);
    space_map_program(&space);
    mmu_on(&space, NULL, SCTLR_ALL);
    trap_hook = bad_fetch;
    EQ(wrong(1, 0), 4711);
    EQ(fetched_far >> 61, 2);
    trap_hook = NULL;
    FAULTS_AT(load_bad, (u64)words, DABT_EL1(FSC_TRANSLATION(0), 0), (u64)words | 1ull << 61);
    mmu_off();
}

static u64 in_el0(u64 a, u64 b)
{
    return SIGN(autia, SIGN(pacia, a, b), b);
}

/* ERETAA and ERETAB: the address in ELR_EL1 is signed. EL0 uses the same keys and enables. */
static void exception_return(void)
{
    u64 result;
    sctlr(SCTLR_ALL);
    random_keys();
    __asm__ volatile(".arch armv8.5-a+pauth\n\tadr x9, 1f\n\tpacia x9, sp\n\tmsr elr_el1, x9\n\t"
                     "mov x10, #0x3c5\n\tmsr spsr_el1, x10\n\tmov %0, #1\n\teretaa\n\t"
                     "mov %0, #2\n1:\tadr x9, 2f\n\tpacib x9, sp\n\tmsr elr_el1, x9\n\t"
                     "msr spsr_el1, x10\n\teretab\n\tmov %0, #3\n2:\tmrs x10, elr_el1\n\t"
                     "sub x9, x9, x10\n\tadd %0, %0, x9"
                     : "=&r"(result)::"x9", "x10", "memory");
    EQ(result, 1);
    struct space space;
    page_reset();
    space_init(&space, 12, 16);
    space_map_program(&space);
    mmu_on(&space, NULL, SCTLR_ALL);
    EQ(el0_call(in_el0, 0x123456789abc, 5), 0x123456789abc);
    mmu_off();
}

int main(void)
{
    if (!id_field(READ(id_aa64isar1_el1), 4)) {
        skip("pointer authentication", "not announced");
        return 0;
    }
    tcr(16 | 16 << 16);
    RUN(cipher);
    RUN(enables);
    RUN(failures);
    RUN(random_operands);
    RUN(remembered);
    RUN(combined);
    RUN(bad_return);
    RUN(exception_return);
    return 0;
}
