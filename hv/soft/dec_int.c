/* SPDX-License-Identifier: MIT */
/*
 * Formats of the integer and branch rows: from the word to slots and immediates. What a format
 * leaves in insn.imm and insn.aux is said beside it; the translator reads the same fields.
 */
#include "a64.h"
#include "alu.h"
#include "op_int.h"

#define RD(w)        insn_bits(w, 0, 5)
#define RN(w)        insn_bits(w, 5, 5)
#define RA(w)        insn_bits(w, 10, 5)
#define RM(w)        insn_bits(w, 16, 5)
#define IS64(w)      ((w) >> 31)

#define FORMAT(name) bool dec_##name(struct insn *i, uint32_t w)

/* imm = the immediate, shifted. SP as base; SP as destination unless flags are set. */
FORMAT(addsub_imm)
{
    bool sets_flags = insn_bits(w, 29, 1);
    i->rd = sets_flags ? slot_dst(RD(w)) : slot_sp(RD(w));
    i->rn = slot_sp(RN(w));
    i->imm = (uint64_t)insn_bits(w, 10, 12) << (insn_bits(w, 22, 1) ? 12 : 0);
    return true;
}

/* imm = the mask. */
FORMAT(logic_imm)
{
    bool sets_flags = insn_bits(w, 29, 2) == 3;
    i->rd = sets_flags ? slot_dst(RD(w)) : slot_sp(RD(w));
    i->rn = slot_zr(RN(w));
    if (!bitmask_immediate(insn_bits(w, 22, 1), insn_bits(w, 10, 6), insn_bits(w, 16, 6), &i->imm))
        return false;
    if (!IS64(w))
        i->imm = (uint32_t)i->imm;
    return true;
}

/* MOVZ, MOVN: imm = the value. MOVK: imm = the bits in place, aux = their position. */
FORMAT(movewide)
{
    unsigned shift = insn_bits(w, 21, 2) * 16, opc = insn_bits(w, 29, 2);
    i->rd = slot_dst(RD(w));
    i->imm = (uint64_t)insn_bits(w, 5, 16) << shift;
    i->aux = shift;
    if (opc == 0)
        i->imm = IS64(w) ? ~i->imm : (uint32_t)~i->imm;
    return true;
}

/* imm = distance from this instruction, signed. ADRP: from its page. */
FORMAT(adr)
{
    i->rd = slot_dst(RD(w));
    i->imm = (uint64_t)sign_extend(insn_bits(w, 5, 19) << 2 | insn_bits(w, 29, 2), 21);
    return true;
}

FORMAT(adrp)
{
    dec_adr(i, w);
    i->imm <<= 12;
    return true;
}

/* imm = immr (rotation), aux = imms; common aliases get a handler of their own. */
FORMAT(bitfield)
{
    unsigned r = insn_bits(w, 16, 6), s = insn_bits(w, 10, 6), top = IS64(w) ? 63 : 31;
    i->rd = slot_dst(RD(w));
    i->rn = slot_zr(RN(w));
    i->imm = r;
    i->aux = s;
    if (insn_bits(w, 29, 2) == 1)
        return true;
    bool is_signed = insn_bits(w, 29, 2) == 0;
    if (s == top) /* LSR, ASR */
        i->fn = is_signed ? (IS64(w) ? op_asr_x_imm : op_asr_w_imm)
                          : (IS64(w) ? op_lsr_x_imm : op_lsr_w_imm);
    else if (!is_signed && r == s + 1) /* LSL by top - s */
        i->fn = IS64(w) ? op_lsl_x_imm : op_lsl_w_imm;
    else if (r == 0 && !is_signed && s == 7)
        i->fn = op_uxtb;
    else if (r == 0 && !is_signed && s == 15)
        i->fn = op_uxth;
    else if (r == 0 && is_signed && s == 31)
        i->fn = op_sxtw;
    return true;
}

/* imm = lsb. */
FORMAT(extr)
{
    i->rd = slot_dst(RD(w));
    i->rn = slot_zr(RN(w));
    i->rm = slot_zr(RM(w));
    i->imm = insn_bits(w, 10, 6);
    return true;
}

/* imm = shift amount, aux = type (0 LSL, 1 LSR, 2 ASR, 3 ROR). Unshifted operands, the usual case,
 * have the row's handler; shifted ones the table's. */
static void shifted_operand(struct insn *i, uint32_t w)
{
    i->rd = slot_dst(RD(w));
    i->rn = slot_zr(RN(w));
    i->rm = slot_zr(RM(w));
    i->imm = insn_bits(w, 10, 6);
    i->aux = insn_bits(w, 22, 2);
}

FORMAT(shifted)
{
    shifted_operand(i, w);
    if (i->imm)
        i->fn = op_logic_shifted[IS64(w)][insn_bits(w, 29, 2) << 1 | insn_bits(w, 21, 1)][i->aux];
    else if (RN(w) == 31 && insn_bits(w, 29, 2) == 1 && !insn_bits(w, 21, 1))
        i->fn = IS64(w) ? op_mov_x : op_mov_w;
    return true;
}

FORMAT(shifted_arith)
{
    shifted_operand(i, w);
    if (i->aux == 3)
        return false;
    if (i->imm)
        i->fn = op_arith_shifted[IS64(w)][insn_bits(w, 29, 2)][i->aux];
    return true;
}

/* imm = left shift 0..4, aux = extension (UXTB UXTH UXTW UXTX SXTB SXTH SXTW SXTX). */
FORMAT(extended)
{
    bool sets_flags = insn_bits(w, 29, 1);
    i->rd = sets_flags ? slot_dst(RD(w)) : slot_sp(RD(w));
    i->rn = slot_sp(RN(w));
    i->rm = slot_zr(RM(w));
    i->imm = insn_bits(w, 10, 3);
    i->aux = insn_bits(w, 13, 3);
    return i->imm <= 4;
}

FORMAT(reg2)
{
    i->rd = slot_dst(RD(w));
    i->rn = slot_zr(RN(w));
    return true;
}

FORMAT(reg3)
{
    i->rm = slot_zr(RM(w));
    return dec_reg2(i, w);
}

FORMAT(reg4)
{
    i->ra = slot_zr(RA(w));
    return dec_reg3(i, w);
}

/* imm = rotation, aux = mask of NZCV in its four low bits. */
FORMAT(rmif)
{
    i->rn = slot_zr(RN(w));
    i->imm = insn_bits(w, 15, 6);
    i->aux = insn_bits(w, 0, 4);
    return true;
}

FORMAT(setf)
{
    i->rn = slot_zr(RN(w));
    return true;
}

/* imm = condition_set, aux = NZCV otherwise (FLAG_*), rm = register or (ra) 5-bit immediate. */
FORMAT(ccmp)
{
    i->rn = slot_zr(RN(w));
    i->rm = slot_zr(RM(w));
    i->imm = condition_set(insn_bits(w, 12, 4));
    i->aux = nzcv_from_arch(insn_bits(w, 0, 4) << 28);
    return true;
}

FORMAT(ccmp_imm)
{
    dec_ccmp(i, w);
    i->rm = X_ZR;
    i->ra = (uint8_t)RM(w);
    return true;
}

/* imm = condition_set, aux = condition. */
FORMAT(csel)
{
    dec_reg3(i, w);
    i->aux = insn_bits(w, 12, 4);
    i->imm = condition_set(i->aux);
    return true;
}

/* Branches: imm = distance from this instruction, signed. */
FORMAT(b_imm26)
{
    i->imm = (uint64_t)sign_extend(insn_bits(w, 0, 26), 26) * 4;
    return true;
}

/* aux = condition. */
FORMAT(b_cond)
{
    i->imm = (uint64_t)sign_extend(insn_bits(w, 5, 19), 19) * 4;
    i->aux = insn_bits(w, 0, 4);
    i->fn = op_b_cond[i->aux];
    return true;
}

FORMAT(cbz)
{
    i->imm = (uint64_t)sign_extend(insn_bits(w, 5, 19), 19) * 4;
    i->rn = slot_zr(RD(w));
    return true;
}

/* aux = bit number. */
FORMAT(tbz)
{
    i->imm = (uint64_t)sign_extend(insn_bits(w, 5, 14), 14) * 4;
    i->rn = slot_zr(RD(w));
    i->aux = insn_bits(w, 19, 5) | (w >> 31) << 5;
    return true;
}

FORMAT(b_reg)
{
    i->rn = slot_zr(RN(w));
    return true;
}
