/* SPDX-License-Identifier: MIT */
/* A build without libfdt has no device trees, and so no machine virt. */
#include "dtb.h"

#include <errno.h>

bool dtb_available(const char **why)
{
    *why = "built without libfdt: install libfdt-dev and run make";
    return false;
}

int dtb_build(const struct dtb_config *config, void *buf, size_t size, size_t *used)
{
    (void)config;
    (void)buf;
    (void)size;
    (void)used;
    return -ENOTSUP;
}
