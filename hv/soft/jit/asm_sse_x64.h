/* SPDX-License-Identifier: MIT */
/*
 * The assembler's vector part: instructions with a VEX prefix on 128-bit registers (Intel SDM
 * volume 2, 2.3). They have three operands, take unaligned memory and clear what is above bit 127,
 * so that C code with older encodings pays nothing for them.
 *
 * An instruction is one number: opcode byte, prefix, opcode map, W.
 */
#pragma once

#include "asm_x64.h"

#define VX_66   (1u << 8)
#define VX_F3   (2u << 8)
#define VX_F2   (3u << 8)
#define VX_0F   (1u << 12)
#define VX_0F38 (2u << 12)
#define VX_0F3A (3u << 12)
#define VX_W    (1u << 16)

/* Most integer instructions: prefix 66, map 0F, 0F38 or 0F3A. */
#define VI(op)  (VX_66 | VX_0F | (op))
#define VI2(op) (VX_66 | VX_0F38 | (op))
#define VI3(op) (VX_66 | VX_0F3A | (op))

enum vx {
    VX_LOAD = VX_F3 | VX_0F | 0x6f, /* vmovdqu */
    VX_STORE = VX_F3 | VX_0F | 0x7f,
    VX_MOVAPS = VX_0F | 0x28,
    VX_LOAD_S = VX_F3 | VX_0F | 0x10, /* vmovss, from memory */
    VX_STORE_S = VX_F3 | VX_0F | 0x11,
    VX_LOAD_D = VX_F3 | VX_0F | 0x7e, /* vmovq: also between registers; the upper half becomes 0 */
    VX_STORE_D = VI(0xd6),
    VX_FROM_W = VI(0x6e), /* vmovd xmm, r32 */
    VX_FROM_X = VI(0x6e) | VX_W,
    VX_TO_W = VI(0x7e), /* the xmm register is the `reg` operand */
    VX_TO_X = VI(0x7e) | VX_W,
    VX_PADDB = VI(0xfc),
    VX_PADDW = VI(0xfd),
    VX_PADDD = VI(0xfe),
    VX_PADDQ = VI(0xd4),
    VX_PADDUSB = VI(0xdc),
    VX_PSUBB = VI(0xf8),
    VX_PSUBW = VI(0xf9),
    VX_PSUBD = VI(0xfa),
    VX_PSUBQ = VI(0xfb),
    VX_PAND = VI(0xdb),
    VX_PANDN = VI(0xdf), /* not first, and second */
    VX_POR = VI(0xeb),
    VX_PXOR = VI(0xef),
    VX_PCMPEQB = VI(0x74),
    VX_PCMPEQW = VI(0x75),
    VX_PCMPEQD = VI(0x76),
    VX_PCMPEQQ = VI2(0x29),
    VX_PCMPGTB = VI(0x64),
    VX_PCMPGTW = VI(0x65),
    VX_PCMPGTD = VI(0x66),
    VX_PCMPGTQ = VI2(0x37),
    VX_PMINUB = VI(0xda),
    VX_PMINUW = VI2(0x3a),
    VX_PMINUD = VI2(0x3b),
    VX_PMAXUB = VI(0xde),
    VX_PMAXUW = VI2(0x3e),
    VX_PMAXUD = VI2(0x3f),
    VX_PMINSB = VI2(0x38),
    VX_PMINSW = VI(0xea),
    VX_PMINSD = VI2(0x39),
    VX_PMAXSB = VI2(0x3c),
    VX_PMAXSW = VI(0xee),
    VX_PMAXSD = VI2(0x3d),
    VX_PAVGB = VI(0xe0),
    VX_PAVGW = VI(0xe3),
    VX_PMULLW = VI(0xd5),
    VX_PMULLD = VI2(0x40),
    VX_PMULUDQ = VI(0xf4),
    VX_PMULDQ = VI2(0x28),
    VX_PMADDWD = VI(0xf5),
    VX_PSADBW = VI(0xf6),
    VX_PACKUSWB = VI(0x67),
    VX_PACKUSDW = VI2(0x2b),
    VX_PUNPCKLBW = VI(0x60),
    VX_PUNPCKLWD = VI(0x61),
    VX_PUNPCKLDQ = VI(0x62),
    VX_PUNPCKLQDQ = VI(0x6c),
    VX_PUNPCKHBW = VI(0x68),
    VX_PUNPCKHWD = VI(0x69),
    VX_PUNPCKHDQ = VI(0x6a),
    VX_PUNPCKHQDQ = VI(0x6d),
    VX_PSHUFB = VI2(0x00),
    VX_PSHUFD = VI(0x70),
    VX_PSHUFLW = VX_F2 | VX_0F | 0x70,
    VX_SHUFPS = VX_0F | 0xc6,
    VX_PALIGNR = VI3(0x0f),
    VX_PBLENDW = VI3(0x0e),
    VX_PBLENDD = VI3(0x02),
    VX_PABSB = VI2(0x1c),
    VX_PABSW = VI2(0x1d),
    VX_PABSD = VI2(0x1e),
    VX_PMOVSXBW = VI2(0x20),
    VX_PMOVSXWD = VI2(0x23),
    VX_PMOVSXDQ = VI2(0x25),
    VX_PMOVZXBW = VI2(0x30),
    VX_PMOVZXWD = VI2(0x33),
    VX_PMOVZXDQ = VI2(0x35),
    VX_PBROADCASTB = VI2(0x78),
    VX_PBROADCASTW = VI2(0x79),
    VX_PBROADCASTD = VI2(0x58),
    VX_PBROADCASTQ = VI2(0x59),
    VX_PEXTRB = VI3(0x14), /* the xmm register is the `reg` operand; memory or general register */
    VX_PEXTRW = VI3(0x15),
    VX_PEXTRD = VI3(0x16),
    VX_PEXTRQ = VI3(0x16) | VX_W,
    VX_PINSRB = VI3(0x20),
    VX_PINSRW = VI(0xc4),
    VX_PINSRD = VI3(0x22),
    VX_PINSRQ = VI3(0x22) | VX_W,
    VX_INSERTPS = VI3(0x21),
    VX_PTEST = VI2(0x17)
};

/* Shifts by an immediate: opcode by lane size (71 words, 72, 73 quadwords), /digit by kind. */
enum { VS_SRL = 2, VS_SRL_BYTES = 3, VS_SRA = 4, VS_SLL = 6, VS_SLL_BYTES = 7 };

static inline void as_vex(struct as *a, unsigned op, int reg, int first, int base)
{
    unsigned w = op >> 16 & 1, map = op >> 12 & 3,
             tail = (~(unsigned)first & 15) << 3 | (op >> 8 & 3);
    unsigned r = (~(unsigned)reg & 8) << 4;
    if (map == 1 && !w && !(base & 8)) {
        as_8(a, 0xc5);
        as_8(a, r | tail);
    } else {
        as_8(a, 0xc4);
        as_8(a, r | 0x40 | (~(unsigned)base & 8) << 2 | map);
        as_8(a, w << 7 | tail);
    }
    as_8(a, op & 0xff);
}

/* reg := first op rm. Instructions of two operands have first = 0. */
static inline void as_v(struct as *a, unsigned op, int reg, int first, int rm)
{
    as_vex(a, op, reg, first, rm);
    as_modrm_r(a, reg, rm);
}
static inline void as_v_imm(struct as *a, unsigned op, int reg, int first, int rm, unsigned imm)
{
    as_v(a, op, reg, first, rm);
    as_8(a, imm);
}
/* The last operand in memory. */
static inline void as_v_m(struct as *a, unsigned op, int reg, int first, int base, int32_t disp)
{
    as_vex(a, op, reg, first, base);
    as_modrm_m(a, reg, base, disp);
}
/* The last operand at base + index + disp; the index is none of R8 to R15. */
static inline void as_v_x(struct as *a, unsigned op, int reg, int first, int base, int index,
                          int32_t disp)
{
    as_vex(a, op, reg, first, base);
    as_modrm_x(a, reg, base, index, 0, disp);
}
/* The last operand is a constant in the code memory. */
static inline void as_v_c(struct as *a, unsigned op, int reg, int first, const uint8_t *constant)
{
    as_vex(a, op, reg, first, 0);
    as_8(a, 0x05 | (unsigned)(reg & 7) << 3);
    as_32(a, (uint32_t)(constant - (as_rx(a) + 4)));
}
/* dst := src shifted by n bits in lanes of 2, 4, 8 bytes (size 1, 2, 3). */
static inline void as_v_shift(struct as *a, unsigned kind, unsigned size, int dst, int src,
                              unsigned n)
{
    as_v_imm(a, VI(0x70u + size), (int)kind, dst, src, n);
}
