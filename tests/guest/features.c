/* SPDX-License-Identifier: MIT */
/*
 * The ID registers tell the truth: an instruction or register of an optional feature is UNDEFINED
 * if and only if the feature is not announced. One probe for each feature and version.
 */
#include "lib/lib.h"

/* name, ID register, field, smallest value that has it, instruction (x0 = 64 bytes of memory) */
#define FEATURES(F)                                                                                \
    F(aes, id_aa64isar0_el1, 4, 1, ".inst 0x4e284800")                                             \
    F(pmull, id_aa64isar0_el1, 4, 2, ".inst 0x0ee0e000")                                           \
    F(sha1, id_aa64isar0_el1, 8, 1, ".inst 0x5e280800")                                            \
    F(sha256, id_aa64isar0_el1, 12, 1, ".inst 0x5e282800")                                         \
    F(sha512, id_aa64isar0_el1, 12, 2, ".inst 0xcec08000")                                         \
    F(crc32, id_aa64isar0_el1, 16, 1, ".inst 0x1ac04000")                                          \
    F(lse, id_aa64isar0_el1, 20, 2, ".inst 0xf8210002")                                            \
    F(lse_casp, id_aa64isar0_el1, 20, 2, ".inst 0x48227c04")                                       \
    F(rdm, id_aa64isar0_el1, 28, 1, ".inst 0x2e408400")                                            \
    F(sha3, id_aa64isar0_el1, 32, 1, ".inst 0xce000000")                                           \
    F(sm3, id_aa64isar0_el1, 36, 1, ".inst 0xce400000")                                            \
    F(sm4, id_aa64isar0_el1, 40, 1, ".inst 0xcec08400")                                            \
    F(dotprod, id_aa64isar0_el1, 44, 1, ".inst 0x0e809400")                                        \
    F(fhm, id_aa64isar0_el1, 48, 1, ".inst 0x0e20ec00")                                            \
    F(flagm, id_aa64isar0_el1, 52, 1, ".inst 0xd500401f")                                          \
    F(flagm2, id_aa64isar0_el1, 52, 2, ".inst 0xd500405f")                                         \
    F(tlbios, id_aa64isar0_el1, 56, 1, "sys #0, c8, c1, #0")                                       \
    F(tlbirange, id_aa64isar0_el1, 56, 2, "sys #0, c8, c6, #1, xzr")                               \
    F(rndr, id_aa64isar0_el1, 60, 1, "mrs x0, s3_3_c2_c4_0")                                       \
    F(dpb, id_aa64isar1_el1, 0, 1, "sys #3, c7, c12, #1, x0")                                      \
    F(dpb2, id_aa64isar1_el1, 0, 2, "sys #3, c7, c13, #1, x0")                                     \
    F(jscvt, id_aa64isar1_el1, 12, 1, ".inst 0x1e7e0000")                                          \
    F(fcma, id_aa64isar1_el1, 16, 1, ".inst 0x2e80c400")                                           \
    F(lrcpc, id_aa64isar1_el1, 20, 1, ".inst 0xf8bfc001")                                          \
    F(lrcpc2, id_aa64isar1_el1, 20, 2, ".inst 0xd9400001")                                         \
    F(frintts, id_aa64isar1_el1, 32, 1, ".inst 0x1e684000")                                        \
    F(sb, id_aa64isar1_el1, 36, 1, ".inst 0xd50330ff")                                             \
    F(specres, id_aa64isar1_el1, 40, 1, "sys #3, c7, c3, #4, xzr")                                 \
    F(bf16, id_aa64isar1_el1, 44, 1, ".inst 0x1e634000")                                           \
    F(i8mm, id_aa64isar1_el1, 52, 1, ".inst 0x4e80a400")                                           \
    F(ls64, id_aa64isar1_el1, 60, 1, ".inst 0xf83fd002")                                           \
    F(mops, id_aa64isar2_el1, 16, 1, ".inst 0x19010440")                                           \
    F(cssc, id_aa64isar2_el1, 52, 1, ".inst 0xdac02000")                                           \
    F(sve, id_aa64pfr0_el1, 32, 1, ".inst 0x0420e3e0")                                             \
    F(dit, id_aa64pfr0_el1, 48, 1, "mrs x0, s3_3_c4_c2_5")                                         \
    F(ras, id_aa64pfr0_el1, 28, 1, "mrs x0, s3_0_c5_c3_0")                                         \
    F(scxtnum, id_aa64pfr0_el1, 56, 2, "mrs x0, s3_3_c13_c0_7")                                    \
    F(ssbs, id_aa64pfr1_el1, 4, 2, "mrs x0, s3_3_c4_c2_6")                                         \
    F(mte, id_aa64pfr1_el1, 8, 1, ".inst 0x9ac01001")                                              \
    F(sme, id_aa64pfr1_el1, 24, 1, "mrs x0, s3_3_c13_c0_5")                                        \
    F(pmu, id_aa64dfr0_el1, 8, 1, "mrs x0, s3_3_c9_c13_0")                                         \
    F(pmu_control, id_aa64dfr0_el1, 8, 1, "mrs x0, s3_3_c9_c12_0")                                 \
    F(trace_filter, id_aa64dfr0_el1, 40, 1, "mrs x0, s3_0_c1_c2_1")                                \
    F(ecv, id_aa64mmfr0_el1, 60, 1, "mrs x0, s3_3_c14_c0_6")                                       \
    F(lor, id_aa64mmfr1_el1, 16, 1, "mrs x0, s3_0_c10_c4_3")                                       \
    F(pan, id_aa64mmfr1_el1, 20, 1, "mrs x0, s3_0_c4_c2_3")                                        \
    F(pan2, id_aa64mmfr1_el1, 20, 2, "sys #0, c7, c9, #0, x0")                                     \
    F(uao, id_aa64mmfr2_el1, 4, 1, "mrs x0, s3_0_c4_c2_4")                                         \
    F(dvp, id_aa64isar1_el1, 40, 1, "sys #3, c7, c3, #5, xzr")                                     \
    F(cpp, id_aa64isar1_el1, 40, 1, "sys #3, c7, c3, #7, xzr")                                     \
    F(rndrrs, id_aa64isar0_el1, 60, 1, "mrs x0, s3_3_c2_c4_1")                                     \
    F(lrcpc3, id_aa64isar1_el1, 20, 3, ".inst 0xd9c20800")                                         \
    F(xs, id_aa64isar1_el1, 56, 1, ".inst 0xd503323f")                                             \
    F(st64bv, id_aa64isar1_el1, 60, 2, ".inst 0xf820b002")                                         \
    F(wfxt, id_aa64isar2_el1, 0, 2, ".inst 0xd503101f")                                            \
    F(hbc, id_aa64isar2_el1, 20, 1, ".inst 0x54000030")                                            \
    F(sys128, id_aa64isar2_el1, 32, 1, ".inst 0xd5780000")                                         \
    F(lse128, id_aa64isar0_el1, 20, 3, ".inst 0x19201001")                                         \
    F(zcr, id_aa64pfr0_el1, 32, 1, "mrs x0, s3_0_c1_c2_0")                                         \
    F(mpam, id_aa64pfr0_el1, 40, 1, "mrs x0, s3_0_c10_c5_1")                                       \
    F(amu, id_aa64pfr0_el1, 44, 1, "mrs x0, s3_3_c13_c2_0")                                        \
    F(scxtnum1, id_aa64pfr0_el1, 56, 2, "mrs x0, s3_0_c13_c0_7")                                   \
    F(mte_tco, id_aa64pfr1_el1, 8, 1, "mrs x0, s3_3_c4_c2_7")                                      \
    F(mte_tags, id_aa64pfr1_el1, 8, 2, "mrs x0, s3_0_c1_c0_5")                                     \
    F(smcr, id_aa64pfr1_el1, 24, 1, "mrs x0, s3_0_c1_c2_6")                                        \
    F(nmi, id_aa64pfr1_el1, 36, 1, "mrs x0, s3_0_c4_c3_0")                                         \
    F(gcs, id_aa64pfr1_el1, 44, 1, "mrs x0, s3_0_c2_c5_0")                                         \
    F(trace, id_aa64dfr0_el1, 4, 1, "mrs x0, s2_1_c0_c8_7")                                        \
    F(spe, id_aa64dfr0_el1, 32, 1, "mrs x0, s3_0_c9_c9_0")                                         \
    F(trbe, id_aa64dfr0_el1, 44, 1, "mrs x0, s3_0_c9_c11_0")                                       \
    F(brbe, id_aa64dfr0_el1, 52, 1, "mrs x0, s2_1_c9_c0_0")                                        \
    F(tcr2, id_aa64mmfr3_el1, 0, 1, "mrs x0, s3_0_c2_c0_3")                                        \
    F(sctlr2, id_aa64mmfr3_el1, 4, 1, "mrs x0, s3_0_c1_c0_3")                                      \
    F(s1pie, id_aa64mmfr3_el1, 8, 1, "mrs x0, s3_0_c10_c2_3")

#define CODE(name, reg, shift, min, insn)                                                          \
    __asm__(".text\nf_" #name ": " insn "\n ret\n");                                               \
    extern probe_fn f_##name;
FEATURES(CODE)
__asm__(".text\nf_pacga: .inst 0x9ac03001\n ret\nf_key: mrs x0, s3_0_c2_c1_0\n ret\n"
        "f_el2: mrs x0, s3_4_c1_c1_0\n ret\nf_half: .inst 0x1ee02800\n ret\n");
extern probe_fn f_pacga, f_key, f_el2, f_half;

static char memory[64] __attribute__((aligned(64)));

static void probe(probe_fn *fn, bool announced, const char *name)
{
    trap_clear();
    fn((u64)memory, 0);
    check_eq(!(trap.count && trap.esr >> 26 == 0), announced, name, __FILE__, __LINE__);
}

static void one_by_one(void)
{
#define PROBE(name, reg, shift, min, insn)                                                         \
    probe(f_##name, id_field(READ(reg), shift) >= (min), #name);
#define id_aa64isar2_el1 s3_0_c0_c6_2
#define id_aa64mmfr3_el1 s3_0_c0_c7_3
    FEATURES(PROBE)
}

static void others(void)
{
    const u64 isar1 = READ(id_aa64isar1_el1), pfr0 = READ(id_aa64pfr0_el1);
    const bool pauth = id_field(isar1, 4) || id_field(isar1, 8);
    const bool generic = id_field(isar1, 24) || id_field(isar1, 28);
    probe(f_pacga, generic, "pacga");
    probe(f_key, pauth || generic, "keys");
    probe(f_half, id_field(pfr0, 16) == 1, "half precision");
    EQ(id_field(pfr0, 16), id_field(pfr0, 20)); /* the same for scalars and vectors */
    probe(f_el2, false, "EL2 from EL1");
}

int main(void)
{
    /* No trap of EL1's own for SVE and SME: it would come before the one with which a hypervisor
     * hides them. Reserved bits where the CPU has neither. */
    WRITE(cpacr_el1, READ(cpacr_el1) | 3u << 16 | 3u << 24);
    ISB();
    RUN(one_by_one);
    RUN(others);
    return 0;
}
