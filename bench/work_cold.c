/* SPDX-License-Identifier: MIT */
/*
 * Cold code: a million A64 instructions, each of which runs once. They are made from a seed at run
 * time; the guest runs them, and cold_model() says without them what must come out.
 *
 * x0..x15 are operands, x16 the address of the scratch memory. Every ninth instruction is a
 * compare, followed by a branch over one instruction.
 */
#include "work.h"

enum kind { ADD, SUB, EOR, ORR, MADD, LOAD, STORE, ADD_IMM, KINDS };

struct step {
    enum kind kind;
    unsigned d, n, m, amount;
};

static struct step next_step(uint64_t *seed)
{
    uint64_t r = random_next(seed) >> 8;
    return (struct step){(enum kind)(r % KINDS), r >> 8 & 15, r >> 12 & 15, r >> 16 & 15,
                         r >> 20 & 63};
}

static uint32_t encode(const struct step *s)
{
    uint32_t dnm = s->d | s->n << 5 | s->m << 16;
    switch (s->kind) {
    case ADD: return 0x8b000000 | dnm | s->amount << 10;
    case SUB: return 0xcb000000 | dnm | s->amount << 10;
    case EOR: return 0xca000000 | dnm | s->amount << 10;
    case ORR: return 0xaa000000 | dnm | s->amount << 10;
    case MADD: return 0x9b000000 | dnm | (s->amount & 15) << 10;
    case LOAD: return 0xf9400000 | s->d | 16 << 5 | s->amount << 10;
    case STORE: return 0xf9000000 | s->d | 16 << 5 | s->amount << 10;
    default: return 0x91000000 | s->d | s->n << 5 | s->amount << 10;
    }
}

static void execute(const struct step *s, uint64_t *x, uint64_t *scratch)
{
    uint64_t n = x[s->n], shifted = x[s->m] << s->amount;
    switch (s->kind) {
    case ADD: x[s->d] = n + shifted; break;
    case SUB: x[s->d] = n - shifted; break;
    case EOR: x[s->d] = n ^ shifted; break;
    case ORR: x[s->d] = n | shifted; break;
    case MADD: x[s->d] = n * x[s->m] + x[s->amount & 15]; break;
    case LOAD: x[s->d] = scratch[s->amount]; break;
    case STORE: scratch[s->amount] = x[s->d]; break;
    default: x[s->d] = n + s->amount; break;
    }
}

#define COLD_SEED UINT64_C(0x2545f4914f6cdd1d)
#define GROUPS    (COLD_INSNS / 9)

/* LDP or STP of x0..x15 at the start of the scratch memory. */
static uint32_t *move_registers(uint32_t *code, uint32_t insn)
{
    for (unsigned r = 0; r < 16; r += 2)
        *code++ = insn | r << 15 | (r + 1) << 10 | 16 << 5 | r;
    return code;
}

size_t cold_generate(uint32_t *code, size_t max)
{
    uint32_t *p = code;
    uint64_t seed = COLD_SEED;
    if (max < COLD_INSNS + 32)
        return 0;
    *p++ = 0xaa0003f0; /* mov x16, x0 */
    p = move_registers(p, 0xa9400000);
    for (unsigned g = 0; g < GROUPS; g++) {
        for (unsigned i = 0; i < 7; i++) {
            struct step s = next_step(&seed);
            if (i == 6) {
                *p++ = 0xeb00001f | s.n << 5 | s.m << 16; /* cmp xn, xm */
                *p++ = 0x54000043;                        /* b.lo over the next */
            }
            *p++ = encode(&s);
        }
    }
    p = move_registers(p, 0xa9000000);
    *p++ = 0xd65f03c0; /* ret */
    return (size_t)(p - code);
}

void cold_scratch(uint64_t *scratch)
{
    uint64_t seed = 12345;
    for (unsigned i = 0; i < COLD_SCRATCH; i++)
        scratch[i] = random_next(&seed);
}

uint64_t cold_hash(const uint64_t *scratch)
{
    uint64_t hash = HASH_START;
    for (unsigned i = 0; i < COLD_SCRATCH; i++)
        hash = hash_add(hash, scratch[i]);
    return hash;
}

uint64_t cold_model(void)
{
    uint64_t x[16], scratch[COLD_SCRATCH], seed = COLD_SEED;
    cold_scratch(scratch);
    for (unsigned i = 0; i < 16; i++)
        x[i] = scratch[i];
    for (unsigned g = 0; g < GROUPS; g++)
        for (unsigned i = 0; i < 7; i++) {
            struct step s = next_step(&seed);
            if (i < 6 || x[s.n] >= x[s.m])
                execute(&s, x, scratch);
        }
    for (unsigned i = 0; i < 16; i++)
        scratch[i] = x[i];
    return cold_hash(scratch);
}
