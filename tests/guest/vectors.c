/* SPDX-License-Identifier: MIT */
/*
 * V registers, FPCR and FPSR in loops that run hot: values that live from one turn to the next,
 * with exceptions, system registers and accesses across a page in between, each of which sees all
 * of them; rounding modes and status flags that change from turn to turn.
 */
#include "lib/lib.h"

#define TURNS    500 /* a translator has long been at work */

#define ASM(...) __asm__ volatile(".arch armv8-a\n\t" __VA_ARGS__)
#define EACH(op)                                                                                   \
    op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) op(8) op(9) op(10) op(11) op(12) op(13) op(14) \
        op(15) op(16) op(17) op(18) op(19) op(20) op(21) op(22) op(23) op(24) op(25) op(26) op(27) \
            op(28) op(29) op(30)

static u64 file[32][2], seen[32][2];
static u64 pages[1024] __attribute__((aligned(4096)));
#define ACROSS ((u64)pages + 4096 - 8) /* 16 bytes from here are in two pages */

static void fill(void)
{
    for (unsigned n = 0; n < 31; n++) {
        file[n][0] = n * 0x0101010101010101;
        file[n][1] = ~file[n][0];
    }
    file[31][0] = 1;
    file[31][1] = 3;
}

static void check_file(u64 (*f)[2], u64 turns)
{
    for (unsigned n = 0; n < 31; n++) {
        EQ(f[n][0], n * 0x0101010101010101 + turns);
        EQ(f[n][1], ~(n * 0x0101010101010101) + 3 * turns);
    }
}

#define LOAD(n)  "ldr q" #n ", [%0, #" #n " * 16]\n\t"
#define STORE(n) "str q" #n ", [%0, #" #n " * 16]\n\t"
#define STEP(n)  "add v" #n ".2d, v" #n ".2d, v31.2d\n\t"

/* Each turn adds {1, 3} to V0 to V30. */
#define LOOP(middle)                                                                               \
    ASM(EACH(LOAD) LOAD(31) "mov x9, %1\n\t1:\n\t" EACH(STEP) middle                               \
        "subs x9, x9, #1\n\tb.ne 1b\n\t" EACH(STORE)::"r"(file),                                   \
        "r"((u64)TURNS), "r"(ACROSS)                                                               \
        : "x9", "x10", "x11", "memory", "cc")

static void plain(void)
{
    fill();
    LOOP("");
    check_file(file, TURNS);
}

/* V5 goes through memory of two pages, V20 beside it. */
static void across_pages(void)
{
    fill();
    LOOP("str q5, [%2]\n\tstr q20, [%2, #32]\n\tmovi v5.2d, #0\n\tldp x10, x11, [%2]\n\t"
         "ldr q5, [%2]\n\tadd v20.2d, v20.2d, v31.2d\n\tldr q20, [%2, #32]\n\t");
    check_file(file, TURNS);
}

/* Instructions that a translator leaves to somebody else, who may use the host's registers. */
static void system_registers(void)
{
    fill();
    LOOP("mrs x10, fpsr\n\tmsr fpsr, x10\n\tmrs x10, midr_el1\n\tmrs x10, cntvct_el0\n\t");
    check_file(file, TURNS);
}

static u64 hooks;
static bool count(struct frame *f)
{
    (void)f;
    hooks++;
    return true;
}

static void exceptions(void)
{
    fill();
    hooks = 0;
    trap_hook = count;
    LOOP("svc #1\n\t");
    trap_hook = NULL;
    EQ(hooks, TURNS);
    check_file(file, TURNS);
}

/* The handler of the exception sees what the loop has made, and what it leaves there counts. */
static bool spy(struct frame *f)
{
    ASM(EACH(STORE) "movi v3.2d, #0\n\tsub v31.2d, v31.2d, v31.2d\n\t" ::"r"(seen) : "memory");
    return count(f);
}

static void seen_by_handlers(void)
{
    fill();
    hooks = 0;
    trap_hook = spy;
    LOOP("tst x9, #255\n\tb.ne 2f\n\tsvc #2\n\t2:\n\t");
    trap_hook = NULL;
    EQ(hooks, 1); /* at x9 == 256 */
    check_file(seen, TURNS - 256 + 1);
    EQ(file[3][0], 0);
    EQ(file[3][1], 0);
    file[3][0] = seen[3][0];
    file[3][1] = seen[3][1];
    check_file(file, TURNS - 256 + 1);
}

/* 1/3 and -1/3 by FPCR.RMode: nearest, up, down, to zero. */
static void rounding(void)
{
    static const u64 third[4] = {0x3fd5555555555555, 0x3fd5555555555556, 0x3fd5555555555555,
                                 0x3fd5555555555555};
    static const u64 minus[4] = {0xbfd5555555555555, 0xbfd5555555555555, 0xbfd5555555555556,
                                 0xbfd5555555555555};
    u64 wrong = 0;
    for (unsigned n = 0; n < 4 * TURNS; n++) {
        unsigned mode = n / 97 % 4; /* for a while each */
        u64 a, b;
        ASM("msr fpcr, %2\n\tfmov d0, #1.0\n\tfmov d1, #3.0\n\tfdiv d2, d0, d1\n\t"
            "fnmul d3, d2, d0\n\tfneg d0, d0\n\tfdiv d3, d0, d1\n\tfmov %0, d2\n\tfmov %1, d3\n\t"
            "msr fpcr, xzr\n\t"
            : "=r"(a), "=r"(b)
            : "r"((u64)mode << 22));
        wrong += a != third[mode] || b != minus[mode];
    }
    EQ(wrong, 0);
}

/* Flags come back after each time they were cleared, and only those that are due: the same code
 * with a quotient that is exact, rounded, of zero, too large, too small. */
static void flags(void)
{
    static const struct {
        u64 n, m, result, fpsr;
    } cases[] = {
        {0x4008000000000000, 0x3ff0000000000000, 0x4008000000000000, 0},
        {0x3ff0000000000000, 0x4008000000000000, 0x3fd5555555555555, 0x10},
        {0x3ff0000000000000, 0, 0x7ff0000000000000, 0x02},
        {0, 0, 0x7ff8000000000000, 0x01},
        {0x7fe0000000000000, 0x3fc8000000000000, 0x7ff0000000000000, 0x14},
        {0x0010000000000000, 0x4008000000000000, 0x0005555555555555, 0x18},
        {0, 0x3ff0000000000000, 0, 0},
        {0x7ff8000000000123, 0x3ff0000000000000, 0x7ff8000000000123, 0},
        {0x7ff0000000000123, 0x3ff0000000000000, 0x7ff8000000000123, 0x01},
    };
    u64 wrong = 0;
    for (unsigned n = 0; n < 20 * TURNS; n++) {
        unsigned c = n % 1000 < 900 ? n / 31 % (sizeof cases / sizeof *cases) : 1;
        u64 keep = n % 1000 < 500 ? 0 : 0x10; /* IXC set before */
        u64 r, fpsr;
        ASM("msr fpsr, %4\n\tfmov d0, %2\n\tfmov d1, %3\n\tfdiv d2, d0, d1\n\tfmov %0, d2\n\t"
            "mrs %1, fpsr\n\tmsr fpsr, xzr\n\t"
            : "=&r"(r), "=&r"(fpsr)
            : "r"(cases[c].n), "r"(cases[c].m), "r"(keep));
        wrong += r != cases[c].result || fpsr != (cases[c].fpsr | keep);
    }
    EQ(wrong, 0);
}

/* Every exponent, beside an ordinary number in the other lanes: x + x and x * 1 are exact, but that
 * the largest overflow. */
#define EXPONENTS(type, top, shift, scalar, lanes, one)                                            \
    do {                                                                                           \
        for (unsigned n = 0; n <= 4 * (top) + 3; n++) {                                            \
            const u64 e = n / 4, x = e << (shift) | 5, ordinary = (u64)(one) + 9;                  \
            const u64 twice =                                                                      \
                e ? e < (top)-1 ? x + (1ull << (shift)) : (u64)(top) << (shift) : 2 * x;           \
            const u64 fpsr = e == (top)-1 ? 0x14 : 0x10;                                           \
            type in[16 / sizeof(type)], sum[16 / sizeof(type)], product[16 / sizeof(type)];        \
            u64 after, lane = n % (16 / sizeof(type));                                             \
            if (e == (top))                                                                        \
                break;                                                                             \
            for (unsigned k = 0; k < 16 / sizeof(type); k++)                                       \
                in[k] = (type)(k == lane ? x : ordinary);                                          \
            ASM("msr fpsr, %4\n\tldr q0, [%1]\n\tfmov v1." lanes ", #1.0\n\t"                      \
                "fadd v2." lanes ", v0." lanes ", v0." lanes "\n\t"                                \
                "fmul v19." lanes ", v1." lanes ", v0." lanes "\n\t"                               \
                "str q2, [%2]\n\tstr q19, [%3]\n\tmrs %0, fpsr\n\t"                                \
                : "=&r"(after)                                                                     \
                : "r"(in), "r"(sum), "r"(product), "r"(0x10ull)                                    \
                : "memory");                                                                       \
            for (unsigned k = 0; k < 16 / sizeof(type); k++)                                       \
                wrong += product[k] != in[k] ||                                                    \
                         sum[k] != (type)(k == lane ? twice : ordinary + (1ull << (shift)));       \
            wrong += after != fpsr;                                                                \
            in[0] = (type)x;                                                                       \
            ASM("msr fpsr, %4\n\tldr " scalar "0, [%1]\n\tfmov " scalar "1, #1.0\n\t"              \
                "fadd " scalar "2, " scalar "0, " scalar "0\n\t"                                   \
                "fmul " scalar "0, " scalar "1, " scalar "0\n\t"                                   \
                "str " scalar "2, [%2]\n\tstr " scalar "0, [%3]\n\tmrs %0, fpsr\n\t"               \
                : "=&r"(after)                                                                     \
                : "r"(in), "r"(sum), "r"(product), "r"(0x10ull)                                    \
                : "memory");                                                                       \
            wrong += product[0] != in[0] || sum[0] != (type)twice || after != fpsr;                \
        }                                                                                          \
    } while (0)

static void exponents(void)
{
    u64 wrong = 0;
    EXPONENTS(u64, 2047, 52, "d", "2d", 0x3ff0000000000000);
    EXPONENTS(uint32_t, 255, 23, "s", "4s", 0x3f800000);
    EQ(wrong, 0);
}

/* Scalars clear what is above them, whatever was there and whichever register they go to. */
static void upper_parts(void)
{
    u64 wrong = 0;
    for (unsigned n = 0; n < TURNS; n++) {
        ASM("movi v0.2d, #0xffffffffffffffff\n\tfmov d1, #2.0\n\tdup v2.2d, v1.d[0]\n\t"
            "dup v18.2d, v1.d[0]\n\tcbz %1, 1f\n\t1:\n\t"
            "fadd d2, d2, d2\n\tfmul d18, d18, d18\n\tfmov d0, d0\n\tfadd d3, d18, d2\n\t"
            "stp q0, q2, [%0]\n\tstp q3, q18, [%0, #32]\n\t"
            "movi v4.2d, #0xffffffffffffffff\n\tfmov s4, #1.0\n\tfadd s5, s4, s4\n\t"
            "movi v6.2d, #0xffffffffffffffff\n\tmov v6.s[0], v5.s[0]\n\tfmul s6, s6, s6\n\t"
            "stp q5, q6, [%0, #64]\n\t" ::"r"(seen),
            "r"((u64)n)
            : "memory");
        wrong += seen[0][0] != ~0ull || seen[0][1] || seen[1][0] != 0x4010000000000000 ||
                 seen[1][1] || seen[2][0] != 0x4020000000000000 || seen[2][1] ||
                 seen[3][0] != 0x4010000000000000 || seen[3][1] || seen[4][0] != 0x40000000 ||
                 seen[4][1] || seen[5][0] != 0x40800000 || seen[5][1];
    }
    EQ(wrong, 0);
}

static struct space space;

int main(void)
{
    page_reset();
    space_init(&space, 12, 16);
    space_map_program(&space);
    mmu_on(&space, NULL, 0);
    RUN(plain);
    RUN(across_pages);
    RUN(system_registers);
    RUN(exceptions);
    RUN(seen_by_handlers);
    RUN(rounding);
    RUN(flags);
    RUN(exponents);
    RUN(upper_parts);
    mmu_off();
    return 0;
}
