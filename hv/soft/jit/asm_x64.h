/* SPDX-License-Identifier: MIT */
/*
 * An assembler for the part of x86-64 that the translator uses: each function appends one
 * instruction. Encodings: Intel SDM volume 2. Names follow the mnemonics; a suffix says the
 * operands: r register, m memory at [base + disp], i immediate. `w` is true for 64-bit operands;
 * 32-bit results clear the upper half, as A64's W registers want.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };

/* Condition codes of Jcc, SETcc, CMOVcc. */
enum {
    CC_O,
    CC_NO,
    CC_B,
    CC_AE,
    CC_E,
    CC_NE,
    CC_BE,
    CC_A,
    CC_S,
    CC_NS,
    CC_P,
    CC_NP,
    CC_L,
    CC_GE,
    CC_LE,
    CC_G
};

/* Group of the two-operand arithmetic: opcode is op * 8 + form. */
enum { ALU_ADD, ALU_OR, ALU_ADC, ALU_SBB, ALU_AND, ALU_SUB, ALU_XOR, ALU_CMP };
/* Shifts: the /digit of C1 and D3. */
enum { SH_ROL, SH_ROR, SH_RCL, SH_RCR, SH_SHL, SH_SHR, SH_SAL, SH_SAR };

/* Where code is being written: `rw` is the writable view, `rx` the address it will run at. */
struct as {
    uint8_t *p; /* next byte, writable view */
    uint8_t *end;
    intptr_t rx_delta; /* executable address minus writable address */
    bool full;         /* the buffer ran out: nothing more is written */
};

static inline uint8_t *as_rx(const struct as *a)
{
    return a->p + a->rx_delta;
}

static inline void as_bytes(struct as *a, const void *bytes, unsigned n)
{
    if ((uintptr_t)(a->end - a->p) < n) {
        a->full = true;
        return;
    }
    memcpy(a->p, bytes, n);
    a->p += n;
}
static inline void as_8(struct as *a, unsigned v)
{
    uint8_t b = (uint8_t)v;
    as_bytes(a, &b, 1);
}
static inline void as_32(struct as *a, uint32_t v)
{
    as_bytes(a, &v, 4);
}
static inline void as_64(struct as *a, uint64_t v)
{
    as_bytes(a, &v, 8);
}

/* REX prefix: w, and the fourth bits of reg, index, base. `force` for byte registers SIL, DIL. */
static inline void as_rex(struct as *a, bool w, int reg, int index, int base, bool force)
{
    unsigned rex = 0x40 | (unsigned)w << 3 | (reg & 8) >> 1 | (index & 8) >> 2 | (base & 8) >> 3;
    if (rex != 0x40 || force)
        as_8(a, rex);
}

static inline void as_modrm_r(struct as *a, int reg, int rm)
{
    as_8(a, 0xc0 | (unsigned)(reg & 7) << 3 | (unsigned)(rm & 7));
}

/* [base + disp]. RSP and R12 as a base need a SIB byte. */
static inline void as_modrm_m(struct as *a, int reg, int base, int32_t disp)
{
    bool small = disp >= -128 && disp <= 127;
    as_8(a, (small ? 0x40u : 0x80u) | (unsigned)(reg & 7) << 3 | (unsigned)(base & 7));
    if ((base & 7) == RSP)
        as_8(a, 0x24);
    if (small)
        as_8(a, (uint8_t)disp);
    else
        as_32(a, (uint32_t)disp);
}

/* [base + index + disp], scale as a power of two. */
static inline void as_modrm_x(struct as *a, int reg, int base, int index, unsigned scale,
                              int32_t disp)
{
    bool small = disp >= -128 && disp <= 127;
    as_8(a, (small ? 0x44u : 0x84u) | (unsigned)(reg & 7) << 3);
    as_8(a, scale << 6 | (unsigned)(index & 7) << 3 | (unsigned)(base & 7));
    if (small)
        as_8(a, (uint8_t)disp);
    else
        as_32(a, (uint32_t)disp);
}

/* One-byte opcodes with a register or memory operand. */
static inline void as_op_rr(struct as *a, bool w, unsigned op, int reg, int rm)
{
    as_rex(a, w, reg, 0, rm, false);
    as_8(a, op);
    as_modrm_r(a, reg, rm);
}
static inline void as_op_rm(struct as *a, bool w, unsigned op, int reg, int base, int32_t disp)
{
    as_rex(a, w, reg, 0, base, false);
    as_8(a, op);
    as_modrm_m(a, reg, base, disp);
}
/* Two-byte opcodes 0F xx. */
static inline void as_op2_rr(struct as *a, bool w, unsigned op, int reg, int rm, bool byte)
{
    as_rex(a, w, reg, 0, rm, byte);
    as_8(a, 0x0f);
    as_8(a, op);
    as_modrm_r(a, reg, rm);
}
static inline void as_op2_rm(struct as *a, bool w, unsigned op, int reg, int base, int32_t disp)
{
    as_rex(a, w, reg, 0, base, false);
    as_8(a, 0x0f);
    as_8(a, op);
    as_modrm_m(a, reg, base, disp);
}

static inline void as_mov_rr(struct as *a, bool w, int dst, int src)
{
    as_op_rr(a, w, 0x8b, dst, src);
}
static inline void as_load(struct as *a, bool w, int dst, int base, int32_t disp)
{
    as_op_rm(a, w, 0x8b, dst, base, disp);
}
static inline void as_store(struct as *a, bool w, int src, int base, int32_t disp)
{
    as_op_rm(a, w, 0x89, src, base, disp);
}
/* The shortest move of a constant. Leaves the flags. */
static inline void as_mov_ri(struct as *a, int dst, uint64_t v)
{
    if (v <= UINT32_MAX) {
        as_rex(a, false, 0, 0, dst, false);
        as_8(a, 0xb8u | (unsigned)(dst & 7));
        as_32(a, (uint32_t)v);
    } else if ((int64_t)v == (int32_t)v) {
        as_rex(a, true, 0, 0, dst, false);
        as_8(a, 0xc7);
        as_modrm_r(a, 0, dst);
        as_32(a, (uint32_t)v);
    } else {
        as_rex(a, true, 0, 0, dst, false);
        as_8(a, 0xb8u | (unsigned)(dst & 7));
        as_64(a, v);
    }
}
static inline void as_store_i32(struct as *a, bool w, int base, int32_t disp, int32_t v)
{
    as_op_rm(a, w, 0xc7, 0, base, disp);
    as_32(a, (uint32_t)v);
}

static inline void as_alu_rr(struct as *a, bool w, unsigned op, int dst, int src)
{
    as_op_rr(a, w, op * 8 + 3, dst, src);
}
static inline void as_alu_rm(struct as *a, bool w, unsigned op, int dst, int base, int32_t disp)
{
    as_op_rm(a, w, op * 8 + 3, dst, base, disp);
}
static inline void as_alu_mr(struct as *a, bool w, unsigned op, int src, int base, int32_t disp)
{
    as_op_rm(a, w, op * 8 + 1, src, base, disp);
}
static inline void as_alu_ri(struct as *a, bool w, unsigned op, int dst, int32_t v)
{
    bool small = v >= -128 && v <= 127;
    as_op_rr(a, w, small ? 0x83 : 0x81, (int)op, dst);
    if (small)
        as_8(a, (uint8_t)v);
    else
        as_32(a, (uint32_t)v);
}
static inline void as_alu_mi(struct as *a, bool w, unsigned op, int base, int32_t disp, int32_t v)
{
    bool small = v >= -128 && v <= 127;
    as_op_rm(a, w, small ? 0x83 : 0x81, (int)op, base, disp);
    if (small)
        as_8(a, (uint8_t)v);
    else
        as_32(a, (uint32_t)v);
}
static inline void as_test_rr(struct as *a, bool w, int x, int y)
{
    as_op_rr(a, w, 0x85, x, y);
}
static inline void as_test_ri(struct as *a, bool w, int x, uint32_t v)
{
    as_op_rr(a, w, 0xf7, 0, x);
    as_32(a, v);
}
static inline void as_not(struct as *a, bool w, int r)
{
    as_op_rr(a, w, 0xf7, 2, r);
}
static inline void as_neg(struct as *a, bool w, int r)
{
    as_op_rr(a, w, 0xf7, 3, r);
}
/* F7: /4 mul, /5 imul, /6 div, /7 idiv: RDX:RAX by r. */
static inline void as_muldiv(struct as *a, bool w, int digit, int r)
{
    as_op_rr(a, w, 0xf7, digit, r);
}
static inline void as_imul_rr(struct as *a, bool w, int dst, int src)
{
    as_op2_rr(a, w, 0xaf, dst, src, false);
}
static inline void as_imul_rri(struct as *a, bool w, int dst, int src, uint32_t imm)
{
    as_op_rr(a, w, 0x69, dst, src);
    as_32(a, imm);
}
static inline void as_imul_rm(struct as *a, bool w, int dst, int base, int32_t disp)
{
    as_op2_rm(a, w, 0xaf, dst, base, disp);
}
static inline void as_shift_ri(struct as *a, bool w, int digit, int r, unsigned n)
{
    as_op_rr(a, w, 0xc1, digit, r);
    as_8(a, n);
}
static inline void as_shift_cl(struct as *a, bool w, int digit, int r)
{
    as_op_rr(a, w, 0xd3, digit, r);
}
/* SHLD/SHRD dst, src, n */
static inline void as_shrd(struct as *a, bool w, int dst, int src, unsigned n)
{
    as_op2_rr(a, w, 0xac, src, dst, false);
    as_8(a, n);
}
static inline void as_lea(struct as *a, bool w, int dst, int base, int32_t disp)
{
    as_op_rm(a, w, 0x8d, dst, base, disp);
}
static inline void as_lea_x(struct as *a, bool w, int dst, int base, int index, unsigned scale,
                            int32_t disp)
{
    as_rex(a, w, dst, index, base, false);
    as_8(a, 0x8d);
    as_modrm_x(a, dst, base, index, scale, disp);
}
static inline void as_cmov(struct as *a, bool w, unsigned cc, int dst, int src)
{
    as_op2_rr(a, w, 0x40 + cc, dst, src, false);
}
static inline void as_setcc(struct as *a, unsigned cc, int dst)
{
    as_op2_rr(a, false, 0x90 + cc, 0, dst, true);
}
static inline void as_bswap(struct as *a, bool w, int r)
{
    as_rex(a, w, 0, 0, r, false);
    as_8(a, 0x0f);
    as_8(a, 0xc8u | (unsigned)(r & 7));
}
/* MOVZX/MOVSX/MOVSXD between registers: bytes 1, 2, 4. */
static inline void as_movx_rr(struct as *a, bool w, bool sign, unsigned bytes, int dst, int src)
{
    if (bytes == 4) {
        if (sign && w)
            as_op_rr(a, true, 0x63, dst, src);
        else
            as_mov_rr(a, false, dst, src);
        return;
    }
    as_op2_rr(a, w, (sign ? 0xbeu : 0xb6u) + (bytes == 2), dst, src, bytes == 1);
}
/* The same from memory: also 8 bytes. */
static inline void as_movx_rm(struct as *a, bool w, bool sign, unsigned bytes, int dst, int base,
                              int32_t disp)
{
    if (bytes == 8)
        as_load(a, true, dst, base, disp);
    else if (bytes == 4 && sign && w)
        as_op_rm(a, true, 0x63, dst, base, disp);
    else if (bytes == 4)
        as_load(a, false, dst, base, disp);
    else
        as_op2_rm(a, w, (sign ? 0xbeu : 0xb6u) + (bytes == 2), dst, base, disp);
}
/* The same from [base + index + disp]. */
static inline void as_movx_rx(struct as *a, bool w, bool sign, unsigned bytes, int dst, int base,
                              int index, int32_t disp)
{
    bool wide = bytes == 8 || (sign && w);
    as_rex(a, wide || (w && bytes < 4), dst, index, base, false);
    if (bytes >= 4) {
        as_8(a, bytes == 4 && wide ? 0x63 : 0x8b);
    } else {
        as_8(a, 0x0f);
        as_8(a, (sign ? 0xbeu : 0xb6u) + (bytes == 2));
    }
    as_modrm_x(a, dst, base, index, 0, disp);
}
/* Store the low bytes of a register. */
static inline void as_store_n(struct as *a, unsigned bytes, int src, int base, int32_t disp)
{
    if (bytes == 2)
        as_8(a, 0x66);
    as_rex(a, bytes == 8, src, 0, base, bytes == 1);
    as_8(a, bytes == 1 ? 0x88 : 0x89);
    as_modrm_m(a, src, base, disp);
}
static inline void as_store_nx(struct as *a, unsigned bytes, int src, int base, int index,
                               int32_t disp)
{
    if (bytes == 2)
        as_8(a, 0x66);
    as_rex(a, bytes == 8, src, index, base, bytes == 1);
    as_8(a, bytes == 1 ? 0x88 : 0x89);
    as_modrm_x(a, src, base, index, 0, disp);
}
static inline void as_push(struct as *a, int r)
{
    as_rex(a, false, 0, 0, r, false);
    as_8(a, 0x50u | (unsigned)(r & 7));
}
static inline void as_pop(struct as *a, int r)
{
    as_rex(a, false, 0, 0, r, false);
    as_8(a, 0x58u | (unsigned)(r & 7));
}
static inline void as_push_i(struct as *a, int32_t v)
{
    as_8(a, 0x68);
    as_32(a, (uint32_t)v);
}
static inline void as_ret(struct as *a)
{
    as_8(a, 0xc3);
}
/* And take `bytes` of arguments from the stack. */
static inline void as_ret_args(struct as *a, unsigned bytes)
{
    as_8(a, 0xc2);
    as_8(a, bytes);
    as_8(a, bytes >> 8);
}
static inline void as_cmc(struct as *a)
{
    as_8(a, 0xf5);
}
static inline void as_lahf(struct as *a)
{
    as_8(a, 0x9f);
}
static inline void as_sahf(struct as *a)
{
    as_8(a, 0x9e);
}
/* CDQ, CQO: sign of RAX into RDX. */
static inline void as_cqo(struct as *a, bool w)
{
    as_rex(a, w, 0, 0, 0, false);
    as_8(a, 0x99);
}
static inline void as_call_r(struct as *a, int r)
{
    as_rex(a, false, 0, 0, r, false);
    as_8(a, 0xff);
    as_modrm_r(a, 2, r);
}
static inline void as_jmp_r(struct as *a, int r)
{
    as_rex(a, false, 0, 0, r, false);
    as_8(a, 0xff);
    as_modrm_r(a, 4, r);
}

/* Jumps to an address in the code buffer, 32-bit displacement. The return value is where the
 * displacement is, for as_patch. */
static inline uint8_t *as_jmp(struct as *a, const uint8_t *rx_target)
{
    as_8(a, 0xe9);
    as_32(a, (uint32_t)(rx_target - (as_rx(a) + 4)));
    return a->p - 4;
}
static inline uint8_t *as_call(struct as *a, const uint8_t *rx_target)
{
    as_8(a, 0xe8);
    as_32(a, (uint32_t)(rx_target - (as_rx(a) + 4)));
    return a->p - 4;
}
static inline uint8_t *as_jcc(struct as *a, unsigned cc, const uint8_t *rx_target)
{
    as_8(a, 0x0f);
    as_8(a, 0x80 + cc);
    as_32(a, (uint32_t)(rx_target - (as_rx(a) + 4)));
    return a->p - 4;
}
/* Let the displacement at `at` (writable view) lead to `target` (the same view). One aligned or
 * unaligned 32-bit store: only the owner of the code runs or patches it. */
static inline void as_patch(uint8_t *at, const uint8_t *target)
{
    int32_t disp = (int32_t)(target - (at + 4));
    memcpy(at, &disp, 4);
}
