/* SPDX-License-Identifier: MIT */
/*
 * Integer work: a mix in the manner of CoreMark (linked lists, matrices, a state machine, CRC), an
 * interpreter of bytecode (an indirect branch for each operation) and recursive Fibonacci (call and
 * return). What keeps results away from the compiler's foresight is `noinline`.
 */
#include "work.h"

#define NOINLINE __attribute__((noinline, noclone))

/* ---- lists ---- */

struct node {
    struct node *next;
    uint16_t key, value;
};

#define NODES 600
static struct node nodes[NODES];

static struct node *list_build(uint64_t seed)
{
    for (unsigned i = 0; i < NODES; i++) {
        unsigned at = (i * 7) % NODES;
        nodes[at].key = (uint16_t)(random_next(&seed) >> 20);
        nodes[at].value = (uint16_t)i;
        nodes[at].next = i + 1 < NODES ? &nodes[((i + 1) * 7) % NODES] : NULL;
    }
    return &nodes[0];
}

static struct node *list_reverse(struct node *list)
{
    struct node *done = NULL;
    while (list) {
        struct node *next = list->next;
        list->next = done;
        done = list;
        list = next;
    }
    return done;
}

static NOINLINE struct node *list_find(struct node *list, uint16_t value)
{
    while (list && list->value != value)
        list = list->next;
    return list;
}

/* Merge sort from below: runs of 1, 2, 4, ... are merged until one is left. */
static NOINLINE struct node *list_sort(struct node *list)
{
    for (unsigned width = 1;; width *= 2) {
        struct node *rest = list, **tail = &list;
        unsigned merges = 0;
        while (rest) {
            struct node *a = rest, *b = rest;
            unsigned na = 0, nb = width;
            merges++;
            while (b && na < width) {
                b = b->next;
                na++;
            }
            while (na || (nb && b)) {
                struct node *least;
                if (!nb || !b || (na && a->key <= b->key)) {
                    least = a;
                    a = a->next;
                    na--;
                } else {
                    least = b;
                    b = b->next;
                    nb--;
                }
                *tail = least;
                tail = &least->next;
            }
            rest = b;
        }
        *tail = NULL;
        if (merges <= 1)
            return list;
    }
}

/* ---- matrix ---- */

#define ORDER 24
static int32_t product[ORDER][ORDER];
static int16_t left[ORDER][ORDER], right[ORDER][ORDER];

static NOINLINE uint32_t matrix(uint64_t seed)
{
    uint32_t sum = 0;
    for (unsigned i = 0; i < ORDER; i++)
        for (unsigned j = 0; j < ORDER; j++) {
            left[i][j] = (int16_t)random_next(&seed);
            right[i][j] = (int16_t)(random_next(&seed) >> 7);
        }
    for (unsigned i = 0; i < ORDER; i++)
        for (unsigned j = 0; j < ORDER; j++) {
            uint32_t dot = 0;
            for (unsigned k = 0; k < ORDER; k++)
                dot += (uint32_t)(left[i][k] * right[k][j]);
            product[i][j] = (int32_t)dot;
            sum += (dot >> 2 & 15) * (dot >> 5 & 127);
        }
    return sum;
}

/* ---- state machine: what kind of number does each word of a text spell? ---- */

enum state { START, INTEGER, FRACTION, EXPONENT, DIGITS, INVALID, STATES };

static NOINLINE enum state next_state(enum state state, char c)
{
    int digit = c >= '0' && c <= '9';
    switch (state) {
    case START: return digit || c == '+' || c == '-' ? INTEGER : c == '.' ? FRACTION : INVALID;
    case INTEGER: return digit ? INTEGER : c == '.' ? FRACTION : c == 'e' ? EXPONENT : INVALID;
    case FRACTION: return digit ? FRACTION : c == 'e' ? EXPONENT : INVALID;
    case EXPONENT: return digit || c == '+' || c == '-' ? DIGITS : INVALID;
    case DIGITS: return digit ? DIGITS : INVALID;
    default: return INVALID;
    }
}

static uint32_t classify(uint64_t seed)
{
    static const char *const words[] = {"5012", "1.2e+7", "-874",   "+0.64", "7e-3",
                                        "T0.3", "-110.7", "33.3.1", ".500",  "1e"};
    uint32_t counts[STATES] = {0}, sum = 0;
    for (unsigned i = 0; i < 400; i++) {
        enum state state = START;
        for (const char *c = words[random_next(&seed) % 10]; *c && state != INVALID; c++)
            state = next_state(state, *c);
        counts[state]++;
    }
    for (unsigned i = 0; i < STATES; i++)
        sum = sum * 31 + counts[i];
    return sum;
}

/* ---- CRC, bit by bit ---- */

static NOINLINE uint16_t crc16(const unsigned char *data, size_t n, uint16_t crc)
{
    for (size_t i = 0; i < n; i++) {
        crc ^= data[i];
        for (unsigned bit = 0; bit < 8; bit++)
            crc = (uint16_t)(crc & 1 ? crc >> 1 ^ 0xa001 : crc >> 1);
    }
    return crc;
}

uint64_t run_integer_mix(void)
{
    uint64_t hash = HASH_START;
    for (unsigned round = 1; round <= 60; round++) {
        struct node *list = list_build(round * 977);
        for (unsigned i = 0; i < 20; i++)
            hash = hash_add(hash, list_find(list, (uint16_t)((i * 29 + round) % NODES))->key);
        list = list_reverse(list_sort(list));
        hash = hash_add(hash, list->key);
        hash = hash_add(hash, matrix(round));
        hash = hash_add(hash, classify(round * 31));
        hash = hash_add(hash, crc16((const unsigned char *)product, sizeof(product), 0xffff));
    }
    return hash;
}

/* ---- bytecode ---- */

/* A register machine: a byte of operation, three bytes of operands. */
enum op { ADD, SUB, MUL, XOR, SHIFT, LOAD_IMM, LOAD, STORE, JUMP_LESS, MOVE, AND, HALT };

struct insn {
    uint8_t op, a, b, c;
};

/* Fills a table with a generator's numbers, and adds them up with a twist; 60,000 times around. */
static const struct insn program[] = {
    {LOAD_IMM, 0, 0, 0},  {LOAD_IMM, 1, 17, 0},  {LOAD_IMM, 2, 1, 0}, {LOAD_IMM, 3, 0, 234},
    {LOAD_IMM, 4, 5, 0},  {LOAD_IMM, 9, 255, 0}, {MUL, 1, 1, 4},      {ADD, 1, 1, 2},
    {AND, 5, 1, 9},       {STORE, 1, 5, 0},      {SHIFT, 6, 1, 3},    {XOR, 5, 0, 6},
    {AND, 5, 5, 9},       {LOAD, 7, 5, 0},       {XOR, 8, 8, 7},      {SUB, 8, 8, 0},
    {MOVE, 10, 8, 0},     {SHIFT, 10, 10, 7},    {ADD, 8, 8, 10},     {ADD, 0, 0, 2},
    {JUMP_LESS, 0, 3, 6}, {HALT, 8, 0, 0},
};

static NOINLINE uint64_t interpret(const struct insn *code)
{
    static const void *const table[] = {&&add,  &&sub,   &&mul,       &&xor_, &&shift, &&load_imm,
                                        &&load, &&store, &&jump_less, &&move, &&and_,  &&halt};
    uint64_t r[16] = {0};
    static uint64_t memory[256];
    const struct insn *pc = code, *i;
#define NEXT                                                                                       \
    do {                                                                                           \
        i = pc++;                                                                                  \
        goto *table[i->op];                                                                        \
    } while (0)
    for (unsigned n = 0; n < 256; n++)
        memory[n] = n;
    NEXT;
add:
    r[i->a] = r[i->b] + r[i->c];
    NEXT;
sub:
    r[i->a] = r[i->b] - r[i->c];
    NEXT;
mul:
    r[i->a] = r[i->b] * r[i->c];
    NEXT;
xor_:
    r[i->a] = r[i->b] ^ r[i->c];
    NEXT;
and_:
    r[i->a] = r[i->b] & r[i->c];
    NEXT;
shift:
    r[i->a] = r[i->b] >> i->c;
    NEXT;
move:
    r[i->a] = r[i->b];
    NEXT;
load_imm:
    r[i->a] = i->b | (uint64_t)i->c << 8;
    NEXT;
load:
    r[i->a] = memory[r[i->b] & 255];
    NEXT;
store:
    memory[r[i->b] & 255] = r[i->a];
    NEXT;
jump_less:
    if (r[i->a] < r[i->b])
        pc = code + i->c;
    NEXT;
halt:
    return r[i->a];
#undef NEXT
}

uint64_t run_bytecode(void)
{
    return hash_add(HASH_START, interpret(program));
}

/* ---- calls ---- */

static NOINLINE uint64_t fibonacci(unsigned n)
{
    return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

uint64_t run_fibonacci(void)
{
    return fibonacci(30);
}
