/* SPDX-License-Identifier: MIT */
/*
 * Inside of the KVM backend: the one VM of the process, its vCPUs, and what the files of this
 * folder offer each other. vm.c owns the VM and its memory, vcpu.c the life of a vCPU and the run
 * loop, regs.c the registers, exit.c the translation of KVM's exits into Apple's form, guest_insn.c
 * the look at the guest's own instructions that this needs, gic.c the in-kernel GICv3.
 */
#pragma once

#include "backend.h"
#include "kvm/uapi.h"
#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#define MAX_VCPUS    64
#define KVM_GIC_IRQS 992 /* KVM's limit: SPIs 32...991 */

/* A memory access that KVM handed out (KVM_EXIT_MMIO) and has not finished yet: the kernel writes
 * the register of a load and steps PC in the next KVM_RUN, and not before. */
struct mmio {
    bool waiting;
    bool write;
    uint8_t len;
    bool known;  /* the instruction was decoded: the fields below are valid */
    uint8_t rt;  /* 31 = the zero register */
    bool sign;   /* load: sign-extend ... */
    bool sf;     /* ... to 64 bits, else to 32 */
    uint64_t pc; /* of the instruction, if known */
};

struct hvi_vcpu {
    int fd;
    uint32_t index;
    bool live; /* between vcpu_create and vcpu_destroy; pool entry else */
    struct kvm_run *run;
    size_t run_size;
    pid_t tid; /* of the owner, target of the kick */

    /* Core registers by hv_reg_t, fetched when asked for and written before the next run. */
    uint64_t reg[HV_REG_CPSR + 1];
    uint64_t valid; /* bit n: reg[n] is the register's value */
    uint64_t dirty; /* bit n: KVM does not have it yet; implies valid */

    struct mmio mmio;
    bool mmu_on;     /* SCTLR_EL1.M as of the latest kvm_fetch_insn */
    bool pending[2]; /* by hv_interrupt_type_t: what the client asked for the next run */
    bool line[2];    /* what KVM was told last */
    bool vtimer_masked;
    bool vtimer_level; /* the timer's output as of the latest KVM_RUN, without a GIC */
    uint64_t vtimer_offset;
    uint64_t mpidr; /* as the client wrote it; the guest also sees bit 31, which is RES1 */
    uint64_t exec_time;
    bool trap_debug;
    uint64_t watched[6]; /* the guest's interrupt vectors that breakpoints of ours stand on ... */
    unsigned watched_count; /* ... as of the latest KVM_SET_GUEST_DEBUG (debug.c) */

    /* Writes to the vCPU's part of the GIC before the GIC has started (gic.c). */
    struct {
        bool icc;
        uint32_t reg;
        uint64_t value;
    } early[24];
    unsigned early_count;

    /* A kick is needed while inside is set. cancel: one request of hv_vcpus_exit, kept until a run
     * takes it. See the order of the two in vcpu.c. */
    atomic_bool inside;
    atomic_bool cancel;

    uint64_t exits, mmio_exits, hypercalls, ioctls; /* counters for hvx_vcpu_counter */
};

struct kvm_vm {
    int kvm; /* /dev/kvm */
    int fd;  /* the VM, -1 if none */
    size_t run_size;
    uint64_t counter_offset;
    struct kvm_vcpu_init init;
    bool irq_exit;              /* option: a run ends when it takes an interrupt */
    atomic_bool pause;          /* somebody wants every vCPU outside of the guest ... */
    pthread_mutex_t pause_lock; /* ... and holds this as long */
    /* By index. KVM cannot remove a vCPU from a VM, so a destroyed one waits here to be used again.
     */
    _Atomic(struct hvi_vcpu *) vcpu[MAX_VCPUS];
    int gic;               /* vGIC device, -1 if none */
    atomic_bool gic_ready; /* initialised: no vCPU can be added any more */
    struct hvi_gic_config gic_config;
};

extern struct kvm_vm kvm_vm;

/* vm.c */
/* errno to a return code; fallback for an errno that says nothing in particular. */
hv_return_t kvm_error(int error, hv_return_t fallback);
/* Note the reason of a failure for kvm_last_error, pass on the code. error 0: none. */
hv_return_t kvm_fail(hv_return_t code, const char *what, int error);
/* The calling thread's latest failure in words, "" if none. */
const char *kvm_last_error(void);
/* The flags of the piece of memory that holds ipa, 0 if none. */
bool kvm_region_flags(hv_ipa_t ipa, hv_memory_flags_t *flags);
/* Copy from guest memory. False if any part is not mapped. Any thread. */
bool kvm_read_guest(hv_ipa_t ipa, void *to, size_t size);
/* Keep all vCPUs out of the guest between the two. Not from inside a run. */
void kvm_pause_all(void);
void kvm_resume_all(void);
/* Between them: an ioctl() for which the kernel wants every vCPU. A register call of another owner
 * may hold one for a moment, EBUSY, which is waited out. -1 and errno. */
int kvm_ioctl_paused(int fd, unsigned long request, void *argument);

/* vcpu.c */
hv_return_t kvm_vcpu_create(uint32_t index, struct hvi_vcpu **vcpu);
void kvm_vcpu_destroy(struct hvi_vcpu *v);
void kvm_vcpu_free(struct hvi_vcpu *v);
hv_return_t kvm_vcpu_run(struct hvi_vcpu *v, hv_vcpu_exit_t *exit);
void kvm_vcpu_cancel(struct hvi_vcpu *v);
void kvm_vcpu_kick(struct hvi_vcpu *v);
hv_return_t kvm_set_pending(struct hvi_vcpu *v, hv_interrupt_type_t type, bool pending);
hv_return_t kvm_get_pending(struct hvi_vcpu *v, hv_interrupt_type_t type, bool *pending);
hv_return_t kvm_get_vtimer_mask(struct hvi_vcpu *v, bool *masked);
hv_return_t kvm_set_vtimer_mask(struct hvi_vcpu *v, bool masked);
hv_return_t kvm_get_vtimer_offset(struct hvi_vcpu *v, uint64_t *offset);
hv_return_t kvm_set_vtimer_offset(struct hvi_vcpu *v, uint64_t offset);
hv_return_t kvm_get_exec_time(struct hvi_vcpu *v, uint64_t *time);
bool kvm_counter(struct hvi_vcpu *v, unsigned index, const char **name, uint64_t *value);
int kvm_vcpu_ioctl(struct hvi_vcpu *v, unsigned long request, void *argument);

/* regs.c */
/* One register by KVM's id; -1 and errno on failure. */
int kvm_get_one(struct hvi_vcpu *v, uint64_t id, void *value);
int kvm_set_one(struct hvi_vcpu *v, uint64_t id, const void *value);
hv_return_t kvm_get_reg(struct hvi_vcpu *v, hv_reg_t reg, uint64_t *value);
hv_return_t kvm_set_reg(struct hvi_vcpu *v, hv_reg_t reg, uint64_t value);
hv_return_t kvm_get_simd(struct hvi_vcpu *v, hv_simd_fp_reg_t reg, hv_simd_fp_uchar16_t *value);
hv_return_t kvm_set_simd(struct hvi_vcpu *v, hv_simd_fp_reg_t reg, hv_simd_fp_uchar16_t value);
hv_return_t kvm_get_sys_reg(struct hvi_vcpu *v, hv_sys_reg_t reg, uint64_t *value);
hv_return_t kvm_set_sys_reg(struct hvi_vcpu *v, hv_sys_reg_t reg, uint64_t value);
/* Give KVM the dirty registers except those in `keep`. HV_ILLEGAL_GUEST_STATE if it refuses one. */
hv_return_t kvm_flush_regs(struct hvi_vcpu *v, uint64_t keep);
/* The registers that KVM resets to something else than Apple's zero. */
hv_return_t kvm_reset_regs(struct hvi_vcpu *v);
/* Show a CPU without AArch32, as Apple's are, if the kernel lets us (Linux 6.7 on). */
void kvm_hide_aarch32(struct hvi_vcpu *v);

/* exit.c */
/* Translate KVM's exit. True: *exit is filled (or *result is an error) and the client is to see it;
 * false: handled here, run on. */
bool kvm_translate_exit(struct hvi_vcpu *v, hv_vcpu_exit_t *exit, hv_return_t *result);
/* Settle an unfinished memory access with what the client did about it. Before KVM_RUN. Leaves in
 * *keep the registers that the kernel will write itself. */
hv_return_t kvm_settle_mmio(struct hvi_vcpu *v, uint64_t *keep);
/* Put an unfinished access behind us without a change to any register; or with KVM's change, the
 * loaded value being in run->mmio.data. */
hv_return_t kvm_drop_mmio(struct hvi_vcpu *v);
hv_return_t kvm_finish_mmio(struct hvi_vcpu *v);

/* debug.c */
hv_return_t kvm_set_trap_debug(struct hvi_vcpu *v, bool exceptions, bool reg_accesses);
/* Before each run, when the lines are set: arm breakpoints and single step as the client's debug
 * registers say, if it wants debug exceptions, and have the guest stop where it takes an interrupt,
 * if it wants that (option irq_exit). */
hv_return_t kvm_prepare_debug(struct hvi_vcpu *v);
hv_return_t kvm_translate_debug(struct hvi_vcpu *v, hv_vcpu_exit_t *exit);

/* guest_insn.c */
/* The instruction at a guest virtual address, as the vCPU would fetch it now. */
bool kvm_fetch_insn(struct hvi_vcpu *v, uint64_t va, uint32_t *insn);
/* What a load or store of one general register does, from its encoding. False for all others. */
bool kvm_decode_access(uint32_t insn, struct mmio *mmio);
/* The virtual address that it accesses; 0 if not known. */
uint64_t kvm_access_address(struct hvi_vcpu *v, uint32_t insn, uint64_t pc, hv_ipa_t ipa);

/* probe.c */
bool kvm_probe(struct hvi_limits *limits, char *why, size_t why_size);
hv_return_t kvm_get_feature_reg(hv_feature_reg_t reg, uint64_t *value);
hv_return_t kvm_get_ccsidr(hv_cache_type_t type, uint64_t values[8]);
/* Target and features of a vCPU on this host. */
bool kvm_choose_init(int vm, struct kvm_vcpu_init *init);
/* /dev/kvm, or -errno and the reason in words. */
int kvm_open_device(char *why, size_t why_size);

/* gic.c */
hv_return_t kvm_gic_create(const struct hvi_gic_config *config);
/* After the last vCPU was made, before anything else is done with the GIC. */
hv_return_t kvm_gic_start(void);
void kvm_gic_forget(void);
/* An access to the MSI frame: handled (the value of a read is in run->mmio.data). */
bool kvm_gic_mmio(struct hvi_vcpu *v);
hv_return_t kvm_gic_set_spi(uint32_t intid, bool level);
hv_return_t kvm_gic_send_msi(uint32_t intid);
hv_return_t kvm_gic_get_dist_reg(uint32_t offset, uint64_t *value);
hv_return_t kvm_gic_set_dist_reg(uint32_t offset, uint64_t value);
hv_return_t kvm_gic_get_redist_reg(struct hvi_vcpu *v, uint32_t offset, uint64_t *value);
hv_return_t kvm_gic_set_redist_reg(struct hvi_vcpu *v, uint32_t offset, uint64_t value);
hv_return_t kvm_gic_get_icc_reg(struct hvi_vcpu *v, hv_gic_icc_reg_t reg, uint64_t *value);
hv_return_t kvm_gic_set_icc_reg(struct hvi_vcpu *v, hv_gic_icc_reg_t reg, uint64_t value);
hv_return_t kvm_gic_get_msi_reg(hv_gic_msi_reg_t reg, uint64_t *value);
hv_return_t kvm_gic_set_msi_reg(hv_gic_msi_reg_t reg, uint64_t value);
/* One word of the distributor, of a vCPU's redistributor, or 32 line levels from intid on, by the
 * kernel's accessors for restoring. request: KVM_GET_ or KVM_SET_DEVICE_ATTR. -1 and errno. */
int kvm_gic_dist_word(unsigned long request, uint32_t offset, uint32_t *value);
int kvm_gic_redist_word(unsigned long request, const struct hvi_vcpu *v, uint32_t offset,
                        uint32_t *value);
int kvm_gic_level_word(unsigned long request, const struct hvi_vcpu *v, uint32_t intid,
                       uint32_t *levels);

/* gic_state.c */
hv_return_t kvm_gic_state_save(void *buf, size_t *size);
hv_return_t kvm_gic_state_restore(const void *buf, size_t size);
hv_return_t kvm_gic_reset(void);
