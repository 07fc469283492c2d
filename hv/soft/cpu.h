/* SPDX-License-Identifier: MIT */
/*
 * One virtual CPU of the software backend: the architectural state of an EL0/EL1 Armv8 core, and
 * what the interpreter keeps beside it.
 *
 * Everything here belongs to the vCPU's thread, except what is marked "any thread".
 */
#pragma once

#include <Hypervisor/Hypervisor.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "backend.h"
#include "fp.h"
#include "insn.h"
#include "mmu.h"
#include "sysreg.h"
#include "tunables.h"

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* NZCV as x86's LAHF and SETO leave them in AX. To an interpreter any four bits are as good, and
 * the translator for x86 gets them for nothing. */
enum { FLAG_N = 1 << 15, FLAG_Z = 1 << 14, FLAG_C = 1 << 8, FLAG_V = 1 << 0 };

typedef union {
    uint8_t b[16];
    uint16_t h[8];
    uint32_t s[4];
    uint64_t d[2];
    int8_t sb[16];
    int16_t sh[8];
    int32_t ss[4];
    int64_t sd[2];
} __attribute__((aligned(16))) v128;

/* PSTATE.DAIF in cpu->daif, as MRS DAIF reads them. */
enum { DAIF_F = 1 << 6, DAIF_I = 1 << 7, DAIF_A = 1 << 8, DAIF_D = 1 << 9 };

/* Which permissions a data access uses. EL1 has two views: with and without PSTATE.PAN. */
enum mmu_view { VIEW_EL0, VIEW_EL1, VIEW_EL1_PAN, VIEW_COUNT };

/*
 * A page of the data TLB. `read` and `write` are the page's virtual address if that access may go
 * straight to host memory at va + addend, else TLB_NONE. Anything special (device memory,
 * watchpoint, SCTLR.A, tagged pointer, crossing a page) simply does not match and takes the slow
 * path (tlb.c).
 */
struct tlb_entry {
    uint64_t read;
    uint64_t write;
    uintptr_t addend;
    uint64_t ipa; /* of the page */
};
#define TLB_ENTRY_BITS 5 /* log2 of the size of an entry */
/* No access compares with this: the lower bits of an address are let through where alignment
 * counts, and one of the two below, never both. */
#define TLB_NONE UINT64_C(0xc00)
#define TLB_CHECKED                                                                                \
    UINT64_C(0x800) /* in a tag: only aligned accesses (Device memory, SCTLR_EL1.A) */
#define TLB_ABSENT                                                                                 \
    UINT64_C(0x400) /* in a tag, which then never matches: no host memory there, a device's page   \
                     */

/* Virtual addresses, both ends included; empty if lo > hi. */
struct va_range {
    uint64_t lo, hi;
};

/* Where pages of more than 4K have been met: what a TLBI must look for in more than one slot. Those
 * of up to 2 MiB by a bit of their 2 MiB's hash, larger ones by one range for each half. */
#define LARGE_HASH_BITS 12
struct large_pages {
    uint64_t seen[(1u << LARGE_HASH_BITS) / 64];
    struct va_range beyond[2];
};

/* Page of the instruction TLB. */
struct fetch_entry {
    uint64_t key; /* virtual page | EL */
    uint64_t ipa;
    const uint8_t *host;
    uint32_t gen; /* valid while equal to cpu->fetch_gen, which is never 0 */
    bool guarded;
};
#define FETCH_TLB_SIZE 64

struct jump_entry {
    uint64_t pc;
    struct block *block;
    uint32_t gen;
    uint32_t flags;
    const void *code; /* block->code, or the way to the dispatcher; NULL without a translator */
};

/* Breakpoints and watchpoints that are enabled, 0 for the others (debug_match.c). `units`: those
 * that match by themselves. */
#define DEBUG_BREAKPOINTS 6
#define DEBUG_WATCHPOINTS 4
struct debug_breaks {
    uint64_t value[DEBUG_BREAKPOINTS], control[DEBUG_BREAKPOINTS], units;
};
struct debug_watches {
    uint64_t value[DEBUG_WATCHPOINTS], control[DEBUG_WATCHPOINTS], units;
};

/*
 * A pointer without and with its authentication code (op_pauth.c). `id` stands for the key, its
 * value and the registers that say where the code goes; no other ever has the same, so nothing need
 * be forgotten. Translated code looks here by itself.
 */
struct pac_entry {
    uint64_t plain, coded, modifier, id;
};
#define PAC_ENTRY_BITS 5 /* log2 of the size of an entry */
#define PAC_ENTRIES    (1u << PAC_MEMO_BITS)
#define PAC_OFFSETS    ((PAC_ENTRIES - 1) << PAC_ENTRY_BITS)
#define PAC_HASH       0x9e3779b1u
#define PAC_HASH_SHIFT 15
/* Where the entry is, in bytes: calls in a row from one function have neighbouring ones. */
static inline unsigned pac_offset(uint64_t ptr, uint64_t modifier)
{
    return (((uint32_t)modifier * PAC_HASH >> PAC_HASH_SHIFT) + (uint32_t)(ptr << 3)) & PAC_OFFSETS;
}

/* IA, IB, DA, DB: in cpu->pac_id, which number the key has now; PAC_UNKNOWN: to be looked up. */
#define PAC_KEYS    4
#define PAC_UNKNOWN UINT64_MAX
struct pac_known { /* a key that has a number */
    uint64_t lo, hi, id;
    unsigned key;
};

/* Work that another vCPU asks this one to do at its next block end, and waits for (broadcast.c). */
struct mail {
    uint8_t op;
    uint64_t a, b;
};

/* Reasons in cpu->kick. Any thread may set one; the dispatcher clears and serves them. */
enum {
    KICK_CANCEL = 1u << 0, /* hv_vcpus_exit */
    KICK_IRQ = 1u << 1,    /* the GIC's output for this vCPU changed */
    KICK_TIMER = 1u << 2,  /* a timer deadline passed */
    KICK_MAIL = 1u << 3,   /* the mailbox is not empty */
    KICK_EVENT = 1u << 4,  /* SEV */
    KICK_CODE = 1u << 5    /* drop all code: the vCPU itself, where its block must end first */
};

/* Counters in cpu->stats, named in soft.c. */
enum {
    STAT_BLOCKS,
    STAT_DECODED,
    STAT_DECODED_MEMORY, /* loads and stores among STAT_DECODED */
    STAT_TRANSLATED,
    STAT_CODE_BYTES,
    STAT_DISPATCHED,
    STAT_LINKED,
    STAT_EXTENDED,
    STAT_ARENA_DROPS,
    STAT_TLB_FILLS,
    STAT_TLB_FLUSHES,
    STAT_EXCEPTIONS,
    STAT_INTERRUPTS,
    STAT_MAILS,
    STAT_VERIFIED,
    STAT_VERIFY_ONCE,
    STAT_VERIFY_AGAIN,
    STAT_COUNT
};

/* Where a vCPU is, for those who want its answer (broadcast.c). */
enum cpu_place {
    CPU_OUT,   /* not in the guest, and may come in without a fence (machine.fence_all) */
    CPU_AWAY,  /* not in the guest, and comes in with one */
    CPU_INSIDE /* executes guest code: others must wait for its answer */
};

/* Who wants to know how long it runs? */
enum exec_clock { EXEC_NEVER_RAN, EXEC_UNASKED, EXEC_TIMED };

/* What backend.h calls struct hvi_vcpu. */
struct cpu {
    /* Hot: offsets that emitted code uses are asserted in jit/. */
    uint64_t x[X_SLOTS];
    uint64_t pc;           /* start of the block that runs; exact between blocks */
    uint32_t nzcv;         /* FLAG_* */
    _Atomic uint32_t kick; /* any thread */
    struct tlb_entry *tlb; /* tlb_sets[current view] */
    struct block *block;   /* that runs */
    uint64_t icount;       /* instructions completed, counted at block ends (machine.count_insns) */
    uint32_t fetch_gen;    /* bumped whenever a virtual address may mean other code */
    uint32_t block_flags;  /* BLOCK_* of the current state */
    struct link *link_from; /* the dispatcher fills this link with the next block, or NULL */
    uint32_t tlb_mask;      /* of the offset of a slot in its set: TLB_SIZE(c) - 1 entries */
    uint8_t v_unready;      /* for translated code only (emit_v_x64.h); elsewhere v[] is complete */
    bool came_round;        /* translated code: in the loop of this block, not for the first time */
    bool base_used;         /* base_page has something */
    bool base_poor;         /* an access keeps missing its base's page: jit_call hears of it */
    /* For translated code: copies of entries, where each register led last as a base (tlb.c). */
    struct tlb_entry base_page[VIEW_COUNT][X_SLOTS];
    uint8_t base_misses[BASE_SITES]; /* of accesses, by a hash of where they are */

    v128 v[32];
    union { /* architectural layout */
        struct fp_env fp;
        struct {
            uint32_t fpcr, fpsr;
        };
    };

    /* PSTATE besides NZCV. daif holds bits 9..6 in place, as MRS DAIF reads them. */
    uint32_t daif;
    uint8_t el; /* 0 or 1 */
    uint8_t spsel;
    bool pan, uao, dit, ssbs, il, ss;
    uint8_t btype;
    uint64_t sp_el0, sp_el1; /* the one in use lives in x[X_SP]; see cpu_sp_save() */

    /* Exclusive monitor: by value. A store-exclusive succeeds if memory still holds what the
     * load-exclusive saw, like QEMU's; ABA is not detected (docs/DIFFERENCES.md). */
    bool excl_valid;
    uint8_t excl_size;  /* bytes, 16 for pairs of X */
    bool released;      /* a translated STLR may still be on its way to memory (op_atomic.c) */
    uint64_t excl_addr; /* virtual */
    uint64_t excl_val[2];
    uint64_t excl_host; /* the same in host memory, for the STXR of translated code; 0: unknown */

    uint64_t sr[SR_COUNT]; /* system registers that are plain storage, by enum of sysreg.def */

    /* Exit to the monitor. */
    bool stop;            /* a handler filled *exit; leave hv_vcpu_run */
    bool failed;          /* ... with HV_ERROR: verification found a difference */
    hv_vcpu_exit_t *exit; /* of the run under way */

    /* Interrupt lines: `line` from hv_vcpu_set_pending_interrupt (one run), gic from the model. */
    bool line_irq, line_fiq;
    const _Atomic uint32_t *gic_lines; /* GIC_LINE_*; any thread may change them (soft_gic.c) */

    /* Virtual timer (timer.c). */
    uint64_t cntvoff; /* CNTVCT = mach time - cntvoff */
    uint64_t alarm;   /* mach time at which a timer's line rises; UINT64_MAX: none */
    bool vtimer_masked;
    bool vtimer_exit; /* deliver VTIMER_ACTIVATED at the next chance */

    bool trap_debug, trap_debug_regs;
    struct debug_breaks breaks;
    struct debug_watches watches;
    bool bad_cpsr;      /* the client asked for a mode that does not exist: run refuses */
    _Atomic bool event; /* the event register of WFE and SEV, any thread */

    uint32_t index;
    _Atomic uint8_t place; /* enum cpu_place */
    uint64_t exec_time;    /* mach ticks (run.c) */
    uint64_t exec_start;   /* when this stay began, or, unasked, the thread's clock at the first */
    enum exec_clock exec_clock;

    /* Memory. */
    struct fetch_entry fetch[FETCH_TLB_SIZE];
    struct jump_entry jump[JUMP_CACHE_SIZE];
    struct mmu_regime regime;    /* SCTLR, TCR, TTBRn, MAIR decoded (tlb_regime_changed) */
    struct mmu_regs regime_regs; /* from these values */
    struct {
        uint64_t ipa, size, flags;
        uint8_t *host;
    } ram;                   /* last piece of guest memory used; size 0 = none */
    unsigned absent_version; /* hvi_mem_version() that all TLB_ABSENT entries hold for */
    struct {
        uint32_t word, iss;
    } described; /* the last instruction that left by a Data Abort, as its syndrome tells it */
    struct large_pages large;       /* in the TLB (tlb.c) */
    struct large_pages fetch_large; /* fetched from since fetch_gen changed */
    uint64_t pac_id[PAC_KEYS], pac_last_id;
    struct pac_known pac_known[PAC_KNOWN];
    struct pac_entry pac[PAC_ENTRIES];
    uint64_t fetch_seen[4];        /* filter of the other pages fetched from: a bit by hash */
    uint32_t tlb_used[VIEW_COUNT]; /* which 32nds of a set have entries */

    /* Decoded blocks (block.c), translated ones (jit/; NULL: the interpreter alone). */
    struct code_cache *code;
    struct jit *jit;
    struct verify *verify; /* mode "verify" (verify.h), or NULL */
    uint32_t jit_heat;     /* entries after which a block is translated; UINT32_MAX: never */

    /* Mailbox (broadcast.c), any thread under its lock. */
    pthread_mutex_t mail_lock;
    unsigned mail_count;
    bool mail_overflow;
    struct mail mail[MAILBOX_SLOTS];
    _Atomic uint64_t mail_posted, mail_served;

    /* WFI inside a VM with a GIC (sleep.c). A semaphore: a kick may come from a signal handler. */
    _Atomic bool sleeping;
    sem_t wake;

    uint64_t stats[STAT_COUNT];

    /* The data TLB, as large as tlb_bits says. Last: most of it is never touched. Zeroes are an
     * empty slot, but where page 0 would be or an access that ends there (tlb.c). */
    unsigned tlb_bits;
    uint32_t tlb_evictions;
    uint64_t tlb_since;        /* the evictions are of the time since then (mach ticks) */
    uint64_t tlb_fills_before; /* STAT_TLB_FILLS at the last flush */
    struct tlb_entry tlb_sets[VIEW_COUNT][TLB_MAX_SIZE];
};

/* ---- exceptions and exits (exception.c) ---------------------------------------------------------
 */

/* Exception classes, Arm ARM D17.2.37 ESR_EL1.EC. */
enum {
    EC_UNKNOWN = 0x00,
    EC_WFX = 0x01,
    EC_FP = 0x07,
    EC_BTI = 0x0d,
    EC_ILLEGAL = 0x0e,
    EC_SVC64 = 0x15,
    EC_HVC64 = 0x16,
    EC_SMC64 = 0x17,
    EC_SYSREG = 0x18,
    EC_IABT_LOW = 0x20,
    EC_IABT = 0x21,
    EC_PC_ALIGN = 0x22,
    EC_DABT_LOW = 0x24,
    EC_DABT = 0x25,
    EC_SP_ALIGN = 0x26,
    EC_FP_EXC = 0x2c,
    EC_SERROR = 0x2f,
    EC_BREAK_LOW = 0x30,
    EC_STEP_LOW = 0x32,
    EC_WATCH_LOW = 0x34,
    EC_BRK = 0x3c
};
#define ESR_IL       (1u << 25)
#define ESR(ec, iss) ((uint32_t)(ec) << 26 | ESR_IL | (uint32_t)(iss))

/* The address of instruction i of the running block. */
static inline uint64_t insn_pc(const struct cpu *c, const struct insn *i)
{
    return c->pc + i->off;
}

/* Take a synchronous exception to EL1. `esr` has the class for a lower level where there are two;
 * this adds one when it comes from EL1. The return address is `ret` (instruction itself or the
 * next). Folds instruction i's position into the counters; i may be NULL between blocks. Always
 * returns NULL. */
const struct insn *cpu_raise(struct cpu *c, const struct insn *i, uint32_t esr, uint64_t ret);
/* The same with FAR_EL1. */
const struct insn *cpu_raise_far(struct cpu *c, const struct insn *i, uint32_t esr, uint64_t ret,
                                 uint64_t far);
/* UNDEFINED instruction (EC 0). */
const struct insn *cpu_undefined(struct cpu *c, const struct insn *i);
/* Asynchronous: IRQ vector offset 0x80, FIQ 0x100, SError 0x180. Between blocks. */
void cpu_interrupt(struct cpu *c, unsigned vector_offset);
/* Leave hv_vcpu_run with EXCEPTION at instruction i; PC becomes insn_pc + advance. Returns NULL. */
const struct insn *cpu_exit(struct cpu *c, const struct insn *i, uint32_t syndrome, uint64_t va,
                            uint64_t ipa, unsigned advance);
/* The same, of what is known to be no access to the GIC. */
static inline const struct insn *cpu_leave(struct cpu *c, const struct insn *i, uint32_t syndrome,
                                           uint64_t va, uint64_t ipa, unsigned advance)
{
    hv_vcpu_exit_t *exit = c->exit;
    exit->reason = HV_EXIT_REASON_EXCEPTION;
    exit->exception.syndrome = syndrome;
    exit->exception.virtual_address = va;
    exit->exception.physical_address = ipa;
    if (i) {
        c->icount += (i->off + advance) / 4;
        c->pc += i->off + advance;
    }
    c->stop = true;
    return NULL;
}
/* ERET. c->pc becomes the target; PSTATE changes; sets illegal state as the architecture says. */
void cpu_exception_return(struct cpu *c);

uint32_t cpu_get_cpsr(const struct cpu *c);      /* as SPSR_EL1 would show PSTATE */
void cpu_set_cpsr(struct cpu *c, uint32_t cpsr); /* PSTATE := value, EL and SP banks switched */
/* After any change of EL, PAN, UAO, SCTLR, CPACR …: recompute c->tlb, block_flags. */
void cpu_state_changed(struct cpu *c);
/* Bring x[X_SP] back to its bank / fetch it from the bank that EL and SPSel choose. */
void cpu_sp_save(struct cpu *c);
void cpu_sp_load(struct cpu *c);
static inline uint32_t nzcv_to_arch(uint32_t f)
{
    return (f & FLAG_N) << 16 | (f & FLAG_Z) << 16 | (f & FLAG_C) << 21 | (f & FLAG_V) << 28;
}
static inline uint32_t nzcv_from_arch(uint32_t a)
{
    return (a >> 16 & FLAG_N) | (a >> 16 & FLAG_Z) | (a >> 21 & FLAG_C) | (a >> 28 & FLAG_V);
}

/* ---- blocks (block.c, run.c)
 * ----------------------------------------------------------------------- */

struct code_cache *code_cache_new(size_t bytes); /* for decoded blocks; NULL: no memory */
void code_cache_free(struct code_cache *cc);
/* The block at cpu->pc in the current state; raises the fetch fault and returns NULL if there is
 * none. */
struct block *block_find(struct cpu *c);
/* A block that has become warm, with those that are run after it when its last branch is not taken,
 * as far as they are warm too: one block, which takes its place. Or the block itself. */
struct block *block_extend(struct cpu *c, struct block *b);
/* Remember that `from` leads to `to`, which the dispatcher found at cpu->pc. */
void block_link(struct cpu *c, struct link *from, struct block *to);
/* The translator has learnt something about b: its code is made anew. Safe while b runs. */
void block_translate_again(struct cpu *c, struct block *b);
void code_invalidate_all(struct cpu *c);
void code_invalidate_ipa(struct cpu *c, uint64_t ipa, uint64_t size);

/* Virtual addresses may mean other code from now on (TLBI, TTBR, SCTLR, ...). What goes by
 * fetch_gen is looked at next in another block. */
void fetch_restart(struct cpu *c);
static inline void fetch_changed(struct cpu *c)
{
    if (unlikely(++c->fetch_gen == 0))
        fetch_restart(c);
}

/* Go on interpreting at a block that was found, unless the translator has it or should get it. */
static inline const struct insn *block_enter(struct cpu *c, struct block *to)
{
    if (unlikely(to->heat >= c->jit_heat) ||
        unlikely(atomic_load_explicit(&c->kick, memory_order_relaxed)))
        return NULL;
    to->heat++;
    c->block = to;
    return to->insns;
}

/* Leave a block through its link `slot` to `target`. The last act of a branch handler. */
static inline const struct insn *block_leave(struct cpu *c, unsigned slot, uint64_t target)
{
    struct block *b = c->block;
    struct link *l = &b->link[slot];
    c->icount += b->n;
    c->pc = target;
    if (likely(l->to && (!l->crosses || l->gen == c->fetch_gen)))
        return block_enter(c, l->to);
    c->link_from = l;
    return NULL;
}

/* A conditional branch in the middle of a block is taken. */
static inline const struct insn *block_leave_side(struct cpu *c, const struct insn *i,
                                                  uint64_t target)
{
    struct link *l = &c->block->side[i->ra - 1];
    c->icount += i->off / 4 + 1u;
    c->pc = target;
    if (likely(l->to != NULL))
        return block_enter(c, l->to);
    c->link_from = l;
    return NULL;
}

/*
 * Branch target identification (FEAT_BTI). PSTATE.BTYPE is 0 while blocks run; a BR or BLR sets it
 * for the dispatcher, which clears it or finds that the target is no place to land (run.c). Blocks
 * of guarded pages are in the jump cache under flags that no state has, so that what jumps there
 * by BR or BLR always comes to the dispatcher, and nothing else pays.
 */
enum { BTYPE_JUMP = 1, BTYPE_CALL = 2, BTYPE_GUARDED_JUMP = 3 };

/* BR from a guarded page says so, unless it goes by X16 or X17 (C6.2 BR). */
static inline unsigned block_btype_jump(const struct cpu *c, unsigned rn)
{
    bool plain = rn == 16 || rn == 17 || !(c->block->flags & BLOCK_GUARDED);
    return plain ? BTYPE_JUMP : BTYPE_GUARDED_JUMP;
}

/* Leave a block to an address known only now: RET. */
static inline const struct insn *block_leave_indirect(struct cpu *c, uint64_t target)
{
    c->icount += c->block->n;
    c->pc = target;
    const struct jump_entry *j = &c->jump[target >> 2 & (JUMP_CACHE_SIZE - 1)];
    if (likely(j->pc == target && j->gen == c->fetch_gen &&
               (j->flags & ~BLOCK_GUARDED) == c->block_flags))
        return block_enter(c, j->block);
    return NULL;
}

/* The same by BR or BLR. */
static inline const struct insn *block_leave_jump(struct cpu *c, uint64_t target, unsigned btype)
{
    c->icount += c->block->n;
    c->pc = target;
    const struct jump_entry *j = &c->jump[target >> 2 & (JUMP_CACHE_SIZE - 1)];
    if (likely(j->pc == target && j->gen == c->fetch_gen && j->flags == c->block_flags))
        return block_enter(c, j->block);
    c->btype = (uint8_t)btype;
    return NULL;
}

/* Leave a block after an instruction that changed what the next one sees (MSR, ISB, ...). */
static inline const struct insn *block_leave_sync(struct cpu *c, const struct insn *i)
{
    c->icount += c->block->n;
    c->pc += i->off + 4u;
    return NULL;
}

/* ---- decoding (decode.c)
 * -------------------------------------------------------------------------------- */

/* Decode one word into *i (fn, operands, id; `off` is set by the caller). Always succeeds: a word
 * that is not an announced instruction gets the handler that raises UNDEFINED. True if a block ends
 * here. */
bool a64_decode(uint32_t word, uint32_t block_flags, struct insn *i);
const char *a64_name(unsigned id);

/* ---- memory maintenance (tlb.c) and other vCPUs (broadcast.c)
 * -------------------------------------------- */

void tlb_flush_all(struct cpu *c);
void tlb_flush_va(struct cpu *c, uint64_t va);

/* a, b: TLB_VA: va (of any ASID); TLB_VA_ASID: va, ASID; TLB_ASID: 0, ASID; CODE_IPA: ipa, size. */
enum mail_op {
    MAIL_TLB_ALL = 1,
    MAIL_TLB_VA,
    MAIL_CODE_ALL,
    MAIL_CODE_IPA,
    MAIL_TLB_VA_ASID,
    MAIL_TLB_ASID
};
/* Do it here, then on every other vCPU, and wait until all have. Serves its own mailbox meanwhile.
 */
void cpu_broadcast(struct cpu *c, enum mail_op op, uint64_t a, uint64_t b);
void cpu_serve_mail(struct cpu *c);
/* From a thread that is no vCPU (unmap, icache_invalidate): on every vCPU, and wait. */
void cpu_broadcast_foreign(enum mail_op op, uint64_t a, uint64_t b);
void cpu_kick(struct cpu *c, uint32_t reason); /* any thread; wakes it from WFI too */
/* The same by number, for those who cannot know that the vCPU is still there. */
void cpu_kick_index(unsigned index, uint32_t reason);
void cpu_set_kickable(unsigned index, struct cpu *c); /* NULL: not any more */
void cpu_kicks_after_fork(void);

/* The machine: what all vCPUs share (soft.c). */
#define CPU_MAX 64
struct machine {
    bool created;
    bool has_gic;
    bool jit_off;        /* option "jit" = "off" */
    bool perf_map;       /* option "perf-map": names of translated code for perf */
    bool jit_verify;     /* option "jit" = "verify" */
    uint32_t jit_heat;   /* option "jit-heat": entries before translation; 0: JIT_HEAT */
    uint32_t code_bytes; /* option "jit-code": decoded and translated code of a vCPU; 0: default */
    bool count_insns;    /* option "count": translated code counts the instructions it completes */
    bool irq_exit;  /* option: end a run when it takes an interrupt of hv_vcpu_set_pending_interrupt
                     */
    bool fence_all; /* host_fence() works */
    uint32_t ipa_bits;
    pthread_mutex_t lock; /* over cpus[] and its length */
    struct cpu *cpus[CPU_MAX];
    _Atomic unsigned count;
};
extern struct machine machine;

static inline uint32_t code_bytes(void)
{
    return machine.code_bytes ? machine.code_bytes : CODE_MEMORY;
}

/* Does translated code count its instructions? Mode "verify" compares the counts. */
static inline bool counts_insns(void)
{
    return machine.count_insns || machine.jit_verify;
}

/* ---- running (run.c)
 * ------------------------------------------------------------------------------- */

hv_return_t cpu_run(struct cpu *c, hv_vcpu_exit_t *exit);
uint64_t cpu_exec_time(struct cpu *c);
/* The interrupt lines that are up, masked or not: ISR_EL1's I and F bits. 0: none. */
enum { ISR_F = 1 << 6, ISR_I = 1 << 7 };
uint32_t cpu_interrupt_lines(const struct cpu *c);
static inline bool cpu_interrupt_pending(const struct cpu *c)
{
    return atomic_load_explicit(c->gic_lines, memory_order_acquire) || c->line_irq || c->line_fiq;
}

/* ---- sleeping and events (sleep.c)
 * ------------------------------------------------------------------- */

/* Block this thread until an interrupt is pending or something kicks the vCPU. Only in a VM with a
 * GIC. */
void cpu_wait_for_interrupt(struct cpu *c);
/* Likewise until an event, but not for long: an event may have been missed legitimately. */
void cpu_wait_for_event(struct cpu *c);
/* SEV: set every vCPU's event register and wake those that wait. */
void cpu_send_event(void);

/* ---- system registers beyond sysreg.h
 * -------------------------------------------------------------------- */

uint32_t sysreg_iss(uint32_t word);           /* ISS of EC 0x18 from the instruction word */
bool sysreg_is_debug(const struct sysreg *r); /* what hv_vcpu_set_trap_debug_reg_accesses covers */
/* ID register as announced (sysreg_id.c); false if num is not one of them. */
bool sysreg_id_value(uint16_t num, uint64_t *value);
/* CTR_EL0: 64-byte lines, IC and DC needed (IDC and DIC clear). DCZID_EL0: DC ZVA clears 64 bytes.
 */
#define SYSREG_CTR   0x84448004u
#define SYSREG_DCZID 4u
uint64_t sysreg_ccsidr(unsigned level, bool instruction);

/* ---- pointer authentication (op_pauth.c)
 * ------------------------------------------------------------- */

/* A key may have another value; SCTLR_EL1, TCR_EL1 or an ID register may. */
void pauth_keys_changed(struct cpu *c);
void pauth_config_changed(struct cpu *c);

/* ---- timer (timer.c)
 * -------------------------------------------------------------------------------------- */

uint64_t timer_cntvct(const struct cpu *c);
/* After any write to CNTV_* or CNTP_*, offset or mask, and to serve KICK_TIMER: raise or lower the
 * lines (the GIC's PPIs, or vtimer_exit) and set the alarm for the next deadline. */
void timer_update(struct cpu *c);
