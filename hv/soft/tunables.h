/* SPDX-License-Identifier: MIT */
/* Every knob of the software CPU. The hostile build (HARD=1) makes rare paths common. */
#pragma once

#ifdef HARD
#define TLB_MIN_BITS    1 /* two pages: never one, or a crossing access could hit itself */
#define TLB_MAX_BITS    2
#define BLOCK_MAX_INSNS 1 /* every instruction ends a block */
#define JUMP_CACHE_BITS 2
#define CODE_MEMORY     CODE_MEMORY_MIN
#define MAILBOX_SLOTS   1
#define JIT_HEAT        2
#define PAC_MEMO_BITS   1
#define PAC_KNOWN       1
#define BASE_MISS_NS    1000000
#else
#define TLB_MIN_BITS    9  /* entries of 32 bytes, per privilege view: to begin with, */
#define TLB_MAX_BITS    15 /* and where a guest uses many pages (tlb.c) */
#define BLOCK_MAX_INSNS 64 /* bounds the time to an interrupt */
#define JUMP_CACHE_BITS 12
#define CODE_MEMORY     (32u << 20) /* of one vCPU, half of it for decoded blocks, half translated */
#define MAILBOX_SLOTS   16
#define JIT_HEAT        24  /* entries before a block is worth translating */
#define PAC_MEMO_BITS   12  /* entries of 32 bytes */
#define PAC_KNOWN       64  /* keys: a process has up to four, the kernel one for each process */
#define BASE_MISS_NS    200 /* from one to the next on average, or more: the page of a base pays */
#endif

/* Limits of option "jit-code". A jump in translated code reaches 2 GiB. */
#define CODE_MEMORY_MIN (512u << 10)
#define CODE_MEMORY_MAX (1024u << 20)

#define TLB_MAX_SIZE    (1u << TLB_MAX_BITS)
#define JUMP_CACHE_SIZE (1u << JUMP_CACHE_BITS)
#define BASE_SITES      4096 /* accesses that are told apart */
#define BLOCK_HASH_BITS 18   /* a full arena has some 200 000 blocks */
#define PAGE_HASH_BITS  12

#define PAGE_BITS       12 /* unit of the TLB and of block placement, whatever the granule */
#define PAGE_BYTES      (UINT64_C(1) << PAGE_BITS)
#define PAGE_MASK       (~(PAGE_BYTES - 1))
