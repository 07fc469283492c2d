/* SPDX-License-Identifier: MIT */
/* How often the guest's own workloads do what they do in a run; the host knows the answers from it.
 */
#pragma once

#define SVC_COUNT       100000
#define TLBI_COUNT      100000
#define MODIFY_COUNT    20000
#define HYPERCALL_COUNT 300000
#define MMIO_COUNT      300000
