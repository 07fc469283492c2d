/* SPDX-License-Identifier: MIT */
/*
 * The dispatcher: hv_vcpu_run on the software CPU. Between blocks it looks at what came from
 * outside (cpu->kick), delivers interrupts, finds the next block, and lets handlers chain from
 * there.
 */
#include "a64.h"
#include "bti.h"
#include "cpu.h"
#include "debug.h"
#include "jit/jit.h"
#include "gic.h"
#include "verify.h"

#include <mach/mach_time.h>
#include <time.h>

/* Out of line, so that the way in and out again saves few registers. */
#define COLD __attribute__((noinline))

uint32_t cpu_interrupt_lines(const struct cpu *c)
{
    uint32_t gic = atomic_load_explicit(c->gic_lines, memory_order_acquire);
    return (c->line_irq || gic & GIC_LINE_IRQ ? ISR_I : 0) |
           (c->line_fiq || gic & GIC_LINE_FIQ ? ISR_F : 0);
}

/* Take a pending interrupt that PSTATE does not mask. FIQ first, as cores do. True if the client
 * wants to know (option "irq_exit"): the run ends with a cancelled exit, at the vector. */
static COLD bool deliver_interrupt(struct cpu *c)
{
    uint32_t due = cpu_interrupt_lines(c) & ~c->daif; /* the bits have the same places */
    if (due & ISR_F)
        cpu_interrupt(c, 0x100);
    else if (due & ISR_I)
        cpu_interrupt(c, 0x80);
    else
        return false;
    c->link_from = NULL; /* the block that comes next is the vector's, not where the last one led */
    if (!machine.irq_exit)
        return false;
    *c->exit = (hv_vcpu_exit_t){.reason = HV_EXIT_REASON_CANCELED};
    return true;
}

/* Serve what other threads asked for. True if that ends the run. */
static COLD bool serve_kicks(struct cpu *c)
{
    uint32_t kick = atomic_exchange_explicit(&c->kick, 0, memory_order_acquire);
    c->link_from = NULL; /* its block may be dropped by what follows */
    if (kick & KICK_CODE)
        code_invalidate_all(c);
    if (kick & KICK_MAIL)
        cpu_serve_mail(c);
    if (kick & KICK_TIMER)
        timer_update(c);
    if (kick & KICK_CANCEL) {
        *c->exit = (hv_vcpu_exit_t){.reason = HV_EXIT_REASON_CANCELED};
        return true;
    }
    return false;
}

/* The virtual timer of a VM without a GIC is the monitor's business, once per unmasking. */
static COLD bool vtimer_exit_due(struct cpu *c)
{
    if (c->vtimer_masked)
        return false;
    c->vtimer_exit = false;
    c->vtimer_masked = true;
    *c->exit = (hv_vcpu_exit_t){.reason = HV_EXIT_REASON_VTIMER_ACTIVATED};
    return true;
}

/* Translate *at if it has become warm; it may become part of a longer one then. When the code
 * memory is full every block goes, this one too: false. */
static bool warm_up(struct cpu *c, struct block **at)
{
    if ((*at)->code || (*at)->heat < c->jit_heat)
        return true;
    if (!c->jit) {
        c->jit = jit_new(code_bytes() / 2);
        if (!c->jit) {
            c->jit_heat = UINT32_MAX; /* no emitter or no memory: interpret */
            return true;
        }
        fetch_changed(c); /* what is in the jump cache has no code to jump to */
    }
    const size_t before = jit_bytes(c->jit);
    *at = block_extend(c, *at);
    if (jit_translate(c, *at)) {
        c->stats[STAT_TRANSLATED]++;
        c->stats[STAT_CODE_BYTES] += jit_bytes(c->jit) - before;
        return true;
    }
    c->stats[STAT_ARENA_DROPS]++;
    code_invalidate_all(c);
    return false;
}

/* The way back into translated code after an exit: what the jump cache knows needs no looking
 * after. NULL: the long way, as always in mode "verify", which keeps nothing there. */
static const struct block *known_block(struct cpu *c)
{
    const struct jump_entry *j = &c->jump[c->pc >> 2 & (JUMP_CACHE_SIZE - 1)];
    return j->pc == c->pc && j->gen == c->fetch_gen && j->flags == c->block_flags &&
                   j->block->code && !c->link_from && !c->btype
               ? j->block
               : NULL;
}

static void run_from(struct cpu *c, const struct insn *i)
{
    while (i)
        i = i->fn(c, i);
}

static COLD void run_unknown(struct cpu *c)
{
    struct block *b = block_find(c);
    c->stats[STAT_DISPATCHED]++;
    const bool ready = b && bti_land(c, b) && warm_up(c, &b);
    struct link *from = c->link_from; /* NULL if the above dropped all code for room */
    c->link_from = NULL;
    if (!ready)
        return;
    if (unlikely(c->verify)) {
        b->heat++;
        c->failed = !verify_run(c, b);
        c->stop |= c->failed;
        return;
    }
    if (from)
        block_link(c, from, b);
    b->heat++;
    c->block = b;
    const struct insn *i = b->insns;
    if (b->code) {
        c->jump[c->pc >> 2 & (JUMP_CACHE_SIZE - 1)].code = b->code;
        i = jit_run(c, b);
    }
    run_from(c, i);
}

/* From here to the next exit or anything that needs the dispatcher. */
static void run_blocks(struct cpu *c)
{
    const struct block *known = known_block(c);
    if (likely(known != NULL))
        run_from(c, jit_run(c, known));
    else
        run_unknown(c);
}

/*
 * Execution time: wall time in here, for whoever asks for it. Two looks at the clock cost as much
 * as the whole way out and in again, so they begin when somebody asks first. If the guest has run
 * before that, the processor time that this thread has had since stands for it.
 */
static uint64_t thread_ticks(void)
{
    mach_timebase_info_data_t tb;
    struct timespec ts;
    mach_timebase_info(&tb);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return ((uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec) / tb.numer * tb.denom;
}

uint64_t cpu_exec_time(struct cpu *c)
{
    if (c->exec_clock == EXEC_UNASKED)
        c->exec_time = thread_ticks() - c->exec_start;
    c->exec_clock = EXEC_TIMED;
    return c->exec_time;
}

static COLD void exec_begins(struct cpu *c)
{
    c->exec_start = c->exec_clock == EXEC_TIMED ? mach_absolute_time() : thread_ticks();
    if (c->exec_clock == EXEC_NEVER_RAN)
        c->exec_clock = EXEC_UNASKED;
}

/* Before the first look at `kick`: see broadcast.c. */
static inline void come_in(struct cpu *c)
{
    if (likely(machine.fence_all)) {
        atomic_store_explicit(&c->place, CPU_INSIDE, memory_order_relaxed);
        atomic_signal_fence(memory_order_seq_cst);
    } else {
        atomic_store(&c->place, CPU_INSIDE);
    }
}

/* Whoever changes a register, the timer or what is mapped leaves `c` so that it may run: nothing is
 * computed anew here. */
hv_return_t cpu_run(struct cpu *c, hv_vcpu_exit_t *exit)
{
    if (c->bad_cpsr)
        return HV_ILLEGAL_GUEST_STATE;
    if (unlikely(c->exec_clock != EXEC_UNASKED))
        exec_begins(c);
    come_in(c);
    c->link_from = NULL;
    c->exit = exit;
    for (;;) {
        if (unlikely(atomic_load(&c->kick)) && serve_kicks(c))
            break;
        if (unlikely(c->vtimer_exit) && vtimer_exit_due(c))
            break;
        if (unlikely(cpu_interrupt_pending(c)) && deliver_interrupt(c))
            break;
        if (unlikely(c->il))
            cpu_raise(c, NULL, ESR(EC_ILLEGAL, 0), c->pc);
        else if (likely(!(c->block_flags & (BLOCK_STEP | BLOCK_BREAK))) || !debug_run(c))
            run_blocks(c);
        if (c->stop)
            break;
    }
    c->stop = false;
    atomic_store_explicit(&c->place, CPU_OUT, memory_order_release);
    c->line_irq = c->line_fiq = false;
    if (unlikely(c->exec_clock == EXEC_TIMED))
        c->exec_time += mach_absolute_time() - c->exec_start;
    if (likely(!c->failed))
        return HV_SUCCESS;
    c->failed = false;
    return HV_ERROR;
}
