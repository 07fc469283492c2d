/* SPDX-License-Identifier: MIT */
/* Integer data processing: Arm ARM C6.2. One handler an operation, as short as C allows. */
#include "a64.h"
#include "alu.h"
#include "op_int.h"

#define OP(name) const struct insn *op_##name(struct cpu *c, const struct insn *i)
#define XD       c->x[i->rd]
#define XN       c->x[i->rn]
#define XM       c->x[i->rm]
#define XA       c->x[i->ra]
#define WN       ((uint32_t)XN)
#define WM       ((uint32_t)XM)
#define WA       ((uint32_t)XA)

/* An operation whose result is one expression. */
#define SIMPLE(name, expr)                                                                         \
    OP(name)                                                                                       \
    {                                                                                              \
        XD = (expr);                                                                               \
        return i + 1;                                                                              \
    }
/* The same with a result of 32 bits. */
#define SIMPLE32(name, expr) SIMPLE(name, (uint32_t)(expr))
/* Logic that sets N and Z of its result. */
#define FLAGGED(name, type, set, expr)                                                             \
    OP(name)                                                                                       \
    {                                                                                              \
        type r = (type)(expr);                                                                     \
        set(c, r);                                                                                 \
        XD = r;                                                                                    \
        return i + 1;                                                                              \
    }

/* ---- add and subtract ---- */
SIMPLE32(add_w_imm, WN + (uint32_t)i->imm)
SIMPLE32(sub_w_imm, WN - (uint32_t)i->imm)
SIMPLE(add_x_imm, XN + i->imm)
SIMPLE(sub_x_imm, XN - i->imm)
SIMPLE32(adds_w_imm, adc_flags32(c, WN, (uint32_t)i->imm, 0))
SIMPLE32(subs_w_imm, adc_flags32(c, WN, ~(uint32_t)i->imm, 1))
SIMPLE(adds_x_imm, adc_flags64(c, XN, i->imm, 0))
SIMPLE(subs_x_imm, adc_flags64(c, XN, ~i->imm, 1))

SIMPLE32(add_w, WN + WM)
SIMPLE32(sub_w, WN - WM)
SIMPLE(add_x, XN + XM)
SIMPLE(sub_x, XN - XM)
SIMPLE32(adds_w, adc_flags32(c, WN, WM, 0))
SIMPLE32(subs_w, adc_flags32(c, WN, ~WM, 1))
SIMPLE(adds_x, adc_flags64(c, XN, XM, 0))
SIMPLE(subs_x, adc_flags64(c, XN, ~XM, 1))

SIMPLE32(adc_w, WN + WM + carry_flag(c))
SIMPLE32(sbc_w, WN + ~WM + carry_flag(c))
SIMPLE(adc_x, XN + XM + carry_flag(c))
SIMPLE(sbc_x, XN + ~XM + carry_flag(c))
SIMPLE32(adcs_w, adc_flags32(c, WN, WM, carry_flag(c)))
SIMPLE32(sbcs_w, adc_flags32(c, WN, ~WM, carry_flag(c)))
SIMPLE(adcs_x, adc_flags64(c, XN, XM, carry_flag(c)))
SIMPLE(sbcs_x, adc_flags64(c, XN, ~XM, carry_flag(c)))

/* ExtendReg, then the shift. */
static inline uint64_t extend(uint64_t v, unsigned type, unsigned shift)
{
    switch (type) {
    case 0: v = (uint8_t)v; break;
    case 1: v = (uint16_t)v; break;
    case 2: v = (uint32_t)v; break;
    case 4: v = (uint64_t)(int8_t)v; break;
    case 5: v = (uint64_t)(int16_t)v; break;
    case 6: v = (uint64_t)(int32_t)v; break;
    default: break;
    }
    return v << shift;
}
#define EXT extend(XM, i->aux, (unsigned)i->imm)

SIMPLE32(add_w_ext, WN + (uint32_t)EXT)
SIMPLE32(sub_w_ext, WN - (uint32_t)EXT)
SIMPLE(add_x_ext, XN + EXT)
SIMPLE(sub_x_ext, XN - EXT)
SIMPLE32(adds_w_ext, adc_flags32(c, WN, (uint32_t)EXT, 0))
SIMPLE32(subs_w_ext, adc_flags32(c, WN, ~(uint32_t)EXT, 1))
SIMPLE(adds_x_ext, adc_flags64(c, XN, EXT, 0))
SIMPLE(subs_x_ext, adc_flags64(c, XN, ~EXT, 1))

/* ---- logic ---- */
SIMPLE32(and_w_imm, WN & i->imm)
SIMPLE32(orr_w_imm, WN | i->imm)
SIMPLE32(eor_w_imm, WN ^ i->imm)
SIMPLE(and_x_imm, XN & i->imm)
SIMPLE(orr_x_imm, XN | i->imm)
SIMPLE(eor_x_imm, XN ^ i->imm)
FLAGGED(ands_w_imm, uint32_t, logic_flags32, WN & i->imm)
FLAGGED(ands_x_imm, uint64_t, logic_flags64, XN & i->imm)

SIMPLE32(and_w, WN &WM)
SIMPLE32(bic_w, WN & ~WM)
SIMPLE32(orr_w, WN | WM)
SIMPLE32(orn_w, WN | ~WM)
SIMPLE32(eor_w, WN ^ WM)
SIMPLE32(eon_w, WN ^ ~WM)
FLAGGED(ands_w, uint32_t, logic_flags32, WN &WM)
FLAGGED(bics_w, uint32_t, logic_flags32, WN & ~WM)
SIMPLE(and_x, XN &XM)
SIMPLE(bic_x, XN & ~XM)
SIMPLE(orr_x, XN | XM)
SIMPLE(orn_x, XN | ~XM)
SIMPLE(eor_x, XN ^ XM)
SIMPLE(eon_x, XN ^ ~XM)
FLAGGED(ands_x, uint64_t, logic_flags64, XN &XM)
FLAGGED(bics_x, uint64_t, logic_flags64, XN & ~XM)

SIMPLE(mov_x, XM)
SIMPLE32(mov_w, WM)
SIMPLE(mov_imm, i->imm)
SIMPLE32(movk_w, (XD & ~(0xffffu << i->aux)) | i->imm)
SIMPLE(movk_x, (XD & ~(UINT64_C(0xffff) << i->aux)) | i->imm)
SIMPLE(adr, insn_pc(c, i) + i->imm)
SIMPLE(adrp, (insn_pc(c, i) & ~UINT64_C(0xfff)) + i->imm)

/* ---- shifted second operand: a handler for each operation, width and kind of shift ---- */
#define SHIFT_0_64 (XM << i->imm)
#define SHIFT_1_64 (XM >> i->imm)
#define SHIFT_2_64 ((uint64_t)((int64_t)XM >> i->imm))
#define SHIFT_3_64 ror64(XM, (unsigned)i->imm)
#define SHIFT_0_32 (WM << i->imm)
#define SHIFT_1_32 (WM >> i->imm)
#define SHIFT_2_32 ((uint32_t)((int32_t)WM >> i->imm))
#define SHIFT_3_32 ror32(WM, (unsigned)i->imm)

#define LOGIC_OPS(t)                                                                               \
    static OP(and_x_##t)                                                                           \
    {                                                                                              \
        XD = XN & SHIFT_##t##_64;                                                                  \
        return i + 1;                                                                              \
    }                                                                                              \
    static OP(bic_x_##t)                                                                           \
    {                                                                                              \
        XD = XN & ~SHIFT_##t##_64;                                                                 \
        return i + 1;                                                                              \
    }                                                                                              \
    static OP(orr_x_##t)                                                                           \
    {                                                                                              \
        XD = XN | SHIFT_##t##_64;                                                                  \
        return i + 1;                                                                              \
    }                                                                                              \
    static OP(orn_x_##t)                                                                           \
    {                                                                                              \
        XD = XN | ~SHIFT_##t##_64;                                                                 \
        return i + 1;                                                                              \
    }                                                                                              \
    static OP(eor_x_##t)                                                                           \
    {                                                                                              \
        XD = XN ^ SHIFT_##t##_64;                                                                  \
        return i + 1;                                                                              \
    }                                                                                              \
    static OP(eon_x_##t)                                                                           \
    {                                                                                              \
        XD = XN ^ ~SHIFT_##t##_64;                                                                 \
        return i + 1;                                                                              \
    }                                                                                              \
    static FLAGGED(ands_x_##t, uint64_t, logic_flags64, XN &SHIFT_##t##_64) static FLAGGED(        \
        bics_x_##t, uint64_t, logic_flags64, XN & ~SHIFT_##t##_64) static OP(and_w_##t)            \
    {                                                                                              \
        XD = WN & SHIFT_##t##_32;                                                                  \
        return i + 1;                                                                              \
    }                                                                                              \
    static OP(bic_w_##t)                                                                           \
    {                                                                                              \
        XD = WN & ~SHIFT_##t##_32;                                                                 \
        return i + 1;                                                                              \
    }                                                                                              \
    static OP(orr_w_##t)                                                                           \
    {                                                                                              \
        XD = WN | SHIFT_##t##_32;                                                                  \
        return i + 1;                                                                              \
    }                                                                                              \
    static OP(orn_w_##t)                                                                           \
    {                                                                                              \
        XD = WN | ~SHIFT_##t##_32;                                                                 \
        return i + 1;                                                                              \
    }                                                                                              \
    static OP(eor_w_##t)                                                                           \
    {                                                                                              \
        XD = WN ^ SHIFT_##t##_32;                                                                  \
        return i + 1;                                                                              \
    }                                                                                              \
    static OP(eon_w_##t)                                                                           \
    {                                                                                              \
        XD = WN ^ ~SHIFT_##t##_32;                                                                 \
        return i + 1;                                                                              \
    }                                                                                              \
    static FLAGGED(ands_w_##t, uint32_t, logic_flags32, WN &SHIFT_##t##_32) static FLAGGED(        \
        bics_w_##t, uint32_t, logic_flags32, WN & ~SHIFT_##t##_32)
LOGIC_OPS(0)
LOGIC_OPS(1)
LOGIC_OPS(2)
LOGIC_OPS(3)

#define ARITH_OPS(t)                                                                               \
    static OP(add_x_##t)                                                                           \
    {                                                                                              \
        XD = XN + SHIFT_##t##_64;                                                                  \
        return i + 1;                                                                              \
    }                                                                                              \
    static OP(sub_x_##t)                                                                           \
    {                                                                                              \
        XD = XN - SHIFT_##t##_64;                                                                  \
        return i + 1;                                                                              \
    }                                                                                              \
    static OP(adds_x_##t)                                                                          \
    {                                                                                              \
        XD = adc_flags64(c, XN, SHIFT_##t##_64, 0);                                                \
        return i + 1;                                                                              \
    }                                                                                              \
    static OP(subs_x_##t)                                                                          \
    {                                                                                              \
        XD = adc_flags64(c, XN, ~SHIFT_##t##_64, 1);                                               \
        return i + 1;                                                                              \
    }                                                                                              \
    static OP(add_w_##t)                                                                           \
    {                                                                                              \
        XD = WN + SHIFT_##t##_32;                                                                  \
        return i + 1;                                                                              \
    }                                                                                              \
    static OP(sub_w_##t)                                                                           \
    {                                                                                              \
        XD = WN - SHIFT_##t##_32;                                                                  \
        return i + 1;                                                                              \
    }                                                                                              \
    static OP(adds_w_##t)                                                                          \
    {                                                                                              \
        XD = adc_flags32(c, WN, SHIFT_##t##_32, 0);                                                \
        return i + 1;                                                                              \
    }                                                                                              \
    static OP(subs_w_##t)                                                                          \
    {                                                                                              \
        XD = adc_flags32(c, WN, ~SHIFT_##t##_32, 1);                                               \
        return i + 1;                                                                              \
    }
ARITH_OPS(0)
ARITH_OPS(1)
ARITH_OPS(2)

#define KINDS4(op)                                                                                 \
    {                                                                                              \
        op##_0, op##_1, op##_2, op##_3                                                             \
    }
#define KINDS3(op)                                                                                 \
    {                                                                                              \
        op##_0, op##_1, op##_2                                                                     \
    }
op_fn *const op_logic_shifted[2][8][4] = {
    {KINDS4(op_and_w), KINDS4(op_bic_w), KINDS4(op_orr_w), KINDS4(op_orn_w), KINDS4(op_eor_w),
     KINDS4(op_eon_w), KINDS4(op_ands_w), KINDS4(op_bics_w)},
    {KINDS4(op_and_x), KINDS4(op_bic_x), KINDS4(op_orr_x), KINDS4(op_orn_x), KINDS4(op_eor_x),
     KINDS4(op_eon_x), KINDS4(op_ands_x), KINDS4(op_bics_x)},
};
op_fn *const op_arith_shifted[2][4][3] = {
    {KINDS3(op_add_w), KINDS3(op_adds_w), KINDS3(op_sub_w), KINDS3(op_subs_w)},
    {KINDS3(op_add_x), KINDS3(op_adds_x), KINDS3(op_sub_x), KINDS3(op_subs_x)},
};

/* ---- bit fields ---- */

/* The field that BFM and friends move: where it lands, and the bits it covers there. */
static inline uint64_t field_mask(unsigned r, unsigned s, unsigned bits, uint64_t *top)
{
    unsigned width = s >= r ? s - r + 1 : s + 1, lsb = s >= r ? 0 : bits - r;
    uint64_t mask = width == 64 ? ~UINT64_C(0) : (UINT64_C(1) << width) - 1;
    *top = UINT64_C(1) << (lsb + width - 1);
    return mask << lsb;
}

static inline uint64_t bitfield(uint64_t src, uint64_t keep, unsigned r, unsigned s, unsigned bits,
                                bool sign)
{
    uint64_t top, mask = field_mask(r, s, bits, &top);
    uint64_t moved = s >= r ? src >> r : src << (bits - r);
    uint64_t v = (moved & mask) | (keep & ~mask);
    if (sign && (v & top))
        v |= -top;
    return v;
}
#define FIELD(src, keep, bits, sign) bitfield(src, keep, (unsigned)i->imm, i->aux, bits, sign)

SIMPLE32(sbfm_w, FIELD(WN, 0, 32, true))
SIMPLE32(ubfm_w, FIELD(WN, 0, 32, false))
SIMPLE32(bfm_w, FIELD(WN, XD, 32, false))
SIMPLE(sbfm_x, FIELD(XN, 0, 64, true))
SIMPLE(ubfm_x, FIELD(XN, 0, 64, false))
SIMPLE(bfm_x, FIELD(XN, XD, 64, false))
SIMPLE(lsr_x_imm, XN >> i->imm)
SIMPLE32(lsr_w_imm, WN >> i->imm)
SIMPLE(asr_x_imm, (uint64_t)((int64_t)XN >> i->imm))
SIMPLE32(asr_w_imm, (int32_t)WN >> i->imm)
SIMPLE(lsl_x_imm, XN << (64 - i->imm))
SIMPLE32(lsl_w_imm, WN << (32 - i->imm))
SIMPLE(uxtb, (uint8_t)XN)
SIMPLE(uxth, (uint16_t)XN)
OP(sxtw)
{
    int64_t v = (int32_t)XN;
    XD = i->raw >> 31 ? (uint64_t)v : (uint32_t)v;
    return i + 1;
}
SIMPLE32(extr_w, (((uint64_t)WN << 32 | WM) >> i->imm))
SIMPLE(extr_x, i->imm ? XM >> i->imm | XN << (64 - i->imm) : XM)

/* ---- one source ---- */
static inline uint64_t rbit64(uint64_t v)
{
    v = (v >> 1 & 0x5555555555555555) | (v & 0x5555555555555555) << 1;
    v = (v >> 2 & 0x3333333333333333) | (v & 0x3333333333333333) << 2;
    v = (v >> 4 & 0x0f0f0f0f0f0f0f0f) | (v & 0x0f0f0f0f0f0f0f0f) << 4;
    return __builtin_bswap64(v);
}
static inline uint64_t rev16(uint64_t v)
{
    return (v >> 8 & 0x00ff00ff00ff00ff) | (v & 0x00ff00ff00ff00ff) << 8;
}
static inline unsigned clz64(uint64_t v)
{
    return v ? (unsigned)__builtin_clzll(v) : 64;
}
SIMPLE32(rbit_w, rbit64(WN) >> 32)
SIMPLE32(rev16_w, rev16(WN))
SIMPLE32(rev_w, __builtin_bswap32(WN))
SIMPLE32(clz_w, clz64(WN) - 32)
SIMPLE32(cls_w, clz64((WN ^ (uint32_t)((int32_t)WN >> 1)) & 0x7fffffff) - 33)
SIMPLE(rbit_x, rbit64(XN))
SIMPLE(rev16_x, rev16(XN))
SIMPLE(rev32_x, __builtin_bswap64(XN) >> 32 | __builtin_bswap64(XN) << 32)
SIMPLE(rev_x, __builtin_bswap64(XN))
SIMPLE(clz_x, clz64(XN))
SIMPLE(cls_x, clz64((XN ^ (uint64_t)((int64_t)XN >> 1)) & INT64_MAX) - 1)

/* ---- two sources ---- */

/* Division by zero gives zero; the one overflow wraps (C6.2 SDIV). */
SIMPLE32(udiv_w, WM ? WN / WM : 0)
SIMPLE32(sdiv_w, WM == 0 ? 0 : WM == ~0u ? 0 - WN : (uint32_t)((int32_t)WN / (int32_t)WM))
SIMPLE(udiv_x, XM ? XN / XM : 0)
SIMPLE(sdiv_x, XM == 0 ? 0 : XM == UINT64_MAX ? 0 - XN : (uint64_t)((int64_t)XN / (int64_t)XM))
SIMPLE32(lslv_w, WN << (WM & 31))
SIMPLE32(lsrv_w, WN >> (WM & 31))
SIMPLE32(asrv_w, (int32_t)WN >> (WM & 31))
SIMPLE32(rorv_w, ror32(WN, WM & 31))
SIMPLE(lslv_x, XN << (XM & 63))
SIMPLE(lsrv_x, XN >> (XM & 63))
SIMPLE(asrv_x, (uint64_t)((int64_t)XN >> (XM & 63)))
SIMPLE(rorv_x, ror64(XN, XM & 63))

/* CRC-32 (polynomial 0x04c11db7) and CRC-32C (0x1edc6f41), bit-reversed as the instructions have
 * them: four bits a step from a table of sixteen. */
static uint32_t crc_step(uint32_t crc, uint64_t data, unsigned bytes, const uint32_t table[16])
{
    for (unsigned n = 0; n < bytes; n++, data >>= 8) {
        crc ^= (uint8_t)data;
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return crc;
}
static const uint32_t crc32_table[16] = {
    0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
    0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
};
static const uint32_t crc32c_table[16] = {
    0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
    0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};
SIMPLE32(crc32b, crc_step(WN, XM, 1, crc32_table))
SIMPLE32(crc32h, crc_step(WN, XM, 2, crc32_table))
SIMPLE32(crc32w, crc_step(WN, XM, 4, crc32_table))
SIMPLE32(crc32x, crc_step(WN, XM, 8, crc32_table))
SIMPLE32(crc32cb, crc_step(WN, XM, 1, crc32c_table))
SIMPLE32(crc32ch, crc_step(WN, XM, 2, crc32c_table))
SIMPLE32(crc32cw, crc_step(WN, XM, 4, crc32c_table))
SIMPLE32(crc32cx, crc_step(WN, XM, 8, crc32c_table))

/* ---- three sources ---- */
SIMPLE32(madd_w, WA + WN * WM)
SIMPLE32(msub_w, WA - WN * WM)
SIMPLE(madd_x, XA + XN * XM)
SIMPLE(msub_x, XA - XN * XM)
#define SPRODUCT ((uint64_t)((int64_t)(int32_t)XN * (int32_t)XM))
#define UPRODUCT ((uint64_t)WN * WM)
SIMPLE(smaddl, XA + SPRODUCT)
SIMPLE(smsubl, XA - SPRODUCT)
SIMPLE(umaddl, XA + UPRODUCT)
SIMPLE(umsubl, XA - UPRODUCT)
SIMPLE(smulh, (uint64_t)((__int128)(int64_t)XN *(int64_t)XM >> 64))
SIMPLE(umulh, (uint64_t)((unsigned __int128)XN *XM >> 64))

/* ---- conditional ---- */
#define HOLDS condition_in(c, i->imm)
SIMPLE32(csel_w, HOLDS ? WN : WM)
SIMPLE32(csinc_w, HOLDS ? WN : WM + 1)
SIMPLE32(csinv_w, HOLDS ? WN : ~WM)
SIMPLE32(csneg_w, HOLDS ? WN : 0 - WM)
SIMPLE(csel_x, HOLDS ? XN : XM)
SIMPLE(csinc_x, HOLDS ? XN : XM + 1)
SIMPLE(csinv_x, HOLDS ? XN : ~XM)
SIMPLE(csneg_x, HOLDS ? XN : 0 - XM)

#define CCMP(name, compare)                                                                        \
    OP(name)                                                                                       \
    {                                                                                              \
        if (HOLDS)                                                                                 \
            compare;                                                                               \
        else                                                                                       \
            c->nzcv = i->aux;                                                                      \
        return i + 1;                                                                              \
    }
CCMP(ccmn_w, adc_flags32(c, WN, WM, 0))
CCMP(ccmp_w, adc_flags32(c, WN, ~WM, 1))
CCMP(ccmn_x, adc_flags64(c, XN, XM, 0))
CCMP(ccmp_x, adc_flags64(c, XN, ~XM, 1))
CCMP(ccmn_w_imm, adc_flags32(c, WN, i->ra, 0))
CCMP(ccmp_w_imm, adc_flags32(c, WN, ~(uint32_t)i->ra, 1))
CCMP(ccmn_x_imm, adc_flags64(c, XN, i->ra, 0))
CCMP(ccmp_x_imm, adc_flags64(c, XN, ~(uint64_t)i->ra, 1))

/* ---- flag manipulation ---- */
OP(rmif)
{
    uint32_t mask = nzcv_from_arch(i->aux << 28);
    uint32_t bits = nzcv_from_arch((uint32_t)(ror64(XN, (unsigned)i->imm) & 15) << 28);
    c->nzcv = (c->nzcv & ~mask) | (bits & mask);
    return i + 1;
}

/* N and Z of the low bits; V if the bit above differs from the sign; C stays. */
static const struct insn *set_flags(struct cpu *c, const struct insn *i, unsigned bits)
{
    uint32_t v = WN, sign = v >> (bits - 1) & 1;
    c->nzcv = (c->nzcv & FLAG_C) | (sign ? FLAG_N : 0) | (v << (32 - bits) ? 0 : FLAG_Z) |
              (sign ^ (v >> bits & 1));
    return i + 1;
}
OP(setf8)
{
    return set_flags(c, i, 8);
}
OP(setf16)
{
    return set_flags(c, i, 16);
}
