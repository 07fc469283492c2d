/* SPDX-License-Identifier: MIT */
/*
 * hvx.h in a build on Apple's Hypervisor.framework: one backend, without options or counters. No
 * state; any thread.
 */
#include <Hypervisor/Hypervisor.h>
#include <hvx.h>
#include <stdio.h>
#include <sys/sysctl.h>

bool hvx_backend(unsigned index, struct hvx_backend_info *info)
{
    int supported = 0;
    size_t size = sizeof supported;
    if (index || !info)
        return false;
    *info = (struct hvx_backend_info){.name = "hvf", .title = "Apple Hypervisor.framework"};
    if (sysctlbyname("kern.hv_support", &supported, &size, NULL, 0) || !supported) {
        snprintf(info->why, sizeof info->why, "this Mac (or this virtual machine) has no support");
        return true;
    }
    info->available = info->chosen = true;
    hv_vm_get_max_vcpu_count(&info->max_vcpus);
    /* Imported weakly: NULL on a macOS that does not have it yet (13.0 and 15.0 brought these). */
    if (hv_vm_config_get_max_ipa_size)
        hv_vm_config_get_max_ipa_size(&info->max_ipa_bits);
    info->gic = hv_gic_create != NULL;
    return true;
}

bool hvx_set_option(const char *name, const char *value)
{
    (void)name, (void)value;
    return false;
}

bool hvx_vcpu_counter(uint64_t vcpu, unsigned index, const char **name, uint64_t *value)
{
    (void)vcpu, (void)index, (void)name, (void)value;
    return false;
}

const char *hvx_last_error(void)
{
    return "";
}
