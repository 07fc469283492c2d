/* SPDX-License-Identifier: MIT */
/* Handlers of special cases that the formats of dec_int.c choose: no row of a64.def names them. */
#pragma once

#include "insn.h"

op_fn op_lsr_x_imm, op_lsr_w_imm, op_asr_x_imm, op_asr_w_imm, op_lsl_x_imm, op_lsl_w_imm;
op_fn op_uxtb, op_uxth, op_sxtw, op_mov_x, op_mov_w;

/* [64-bit][opc << 1 | N][shift type], [64-bit][op << 1 | S][shift type] */
extern op_fn *const op_logic_shifted[2][8][4];
extern op_fn *const op_arith_shifted[2][4][3];
/* [condition] */
extern op_fn *const op_b_cond[16];
