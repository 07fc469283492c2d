/* SPDX-License-Identifier: MIT */
/*
 * Which Hypervisor.framework carries the VM: a choice made before the first hv_ call of the
 * process, through hvx.h. Main thread.
 */
#include "vmm.h"

#include <hvx.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct hvx_backend_info last;

bool backend_info(unsigned index, struct vmm_backend *info)
{
    if (!hvx_backend(index, &last))
        return false;
    *info = (struct vmm_backend){
        .name = last.name,
        .title = last.title,
        .why = last.why,
        .available = last.available,
        .chosen = last.chosen,
        .gic = last.gic,
        .max_vcpus = last.max_vcpus,
        .max_ipa_bits = last.max_ipa_bits,
    };
    return true;
}

static void list_names(char *text, size_t size)
{
    struct vmm_backend info;
    size_t used = 0;
    text[0] = 0;
    for (unsigned i = 0; backend_info(i, &info) && used < size; i++) {
        int n = snprintf(text + used, size - used, "%s%s", i ? ", " : "", info.name);
        used += n > 0 ? (size_t)n : 0;
    }
}

int backend_choose(const char *name, struct vm_error *error)
{
    char names[100];
    struct vmm_backend info;
    /* The library reads the choice at the first call that needs a backend, so it comes first. */
    if (setenv(HVX_BACKEND_ENV, name, 1))
        return error_set(error, -ENOMEM, "cannot choose a backend: %s", strerror(errno));
    if (strcmp(name, "auto") == 0)
        return 0;
    for (unsigned i = 0; backend_info(i, &info); i++) {
        if (strcmp(info.name, name))
            continue;
        if (info.available)
            return 0;
        return error_set(error, -ENODEV, "backend '%s' cannot run here: %s", name, info.why);
    }
    list_names(names, sizeof(names));
    return error_set(error, -ENOENT, "no backend '%s' in this build (there are: %s)", name, names);
}

bool backend_option(const char *name, const char *value)
{
    return hvx_set_option(name, value);
}

const char *backend_title(void)
{
    struct vmm_backend info;
    for (unsigned i = 0; backend_info(i, &info); i++)
        if (info.chosen)
            return info.title;
    return "no backend";
}

uint32_t backend_max_ipa_bits(void)
{
    struct vmm_backend info;
    for (unsigned i = 0; backend_info(i, &info); i++)
        if (info.chosen)
            return info.max_ipa_bits;
    return 0;
}

void backend_explain(char *text, size_t size)
{
    struct vmm_backend info;
    size_t used = 0;
    text[0] = 0;
    for (unsigned i = 0; backend_info(i, &info) && used < size; i++) {
        int n;
        if (info.chosen)
            n = snprintf(text + used, size - used, "%sbackend %s (%s)", used ? "; " : "", info.name,
                         info.title);
        else if (!info.available)
            n = snprintf(text + used, size - used, "%snot %s: %s", used ? "; " : "", info.name,
                         info.why);
        else
            continue;
        used += n > 0 ? (size_t)n : 0;
    }
}
