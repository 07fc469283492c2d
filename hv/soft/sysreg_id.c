/* SPDX-License-Identifier: MIT */
/*
 * What this CPU announces: the optional features, and the ID registers made from them. An
 * instruction or register of a feature that is not announced is UNDEFINED. Fields: Arm ARM D17.2.
 */
#include "a64.h"
#include "cpu.h"
#include "sysreg_fn.h"

static const bool features[FEAT_COUNT] = {
    [FEAT_BASE] = true,    [FEAT_CRC32] = true,  [FEAT_FLAGM] = true,     [FEAT_FLAGM2] = true,
    [FEAT_DIT] = true,     [FEAT_SB] = true,     [FEAT_SSBS] = true,      [FEAT_RDM] = true,
    [FEAT_DOTPROD] = true, [FEAT_I8MM] = true,   [FEAT_AES] = true,       [FEAT_PMULL] = true,
    [FEAT_SHA1] = true,    [FEAT_SHA256] = true, [FEAT_SHA512] = true,    [FEAT_SHA3] = true,
    [FEAT_FP16] = true,    [FEAT_FHM] = true,    [FEAT_FCMA] = true,      [FEAT_JSCVT] = true,
    [FEAT_FRINTTS] = true, [FEAT_BF16] = true,   [FEAT_PAN] = true,       [FEAT_PAN2] = true,
    [FEAT_UAO] = true,     [FEAT_TLBIOS] = true, [FEAT_TLBIRANGE] = true, [FEAT_LSE] = true,
    [FEAT_LRCPC] = true,   [FEAT_LRCPC2] = true, [FEAT_DPB] = true,       [FEAT_DPB2] = true,
    [FEAT_BTI] = true,     [FEAT_PAUTH] = true,  [FEAT_SPECRES] = true,
};

bool a64_feature(enum a64_feature f)
{
    return f < FEAT_COUNT && features[f];
}

#define FIELD(f, value, shift) (a64_feature(FEAT_##f) ? (uint64_t)(value) << (shift) : 0)

static uint64_t isar0(void)
{
    uint64_t aes = a64_feature(FEAT_PMULL) ? 2 : a64_feature(FEAT_AES) ? 1 : 0;
    uint64_t sha2 = a64_feature(FEAT_SHA512) ? 2 : a64_feature(FEAT_SHA256) ? 1 : 0;
    uint64_t ts = a64_feature(FEAT_FLAGM2) ? 2 : a64_feature(FEAT_FLAGM) ? 1 : 0;
    uint64_t tlb = a64_feature(FEAT_TLBIRANGE) ? 2 : a64_feature(FEAT_TLBIOS) ? 1 : 0;
    return aes << 4 | FIELD(SHA1, 1, 8) | sha2 << 12 | FIELD(CRC32, 1, 16) | FIELD(LSE, 2, 20) |
           FIELD(RDM, 1, 28) | FIELD(SHA3, 1, 32) | FIELD(SM3, 1, 36) | FIELD(SM4, 1, 40) |
           FIELD(DOTPROD, 1, 44) | FIELD(FHM, 1, 48) | ts << 52 | tlb << 56;
}

/* Pointer authentication by QARMA5 (APA, GPA), in its first form: no FPAC. */
static uint64_t isar1(void)
{
    uint64_t dpb = a64_feature(FEAT_DPB2) ? 2 : a64_feature(FEAT_DPB) ? 1 : 0;
    uint64_t lrcpc = a64_feature(FEAT_LRCPC2) ? 2 : a64_feature(FEAT_LRCPC) ? 1 : 0;
    return dpb | FIELD(PAUTH, 1, 4) | FIELD(JSCVT, 1, 12) | FIELD(FCMA, 1, 16) | lrcpc << 20 |
           FIELD(PAUTH, 1, 24) | FIELD(FRINTTS, 1, 32) | FIELD(SB, 1, 36) | FIELD(SPECRES, 1, 40) |
           FIELD(BF16, 1, 44) | FIELD(I8MM, 1, 52);
}

/* EL0 and EL1 in AArch64 only; FP and SIMD, with half precision if announced; GIC registers.
 * Nothing is speculated, so addresses of EL1 do not leak (CSV2, CSV3) and need not be unmapped at
 * EL0. */
static uint64_t pfr0(void)
{
    uint64_t fp = a64_feature(FEAT_FP16) ? 1 : 0;
    return 0x11 | fp << 16 | fp << 20 | (machine.has_gic ? 1u << 24 : 0) | FIELD(DIT, 1, 48) |
           UINT64_C(1) << 56 | UINT64_C(1) << 60;
}

/* 4K, 16K and 64K granules, 16-bit ASIDs, PARange by the VM's size. */
static uint64_t mmfr0(void)
{
    uint32_t bits = machine.ipa_bits ? machine.ipa_bits : 40;
    uint64_t pa = bits <= 32   ? 0
                  : bits <= 36 ? 1
                  : bits <= 40 ? 2
                  : bits <= 42 ? 3
                  : bits <= 44 ? 4
                               : 5;
    return pa | 2u << 4 | 1u << 20;
}

/* Access flag and dirty state in hardware (HAFDBS), hierarchical permissions optional (HPDS). */
static uint64_t mmfr1(void)
{
    uint64_t pan = a64_feature(FEAT_PAN2) ? 2 : a64_feature(FEAT_PAN) ? 1 : 0;
    return 2 | 1u << 12 | pan << 20;
}

/* CnP and TTL, which may be ignored; small tables (ST); E0PD. */
static uint64_t mmfr2(void)
{
    return 1 | FIELD(UAO, 1, 4) | 1u << 28 | FIELD(LSE2, 1, 32) | UINT64_C(1) << 48 |
           UINT64_C(1) << 60;
}

bool sysreg_id_value(uint16_t num, uint64_t *value)
{
    switch (num) {
    case HV_SYS_REG_MIDR_EL1: *value = 0x610f0000; break; /* what Apple shows: reference 9.6 */
    case HV_SYS_REG_ID_AA64PFR0_EL1: *value = pfr0(); break;
    case HV_SYS_REG_ID_AA64PFR1_EL1: *value = FIELD(BTI, 1, 0) | FIELD(SSBS, 2, 4); break;
    case HV_SYS_REG_ID_AA64DFR0_EL1: *value = 0x10305006; break; /* 6 breakpoints, 4 watchpoints */
    case HV_SYS_REG_ID_AA64ISAR0_EL1: *value = isar0(); break;
    case HV_SYS_REG_ID_AA64ISAR1_EL1: *value = isar1(); break;
    case HV_SYS_REG_ID_AA64MMFR0_EL1: *value = mmfr0(); break;
    case HV_SYS_REG_ID_AA64MMFR1_EL1: *value = mmfr1(); break;
    case HV_SYS_REG_ID_AA64MMFR2_EL1: *value = mmfr2(); break;
    case HV_SYS_REG_ID_AA64DFR1_EL1:
    case SYSREG_NUM(3, 0, 0, 6, 2): *value = 0; break;
    case SYSREG_NUM(3, 1, 0, 0, 1): *value = 0x0a200023; break; /* CLIDR: L1 I+D, L2 unified */
    default: return false;
    }
    return true;
}

/* Affinity as the client set it; bit 31 is RES1. */
bool id_read_mpidr(struct cpu *c, const struct insn *i, uint64_t *value)
{
    (void)i;
    *value = c->sr[SR_MPIDR_EL1] | 1u << 31;
    return true;
}

#define SCTLR_UCT (1u << 15)
#define SCTLR_DZE (1u << 14)

bool id_read_ctr(struct cpu *c, const struct insn *i, uint64_t *value)
{
    if (c->el == 0 && !(c->sr[SR_SCTLR_EL1] & SCTLR_UCT)) {
        cpu_raise(c, i, ESR(EC_SYSREG, sysreg_iss(i->raw)), insn_pc(c, i));
        return false;
    }
    *value = SYSREG_CTR;
    return true;
}

/* DC ZVA clears 64 bytes; EL0 sees it as prohibited unless SCTLR_EL1.DZE. */
bool id_read_dczid(struct cpu *c, const struct insn *i, uint64_t *value)
{
    (void)i;
    *value = SYSREG_DCZID | (c->el == 0 && !(c->sr[SR_SCTLR_EL1] & SCTLR_DZE) ? 1u << 4 : 0);
    return true;
}

/* L1: 64 KiB, 4 ways; L2: 1 MiB, 8 ways; 64-byte lines. Nothing is cached: guests only count sets.
 */
uint64_t sysreg_ccsidr(unsigned level, bool instruction)
{
    (void)instruction;
    unsigned ways = level == 0 ? 4 : 8, sets = level == 0 ? 256 : 2048;
    return level > 1 ? 0 : (uint64_t)(sets - 1) << 13 | (ways - 1) << 3 | 2;
}

bool id_read_ccsidr(struct cpu *c, const struct insn *i, uint64_t *value)
{
    (void)i;
    *value = sysreg_ccsidr(c->sr[SR_CSSELR_EL1] >> 1 & 7, c->sr[SR_CSSELR_EL1] & 1);
    return true;
}
