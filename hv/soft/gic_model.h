/* SPDX-License-Identifier: MIT */
/*
 * The GIC's inside, for the gic_*.c files alone.
 *
 * Interrupts stand in banks of 32, one bit each: bank 0 is private to a vCPU (SGIs 0..15,
 * PPIs 16..31), banks 1..31 are the SPIs. g->ready caches, per SPI bank, what is enabled, pending
 * and not active; each vCPU has a bitmap of the SPIs that go to it. So choosing the highest
 * priority pending interrupt looks at words, and at single interrupts only where one is ready.
 *
 * Invariant: whenever the lock is free, g->ready, the routes, and hppi and lines of every vCPU
 * agree with the registers. Who changes a bank calls gic_bank_changed; who changes a CPU interface
 * calls gic_eval.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "gic.h"

#define GIC_BANKS         32u
#define GIC_NOBODY        0xffu
#define GIC_PRIO_MASK     0xf8u       /* 5 priority bits */
#define GIC_IDLE_PRIO     0xffu       /* running priority when nothing is active */
#define GIC_IIDR          0x5400043bu /* product 'T', implementer Arm as every reader expects */
#define GIC_PIDR2         0x3bu       /* architecture revision 3 */

#define GICD_CTLR_ENABLES 0x3u
#define GICD_CTLR_FIXED   0x50u /* DS and ARE read as one */
#define GICR_WAKER_SLEEP  0x2u
#define GICR_WAKER_ASLEEP 0x4u
#define GICD_IROUTER_IRM  (1ull << 31)
#define GIC_AFFINITY_MASK                                                                          \
    0xff00ffffffull /* Aff3, Aff2, Aff1, Aff0 where MPIDR and IROUTER have them */

#define ICC_CTLR_CBPR    0x1u
#define ICC_CTLR_EOIMODE 0x2u
#define ICC_CTLR_FIXED   0x40400u /* range selector supported, 16 INTID bits, 5 priority bits */
#define ICC_BPR0_MIN     2u
#define ICC_BPR1_MIN     3u

struct gic_bank {
    uint32_t valid;  /* interrupts that exist; the other fields are 0 elsewhere */
    uint32_t config; /* of those, which ICFGR can change */
    uint32_t group;  /* 1 = group 1 */
    uint32_t enable;
    uint32_t latch; /* pending by an edge, an SGI, an MSI or a write to ISPENDR */
    uint32_t line;  /* input level */
    uint32_t active;
    uint32_t edge; /* 1 = edge-triggered */
    uint8_t prio[32];
};

struct gic_vcpu {
    bool attached;
    bool affinity_set;
    uint8_t frame;     /* place in the redistributor region */
    uint64_t affinity; /* masked by GIC_AFFINITY_MASK */
    uint32_t waker;
    struct gic_bank bank;
    _Atomic uint32_t ppi_lines; /* copy of bank.line for gic_set_ppi's look without the lock */
    uint32_t route[GIC_BANKS];  /* SPIs that go to this vCPU */

    /* CPU interface; [0] and [1] are the groups */
    uint8_t pmr;
    uint8_t bpr[2];
    uint32_t apr[2]; /* active priorities, bit = group priority >> 3 */
    uint32_t ctlr;   /* CBPR, EOImode */
    uint32_t igrpen[2];

    /* what gic_eval found: highest priority pending interrupt of the enabled groups */
    uint16_t hppi; /* GIC_SPURIOUS if none */
    uint8_t hppi_prio;
    uint8_t hppi_group;
    _Atomic uint32_t lines;
};

struct gic {
    pthread_mutex_t lock;
    struct gic_config config;
    uint64_t wake; /* vCPUs to wake when the lock is dropped */
    uint32_t ctlr;
    struct gic_bank bank[GIC_BANKS]; /* bank[0] has no valid interrupts: RAZ/WI as ARE = 1 asks */
    uint32_t ready[GIC_BANKS];
    uint32_t ready_banks;            /* bit n: ready[n] is not 0 */
    uint32_t anyone[GIC_BANKS];      /* SPIs of 1-of-N mode: IROUTER.Interrupt_Routing_Mode */
    uint32_t anyone_banks;           /* bit n: anyone[n] is not 0 */
    unsigned turn;                   /* where the next search for a 1-of-N target starts */
    uint64_t router[GIC_BANKS * 32]; /* GICD_IROUTER */
    uint8_t target[GIC_BANKS * 32];  /* the vCPU that router leads to now, or GIC_NOBODY */
    struct gic_vcpu vcpu[GIC_MAX_VCPUS];
    _Atomic unsigned frames; /* redistributor frames that have ever been in use: 0 to this - 1 */
};

/* One register, or `count` equal ones in a row. `n` counts from the row's start; v is the vCPU
 * whose redistributor it is, NULL in the distributor. `get` and `set` NULL: the restore family has
 * it as read and write have it. `write` NULL: read-only. */
struct gic_reg {
    uint32_t offset;
    uint16_t count;
    uint8_t size; /* bytes: 4 or 8; an 8-byte register also takes 4-byte halves */
    bool bytes;   /* takes byte accesses too */
    uint64_t (*read)(struct gic *g, struct gic_vcpu *v, unsigned n);
    void (*write)(struct gic *g, struct gic_vcpu *v, unsigned n, uint64_t value);
    uint64_t (*get)(struct gic *g, struct gic_vcpu *v, unsigned n);
};

/* gic.c */
void gic_lock(struct gic *g);
void gic_unlock(struct gic *g); /* then wakes whom gic_eval has marked */

/* gic_pick.c: which interrupt, for which vCPU */
void gic_eval(struct gic *g, struct gic_vcpu *v);
void gic_eval_all(struct gic *g);
/* Bits of a bank were written: v's own bank, or SPI bank n if v is NULL. */
void gic_bank_changed(struct gic *g, struct gic_vcpu *v, unsigned n, uint32_t bits);
void gic_router_changed(struct gic *g, unsigned intid);
void gic_respread(
    struct gic *g); /* a vCPU came, left, or changed whether it takes 1-of-N interrupts */
void gic_reroute_all(struct gic *g); /* affinities or all routers changed; evaluates everybody */

/* gic_bank.c: registers that distributor and redistributor share */
void gic_bank_reset(struct gic_bank *b);
uint64_t gic_group_read(struct gic *g, struct gic_vcpu *v, unsigned n);
void gic_group_write(struct gic *g, struct gic_vcpu *v, unsigned n, uint64_t value);
uint64_t gic_enable_read(struct gic *g, struct gic_vcpu *v, unsigned n);
void gic_enable_set(struct gic *g, struct gic_vcpu *v, unsigned n, uint64_t value);
void gic_enable_clear(struct gic *g, struct gic_vcpu *v, unsigned n, uint64_t value);
uint64_t gic_pending_read(struct gic *g, struct gic_vcpu *v, unsigned n);
uint64_t gic_latch_read(struct gic *g, struct gic_vcpu *v, unsigned n);
void gic_pending_set(struct gic *g, struct gic_vcpu *v, unsigned n, uint64_t value);
void gic_pending_clear(struct gic *g, struct gic_vcpu *v, unsigned n, uint64_t value);
uint64_t gic_active_read(struct gic *g, struct gic_vcpu *v, unsigned n);
void gic_active_set(struct gic *g, struct gic_vcpu *v, unsigned n, uint64_t value);
void gic_active_clear(struct gic *g, struct gic_vcpu *v, unsigned n, uint64_t value);
uint64_t gic_priority_read(struct gic *g, struct gic_vcpu *v, unsigned n);
void gic_priority_write(struct gic *g, struct gic_vcpu *v, unsigned n, uint64_t value);
uint64_t gic_config_read(struct gic *g, struct gic_vcpu *v, unsigned n);
void gic_config_write(struct gic *g, struct gic_vcpu *v, unsigned n, uint64_t value);
uint64_t gic_iidr_read(struct gic *g, struct gic_vcpu *v, unsigned n);
uint64_t gic_pidr2_read(struct gic *g, struct gic_vcpu *v, unsigned n);

/* One row of a register file carries an access; the width rules are here. */
uint64_t gic_reg_read(struct gic *g, struct gic_vcpu *v, const struct gic_reg *rows, size_t count,
                      uint32_t offset, unsigned size);
void gic_reg_write(struct gic *g, struct gic_vcpu *v, const struct gic_reg *rows, size_t count,
                   uint32_t offset, unsigned size, uint64_t value);
bool gic_reg_get(struct gic *g, struct gic_vcpu *v, const struct gic_reg *rows, size_t count,
                 uint32_t offset, uint64_t *value);
bool gic_reg_set(struct gic *g, struct gic_vcpu *v, const struct gic_reg *rows, size_t count,
                 uint32_t offset, uint64_t value);

/* gic_dist.c, gic_redist.c: a guest access with the lock held */
uint64_t gic_dist_access(struct gic *g, uint32_t offset, unsigned size, bool write, uint64_t value);
uint64_t gic_redist_access(struct gic *g, struct gic_vcpu *v, uint32_t offset, unsigned size,
                           bool write, uint64_t value);
uint64_t gic_msi_access(struct gic *g, uint32_t offset, unsigned size, bool write, uint64_t value);
void gic_dist_reset(struct gic *g);
void gic_redist_reset(struct gic_vcpu *v);

/* gic_cpuif.c */
void gic_cpuif_reset(struct gic_vcpu *v);
uint8_t gic_running_priority(const struct gic_vcpu *v);
/* Could an interrupt of this priority be signalled now: above PMR and above what is running? */
bool gic_can_signal(const struct gic_vcpu *v, unsigned prio, unsigned group);
