/* SPDX-License-Identifier: MIT */
/*
 * What our Hypervisor.framework offers beyond Apple's: which backend runs, its options and
 * counters. Everything here is optional. A program built on Apple's framework links a file in which
 * each call answers "unsupported" (false); the monitor works fully without.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The environment variable that chooses the backend: "auto" (or unset), "kvm", "soft". Read once,
 * at the first call that needs a backend. */
#define HVX_BACKEND_ENV "TINYVMM_BACKEND"

struct hvx_backend_info {
    const char *name;   /* "soft" */
    const char *title;  /* "ARM64 software CPU" */
    bool available;     /* can run on this host, now */
    bool chosen;        /* the one that this process uses */
    char why[200];      /* why it is not available, else empty */
    uint32_t max_vcpus; /* limits, 0 if not available */
    uint32_t max_ipa_bits;
    bool gic;
};

/* The index-th backend of this build, best first. False past the end. Any thread. */
bool hvx_backend(unsigned index, struct hvx_backend_info *info);

/* Set an option of the chosen backend ("jit" = "on" | "off" | "verify", ...). Before hv_vm_create.
 * "jit" = "verify" runs all translated code in the interpreter too; at the first difference
 * hv_vcpu_run() fails with HV_ERROR and hvx_last_error() tells it, in several lines.
 * "irq_exit" = "on" | "off": when the guest takes an interrupt of hv_vcpu_set_pending_interrupt,
 * the run ends at the vector, cancelled; a client without a GIC learns so that its interrupt has
 * arrived. "perf-map" = "on" | "off": name translated code for perf in /tmp/perf-PID.map, which
 * must not be there yet when the VM is created. "jit-code" = bytes of memory for decoded and
 * translated code per vCPU, in decimal, 524288 to 1073741824. "count" = "on" | "off": count the
 * guest's instructions in translated code too (a counter, "instructions"). False if the backend has
 * no such option or does not take the value. */
bool hvx_set_option(const char *name, const char *value);

/* The index-th counter of a vCPU ("instructions", "blocks", ...), counted since its creation. On
 * the vCPU's owner thread. False past the end, or if there are none. */
bool hvx_vcpu_counter(uint64_t vcpu, unsigned index, const char **name, uint64_t *value);

/* Why the calling thread's latest hv_ call that failed did so, in words, where the backend knows
 * more than the result says; else "". Valid until the thread's next call. */
const char *hvx_last_error(void);

#ifdef __cplusplus
}
#endif
