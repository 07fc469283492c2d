/* SPDX-License-Identifier: MIT */
/*
 * Which words are instructions: a64_decode against LLVM's disassembler, for the announced features.
 *
 *   decode_diff [-n words] [-s seed] [-m llvm-mc]
 *
 * Half of the words are random; the other half come from the rows of a64.def, with random fields
 * and sometimes one bit flipped. The list below says, one by one, where the two differ and who is
 * right; what no entry explains is printed, and fails. The seed and -n reproduce it.
 */
#include "soft/a64.h"
#include "soft/cpu.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* LLVM's name of each feature. Without a name: no instruction of its own. */
static const char *const attributes[FEAT_COUNT] = {
    [FEAT_LSE] = "lse",           [FEAT_CRC32] = "crc",       [FEAT_RDM] = "rdm",
    [FEAT_FP16] = "fullfp16",     [FEAT_DOTPROD] = "dotprod", [FEAT_FCMA] = "complxnum",
    [FEAT_JSCVT] = "jsconv",      [FEAT_FHM] = "fp16fml",     [FEAT_LRCPC] = "rcpc",
    [FEAT_LRCPC2] = "rcpc-immo",  [FEAT_FLAGM] = "flagm",     [FEAT_FLAGM2] = "altnzcv",
    [FEAT_DIT] = "dit",           [FEAT_SB] = "sb",           [FEAT_SSBS] = "ssbs",
    [FEAT_PAN] = "pan",           [FEAT_PAN2] = "pan-rwv",    [FEAT_UAO] = "uaops",
    [FEAT_DPB] = "ccpp",          [FEAT_DPB2] = "ccdp",       [FEAT_BTI] = "bti",
    [FEAT_PAUTH] = "pauth",       [FEAT_FRINTTS] = "fptoint", [FEAT_BF16] = "bf16",
    [FEAT_I8MM] = "i8mm",         [FEAT_AES] = "aes",         [FEAT_PMULL] = "aes",
    [FEAT_SHA1] = "sha2",         [FEAT_SHA256] = "sha2",     [FEAT_SHA512] = "sha3",
    [FEAT_SHA3] = "sha3",         [FEAT_SM3] = "sm4",         [FEAT_SM4] = "sm4",
    [FEAT_SPECRES] = "predres",   [FEAT_LSE2] = "lse2",       [FEAT_WFXT] = "wfxt",
    [FEAT_TLBIRANGE] = "tlb-rmi",
};

/* Known differences: words with (word & mask) == value may be valid here alone (ours) or there. */
static struct known {
    uint32_t mask, value;
    bool ours;
    const char *reason;
    unsigned long seen;
} known[] = {
#define KNOWN(mask, value, ours, reason) {mask, value, ours, reason, 0},
#include "known.def"
#undef KNOWN
};

static uint64_t rng_state;
static uint64_t next_random(void)
{
    uint64_t z = rng_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static uint32_t row_mask[A64_COUNT], row_value[A64_COUNT];

static void parse_rows(void)
{
    for (unsigned id = A64_UNDEFINED + 1; id < A64_END_OF_PAGE; id++)
        for (const char *s = a64_rows[id].pattern; *s; s++)
            if (*s != ' ') {
                row_mask[id] = row_mask[id] << 1 | (*s == '0' || *s == '1');
                row_value[id] = row_value[id] << 1 | (*s == '1');
            }
}

static uint32_t make_word(unsigned long n)
{
    uint32_t w = (uint32_t)next_random();
    if (n % 2)
        return w;
    unsigned id = (unsigned)(n / 2 % (A64_END_OF_PAGE - 1)) + 1;
    w = (w & ~row_mask[id]) | row_value[id];
    return next_random() % 4 ? w : w ^ 1u << next_random() % 32;
}

static bool valid_here(uint32_t w, const char **name)
{
    struct insn i;
    a64_decode(w, BLOCK_EL1, &i);
    *name = a64_name(i.id);
    return i.fn != op_undefined;
}

/* llvm-mc writes the numbers of the lines that it cannot decode. */
static FILE *start_llvm(const char *mc, const char *input)
{
    char command[2000];
    int used = snprintf(command, sizeof command,
                        "%s -disassemble -triple=aarch64 -mattr=+v8a,+fp-armv8,+neon", mc);
    for (unsigned f = 0; f < FEAT_COUNT; f++)
        if (attributes[f] && a64_feature((enum a64_feature)f))
            used += snprintf(command + used, sizeof command - (size_t)used, ",+%s", attributes[f]);
    snprintf(command + used, sizeof command - (size_t)used,
             " '%s' 2>&1 >/dev/null | sed -n 's/^.*:\\([0-9]*\\):1: .*invalid instruction.*/\\1/p'",
             input);
    return popen(command, "r");
}

static bool explained(uint32_t w, bool ours)
{
    for (unsigned n = 0; n < sizeof known / sizeof known[0]; n++)
        if ((w & known[n].mask) == known[n].value && known[n].ours == ours) {
            known[n].seen++;
            return true;
        }
    return false;
}

/* How many differences of this portion are unknown; -1: no answer from llvm-mc. */
static long compare(const uint32_t *words, unsigned count, const char *mc, const char *input)
{
    unsigned char *bad = calloc(count, 1);
    char line[32];
    long unknown = 0, answers = 0;
    FILE *f = fopen(input, "w");
    if (!bad || !f)
        return -1;
    for (unsigned n = 0; n < count; n++)
        fprintf(f, "0x%02x 0x%02x 0x%02x 0x%02x\n", words[n] & 255, words[n] >> 8 & 255,
                words[n] >> 16 & 255, words[n] >> 24);
    if (fclose(f) || !(f = start_llvm(mc, input)))
        return -1;
    while (fgets(line, sizeof line, f)) {
        unsigned long at = strtoul(line, NULL, 10);
        if (at >= 1 && at <= count)
            bad[at - 1] = 1, answers++;
    }
    if (pclose(f) || answers == 0) /* a portion without one invalid word does not happen */
        return -1;
    for (unsigned n = 0; n < count; n++) {
        const char *name;
        const bool ours = valid_here(words[n], &name);
        if (ours != !!bad[n] || explained(words[n], ours))
            continue;
        if (unknown++ < 20)
            printf("# %08" PRIx32 ": %s, LLVM says %s\n", words[n], ours ? name : "UNDEFINED here",
                   bad[n] ? "invalid" : "valid");
    }
    free(bad);
    return unknown;
}

int main(int argc, char **argv)
{
    enum { PORTION = 100000 };
    static uint32_t words[PORTION];
    static char input[] = "/tmp/tinyvmm-decode-XXXXXX";
    unsigned long total = 200000, done = 0, valid = 0;
    const char *mc = "llvm-mc", *name;
    long unknown = 0;
    int option;
    while ((option = getopt(argc, argv, "n:s:m:")) != -1)
        switch (option) {
        case 'n': total = strtoul(optarg, NULL, 0); break;
        case 's': rng_state = strtoull(optarg, NULL, 0); break;
        case 'm': mc = optarg; break;
        default: return 2;
        }
    printf("# seed %" PRIu64 "\n", rng_state);
    parse_rows();
    int fd = mkstemp(input);
    if (fd < 0)
        return 2;
    close(fd);
    while (done < total && unknown >= 0) {
        unsigned count = total - done < PORTION ? (unsigned)(total - done) : PORTION;
        for (unsigned n = 0; n < count; n++) {
            words[n] = make_word(done + n);
            valid += valid_here(words[n], &name);
        }
        long more = compare(words, count, mc, input);
        unknown = more < 0 ? -1 : unknown + more;
        done += count;
    }
    unlink(input);
    for (unsigned n = 0; n < sizeof known / sizeof known[0]; n++)
        printf("# %6lu known: %s\n", known[n].seen, known[n].reason);
    if (unknown < 0)
        printf("# no answer from %s\n", mc);
    else
        printf("# %lu words, %lu valid, %ld unexplained differences\n", done, valid, unknown);
    return unknown != 0;
}
