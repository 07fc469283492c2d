/* SPDX-License-Identifier: MIT */
/* Every knob of the software CPU. The hostile build (HARD=1) makes rare paths common. */
#pragma once

#ifdef HARD
#define TLB_MIN_BITS     1 /* two pages: never one, or a crossing access could hit itself */
#define TLB_MAX_BITS     2
#define BLOCK_MAX_INSNS  1 /* every instruction ends a block */
#define JUMP_CACHE_BITS  2
#define CODE_ARENA_BYTES (64u << 10)
#define MAILBOX_SLOTS    1
#define JIT_HEAT         2
#define PAC_MEMO_BITS    1
#define JIT_CODE_BYTES   (256u << 10)
#else
#define TLB_MIN_BITS     9  /* entries of 32 bytes, per privilege view: to begin with, */
#define TLB_MAX_BITS     15 /* and where a guest uses many pages (tlb.c) */
#define BLOCK_MAX_INSNS  64 /* bounds the time to an interrupt */
#define JUMP_CACHE_BITS  12
#define CODE_ARENA_BYTES (16u << 20) /* decoded blocks of one vCPU before all are dropped */
#define MAILBOX_SLOTS    16
#define JIT_HEAT         24 /* entries before a block is worth translating */
#define JIT_CODE_BYTES   (16u << 20)
#define PAC_MEMO_BITS    8 /* entries of 48 bytes */
#endif

#define TLB_MAX_SIZE    (1u << TLB_MAX_BITS)
#define JUMP_CACHE_SIZE (1u << JUMP_CACHE_BITS)
#define BLOCK_HASH_BITS 16 /* a full arena has some 50 000 blocks */
#define PAGE_HASH_BITS  12

#define PAGE_BITS       12 /* unit of the TLB and of block placement, whatever the granule */
#define PAGE_BYTES      (UINT64_C(1) << PAGE_BITS)
#define PAGE_MASK       (~(PAGE_BYTES - 1))
