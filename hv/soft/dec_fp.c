/* SPDX-License-Identifier: MIT */
/*
 * Formats of the floating-point rows. Every one sets rd, rn, rm and ra to the numbers of vector
 * registers at their usual places; what stands in aux and imm is said beside it. A vector format
 * leaves the number of lanes in aux; a scalar is a vector of one lane.
 */
#include "op_fp.h"
#include "alu.h"

#define FORMAT(name) bool dec_##name(struct insn *i, uint32_t w)

static bool registers(struct insn *i, uint32_t w, unsigned lanes)
{
    i->rd = (uint8_t)insn_bits(w, 0, 5);
    i->rn = (uint8_t)insn_bits(w, 5, 5);
    i->rm = (uint8_t)insn_bits(w, 16, 5);
    i->ra = (uint8_t)insn_bits(w, 10, 5);
    i->aux = lanes;
    return true;
}

/* Lanes of `bytes` in a vector of the length that Q says; a single 64-bit lane is reserved. */
static unsigned lanes_of(uint32_t w, unsigned bytes)
{
    return (insn_bits(w, 30, 1) ? 16 : 8) / bytes;
}

FORMAT(fp_scalar)
{
    return registers(i, w, 1);
}
FORMAT(fp_vec_h)
{
    return registers(i, w, lanes_of(w, 2));
}
FORMAT(fp_vec_s)
{
    return registers(i, w, lanes_of(w, 4));
}
FORMAT(fp_vec_d)
{
    return registers(i, w, 2) && insn_bits(w, 30, 1);
}

/* Two lanes reduced to one. */
FORMAT(fp_pair)
{
    return registers(i, w, 2);
}

/* imm = 1 if the upper half of the register is meant. */
FORMAT(fp_half)
{
    i->imm = insn_bits(w, 30, 1);
    return registers(i, w, 0);
}

/* imm = condition_set; FCCMP: aux = NZCV otherwise (FLAG_*). */
FORMAT(fp_ccmp)
{
    registers(i, w, 0);
    i->imm = condition_set(insn_bits(w, 12, 4));
    i->aux = nzcv_from_arch(insn_bits(w, 0, 4) << 28);
    return true;
}
FORMAT(fp_csel)
{
    registers(i, w, 0);
    i->imm = condition_set(insn_bits(w, 12, 4));
    return true;
}

/* VFPExpandImm: sign, an exponent of three bits, four bits of fraction. */
static uint64_t expand_immediate(unsigned imm8, unsigned width)
{
    unsigned fbits = width == 64 ? 52 : width == 32 ? 23 : 10, ebits = width - 1 - fbits;
    uint64_t sign = imm8 >> 7, high = imm8 >> 6 & 1;
    uint64_t exponent =
        (high ? (UINT64_C(1) << (ebits - 1)) - 4 : UINT64_C(1) << (ebits - 1)) | (imm8 >> 4 & 3);
    return sign << (width - 1) | exponent << fbits | (uint64_t)(imm8 & 15) << (fbits - 4);
}

/* imm = the lower 64 bits of the register; aux = 1 if the upper ones are the same, else 0. */
FORMAT(fp_imm)
{
    static const unsigned widths[] = {32, 64, 0, 16};
    registers(i, w, 0);
    i->imm = expand_immediate(insn_bits(w, 13, 8), widths[insn_bits(w, 22, 2)]);
    return true;
}
FORMAT(fp_vec_imm)
{
    unsigned width = insn_bits(w, 29, 1) ? 64 : insn_bits(w, 11, 1) ? 16 : 32;
    registers(i, w, insn_bits(w, 30, 1));
    i->imm = expand_immediate(insn_bits(w, 16, 3) << 5 | insn_bits(w, 5, 5), width);
    for (; width < 64; width *= 2)
        i->imm |= i->imm << width;
    return true;
}

/* Between registers: aux = FPI_*, imm = fraction bits; rd or rn is a slot of cpu->x. */
static bool integer_fields(struct insn *i, uint32_t w)
{
    unsigned opcode = insn_bits(w, 16, 3), rmode = insn_bits(w, 19, 2);
    registers(i, w, opcode >= 4 ? (unsigned)FP_RNA : rmode);
    i->aux |= (opcode & 1 ? 0 : FPI_SIGNED) | (w >> 31 ? FPI_64 : 0);
    return true;
}
FORMAT(fp_to_int)
{
    integer_fields(i, w);
    i->rd = slot_dst(i->rd);
    return true;
}
FORMAT(fp_from_int)
{
    integer_fields(i, w);
    i->rn = slot_zr(i->rn);
    return true;
}

/* The fraction must fit in the integer. */
static bool scale(struct insn *i, uint32_t w)
{
    i->imm = 64 - insn_bits(w, 10, 6);
    return w >> 31 || i->imm <= 32;
}
FORMAT(fp_to_fixed)
{
    return dec_fp_to_int(i, w) && scale(i, w);
}
FORMAT(fp_from_fixed)
{
    return dec_fp_from_int(i, w) && scale(i, w);
}

/* Vectors and scalars of SIMD: imm = fraction bits, from immh:immb. */
static bool fixed(struct insn *i, uint32_t w, unsigned bits, unsigned lanes)
{
    i->imm = 2 * bits - insn_bits(w, 16, 7);
    return registers(i, w, lanes);
}
FORMAT(fp_fixed_h)
{
    return fixed(i, w, 16, lanes_of(w, 2));
}
FORMAT(fp_fixed_s)
{
    return fixed(i, w, 32, lanes_of(w, 4));
}
FORMAT(fp_fixed_d)
{
    return fixed(i, w, 64, 2) && insn_bits(w, 30, 1);
}
FORMAT(fp_fixed1_h)
{
    return fixed(i, w, 16, 1);
}
FORMAT(fp_fixed1_s)
{
    return fixed(i, w, 32, 1);
}
FORMAT(fp_fixed1_d)
{
    return fixed(i, w, 64, 1);
}

/* By element: imm = the lane of Vm. H, L and M are bits 11, 21 and 20. */
static bool element(struct insn *i, uint32_t w, unsigned bytes, unsigned lanes)
{
    registers(i, w, lanes);
    unsigned h = insn_bits(w, 11, 1), l = insn_bits(w, 21, 1), m = insn_bits(w, 20, 1);
    if (bytes == 2) {
        i->rm &= 15;
        i->imm = h << 2 | l << 1 | m;
    } else {
        i->imm = bytes == 4 ? h << 1 | l : h;
    }
    return true;
}
FORMAT(fp_elem_h)
{
    return element(i, w, 2, lanes_of(w, 2));
}
FORMAT(fp_elem_s)
{
    return element(i, w, 4, lanes_of(w, 4));
}
FORMAT(fp_elem_d)
{
    return element(i, w, 8, 2);
}
FORMAT(fp_elem1_h)
{
    return element(i, w, 2, 1);
}
FORMAT(fp_elem1_s)
{
    return element(i, w, 4, 1);
}
FORMAT(fp_elem1_d)
{
    return element(i, w, 8, 1);
}
/* A half-precision lane for lanes of 32 bits. */
FORMAT(fp_elem_long)
{
    return element(i, w, 2, lanes_of(w, 4));
}

/* Complex numbers: aux = lanes, ra = the rotation (FCADD: 0 or 1). */
static bool complex_fields(struct insn *i, uint32_t w, unsigned lanes)
{
    bool add = insn_bits(w, 13, 1);
    registers(i, w, lanes);
    i->ra = (uint8_t)(add ? insn_bits(w, 12, 1) : insn_bits(w, 11, 2));
    return true;
}
FORMAT(fp_complex_h)
{
    return complex_fields(i, w, lanes_of(w, 2));
}
FORMAT(fp_complex_s)
{
    return complex_fields(i, w, lanes_of(w, 4));
}
FORMAT(fp_complex_d)
{
    return complex_fields(i, w, 2) && insn_bits(w, 30, 1);
}

/* FCMLA by element: imm = the pair of lanes. */
FORMAT(fp_cmla_elem_h)
{
    registers(i, w, lanes_of(w, 2));
    i->ra = (uint8_t)insn_bits(w, 13, 2);
    i->imm = insn_bits(w, 11, 1) << 1 | insn_bits(w, 21, 1);
    return insn_bits(w, 30, 1) || !insn_bits(w, 11, 1);
}
FORMAT(fp_cmla_elem_s)
{
    registers(i, w, 4);
    i->ra = (uint8_t)insn_bits(w, 13, 2);
    i->imm = insn_bits(w, 11, 1);
    return true;
}
