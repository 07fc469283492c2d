/* SPDX-License-Identifier: MIT */
/*
 * Pointer authentication (FEAT_PAuth with QARMA5): where the code sits in a pointer, and the
 * instructions that put it in, check it and take it out. Arm ARM D8.10 and the pseudocode functions
 * AddPAC, Auth and Strip. Owner thread.
 *
 * The same return addresses are signed over and over, so the last pointers are remembered with
 * their codes, each with all that it was made from: struct pac_entry.
 */
#include "a64.h"
#include "cpu.h"
#include "mem.h"
#include "pauth.h"
#include "sysreg_fn.h"

#define OP(name)     const struct insn *op_##name(struct cpu *c, const struct insn *i)
#define FORMAT(name) bool dec_##name(struct insn *i, uint32_t w)

#define BIT55        (UINT64_C(1) << 55)

/* In aux, as the encodings number them. */
enum pac_key { KEY_IA, KEY_IB, KEY_DA, KEY_DB, KEY_GA };
#define IS_DATA(key) ((key) >= KEY_DA)

/* ---- formats: rd = destination, rm = the pointer, rn = the modifier, aux = the key ---- */

FORMAT(pac_reg)
{
    i->rd = slot_dst(insn_bits(w, 0, 5));
    i->rm = slot_zr(insn_bits(w, 0, 5));
    i->rn = slot_sp(insn_bits(w, 5, 5));
    i->aux = insn_bits(w, 10, 2);
    return true;
}
/* Also XPACI and XPACD: bit 10 chooses between addresses of instructions and data. */
FORMAT(pac_zero)
{
    dec_pac_reg(i, w);
    i->rn = X_ZR;
    if (i->id == A64_XPAC)
        i->aux = w >> 10 & 1 ? KEY_DA : KEY_IA;
    return true;
}
FORMAT(pac_1716)
{
    i->rd = i->rm = 17;
    i->rn = 16;
    i->aux = insn_bits(w, 6, 1);
    return true;
}
FORMAT(pac_lr)
{
    i->rd = i->rm = 30;
    i->rn = w & 1u << 5 ? X_SP : X_ZR;
    i->aux = i->id == A64_XPACLRI ? KEY_IA : insn_bits(w, 6, 1);
    return true;
}
FORMAT(pacga)
{
    i->rd = slot_dst(insn_bits(w, 0, 5));
    i->rn = slot_zr(insn_bits(w, 5, 5));
    i->rm = slot_sp(insn_bits(w, 16, 5));
    return true;
}
FORMAT(pac_branch)
{
    i->rm = slot_zr(insn_bits(w, 5, 5));
    i->rn = w & 1u << 24 ? slot_sp(insn_bits(w, 0, 5)) : X_ZR;
    i->aux = insn_bits(w, 10, 1);
    return true;
}
FORMAT(pac_return)
{
    i->rm = 30;
    i->rn = X_SP;
    i->aux = insn_bits(w, 10, 1);
    return true;
}
FORMAT(ldra)
{
    i->rd = slot_dst(insn_bits(w, 0, 5));
    i->rn = slot_sp(insn_bits(w, 5, 5));
    i->imm = (uint64_t)sign_extend(insn_bits(w, 22, 1) << 9 | insn_bits(w, 12, 9), 10) * 8;
    i->aux = w & 1u << 23 ? KEY_DB : KEY_DA;
    return true;
}

/* ---- codes ---- */

/* Each key is two rows of sysreg.def: low and high half, in the order of enum pac_key. */
static uint64_t code_of(const struct cpu *c, uint64_t data, uint64_t modifier, unsigned key)
{
    return pauth_qarma5(data, modifier, c->sr[SR_APIAKEYHI_EL1 + 2 * key],
                        c->sr[SR_APIAKEYLO_EL1 + 2 * key]);
}

/* SCTLR_EL1.EnIA, EnIB, EnDA, EnDB: without it the instruction leaves the pointer as it is. */
static bool enabled(const struct cpu *c, unsigned key)
{
    static const uint8_t bit[] = {31, 30, 27, 13};
    return c->sr[SR_SCTLR_EL1] >> bit[key] & 1;
}

/* Is the top byte of this pointer a tag (EffectiveTBI)? */
static bool tagged(const struct cpu *c, uint64_t ptr, bool data)
{
    const struct mmu_half *half = &c->regime.half[ptr >> 55 & 1];
    return data ? half->tbi_data : half->tbi_fetch;
}

/* The lowest bit of the code: the size of the half's addresses, with TnSZ forced into its range
 * (CalculateBottomPACBit). */
static unsigned bottom_bit(const struct cpu *c, bool upper)
{
    const unsigned tsz = c->sr[SR_TCR_EL1] >> (upper ? 16 : 0) & 63;
    const unsigned max = c->regime.half[upper].page_bits == 16 ? 47 : 48;
    return 64 - (tsz < 16 ? 16 : tsz > max ? max : tsz);
}

static uint64_t mask(unsigned from, unsigned to)
{
    return (to == 64 ? 0 : UINT64_C(1) << to) - (UINT64_C(1) << from);
}

/* The pointer without a code: its extension bits from `bottom` up all like `upper`. */
static uint64_t extended(uint64_t ptr, bool upper, unsigned bottom, bool tag)
{
    const uint64_t ext = mask(bottom, tag ? 56 : 64);
    return upper ? ptr | ext : ptr & ~ext;
}

/* Bit 55 chooses the half where anything may be tagged, else bit 63. */
static bool upper_half(const struct cpu *c, uint64_t ptr, bool data)
{
    const struct mmu_half *half = c->regime.half;
    const bool tbi =
        data ? half[0].tbi_data || half[1].tbi_data : half[0].tbi_fetch || half[1].tbi_fetch;
    return ptr >> (tbi ? 55 : 63) & 1;
}

/* *proper: authentication takes it back. */
static uint64_t add_code(const struct cpu *c, uint64_t ptr, uint64_t modifier, unsigned key,
                         bool *proper)
{
    *proper = true;
    if (!enabled(c, key))
        return ptr;
    const bool tag = tagged(c, ptr, IS_DATA(key)), upper = upper_half(c, ptr, IS_DATA(key));
    const unsigned bottom = bottom_bit(c, upper), top = tag ? 56 : 64;
    const uint64_t field = mask(bottom, top), original = extended(ptr, upper, bottom, tag);
    uint64_t code = code_of(c, original, modifier, key);

    *proper = original == ptr;
    if (!*proper && (ptr & field) && (ptr & field) != field) /* its code must never match */
        code ^= UINT64_C(1) << (top - 2);
    return (ptr & ~field) | (code & field & ~BIT55) | (upper ? BIT55 : 0);
}

/* The pointer without its code; with an error in it if the code is wrong: *right. */
static uint64_t remove_code(const struct cpu *c, uint64_t ptr, uint64_t modifier, unsigned key,
                            bool *right)
{
    *right = true;
    if (!enabled(c, key))
        return ptr;
    const bool tag = tagged(c, ptr, IS_DATA(key)), upper = ptr & BIT55;
    const unsigned bottom = bottom_bit(c, upper), top = tag ? 56 : 64;
    const uint64_t original = extended(ptr, upper, bottom, tag);
    const uint64_t code = code_of(c, original, modifier, key);
    const uint64_t error = key & 1 ? 2 : 1;

    *right = ((code ^ ptr) & mask(bottom, top) & ~BIT55) == 0;
    if (*right)
        return original;
    return tag ? (original & ~mask(53, 55)) | error << 53
               : (original & ~mask(61, 63)) | error << 61;
}

/* ---- what is remembered ---- */

_Static_assert(sizeof(struct pac_entry) == 1u << PAC_ENTRY_BITS, "offsets are shifted by that");

void pauth_keys_changed(struct cpu *c)
{
    memset(c->pac_id, 0xff, sizeof c->pac_id);
}

void pauth_config_changed(struct cpu *c)
{
    memset(c->pac_known, 0, sizeof c->pac_known);
    pauth_keys_changed(c);
}

bool write_pac_key(struct cpu *c, const struct insn *i, uint64_t value)
{
    c->sr[((const struct sysreg *)(uintptr_t)i->imm)->slot] = value;
    pauth_keys_changed(c);
    return true;
}

static uint64_t id_of(struct cpu *c, unsigned key)
{
    const uint64_t lo = c->sr[SR_APIAKEYLO_EL1 + 2 * key], hi = c->sr[SR_APIAKEYHI_EL1 + 2 * key];
    struct pac_known *k = &c->pac_known[(lo ^ hi ^ key) % PAC_KNOWN];

    if (c->pac_id[key] == PAC_UNKNOWN) {
        if (!k->id || k->lo != lo || k->hi != hi || k->key != key)
            *k = (struct pac_known){lo, hi, ++c->pac_last_id, key};
        c->pac_id[key] = k->id;
    }
    return c->pac_id[key];
}

static struct pac_entry *entry_of(struct cpu *c, uint64_t ptr, uint64_t modifier)
{
    return (struct pac_entry *)(void *)((uint8_t *)c->pac + pac_offset(ptr, modifier));
}

static uint64_t sign(struct cpu *c, uint64_t ptr, uint64_t modifier, unsigned key)
{
    struct pac_entry *e = entry_of(c, ptr, modifier);
    const uint64_t id = id_of(c, key);
    bool proper;

    if (e->plain == ptr && e->modifier == modifier && e->id == id)
        return e->coded;
    const uint64_t coded = add_code(c, ptr, modifier, key, &proper);
    if (proper)
        *e = (struct pac_entry){ptr, coded, modifier, id};
    return coded;
}

static uint64_t authenticate(struct cpu *c, uint64_t ptr, uint64_t modifier, unsigned key)
{
    struct pac_entry *e = entry_of(c, ptr, modifier);
    const uint64_t id = id_of(c, key);
    bool right;

    if (e->coded == ptr && e->modifier == modifier && e->id == id)
        return e->plain;
    const uint64_t plain = remove_code(c, ptr, modifier, key, &right);
    if (right)
        *e = (struct pac_entry){plain, ptr, modifier, id};
    return plain;
}

/* ---- instructions ---- */

OP(pac)
{
    c->x[i->rd] = sign(c, c->x[i->rm], c->x[i->rn], i->aux);
    return i + 1;
}

OP(aut)
{
    c->x[i->rd] = authenticate(c, c->x[i->rm], c->x[i->rn], i->aux);
    return i + 1;
}

OP(xpac)
{
    const uint64_t ptr = c->x[i->rm];
    const bool upper = ptr & BIT55;

    c->x[i->rd] = extended(ptr, upper, bottom_bit(c, upper), tagged(c, ptr, IS_DATA(i->aux)));
    return i + 1;
}

OP(pacga)
{
    c->x[i->rd] = code_of(c, c->x[i->rn], c->x[i->rm], KEY_GA) & mask(32, 64);
    return i + 1;
}

OP(bra)
{
    const uint64_t target = authenticate(c, c->x[i->rm], c->x[i->rn], i->aux);
    return block_leave_jump(c, target, block_btype_jump(c, i->rm));
}

OP(blra)
{
    const uint64_t target = authenticate(c, c->x[i->rm], c->x[i->rn], i->aux);
    c->x[30] = insn_pc(c, i) + 4;
    return block_leave_jump(c, target, BTYPE_CALL);
}

OP(reta)
{
    return block_leave_indirect(c, authenticate(c, c->x[i->rm], c->x[i->rn], i->aux));
}

OP(ereta)
{
    if (c->el == 0)
        return cpu_undefined(c, i);
    const uint64_t elr = c->sr[SR_ELR_EL1];
    c->icount += c->block->n;
    c->sr[SR_ELR_EL1] = authenticate(c, elr, c->x[X_SP], i->aux);
    cpu_exception_return(c);
    c->sr[SR_ELR_EL1] = elr;
    return NULL;
}

/* The address that is checked is the base, the offset comes after. */
static bool load_authenticated(struct cpu *c, const struct insn *i, uint64_t *va, uint64_t *value)
{
    if (unlikely(i->rn == X_SP && (c->x[X_SP] & 15)) && mem_sp_fault(c, i))
        return false;
    *va = authenticate(c, c->x[i->rn], 0, i->aux) + i->imm;
    return ld64(c, i, *va, value);
}
OP(ldra_imm)
{
    uint64_t va, value;
    if (!load_authenticated(c, i, &va, &value))
        return NULL;
    c->x[i->rd] = value;
    return i + 1;
}
OP(ldra_pre)
{
    uint64_t va, value;
    if (!load_authenticated(c, i, &va, &value))
        return NULL;
    c->x[i->rn] = va;
    c->x[i->rd] = value;
    return i + 1;
}
