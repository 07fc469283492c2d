/* SPDX-License-Identifier: MIT */
/*
 * A look at the instruction that left the guest. KVM tells neither the register of a memory access
 * nor its virtual address nor the immediate of an HVC, and Apple's exits have all three.
 *
 * Everything read here is the guest's: tables and code may be nonsense, may lie outside of memory
 * and may change under us. The walk has at most four steps, and a wrong answer can only mislead the
 * guest itself. Owner thread.
 */
#include "kvm/kvm.h"

#define KVM_SYS(reg) (KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM64_SYSREG | (reg))

static bool sys_reg(struct hvi_vcpu *v, hv_sys_reg_t reg, uint64_t *value)
{
    return kvm_get_one(v, KVM_SYS(reg), value) == 0;
}

static uint64_t field(uint64_t value, unsigned high, unsigned low)
{
    return value >> low & ((2ull << (high - low)) - 1);
}

static uint64_t sign_extend(uint64_t value, unsigned bits)
{
    return (uint64_t)((int64_t)(value << (64 - bits)) >> (64 - bits));
}

/* ---- stage 1 --------------------------------------------------------------------------------- */

/* log2 of the granule, by TG1 or TG0 (TCR_EL1 encodes the two differently); 0 = reserved. */
static unsigned granule_shift(bool upper, unsigned tg)
{
    static const uint8_t tg0[] = {12, 16, 14, 0}, tg1[] = {0, 14, 12, 16};
    return upper ? tg1[tg] : tg0[tg];
}

/* Walk the stage 1 tables (D8.2 of the Arm ARM) without a look at permissions: the access has
 * already been made. Not for 52-bit tables. */
static bool walk(uint64_t table, unsigned granule, unsigned bits, uint64_t va, hv_ipa_t *ipa)
{
    if (bits <= granule || bits > 48)
        return false;
    unsigned per_level = granule - 3;
    unsigned levels = (bits - granule + per_level - 1) / per_level;
    va &= (1ull << bits) - 1;
    unsigned shift = granule + (levels - 1) * per_level;
    table &= field(~0ull, 47, 1) << 1 & ~((8ull << (bits - shift)) - 1);

    for (unsigned level = 4 - levels; level <= 3; level++, shift -= per_level) {
        uint64_t index = va >> shift & ((1ull << per_level) - 1), entry;
        if (!kvm_read_guest(table + 8 * index, &entry, sizeof entry) || !(entry & 1))
            return false;
        uint64_t address = entry & (field(~0ull, 47, 0) >> granule << granule);
        if (level == 3 || !(entry & 2)) {
            uint64_t low = (1ull << shift) - 1;
            *ipa = (address & ~low) | (va & low);
            return (level == 3) == !!(entry & 2);
        }
        table = address;
    }
    return false;
}

static bool translate(struct hvi_vcpu *v, uint64_t va, hv_ipa_t *ipa)
{
    uint64_t sctlr, tcr, table;
    if (!sys_reg(v, HV_SYS_REG_SCTLR_EL1, &sctlr))
        return false;
    v->mmu_on = sctlr & 1;
    if (!v->mmu_on) {
        *ipa = va;
        return true;
    }
    bool upper = va >> 55 & 1;
    if (!sys_reg(v, HV_SYS_REG_TCR_EL1, &tcr) ||
        !sys_reg(v, upper ? HV_SYS_REG_TTBR1_EL1 : HV_SYS_REG_TTBR0_EL1, &table))
        return false;
    unsigned size = (unsigned)(upper ? field(tcr, 21, 16) : field(tcr, 5, 0));
    unsigned granule =
        granule_shift(upper, (unsigned)(upper ? field(tcr, 31, 30) : field(tcr, 15, 14)));
    return granule && walk(table, granule, 64 - size, va, ipa);
}

bool kvm_fetch_insn(struct hvi_vcpu *v, uint64_t va, uint32_t *insn)
{
    hv_ipa_t ipa;
    return !(va & 3) && translate(v, va, &ipa) && kvm_read_guest(ipa, insn, sizeof *insn);
}

/* ---- decoding (C4.1 "Loads and Stores") ------------------------------------------------------ */

/* Those whose abort carries a description (ISV): one general register, no write-back, not
 * exclusive. */
bool kvm_decode_access(uint32_t insn, struct mmio *mmio)
{
    unsigned size = insn >> 30, opc = insn >> 22 & 3;
    if ((insn & 0xbf000000) == 0x18000000 || (insn & 0xff000000) == 0x98000000) {
        opc = size == 2 ? 2 : 1; /* literal: LDR W, LDR X, LDRSW */
        size = size == 1 ? 3 : 2;
    } else if ((insn & 0x3f000000) == 0x08000000) {
        if (!(insn >> 23 & 1) || insn >> 21 & 1)
            return false;     /* exclusives, compare and swap */
        opc = insn >> 22 & 1; /* LDAR, STLR and the LORegion forms */
    } else if ((insn & 0x3ffffc00) == 0x38bfc000) {
        opc = 1;                                       /* LDAPR */
    } else if (!((insn & 0x3f000000) == 0x39000000 ||  /* unsigned offset */
                 (insn & 0x3f200000) == 0x38000000 ||  /* 9-bit offset */
                 (insn & 0x3f200c00) == 0x38200800 ||  /* register offset */
                 (insn & 0x3f200c00) == 0x19000000)) { /* LDAPUR, STLUR */
        return false;
    } else if ((insn & 0x3f200400) == 0x38000400) {
        return false; /* pre- and post-index */
    }
    if (size == 3 && opc > 1)
        return false; /* prefetch */
    mmio->write = opc == 0;
    mmio->len = (uint8_t)(1u << size);
    mmio->rt = insn & 31;
    mmio->sign = opc >= 2;
    mmio->sf = opc == 2 || size == 3;
    return true;
}

/* ---- the virtual address --------------------------------------------------------------------- */

static uint64_t base_register(struct hvi_vcpu *v, unsigned n)
{
    uint64_t value = 0, cpsr = 0;
    if (n < 31)
        return kvm_get_reg(v, (hv_reg_t)n, &value) == HV_SUCCESS ? value : 0;
    if (kvm_get_reg(v, HV_REG_CPSR, &cpsr) != HV_SUCCESS)
        return 0;
    hv_sys_reg_t sp = (cpsr & 15) == 5 ? HV_SYS_REG_SP_EL1 : HV_SYS_REG_SP_EL0;
    return kvm_get_sys_reg(v, sp, &value) == HV_SUCCESS ? value : 0;
}

/* The offset register of "LDR Xt, [Xn, Xm, extend #shift]". */
static uint64_t index_register(struct hvi_vcpu *v, uint32_t insn, unsigned scale)
{
    unsigned m = insn >> 16 & 31, option = insn >> 13 & 7;
    uint64_t index = m < 31 ? base_register(v, m) : 0;
    if (option == 2)
        index &= 0xffffffff;
    else if (option == 6)
        index = sign_extend(index, 32);
    return index << (insn >> 12 & 1 ? scale : 0);
}

static uint64_t offset_of(struct hvi_vcpu *v, uint32_t insn)
{
    bool vector = insn >> 26 & 1;
    unsigned size = insn >> 30;
    if ((insn & 0x3a000000) == 0x28000000) { /* pairs; bits 24:23 = 01 is post-index */
        unsigned scale = vector ? 2 + size : 2 + (size >> 1);
        return (insn >> 23 & 3) == 1 ? 0 : sign_extend(insn >> 15 & 0x7f, 7) << scale;
    }
    unsigned scale = vector && (insn >> 23 & 1) ? 4 : size;
    if ((insn & 0x3b000000) == 0x39000000)
        return (uint64_t)(insn >> 10 & 0xfff) << scale;
    if ((insn & 0x3b200c00) == 0x38200800)
        return index_register(v, insn, scale);
    if ((insn & 0x3b200000) == 0x38000000 || (insn & 0x3f200c00) == 0x19000000)
        return (insn >> 10 & 3) == 1 ? 0 : sign_extend(insn >> 12 & 0x1ff, 9);
    return 0; /* exclusives, atomics, structures: the base alone */
}

uint64_t kvm_access_address(struct hvi_vcpu *v, uint32_t insn, uint64_t pc, hv_ipa_t ipa)
{
    if (!v->mmu_on)
        return ipa;
    uint64_t va;
    if ((insn & 0x3b000000) == 0x18000000)
        va = pc + (sign_extend(insn >> 5 & 0x7ffff, 19) << 2);
    else if ((insn & 0xfff80000) == 0xd5080000)
        va = base_register(v, insn & 31); /* DC, IC by address */
    else if ((insn & 0x0a000000) == 0x08000000)
        va = base_register(v, insn >> 5 & 31) + offset_of(v, insn);
    else
        return 0;
    /* The page offset is the same on both sides of stage 1. It may be behind that of the first
     * byte: then a later byte of the access is the one that faulted, perhaps in the next page. */
    uint64_t low = ipa & 0xfff;
    return (va & ~0xfffull) + (low < (va & 0xfff) ? 0x1000 : 0) + low;
}
