/* SPDX-License-Identifier: MIT */
/*
 * Stage 1 address translation of the EL1&0 regime (VMSAv8-64): from a virtual address and a kind of
 * access to an intermediate physical address, permissions and memory type, or to the exact fault.
 *
 * Pure: no state beyond the arguments, no CPU structure, guest memory only through two callbacks.
 * Any thread. There is no stage 2 and no EL2 (E2H = 0); descriptors are little-endian (SCTLR_EL1.EE
 * is RES0); addresses have at most 48 bits. Numbers in comments are sections of the Arm ARM (DDI
 * 0487).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What the ID registers announce; nothing that is not announced has an effect. */
struct mmu_features {
    uint8_t pa_bits; /* ID_AA64MMFR0_EL1.PARange as a number of bits, 32..48 */
    bool gran4, gran16, gran64;
    bool asid16;    /* FEAT_ASID16: TCR_EL1.AS */
    bool af, dirty; /* FEAT_HAFDBS: TCR_EL1.HA, HD */
    bool hpds;      /* FEAT_HPDS: TCR_EL1.HPD0, HPD1 */
    bool ttst;      /* FEAT_TTST: TnSZ up to 48 (47 with 64K) instead of 39 */
    bool e0pd;      /* FEAT_E0PD */
    bool tbid;      /* FEAT_PAuth: TCR_EL1.TBID0, TBID1 */
    bool bti;       /* FEAT_BTI: the guarded bit of a descriptor */
};

/* The registers that rule the regime, as the guest wrote them. */
struct mmu_regs {
    uint64_t sctlr, tcr, ttbr0, ttbr1, mair;
};

/* One half of the address space, decoded. */
struct mmu_half {
    uint64_t base;       /* of the initial table */
    uint8_t page_bits;   /* 12, 14, 16 */
    uint8_t start_level; /* 0..3 */
    uint8_t ia_bits;     /* size of the input address, 64 - TnSZ */
    bool disabled;       /* EPDn, or TnSZ out of bounds: translation fault, level 0 */
    bool base_too_big; /* the TTBR's address exceeds the output size: address size fault, level 0 */
    bool tbi_data, tbi_fetch;
    bool hpd;
    bool e0pd;
};

/* The registers, decoded. Make a new one when one of the registers was written. */
struct mmu_regime {
    struct mmu_half half[2]; /* by bit 55 of the address */
    uint64_t mair;
    uint64_t
        oa_excess;   /* address bits that descriptors must leave 0: those from the output size up */
    uint8_t pa_bits; /* PAMax, for the check with the MMU off */
    uint16_t asid;   /* the current ASID, from the TTBR that TCR_EL1.A1 names */
    uint16_t asid_mask;   /* 0xff or 0xffff: what a TLBI by ASID compares */
    bool on, wxn, icache; /* SCTLR_EL1.M, WXN, I */
    bool af, dirty;       /* hardware updates in force */
    bool bti;
};

enum mmu_kind {
    MMU_READ,       /* load, load exclusive */
    MMU_WRITE,      /* store, store exclusive, DC ZVA */
    MMU_READ_WRITE, /* atomic read-modify-write: needs both, reads are reported first */
    MMU_FETCH,      /* instruction */
    MMU_AT_READ,    /* AT S1ExR */
    MMU_AT_WRITE,   /* AT S1ExW */
    MMU_CLEAN,      /* DC CVAC, CVAU, CVAP, CIVAC and IC IVAU: read permission, at EL0 alone */
    MMU_INVALIDATE, /* DC IVAC: write permission */
};

struct mmu_access {
    enum mmu_kind kind;
    bool user;      /* permissions of EL0: at EL0, and LDTR/STTR at EL1 with UAO = 0 */
    bool pan;       /* PSTATE.PAN; false where PAN has no say: AT without P, cache maintenance */
    bool unaligned; /* faults if the memory is Device (always set for DC ZVA) */
};

/* Fault status codes (DFSC, IFSC, PAR_EL1.FST), to which the level is added where there is one. */
enum mmu_fsc {
    MMU_FSC_ADDRESS_SIZE = 0x00,
    MMU_FSC_TRANSLATION = 0x04,
    MMU_FSC_ACCESS_FLAG = 0x08,
    MMU_FSC_PERMISSION = 0x0c,
    MMU_FSC_EXTERNAL = 0x10, /* on the access itself; no level */
    MMU_FSC_EXTERNAL_WALK = 0x14,
    MMU_FSC_ALIGNMENT = 0x21,     /* no level */
    MMU_FSC_ATOMIC_UPDATE = 0x31, /* unsupported hardware update of a descriptor; no level */
};

/* Rights of a page. Those of EL1 do not count PSTATE.PAN, which changes without a new walk: with
 * PAN, EL1 has neither read nor write where EL0 has read (every page that EL0 may write it may
 * read). */
enum {
    MMU_EL0_R = 1,
    MMU_EL0_W = 2,
    MMU_EL0_X = 4,
    MMU_EL1_R = 8,
    MMU_EL1_W = 16,
    MMU_EL1_X = 32,
};

/* Answer of a walk. Where `fault` is set, only `fsc`, `write` and `walk_ipa` mean something. */
struct mmu_result {
    bool fault;
    uint8_t fsc;       /* complete status code, level included */
    bool write;        /* WnR of the syndrome */
    uint64_t walk_ipa; /* external abort on a walk: the descriptor that could not be reached */

    uint64_t ipa;        /* of the byte asked for */
    uint8_t size_bits;   /* log2 of the block or page: 12..30; with the MMU off 12 */
    uint8_t contig_bits; /* log2 of the contiguous run it belongs to, else size_bits */
    uint8_t rights;      /* MMU_ELx_y */
    bool clean;          /* writes are allowed but must walk again first, to mark the page dirty */
    bool global;         /* matches every ASID */
    bool guarded;        /* BTI */
    bool device;         /* not Normal memory */
    uint8_t attr;        /* in MAIR format */
    uint8_t sh;          /* 0 none, 2 outer, 3 inner; 2 for Device and Non-cacheable */
};

enum mmu_cas { MMU_CAS_DONE, MMU_CAS_CHANGED, MMU_CAS_ABORT };

/* Guest memory as the walker sees it. `ipa` is 8-byte aligned and below 1 << 48. */
struct mmu_memory {
    /* Single-copy atomic read of a descriptor; false: nothing there (external abort). */
    bool (*read)(void *opaque, uint64_t ipa, uint64_t *desc);
    /* Atomic: if *ipa is `expected`, make it `desired`. Used with FEAT_HAFDBS alone. */
    enum mmu_cas (*cas)(void *opaque, uint64_t ipa, uint64_t expected, uint64_t desired);
    void *opaque;
};

/* Features as the ID registers announce them. */
void mmu_features_from_id(struct mmu_features *features, uint64_t mmfr0, uint64_t mmfr1,
                          uint64_t mmfr2, uint64_t isar1, uint64_t pfr1);

/* Decode the registers. Accepts any values. */
void mmu_regime_init(struct mmu_regime *regime, const struct mmu_features *features,
                     const struct mmu_regs *regs);

/* Translate. At most 4 descriptors are read; a descriptor that other CPUs keep changing under a
 * hardware update ends in MMU_FSC_ATOMIC_UPDATE after a bounded number of tries. Returns
 * !out->fault. */
bool mmu_translate(const struct mmu_regime *regime, uint64_t va, struct mmu_access access,
                   const struct mmu_memory *memory, struct mmu_result *out);

/* PAR_EL1 after an AT instruction with this answer. An external abort on the walk is to be taken as
 * a Data Abort instead (D8.2, "Address translation instructions"). */
uint64_t mmu_par(const struct mmu_result *result);

/* Is the fault an external abort on the walk? */
static inline bool mmu_fault_external_walk(const struct mmu_result *result)
{
    return result->fault && (result->fsc & 0x3c) == MMU_FSC_EXTERNAL_WALK;
}
