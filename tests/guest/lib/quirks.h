/* SPDX-License-Identifier: MIT */
/* Where a platform is known to differ from the architecture: the tests concerned are skipped. */
#pragma once
#define QUIRK_NO_DEVICE_ALIGNMENT                                                                  \
    1                           /* QEMU 7.2: unaligned access to Device memory does not fault      \
                                 */
#define QUIRK_BLOCK_ANYWHERE 2  /* QEMU 7.2: a block at level 0 translates */
#define QUIRK_CACHE_OPS_FREE 4  /* QEMU 7.2: DC and IC by address never fault */
#define QUIRK_SP_UNCHECKED   8  /* QEMU 7.2: no SP alignment; aborts before PC alignment */
#define QUIRK_DAIF_ISS       16 /* QEMU 7.2: op1 and op2 swapped in that syndrome */
#define QUIRK_IC_NOTHING     32 /* QEMU 7.2: IC does nothing, its own way to notice is racy */
#define QUIRK_GUARD_KEPT     64 /* QEMU 7.2: translated code stays guarded or not as it was first */
#define QUIRK_OS_LOCK_OPEN   128 /* QEMU 7.2: debug exceptions whatever the OS lock says */
#define QUIRK_WATCH_SLOPPY                                                                         \
    256 /* QEMU 7.2: WnR of the hit before, FAR of a crossing access below the access */
