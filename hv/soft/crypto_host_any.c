/* SPDX-License-Identifier: MIT */
/* A host whose crypto instructions are not used. */
#include "crypto_host.h"

#include <stddef.h>

op_fn *crypto_host(enum crypto_op op)
{
    (void)op;
    return NULL;
}

qarma5_fn *crypto_host_qarma5(void)
{
    return NULL;
}
