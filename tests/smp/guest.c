/* SPDX-License-Identifier: MIT */
/*
 * Runs on every CPU at once, MMU on. Each test begins and ends with a barrier of all CPUs; CPU 0
 * looks at the outcome. What must not happen by the memory model (Arm ARM B2.3) is counted as a
 * failure.
 */
#include "guest.h"
#include "ops.h"

void guest_main(u64 me, u64 cpus);

static u64 self_count[MAX_CPUS] LINE;
static LINE u64 barrier_count, barrier_turn;
static LINE u64 word_a;
static LINE u64 word_b;
static LINE u64 word_c;
static LINE u64 plain;
static LINE u32 ticket_next, ticket_now;
static LINE u64 pair[2];
static LINE u64 seen[MAX_CPUS][4];
static LINE u64 failures;

static void barrier(u64 cpus)
{
    const u64 turn = acquire(&barrier_turn);
    if (fetch_add(&barrier_count, 1) == cpus - 1) {
        barrier_count = 0;
        release(&barrier_turn, turn + 1);
    } else {
        while (acquire(&barrier_turn) == turn)
            __asm__ volatile("yield");
    }
}

static void fail_if(int condition)
{
    if (condition)
        fetch_add(&failures, 1);
}

/* HVC #0: x1 = test, x2 = failures, x3 = figure. */
static void report(u64 test, u64 figure)
{
    register u64 x0 __asm__("x0") = 1;
    register u64 x1 __asm__("x1") = test;
    register u64 x2 __asm__("x2") = failures;
    register u64 x3 __asm__("x3") = figure;
    __asm__ volatile("hvc #0" : "+r"(x0) : "r"(x1), "r"(x2), "r"(x3) : "memory");
    failures = 0;
}

/* ---- locks and queues ---- */

static void take_lock(u64 lse)
{
    u64 v;
    u32 failed;
    if (lse) {
        while (exchange_acquire_lse(&word_a, 1))
            __asm__ volatile("yield");
        return;
    }
    __asm__ volatile("sevl\n1: wfe\n2: ldaxr %0, [%2]\n\tcbnz %0, 1b\n\tstxr %w1, %3, [%2]\n\t"
                     "cbnz %w1, 2b"
                     : "=&r"(v), "=&r"(failed)
                     : "r"(&word_a), "r"(1ul)
                     : "memory");
}

static void spin_lock(u64 me, u64 cpus, u64 rounds, u64 lse)
{
    for (u64 n = 0; n < rounds; n++) {
        take_lock(lse);
        plain++;
        pair[0] += plain;
        release(&word_a, 0);
        __asm__ volatile("sev");
    }
    barrier(cpus);
    fail_if(me == 0 && plain != rounds * cpus);
}

static u32 take_ticket(u64 lse)
{
    u32 mine, next, failed;
    if (lse)
        return (u32)fetch_add32_lse(&ticket_next, 1);
    __asm__ volatile("1: ldaxr %w0, [%3]\n\tadd %w1, %w0, #1\n\tstxr %w2, %w1, [%3]\n\t"
                     "cbnz %w2, 1b"
                     : "=&r"(mine), "=&r"(next), "=&r"(failed)
                     : "r"(&ticket_next)
                     : "memory");
    return mine;
}

static void ticket_lock(u64 me, u64 cpus, u64 rounds, u64 lse)
{
    for (u64 n = 0; n < rounds; n++) {
        const u32 mine = take_ticket(lse);
        u32 now;
        do
            __asm__ volatile("yield\n\tldar %w0, [%1]" : "=r"(now) : "r"(&ticket_now) : "memory");
        while (now != mine);
        plain++;
        __asm__ volatile("stlr %w0, [%1]" ::"r"(now + 1), "r"(&ticket_now) : "memory");
    }
    barrier(cpus);
    fail_if(me == 0 && plain != rounds * cpus);
}

/* Two words that always agree, by LDAXP and STLXP; and bytes and halfwords beside each other. */
static void pair_counter(u64 me, u64 cpus, u64 rounds)
{
    unsigned char *byte = (unsigned char *)&word_a + me;
    for (u64 n = 0; n < rounds; n++) {
        u64 a, b;
        u32 failed, v;
        __asm__ volatile("1: ldaxp %0, %1, [%3]\n\tadd %0, %0, #1\n\tadd %1, %1, #3\n\t"
                         "stlxp %w2, %0, %1, [%3]\n\tcbnz %w2, 1b"
                         : "=&r"(a), "=&r"(b), "=&r"(failed)
                         : "r"(pair)
                         : "memory");
        fail_if(b != 3 * a);
        __asm__ volatile("1: ldxrb %w0, [%2]\n\tadd %w0, %w0, #1\n\tstxrb %w1, %w0, [%2]\n\t"
                         "cbnz %w1, 1b"
                         : "=&r"(v), "=&r"(failed)
                         : "r"(byte)
                         : "memory");
    }
    barrier(cpus);
    for (u64 n = 0; me == 0 && n < cpus; n++)
        fail_if(((unsigned char *)&word_a)[n] != (unsigned char)rounds);
    fail_if(me == 0 && (pair[0] != rounds * cpus || pair[1] != 3 * rounds * cpus));
}

/* A bounded queue of many writers and readers; every number comes out once. */
#define CELLS 16
static struct {
    u64 turn, value;
} cells[CELLS] LINE;

/* The next position of *end: taken at once, and then waited for; or only when its cell is ready. */
static u64 claim(u64 *end, u64 ahead, u64 lse)
{
    if (!lse)
        return fetch_add(end, 1);
    for (;;) {
        const u64 at = acquire(end);
        if (acquire(&cells[at % CELLS].turn) == at + ahead && swap_lse(end, at, at + 1))
            return at;
    }
}

static void queue(u64 me, u64 cpus, u64 rounds, u64 lse)
{
    u64 sum = 0;
    if (me == 0)
        for (u64 n = 0; n < CELLS; n++)
            cells[n].turn = n;
    barrier(cpus);
    for (u64 n = 0; n < rounds; n++) {
        u64 at = claim(&word_a, 0, lse);
        while (acquire(&cells[at % CELLS].turn) != at)
            __asm__ volatile("yield");
        cells[at % CELLS].value = me << 32 | n;
        release(&cells[at % CELLS].turn, at + 1);
        at = claim(&word_b, 1, lse);
        while (acquire(&cells[at % CELLS].turn) != at + 1)
            __asm__ volatile("yield");
        sum += cells[at % CELLS].value;
        release(&cells[at % CELLS].turn, at + CELLS);
    }
    fetch_add(&word_c, sum);
    barrier(cpus);
    const u64 want = cpus * (rounds * (rounds - 1) / 2) + ((cpus * (cpus - 1) / 2 * rounds) << 32);
    fail_if(me == 0 && word_c != want);
}

/* A stack of nodes, top and version in one pair: push what was popped; none is lost. */
#define NODES 32
static struct node {
    struct node *next;
    u64 owner, uses;
} nodes[NODES] LINE;

static int move_top(u64 lse, u64 from, u64 version, u64 to)
{
    return lse ? swap_pair_lse(pair, from, version, to, version + 1)
               : swap_pair(pair, from, version, to, version + 1);
}

static void stack(u64 me, u64 cpus, u64 rounds, u64 lse)
{
    u64 version;
    struct node *top;
    if (me == 0) {
        for (u64 n = 0; n < NODES; n++)
            nodes[n] = (struct node){n ? &nodes[n - 1] : 0, 0, 0};
        pair[0] = (u64)&nodes[NODES - 1];
        pair[1] = 0;
    }
    barrier(cpus);
    for (u64 n = 0; n < rounds; n++) {
        do {
            version = acquire(&pair[1]);
            top = (struct node *)acquire(&pair[0]);
        } while (!top || !move_top(lse, (u64)top, version, *(volatile u64 *)&top->next));
        fail_if(top->owner != 0);
        top->owner = me + 1;
        top->uses++;
        fail_if(top->owner != me + 1);
        top->owner = 0;
        struct node *old;
        do {
            version = acquire(&pair[1]);
            old = (struct node *)acquire(&pair[0]);
            top->next = old;
        } while (!move_top(lse, (u64)old, version, (u64)top));
    }
    barrier(cpus);
    if (me == 0) {
        u64 uses = 0, count = 0;
        for (top = (struct node *)pair[0]; top && count <= NODES; top = top->next, count++)
            uses += top->uses;
        fail_if(count != NODES || uses != rounds * cpus);
    }
}

/* ---- litmus tests: CPUs in pairs, each pair with words of its own ---- */

static struct {
    LINE volatile u64 x;
    LINE volatile u64 y;
    LINE u64 meet;
} litmus[MAX_CPUS / 2];

/* Both of a pair go on together, often at the same moment. */
static void meet(u64 pair_number, u64 round, u64 phase)
{
    u64 *p = &litmus[pair_number].meet;
    fetch_add(p, 1);
    while (acquire(p) < round * 4 + phase * 2)
        ;
}

static void message(u64 me, u64 rounds, u64 kind)
{
    const u64 p = me / 2;
    for (u64 n = 1; n <= rounds; n++) {
        if (me % 2 == 0) {
            litmus[p].x = n;
            if (kind == MESSAGE_RELEASE) {
                release(&litmus[p].y, n);
            } else if (kind == MESSAGE_LSE) {
                exchange_release_lse((void *)&litmus[p].y, n);
            } else {
                DMB();
                litmus[p].y = n;
            }
        } else {
            u64 y, x;
            if (kind == MESSAGE_RELEASE) {
                y = acquire(&litmus[p].y);
            } else if (kind == MESSAGE_LSE) {
                y = read_lse((void *)&litmus[p].y);
            } else {
                y = litmus[p].y;
                DMB();
            }
            x = litmus[p].x;
            fail_if(x < y);
        }
    }
}

/* Both store, then load the other's word: with barriers not both may see the old one. */
static u64 store_buffer(u64 me, u64 rounds, u64 kind)
{
    const u64 p = me / 2;
    u64 both = 0;
    for (u64 n = 0; n < rounds; n++) {
        volatile u64 *mine = me % 2 ? &litmus[p].y : &litmus[p].x;
        volatile u64 *other = me % 2 ? &litmus[p].x : &litmus[p].y;
        meet(p, n, 1);
        if (kind == STORE_BUFFER_RELEASE) {
            release(mine, n + 1);
            seen[me][0] = acquire(other);
        } else if (kind == STORE_BUFFER_EXCLUSIVE) {
            release(mine, n + 1);
            seen[me][0] = read_exclusive((void *)other);
        } else if (kind == STORE_BUFFER_LOOP) {
            release(mine, n + 1);
            seen[me][0] = read_loop((void *)other);
        } else if (kind == STORE_BUFFER_LSE) {
            exchange_lse((void *)mine, n + 1);
            seen[me][0] = acquire(other);
        } else {
            *mine = n + 1;
            if (kind == STORE_BUFFER_DMB)
                DMB();
            seen[me][0] = *other;
        }
        meet(p, n, 2);
        if (me % 2 == 0)
            both += seen[me][0] <= n && *(volatile u64 *)&seen[me + 1][0] <= n;
    }
    fail_if(both && kind != STORE_BUFFER_PLAIN);
    return both;
}

/* A word never goes back: loads of one location are in order; and 16 bytes by LDXP are one. */
static void coherence(u64 me, u64 rounds)
{
    u64 last = 0;
    for (u64 n = 1; n <= rounds; n++) {
        if (me == 0) {
            *(volatile u64 *)&word_a = n;
        } else {
            const u64 v = *(volatile u64 *)&word_a, w = *(volatile u64 *)&word_a;
            fail_if(v < last || w < v);
            last = w;
        }
    }
}

/* Aligned accesses of 2, 4 and 8 bytes are whole: both halves of what is seen agree. */
static void wide(u64 me, u64 rounds)
{
    for (u64 n = 1; n <= rounds; n++) {
        if (me % 2 == 0) {
            const u64 v = (n + me) & 0xff;
            *(volatile u64 *)&word_a = v * 0x0101010101010101;
            *(volatile u32 *)&word_b = (u32)v * 0x01010101;
            *(volatile uint16_t *)&word_c = (uint16_t)(v * 0x0101);
        } else {
            const u64 a = *(volatile u64 *)&word_a;
            const u32 b = *(volatile u32 *)&word_b;
            const uint16_t c = *(volatile uint16_t *)&word_c;
            fail_if(a != (a & 0xff) * 0x0101010101010101 || b != (b & 0xff) * 0x01010101);
            fail_if(c != (c & 0xff) * 0x0101);
        }
    }
}

/* ---- what only the atomics of FEAT_LSE do ---- */

/* Even CPUs by CASPAL, odd ones by exclusives; beside them bytes and halfwords, each CPU its own.
 */
static void pair_counter_lse(u64 me, u64 cpus, u64 rounds)
{
    for (u64 n = 0; n < rounds; n++) {
        u64 a, b;
        do {
            a = acquire(&pair[0]);
            b = acquire(&pair[1]);
        } while (me % 2 ? !swap_pair(pair, a, b, a + 1, b + 3)
                        : !swap_pair_lse(pair, a, b, a + 1, b + 3));
        fail_if(b != 3 * a);
        fail_if(fetch_add8_lse((char *)&word_a + me, 1) != (n & 0xff));
        fail_if(fetch_add16_lse((char *)seen + 2 * me, 3) != (3 * n & 0xffff));
    }
    barrier(cpus);
    fail_if(me == 0 && (pair[0] != rounds * cpus || pair[1] != 3 * rounds * cpus));
}

/* A CPU alone changes its bit, so that it knows what the bit was. */
static void bits_lse(u64 me, u64 cpus, u64 rounds)
{
    const u64 bit = 1ul << me, high = 1ul << (63 - me);
    for (u64 n = 0; n < rounds; n++) {
        fail_if(fetch_set8_lse(&word_a, bit) & bit);
        fail_if((fetch_flip16_lse(&word_b, bit) & bit) != (n % 2 ? bit : 0));
        fail_if(fetch_set_lse(&word_c, high) & high);
        fail_if(!(fetch_clear8_lse(&word_a, bit) & bit));
        fail_if(!(fetch_clear_lse(&word_c, high) & high));
    }
    barrier(cpus);
    fail_if(me == 0 && (word_a || word_c || word_b != (rounds % 2 ? (1ul << cpus) - 1 : 0)));
}

/* A maximum only grows, a minimum only falls. */
static void extremes_lse(u64 me, u64 cpus, u64 rounds)
{
    u64 high = 0;
    int64_t low = 0;
    for (u64 n = 1; n <= rounds; n++) {
        const u64 v = n * cpus + me;
        const u64 most = fetch_max_lse(&word_a, v);
        const int64_t least = (int64_t)fetch_min_lse(&word_b, -v);
        fail_if(most < high || least > low);
        high = most > v ? most : v;
        low = least < -(int64_t)v ? least : -(int64_t)v;
    }
    barrier(cpus);
    const u64 last = rounds * cpus + cpus - 1;
    fail_if(me == 0 && (word_a != last || word_b != -last));
}

/* One counter by both kinds of atomics; and every value put in comes out again. */
static void mixed_lse(u64 me, u64 cpus, u64 rounds)
{
    u64 mine = me + 1;
    for (u64 n = 0; n < rounds; n++) {
        if ((n + me) % 2)
            fetch_add(&word_a, 1);
        else
            fetch_add_lse(&word_a, 1);
        mine = exchange_lse(&word_b, mine);
        fail_if(mine > cpus);
    }
    fetch_add_lse(&word_c, mine);
    barrier(cpus);
    fail_if(me == 0 && (word_a != rounds * cpus || word_b + word_c != cpus * (cpus + 1) / 2));
}

/* ---- maintenance: CPU 0 changes, the others use ---- */

/* The page shown has a number that grows; after TLBI and DSB nobody sees an older one. */
static void tlb(u64 me, u64 cpus, u64 rounds)
{
    volatile u64 *slot = (u64 *)WINDOW_SLOT;
    for (u64 n = 1; n <= rounds; n++) {
        const u64 page = PAGES + n % 8 * 4096;
        if (me == 0) {
            *(volatile u64 *)page = n;
            *slot = page | 0x703;
            __asm__ volatile("dsb ish\n\ttlbi vaae1is, %0\n\tdsb ish" ::"r"(WINDOW >> 12)
                             : "memory");
            release(&word_a, n);
        }
        if (me) {
            const u64 told = acquire(&word_a);
            fail_if(*(volatile u64 *)WINDOW < told);
        }
        if (n % 16 == 0)
            barrier(cpus);
    }
}

/* A function that returns a number, patched while the others call it. */
static void code(u64 me, u64 cpus, u64 rounds)
{
    volatile u32 *f = (u32 *)(PAGES + 8 * 4096);
    if (me == 0) {
        f[0] = 0xd2800000; /* mov x0, #0 */
        f[1] = 0xd65f03c0; /* ret */
        __asm__ volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %0\n\tdsb ish" ::"r"(f) : "memory");
    }
    barrier(cpus);
    for (u64 n = 1; n <= rounds; n++) {
        if (me == 0) {
            f[0] = 0xd2800000 | (u32)n << 5;
            __asm__ volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %0\n\tdsb ish" ::"r"(f)
                             : "memory");
            release(&word_a, n);
        } else {
            const u64 told = acquire(&word_a);
            __asm__ volatile("isb");
            fail_if(((u64(*)(void))(u64)f)() < told);
        }
        if (n % 64 == 0)
            barrier(cpus);
    }
}

static int has_lse(void)
{
    u64 isar0;
    __asm__("mrs %0, id_aa64isar0_el1" : "=r"(isar0));
    return (isar0 >> 20 & 15) >= 2;
}

static u64 run(u64 test, u64 me, u64 cpus, u64 rounds)
{
    const u64 in_pairs = me < cpus / 2 * 2, lse = test >= FIRST_LSE;
    if (lse && !has_lse())
        return NOT_HERE;
    switch (test) {
    case SPIN_LOCK:
    case SPIN_LOCK_LSE: spin_lock(me, cpus, rounds, lse); break;
    case TICKET_LOCK:
    case TICKET_LOCK_LSE: ticket_lock(me, cpus, rounds / 8, lse); break;
    case PAIR_COUNTER: pair_counter(me, cpus, rounds); break;
    case PAIR_COUNTER_LSE: pair_counter_lse(me, cpus, rounds); break;
    case QUEUE:
    case QUEUE_LSE: queue(me, cpus, rounds / 8, lse); break;
    case STACK:
    case STACK_LSE: stack(me, cpus, rounds, lse); break;
    case BITS_LSE: bits_lse(me, cpus, rounds); break;
    case EXTREMES_LSE: extremes_lse(me, cpus, rounds); break;
    case MIXED_LSE: mixed_lse(me, cpus, rounds); break;
    case MESSAGE_DMB:
    case MESSAGE_RELEASE:
    case MESSAGE_LSE: in_pairs ? message(me, rounds * 10, test) : (void)0; break;
    case STORE_BUFFER_DMB:
    case STORE_BUFFER_RELEASE:
    case STORE_BUFFER_EXCLUSIVE:
    case STORE_BUFFER_LOOP:
    case STORE_BUFFER_LSE:
    case STORE_BUFFER_PLAIN: return in_pairs ? store_buffer(me, rounds, test) : 0;
    case COHERENCE: coherence(me, rounds * 10); break;
    case WIDE: wide(me, rounds * 10); break;
    case TLB: tlb(me, cpus, rounds & ~15ul); break;
    default: code(me, cpus, rounds & ~63ul);
    }
    return 0;
}

void guest_main(u64 me, u64 cpus)
{
    const u64 rounds = *(volatile u64 *)(TABLES - 8);
    for (u64 test = 0; test < TESTS; test++) {
        if (me == 0) {
            word_a = word_b = word_c = plain = pair[0] = pair[1] = 0;
            ticket_next = ticket_now = 0;
            for (u64 n = 0; n < MAX_CPUS; n++)
                seen[n][0] = seen[n][1] = seen[n][2] = seen[n][3] = 0;
            for (u64 n = 0; n < MAX_CPUS / 2; n++)
                litmus[n].x = litmus[n].y = litmus[n].meet = 0;
        }
        barrier(cpus);
        const u64 figure = run(test, me, cpus, rounds);
        self_count[me]++;
        barrier(cpus);
        if (me == 0)
            report(test, figure);
    }
}
