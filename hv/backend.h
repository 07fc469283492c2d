/* SPDX-License-Identifier: MIT */
/*
 * What a backend must supply to carry the Hypervisor API on a host: one const table of operations.
 *
 * hv.c and its neighbours own everything that is the same everywhere: the one VM of the process,
 * the list of memory mappings, vCPU handles and their owner threads, argument and state checks, the
 * order of calls. A backend is called with checked arguments only and never checks them again. It
 * may keep one VM in file-scope state, as Apple's framework does: there is one per process.
 *
 * "Owner" below is the thread that created the vCPU. "Any" means any thread, at the same time as
 * any other operation. An operation marked "optional" may be NULL; the public call then answers
 * HV_UNSUPPORTED (unless said otherwise) and docs/DIFFERENCES.md lists it. All others are required.
 */
#pragma once

#include <Hypervisor/Hypervisor.h>
#include <stdatomic.h>
#include <stddef.h>

/* What a backend can do on this host. Valid after `probe` has said yes. */
struct hvi_limits {
    uint32_t max_vcpus;        /* 1..64 */
    uint32_t max_ipa_bits;     /* largest size a VM may be given */
    uint32_t default_ipa_bits; /* size of a VM made with a NULL configuration */
    bool gic;                  /* hv_gic_* works */
};

struct hvi_vm_config {
    uint32_t ipa_bits; /* guest physical addresses are below 1 << ipa_bits */
    uint32_t granule;  /* bytes, 4096 or 16384: alignment of every mapping */
    bool el2;          /* never true unless the backend says so in a later version */
};

/* A piece of guest memory. Pieces never overlap in `ipa`; addresses and size are multiples of the
 * granule. */
struct hvi_region {
    hv_ipa_t ipa;
    size_t size;
    uint8_t *host;
    hv_memory_flags_t flags; /* HV_MEMORY_READ|WRITE|EXEC, 0 = no access */
};

/* GIC placement, all addresses checked for alignment, overlap and size. */
struct hvi_gic_config {
    hv_ipa_t distributor_base;
    hv_ipa_t redistributor_base;
    hv_ipa_t msi_base;  /* meaningful if msi_count > 0 */
    uint32_t msi_intid; /* first SPI of the MSI frame */
    uint32_t msi_count; /* 0 = no MSI frame */
};

struct hvi_vcpu; /* the backend's own vCPU */

struct hvi_backend {
    const char *name;  /* "soft", "kvm": what --backend takes */
    const char *title; /* "ARM64 software CPU", "Linux KVM": for people */

    /* Can this backend run here? Fills *limits and returns true, or writes one line (no newline,
     * what is missing and what to do) to `why`. Called before anything else, any thread, may be
     * repeated. */
    bool (*probe)(struct hvi_limits *limits, char *why, size_t why_size);

    /* VM. Any thread; hv.c serialises these with each other. HV_NO_RESOURCES, HV_DENIED, HV_ERROR.
     */
    hv_return_t (*vm_create)(const struct hvi_vm_config *config);
    void (*vm_destroy)(void); /* no vCPU is left */

    /* In the child of a fork() whose parent had a VM: forget it. Only this thread exists, locks may
     * be held by threads that are gone, memory and descriptors are copies of the parent's:
     * re-initialise, close, never wait or touch the parent's VM. The child may create a VM after
     * it. Optional. */
    void (*after_fork)(void);

    /* Memory. Any thread, serialised by hv.c, but vCPUs may be running. When unmap or protect
     * return, no vCPU touches the region with the old rights any more: the caller may free the
     * memory. hv.c has split regions already, so each call names a whole piece that it has seen in
     * `map`, or, for `split`, tells that one piece became two with unchanged host memory and flags
     * (optional, NULL = nothing to do). What hvi_mem_lookup() says changes after mem_map, but
     * before mem_unmap and mem_protect, and a failure changes it back: a vCPU that looks a page up
     * again never finds more than it may use. The caller holds the layer's lock: a vCPU outside
     * vcpu_run may be waiting for it. */
    hv_return_t (*mem_map)(const struct hvi_region *region);
    hv_return_t (*mem_unmap)(const struct hvi_region *region);
    hv_return_t (*mem_protect)(const struct hvi_region *region, hv_memory_flags_t flags);
    hv_return_t (*mem_split)(const struct hvi_region *region, size_t first_size);

    /* The client wrote code into [host, host+size): drop what was decoded or cached from it.
     * Any thread. Reached through sys_icache_invalidate(). */
    void (*icache_invalidate)(const void *host, size_t size);

    /* vCPU life. create and destroy on the owner. index < max_vcpus is unique among live vCPUs. */
    hv_return_t (*vcpu_create)(uint32_t index, struct hvi_vcpu **vcpu);
    void (*vcpu_destroy)(struct hvi_vcpu *vcpu);

    /* Run until an exit. Owner. Fills *exit on HV_SUCCESS. Blocks as long as the guest runs (and,
     * in a VM with a GIC, waits in WFI). HV_ILLEGAL_GUEST_STATE or HV_ERROR if the guest cannot be
     * entered. */
    hv_return_t (*vcpu_run)(struct hvi_vcpu *vcpu, hv_vcpu_exit_t *exit);

    /* Make the run under way, or else the next one, return with HV_EXIT_REASON_CANCELED. Any
     * thread. Sticky and one-shot; must not be lost between two runs. Does not wait. */
    void (*vcpu_cancel)(struct hvi_vcpu *vcpu);

    /* Registers. Owner, not running. `reg` is in range. */
    hv_return_t (*get_reg)(struct hvi_vcpu *vcpu, hv_reg_t reg, uint64_t *value);
    hv_return_t (*set_reg)(struct hvi_vcpu *vcpu, hv_reg_t reg, uint64_t value);
    /* Where this one is kept, if it is memory that may be read and written between two runs with
     * nobody being told; else NULL, and get_reg and set_reg are asked. Never moves. Optional. */
    uint64_t *(*plain_reg)(struct hvi_vcpu *vcpu, hv_reg_t reg);
    hv_return_t (*get_simd)(struct hvi_vcpu *vcpu, hv_simd_fp_reg_t reg,
                            hv_simd_fp_uchar16_t *value);
    hv_return_t (*set_simd)(struct hvi_vcpu *vcpu, hv_simd_fp_reg_t reg,
                            hv_simd_fp_uchar16_t value);
    /* reg is one of the public enumerators that exists in this kind of VM. HV_BAD_ARGUMENT for a
     * value or register that the backend refuses. */
    hv_return_t (*get_sys_reg)(struct hvi_vcpu *vcpu, hv_sys_reg_t reg, uint64_t *value);
    hv_return_t (*set_sys_reg)(struct hvi_vcpu *vcpu, hv_sys_reg_t reg, uint64_t value);

    /* Interrupt lines for the next run only; the backend clears them when run returns. Owner. */
    hv_return_t (*get_pending)(struct hvi_vcpu *vcpu, hv_interrupt_type_t type, bool *pending);
    hv_return_t (*set_pending)(struct hvi_vcpu *vcpu, hv_interrupt_type_t type, bool pending);

    /* Debug: send the guest's debug exceptions, and its accesses to debug registers, to the client
     * as exits (MDCR_EL2.TDE, TDA). Owner. hv.c keeps the flags for the getters. Optional. */
    hv_return_t (*set_trap_debug)(struct hvi_vcpu *vcpu, bool exceptions, bool reg_accesses);

    /* Time spent in the guest, mach_absolute_time units. Owner. Optional. */
    hv_return_t (*get_exec_time)(struct hvi_vcpu *vcpu, uint64_t *time);

    /* Virtual timer (section 9.4): mask of the VTIMER_ACTIVATED exit; CNTVCT = mach time - offset.
     * Owner (Apple does not say; everybody calls them there). */
    hv_return_t (*get_vtimer_mask)(struct hvi_vcpu *vcpu, bool *masked);
    hv_return_t (*set_vtimer_mask)(struct hvi_vcpu *vcpu, bool masked);
    hv_return_t (*get_vtimer_offset)(struct hvi_vcpu *vcpu, uint64_t *offset);
    hv_return_t (*set_vtimer_offset)(struct hvi_vcpu *vcpu, uint64_t offset);

    /* What a new vCPU will show. Any thread, no VM needed. Optional. */
    hv_return_t (*get_feature_reg)(hv_feature_reg_t reg, uint64_t *value);
    hv_return_t (*get_ccsidr)(hv_cache_type_t type, uint64_t values[8]);

    /* GIC, all optional. create: after the VM, before any vCPU, once; a vCPU's redistributor is at
     * redistributor_base + index * HVI_GICR_SIZE. set_spi, send_msi: any thread, arguments in
     * range. Distributor and MSI registers: any thread; redistributor and ICC registers: owner.
     * Offsets are in the enumerations or plain 4/8-byte register offsets of the specification.
     * These are the restore accesses: they set and read state without the side effects of a guest
     * access. hv.c knows which offsets exist and drops writes to TYPER and PIDR2. A state has at
     * most *size bytes on entry and *size bytes on return; with buf NULL save gives the size only.
     * No vCPU runs during save, restore (HV_BAD_ARGUMENT: not a state of this backend and version)
     * and reset. */
    hv_return_t (*gic_create)(const struct hvi_gic_config *config);
    hv_return_t (*gic_set_spi)(uint32_t intid, bool level);
    hv_return_t (*gic_send_msi)(uint32_t intid);
    hv_return_t (*gic_get_dist_reg)(uint32_t offset, uint64_t *value);
    hv_return_t (*gic_set_dist_reg)(uint32_t offset, uint64_t value);
    hv_return_t (*gic_get_redist_reg)(struct hvi_vcpu *vcpu, uint32_t offset, uint64_t *value);
    hv_return_t (*gic_set_redist_reg)(struct hvi_vcpu *vcpu, uint32_t offset, uint64_t value);
    hv_return_t (*gic_get_icc_reg)(struct hvi_vcpu *vcpu, hv_gic_icc_reg_t reg, uint64_t *value);
    hv_return_t (*gic_set_icc_reg)(struct hvi_vcpu *vcpu, hv_gic_icc_reg_t reg, uint64_t value);
    hv_return_t (*gic_get_msi_reg)(hv_gic_msi_reg_t reg, uint64_t *value);
    hv_return_t (*gic_set_msi_reg)(hv_gic_msi_reg_t reg, uint64_t value);
    hv_return_t (*gic_state_save)(void *buf, size_t *size);
    hv_return_t (*gic_state_restore)(const void *buf, size_t size);
    hv_return_t (*gic_reset)(void);

    /* Extras beyond Apple's API (hvx.h), optional. set_option: before vm_create; false if unknown
     * or bad value. counter: the index-th counter of a vCPU (owner) or false past the end. */
    bool (*set_option)(const char *name, const char *value);
    bool (*counter)(struct hvi_vcpu *vcpu, unsigned index, const char **name, uint64_t *value);

    /* Why the calling thread's latest failing call failed, in words for people; "" if there is
     * nothing to say. Optional. */
    const char *(*last_error)(void);
};

/* The table of every backend that was built in, best first, NULL at the end (backends/, chosen by
 * the Makefile: soft alone, or kvm and soft). */
extern const struct hvi_backend *const hvi_backends[];

/*
 * What the public layer offers to a backend. The clock is mach_absolute_time() (clock/).
 */

/* Geometry of the GIC in guest memory. Shared interrupts are 32 ... 1019. */
#define HVI_GICD_SIZE     0x10000u
#define HVI_GICR_SIZE     0x20000u /* per vCPU */
#define HVI_GICM_SIZE     0x10000u
#define HVI_GIC_SPI_BASE  32u
#define HVI_GIC_SPI_COUNT 988u

/* The piece of memory that holds `ipa`. Any thread, no lock: for TLB misses. False: not mapped. */
bool hvi_mem_lookup(hv_ipa_t ipa, struct hvi_region *out);
/* Changes with every change of what is mapped. An answer of hvi_mem_lookup() holds as long as the
 * number read before it: nobody is told when an address that was not mapped becomes so. */
extern atomic_uint hvi_mem_changes;
static inline unsigned hvi_mem_version(void)
{
    return atomic_load_explicit(&hvi_mem_changes, memory_order_acquire);
}

/* Walk the pieces whose host memory overlaps [host, host + size); one host page may be mapped
 * several times. Start with *next = 0; each true answer gives the overlapping part in *out. Any
 * thread. */
bool hvi_mem_next_host(const void *host, size_t size, hv_ipa_t *next, struct hvi_region *out);
