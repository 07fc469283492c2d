/* SPDX-License-Identifier: MIT */
/*
 * Where a platform is known to differ from the architecture: the tests concerned are skipped. Most
 * of these are QEMU's, seen with 7.2. It is a platform twice: as the machine on which the programs
 * prove themselves, and as the CPU below a KVM that is tried without hardware.
 */
#pragma once

#define QUIRK_NO_DEVICE_ALIGNMENT 0x001 /* unaligned access to Device memory does not fault */
#define QUIRK_BLOCK_ANYWHERE      0x002 /* a block at level 0 translates */
#define QUIRK_CACHE_OPS_FREE      0x004 /* DC and IC by address never fault */
#define QUIRK_SP_UNCHECKED        0x008 /* no SP alignment; aborts before PC alignment */
#define QUIRK_DAIF_ISS            0x010 /* MSR DAIFSet at EL0: op1 and op2 swapped in the syndrome */
#define QUIRK_IC_NOTHING          0x020 /* IC does nothing, its own way to notice is racy */
#define QUIRK_GUARD_KEPT          0x040 /* translated code stays guarded or not as it was first */
#define QUIRK_OS_LOCK_OPEN        0x080 /* debug exceptions whatever the OS lock says */
#define QUIRK_WATCH_SLOPPY        0x100 /* WnR of the hit before, FAR of a crossing access below it */
#define QUIRK_WATCH_LDTR          0x200 /* under a stage 2, LDTR is watched as an access of EL1 */
#define QUIRK_ATOMIC_WRITES       0x400 /* on several host threads, an atomic's fault is a write's */
#define QUIRK_DIT_CLEARED         0x800  /* an exception clears PSTATE.DIT */
#define QUIRK_WFE_NOTHING         0x1000 /* WFE never waits, and so is never trapped */
#define QUIRK_XPAC_NEEDS_KEY      0x2000 /* XPACI and XPACD do nothing while no key is enabled */
/* Not QEMU's: machine tiny on the software CPU. */
#define QUIRK_NO_PHYSICAL 0x4000 /* the virtual timer alone */

#define QUIRKS_QEMU                                                                                \
    (QUIRK_NO_DEVICE_ALIGNMENT | QUIRK_BLOCK_ANYWHERE | QUIRK_CACHE_OPS_FREE |                     \
     QUIRK_SP_UNCHECKED | QUIRK_DAIF_ISS | QUIRK_IC_NOTHING | QUIRK_GUARD_KEPT |                   \
     QUIRK_WATCH_SLOPPY | QUIRK_DIT_CLEARED | QUIRK_WFE_NOTHING | QUIRK_XPAC_NEEDS_KEY)
#define QUIRKS_QEMU_ALONE (QUIRKS_QEMU | QUIRK_OS_LOCK_OPEN)
/* KVM has the OS lock right whatever the CPU does. */
#define QUIRKS_QEMU_KVM (QUIRKS_QEMU | QUIRK_WATCH_LDTR | QUIRK_ATOMIC_WRITES)
