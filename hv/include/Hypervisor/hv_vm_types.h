/* SPDX-License-Identifier: MIT */
/* Types of the virtual machine as a whole. */
#pragma once

#include <Hypervisor/hv_base.h>
#include <os/object.h>

/* Guest physical address ("intermediate physical address" in the Arm manual). */
typedef uint64_t hv_ipa_t;

/* Settings of a VM before it is created: a reference-counted object, see hv_vm_config.h. */
OS_OBJECT_DECL(hv_vm_config);
