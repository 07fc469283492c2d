/* SPDX-License-Identifier: MIT */
/*
 * The instruction table. a64_*.def have one row per encoding:
 *
 *   A64(ID, "pattern", format, handler, flags)
 *
 * pattern: 32 characters, bit 31 first, spaces ignored. 0 and 1 are fixed; a letter is a field: d
 * Rd, n Rn, m Rm, a Ra, t Rt, u Rt2, s Rs (register numbers); i immediates; anything else a field
 * that the format knows. Rows may overlap: the one with more fixed bits wins, then the earlier one.
 * format: `bool dec_<format>(struct insn *i, uint32_t w)` fills operands from the word; false means
 * this word is UNDEFINED after all (or reserved). It may choose a more special handler.
 * handler: `op_<handler>`, the op_fn.
 * flags: A64_* below: what ends a block, what needs FP enabled, which optional feature it belongs
 * to.
 *
 * The rows feed the decoder, the interpreter, the translator, the random test generator and the
 * printed coverage. A row whose feature cpu_features.h does not announce is UNDEFINED.
 */
#pragma once

#include "insn.h"

enum a64_id {
    A64_UNDEFINED,
#define A64(id, pattern, format, handler, flags) A64_##id,
#include "a64.def"
#undef A64
    A64_END_OF_PAGE, /* pseudo: fall through into the next block */
    A64_COUNT
};

/* Flags of a row. */
enum {
    A64_ENDS = 1u << 0,   /* the block ends here */
    A64_FP = 1u << 1,     /* FP/SIMD: traps while CPACR_EL1.FPEN says so */
    A64_LOAD = 1u << 2,   /* may read memory */
    A64_STORE = 1u << 3,  /* may write memory */
    A64_SYS = 1u << 4,    /* not for random streams in user mode */
    A64_BRANCH = 1u << 5, /* likewise: changes the flow */

    /* Optional features, in bits 16 up: needs the one named. */
    A64_FEAT_SHIFT = 16
};

enum a64_feature {
    FEAT_BASE,
    FEAT_LSE,
    FEAT_CRC32,
    FEAT_RDM,
    FEAT_FP16,
    FEAT_DOTPROD,
    FEAT_FCMA,
    FEAT_JSCVT,
    FEAT_FHM,
    FEAT_LRCPC,
    FEAT_LRCPC2,
    FEAT_FLAGM,
    FEAT_FLAGM2,
    FEAT_DIT,
    FEAT_SB,
    FEAT_SSBS,
    FEAT_PAN,
    FEAT_PAN2,
    FEAT_UAO,
    FEAT_DPB,
    FEAT_DPB2,
    FEAT_BTI,
    FEAT_PAUTH,
    FEAT_FRINTTS,
    FEAT_BF16,
    FEAT_I8MM,
    FEAT_AES,
    FEAT_PMULL,
    FEAT_SHA1,
    FEAT_SHA256,
    FEAT_SHA512,
    FEAT_SHA3,
    FEAT_SM3,
    FEAT_SM4,
    FEAT_SPECRES,
    FEAT_LSE2,
    FEAT_WFXT,
    FEAT_TLBIOS,
    FEAT_TLBIRANGE,
    FEAT_COUNT
};
#define NEEDS(f) ((uint32_t)FEAT_##f << A64_FEAT_SHIFT)

struct a64_row {
    const char *name;
    const char *pattern;
    bool (*format)(struct insn *i, uint32_t w);
    op_fn *handler;
    uint32_t flags;
};
extern const struct a64_row a64_rows[A64_COUNT];

/* Is this optional feature there? The single place that decides; ID registers follow (sysreg_id.c).
 */
bool a64_feature(enum a64_feature f);

/* The formats and handlers that the rows name. */
#define A64(id, pattern, format, handler, flags)                                                   \
    bool dec_##format(struct insn *, uint32_t);                                                    \
    op_fn op_##handler;
#include "a64.def"
#undef A64

op_fn op_undefined, op_fp_trap, op_end_of_page;

/* Slot helpers for formats: number 31 is the zero register (reads), the sink (writes) or SP. */
static inline uint8_t slot_zr(unsigned r)
{
    return (uint8_t)r;
}
static inline uint8_t slot_dst(unsigned r)
{
    return (uint8_t)(r == 31 ? X_SINK : r);
}
static inline uint8_t slot_sp(unsigned r)
{
    return (uint8_t)(r == 31 ? X_SP : r);
}
