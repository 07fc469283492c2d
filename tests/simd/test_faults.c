/* SPDX-License-Identifier: MIT */
/*
 * Loads and stores of V registers that fault: no register changes, base included, and the syndrome
 * names the first byte that could not be reached. By the guest's tables and by memory that is not
 * there.
 */
#include "machine.h"

#include "../test.h"

#define EDGE BASE /* what lies from here on is missing */

static const struct access {
    const char *name;
    uint32_t word; /* base x1, index x2 */
    unsigned bytes;
    unsigned element; /* bytes that fault as one */
    bool store;
} accesses[] = {
    {"ldr b0, [x1], #1", 0x3c401420, 1, 1, false},
    {"ldr h0, [x1], #2", 0x7c402420, 2, 2, false},
    {"ldr s0, [x1], #4", 0xbc404420, 4, 4, false},
    {"ldr d0, [x1], #8", 0xfc408420, 8, 8, false},
    {"ldr q0, [x1], #16", 0x3cc10420, 16, 16, false},
    {"str q0, [x1], #16", 0x3c810420, 16, 16, true},
    {"str d0, [x1, #0]!", 0xfc000c20, 8, 8, true},
    {"ldp s0, s3, [x1], #8", 0x2cc10c20, 8, 4, false},
    {"ldp d0, d3, [x1], #16", 0x6cc10c20, 16, 8, false},
    {"ldp q0, q3, [x1], #32", 0xacc10c20, 32, 16, false},
    {"stp q0, q3, [x1], #32", 0xac810c20, 32, 16, true},
    {"ldnp q0, q3, [x1]", 0xac400c20, 32, 16, false},
    {"ld1 {v0.16b-v3.16b}, [x1], #64", 0x4cdf2020, 64, 1, false},
    {"st1 {v0.16b-v3.16b}, [x1], #64", 0x4c9f2020, 64, 1, true},
    {"ld1 {v0.2d}, [x1], #16", 0x4cdf7c20, 16, 8, false},
    {"ld2 {v0.8h, v1.8h}, [x1], #32", 0x4cdf8420, 32, 2, false},
    {"ld3 {v0.4s-v2.4s}, [x1], #48", 0x4cdf4820, 48, 4, false},
    {"st4 {v0.16b-v3.16b}, [x1], #64", 0x4c9f0020, 64, 1, true},
    {"ld4 {v30.8b-v1.8b}, [x1], x2", 0x0cc2003e, 32, 1, false},
    {"ld4r {v0.4s-v3.4s}, [x1], #16", 0x4dffe820, 16, 4, false},
    {"ld3 {v0.b-v2.b}[5], [x1], #3", 0x0ddf3420, 3, 1, false},
    {"st2 {v0.d, v1.d}[1], [x1], #16", 0x4dbf8420, 16, 8, true},
};
enum { ACCESSES = sizeof accesses / sizeof accesses[0] };

static struct machine *machine;

/* Where the first element lies that does not end before EDGE, or EDGE if it straddles it. */
static uint64_t first_missing(const struct access *a, uint64_t va)
{
    while (va + a->element <= EDGE)
        va += a->element;
    return va;
}

/* Every placement of the access that crosses EDGE or starts there. */
static void each_placement(bool (*check)(const struct access *a, uint64_t va,
                                         const struct outcome *o))
{
    uint32_t words[ACCESSES];
    for (unsigned n = 0; n < ACCESSES; n++)
        words[n] = accesses[n].word;
    machine_set_words(machine, words, ACCESSES);
    for (unsigned n = 0; n < ACCESSES; n++) {
        const struct access *a = &accesses[n];
        for (unsigned before = 0; before < a->bytes; before++) {
            struct test_state s, was;
            struct outcome o;
            make_state(&s, a->word, before);
            s.x[1] = EDGE - before;
            s.x[29] = 29;
            was = s;
            const bool same = machine_run(machine, n, &s, &o) && memcmp(&s, &was, sizeof s) == 0;
            if (!same || !check(a, s.x[1], &o)) {
                char text[120];
                snprintf(text, sizeof text, "%s, %u bytes before the edge: %s", a->name, before,
                         same ? "wrong exit or syndrome" : "a register changed");
                printf("# class %#x, ESR_EL1 %#" PRIx64 ", FAR_EL1 %#" PRIx64 ", IPA %#" PRIx64
                       "\n",
                       o.ec, o.esr, o.far, o.ipa);
                test_set(TEST_FAILED, "", 0, text);
            }
        }
    }
}

/* A translation fault at level 3, taken to EL1; WnR and FAR by the access. An access that straddles
 * the edge may report its own address or the first byte of the missing page. */
static bool is_stage1_fault(const struct access *a, uint64_t va, const struct outcome *o)
{
    const uint64_t at = first_missing(a, va);
    return o->ec == EC_HVC && o->imm == 1 && o->esr >> 26 == EC_DABT_EL1 &&
           (o->esr & 0x3f) == 0x07 && (o->esr >> 6 & 1) == a->store &&
           (o->far == at || o->far == EDGE);
}

static void pages_that_are_not_mapped(void)
{
    machine_map_page(machine, EDGE, false);
    each_placement(is_stage1_fault);
    machine_map_page(machine, EDGE, true);
}

/* The monitor is asked; PC stays at the access. */
static bool is_exit(const struct access *a, uint64_t va, const struct outcome *o)
{
    const uint64_t at = first_missing(a, va);
    return o->ec == EC_DABT_EXIT && (o->ipa == at || o->ipa == EDGE) && (o->pc & 7) == 0 &&
           o->pc >= SLOT_ADDR;
}

static void memory_that_is_not_there(void)
{
    if (!CHECK(machine_map_memory(machine, EDGE, false)))
        return;
    each_placement(is_exit);
    CHECK(machine_map_memory(machine, EDGE, true));
}

/* Everything is there again: the same words work. */
static void accesses_that_succeed(void)
{
    for (unsigned n = 0; n < ACCESSES; n++) {
        struct test_state s;
        struct outcome o = {0};
        make_state(&s, accesses[n].word, n);
        s.x[1] = EDGE - 1;
        CHECK(machine_run(machine, n, &s, &o));
        CHECK_EQ(o.ec, EC_HVC);
        CHECK_EQ(o.imm, 0);
    }
}

int main(void)
{
    machine = machine_new();
    if (!CHECK(machine != NULL)) {
        test_line("machine");
        return 1;
    }
    TEST(pages_that_are_not_mapped);
    TEST(memory_that_is_not_there);
    TEST(accesses_that_succeed);
    machine_delete(machine);
    return test_done();
}
