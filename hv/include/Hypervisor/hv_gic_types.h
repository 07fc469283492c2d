/* SPDX-License-Identifier: MIT */
/*
 * Names of the interrupt controller's registers (GICv3). The value of a distributor or
 * redistributor register is its offset from the frame's base, that of a CPU interface register its
 * encoding as in hv_sys_reg_t. The numbered registers (IROUTER32 ... IROUTER1019) are made by
 * HV_GIC_LIST_n macros, which exist within this file only: there are more than 1500 of them.
 */
#pragma once

#include <Hypervisor/hv_base.h>
#include <Hypervisor/hv_vcpu_types.h>

OS_ASSUME_NONNULL_BEGIN

OS_OBJECT_DECL(hv_gic_config);
OS_OBJECT_DECL(hv_gic_state);

/* Private interrupts with a fixed number, which is the value. */
/* clang-format off */
OS_ENUM(hv_gic_intid, uint16_t,
    HV_GIC_INT_PERFORMANCE_MONITOR = 23,
    HV_GIC_INT_MAINTENANCE = 25,        /* EL2 VMs */
    HV_GIC_INT_EL2_PHYSICAL_TIMER = 26, /* EL2 VMs */
    HV_GIC_INT_EL1_VIRTUAL_TIMER = 27,
    HV_GIC_INT_EL1_PHYSICAL_TIMER = 30,
);
/* clang-format on */

/* X(n) for each n of a range; p is the number's leading digits, 1 ... 9 written out by the user. */
#define HV_GIC_LIST_1_9(X) X(1), X(2), X(3), X(4), X(5), X(6), X(7), X(8), X(9)
#define HV_GIC_LIST_10(X, p)                                                                       \
    X(p##0), X(p##1), X(p##2), X(p##3), X(p##4), X(p##5), X(p##6), X(p##7), X(p##8), X(p##9)
#define HV_GIC_LIST_100(X, p)                                                                      \
    HV_GIC_LIST_10(X, p##0), HV_GIC_LIST_10(X, p##1), HV_GIC_LIST_10(X, p##2),                     \
        HV_GIC_LIST_10(X, p##3), HV_GIC_LIST_10(X, p##4), HV_GIC_LIST_10(X, p##5),                 \
        HV_GIC_LIST_10(X, p##6), HV_GIC_LIST_10(X, p##7), HV_GIC_LIST_10(X, p##8),                 \
        HV_GIC_LIST_10(X, p##9)
#define HV_GIC_LIST_0_31(X)                                                                        \
    X(0), HV_GIC_LIST_1_9(X), HV_GIC_LIST_10(X, 1), HV_GIC_LIST_10(X, 2), X(30), X(31)
#define HV_GIC_LIST_0_63(X)                                                                        \
    X(0), HV_GIC_LIST_1_9(X), HV_GIC_LIST_10(X, 1), HV_GIC_LIST_10(X, 2), HV_GIC_LIST_10(X, 3),    \
        HV_GIC_LIST_10(X, 4), HV_GIC_LIST_10(X, 5), X(60), X(61), X(62), X(63)
#define HV_GIC_LIST_10_99(X)                                                                       \
    HV_GIC_LIST_10(X, 1), HV_GIC_LIST_10(X, 2), HV_GIC_LIST_10(X, 3), HV_GIC_LIST_10(X, 4),        \
        HV_GIC_LIST_10(X, 5), HV_GIC_LIST_10(X, 6), HV_GIC_LIST_10(X, 7), HV_GIC_LIST_10(X, 8),    \
        HV_GIC_LIST_10(X, 9)
#define HV_GIC_LIST_0_254(X)                                                                       \
    X(0), HV_GIC_LIST_1_9(X), HV_GIC_LIST_10_99(X), HV_GIC_LIST_100(X, 1), HV_GIC_LIST_10(X, 20),  \
        HV_GIC_LIST_10(X, 21), HV_GIC_LIST_10(X, 22), HV_GIC_LIST_10(X, 23),                       \
        HV_GIC_LIST_10(X, 24), X(250), X(251), X(252), X(253), X(254)
#define HV_GIC_LIST_32_1019(X)                                                                     \
    X(32), X(33), X(34), X(35), X(36), X(37), X(38), X(39), HV_GIC_LIST_10(X, 4),                  \
        HV_GIC_LIST_10(X, 5), HV_GIC_LIST_10(X, 6), HV_GIC_LIST_10(X, 7), HV_GIC_LIST_10(X, 8),    \
        HV_GIC_LIST_10(X, 9), HV_GIC_LIST_100(X, 1), HV_GIC_LIST_100(X, 2), HV_GIC_LIST_100(X, 3), \
        HV_GIC_LIST_100(X, 4), HV_GIC_LIST_100(X, 5), HV_GIC_LIST_100(X, 6),                       \
        HV_GIC_LIST_100(X, 7), HV_GIC_LIST_100(X, 8), HV_GIC_LIST_100(X, 9),                       \
        HV_GIC_LIST_10(X, 100), HV_GIC_LIST_10(X, 101)

#define HV_GIC_D(name, n, at) HV_GIC_DISTRIBUTOR_REG_GICD_##name##n = (at)
#define HV_GIC_IGROUPR(n)     HV_GIC_D(IGROUPR, n, 0x80 + 4 * n)
#define HV_GIC_ISENABLER(n)   HV_GIC_D(ISENABLER, n, 0x100 + 4 * n)
#define HV_GIC_ICENABLER(n)   HV_GIC_D(ICENABLER, n, 0x180 + 4 * n)
#define HV_GIC_ISPENDR(n)     HV_GIC_D(ISPENDR, n, 0x200 + 4 * n)
#define HV_GIC_ICPENDR(n)     HV_GIC_D(ICPENDR, n, 0x280 + 4 * n)
#define HV_GIC_ISACTIVER(n)   HV_GIC_D(ISACTIVER, n, 0x300 + 4 * n)
#define HV_GIC_ICACTIVER(n)   HV_GIC_D(ICACTIVER, n, 0x380 + 4 * n)
#define HV_GIC_IPRIORITYR(n)  HV_GIC_D(IPRIORITYR, n, 0x400 + 4 * n)
#define HV_GIC_ICFGR(n)       HV_GIC_D(ICFGR, n, 0xc00 + 4 * n)
#define HV_GIC_IROUTER(n)     HV_GIC_D(IROUTER, n, 0x6000 + 8 * n)

/* clang-format off */
OS_ENUM(hv_gic_distributor_reg, uint16_t,
    HV_GIC_DISTRIBUTOR_REG_GICD_CTLR = 0x0,
    HV_GIC_DISTRIBUTOR_REG_GICD_TYPER = 0x4,
    HV_GIC_LIST_0_31(HV_GIC_IGROUPR),
    HV_GIC_LIST_0_31(HV_GIC_ISENABLER),
    HV_GIC_LIST_0_31(HV_GIC_ICENABLER),
    HV_GIC_LIST_0_31(HV_GIC_ISPENDR),
    HV_GIC_LIST_0_31(HV_GIC_ICPENDR),
    HV_GIC_LIST_0_31(HV_GIC_ISACTIVER),
    HV_GIC_LIST_0_31(HV_GIC_ICACTIVER),
    HV_GIC_LIST_0_254(HV_GIC_IPRIORITYR),
    HV_GIC_LIST_0_63(HV_GIC_ICFGR),
    HV_GIC_LIST_32_1019(HV_GIC_IROUTER),
    HV_GIC_DISTRIBUTOR_REG_GICD_PIDR2 = 0xffe8,
);
/* clang-format on */

#undef HV_GIC_IGROUPR
#undef HV_GIC_ISENABLER
#undef HV_GIC_ICENABLER
#undef HV_GIC_ISPENDR
#undef HV_GIC_ICPENDR
#undef HV_GIC_ISACTIVER
#undef HV_GIC_ICACTIVER
#undef HV_GIC_IPRIORITYR
#undef HV_GIC_ICFGR
#undef HV_GIC_IROUTER
#undef HV_GIC_D
#undef HV_GIC_LIST_32_1019
#undef HV_GIC_LIST_0_254
#undef HV_GIC_LIST_10_99
#undef HV_GIC_LIST_0_63
#undef HV_GIC_LIST_0_31
#undef HV_GIC_LIST_100
#undef HV_GIC_LIST_10
#undef HV_GIC_LIST_1_9

/* clang-format off */
OS_ENUM(hv_gic_redistributor_reg, uint32_t,
    HV_GIC_REDISTRIBUTOR_REG_GICR_TYPER = 0x8,
    HV_GIC_REDISTRIBUTOR_REG_GICR_PIDR2 = 0xffe8,
    HV_GIC_REDISTRIBUTOR_REG_GICR_IGROUPR0 = 0x10080, /* from here on in the SGI frame */
    HV_GIC_REDISTRIBUTOR_REG_GICR_ISENABLER0 = 0x10100,
    HV_GIC_REDISTRIBUTOR_REG_GICR_ICENABLER0 = 0x10180,
    HV_GIC_REDISTRIBUTOR_REG_GICR_ISPENDR0 = 0x10200,
    HV_GIC_REDISTRIBUTOR_REG_GICR_ICPENDR0 = 0x10280,
    HV_GIC_REDISTRIBUTOR_REG_GICR_ISACTIVER0 = 0x10300,
    HV_GIC_REDISTRIBUTOR_REG_GICR_ICACTIVER0 = 0x10380,
    HV_GIC_REDISTRIBUTOR_REG_GICR_IPRIORITYR0 = 0x10400,
    HV_GIC_REDISTRIBUTOR_REG_GICR_IPRIORITYR1 = 0x10404,
    HV_GIC_REDISTRIBUTOR_REG_GICR_IPRIORITYR2 = 0x10408,
    HV_GIC_REDISTRIBUTOR_REG_GICR_IPRIORITYR3 = 0x1040c,
    HV_GIC_REDISTRIBUTOR_REG_GICR_IPRIORITYR4 = 0x10410,
    HV_GIC_REDISTRIBUTOR_REG_GICR_IPRIORITYR5 = 0x10414,
    HV_GIC_REDISTRIBUTOR_REG_GICR_IPRIORITYR6 = 0x10418,
    HV_GIC_REDISTRIBUTOR_REG_GICR_IPRIORITYR7 = 0x1041c,
    HV_GIC_REDISTRIBUTOR_REG_GICR_ICFGR0 = 0x10c00,
    HV_GIC_REDISTRIBUTOR_REG_GICR_ICFGR1 = 0x10c04,
);
/* clang-format on */

/* CPU interface. */
/* clang-format off */
OS_ENUM(hv_gic_icc_reg, uint16_t,
    HV_GIC_ICC_REG_PMR_EL1 = 0xc230,
    HV_GIC_ICC_REG_BPR0_EL1 = 0xc643,
    HV_GIC_ICC_REG_AP0R0_EL1 = 0xc644,
    HV_GIC_ICC_REG_AP1R0_EL1 = 0xc648,
    HV_GIC_ICC_REG_RPR_EL1 = 0xc65b,
    HV_GIC_ICC_REG_BPR1_EL1 = 0xc663,
    HV_GIC_ICC_REG_CTLR_EL1 = 0xc664,
    HV_GIC_ICC_REG_SRE_EL1 = 0xc665,
    HV_GIC_ICC_REG_IGRPEN0_EL1 = 0xc666,
    HV_GIC_ICC_REG_IGRPEN1_EL1 = 0xc667,
    HV_GIC_ICC_REG_SRE_EL2 = 0xe64d, /* EL2 VMs */
);
/* clang-format on */

/* CPU interface of a nested guest (EL2 VMs). */
/* clang-format off */
OS_ENUM(hv_gic_icv_reg, uint16_t,
    HV_GIC_ICV_REG_PMR_EL1 = 0xc230,
    HV_GIC_ICV_REG_BPR0_EL1 = 0xc643,
    HV_GIC_ICV_REG_AP0R0_EL1 = 0xc644,
    HV_GIC_ICV_REG_AP1R0_EL1 = 0xc648,
    HV_GIC_ICV_REG_RPR_EL1 = 0xc65b,
    HV_GIC_ICV_REG_BPR1_EL1 = 0xc663,
    HV_GIC_ICV_REG_CTLR_EL1 = 0xc664,
    HV_GIC_ICV_REG_SRE_EL1 = 0xc665,
    HV_GIC_ICV_REG_IGRPEN0_EL1 = 0xc666,
    HV_GIC_ICV_REG_IGRPEN1_EL1 = 0xc667,
);
/* clang-format on */

/* Virtualisation control (EL2 VMs). */
/* clang-format off */
OS_ENUM(hv_gic_ich_reg, uint16_t,
    HV_GIC_ICH_REG_AP0R0_EL2 = 0xe640,
    HV_GIC_ICH_REG_AP1R0_EL2 = 0xe648,
    HV_GIC_ICH_REG_HCR_EL2 = 0xe658,
    HV_GIC_ICH_REG_VTR_EL2 = 0xe659,
    HV_GIC_ICH_REG_MISR_EL2 = 0xe65a,
    HV_GIC_ICH_REG_EISR_EL2 = 0xe65b,
    HV_GIC_ICH_REG_ELRSR_EL2 = 0xe65d,
    HV_GIC_ICH_REG_VMCR_EL2 = 0xe65f,
    HV_GIC_ICH_REG_LR0_EL2 = 0xe660,
    HV_GIC_ICH_REG_LR1_EL2 = 0xe661,
    HV_GIC_ICH_REG_LR2_EL2 = 0xe662,
    HV_GIC_ICH_REG_LR3_EL2 = 0xe663,
    HV_GIC_ICH_REG_LR4_EL2 = 0xe664,
    HV_GIC_ICH_REG_LR5_EL2 = 0xe665,
    HV_GIC_ICH_REG_LR6_EL2 = 0xe666,
    HV_GIC_ICH_REG_LR7_EL2 = 0xe667,
    HV_GIC_ICH_REG_LR8_EL2 = 0xe668,
    HV_GIC_ICH_REG_LR9_EL2 = 0xe669,
    HV_GIC_ICH_REG_LR10_EL2 = 0xe66a,
    HV_GIC_ICH_REG_LR11_EL2 = 0xe66b,
    HV_GIC_ICH_REG_LR12_EL2 = 0xe66c,
    HV_GIC_ICH_REG_LR13_EL2 = 0xe66d,
    HV_GIC_ICH_REG_LR14_EL2 = 0xe66e,
    HV_GIC_ICH_REG_LR15_EL2 = 0xe66f,
);
/* clang-format on */

/* MSI frame, GICv2m style. */
/* clang-format off */
OS_ENUM(hv_gic_msi_reg, uint16_t,
    HV_GIC_REG_GICM_TYPER = 0x8,
    HV_GIC_REG_GICM_SET_SPI_NSR = 0x40,
);
/* clang-format on */

OS_ASSUME_NONNULL_END
