/* SPDX-License-Identifier: MIT */
/* For suite.sh: the backends of this build, "yes NAME" or "no NAME why", one per line. */
#include <hvx.h>
#include <stdio.h>

int main(void)
{
    struct hvx_backend_info info;
    for (unsigned i = 0; hvx_backend(i, &info); i++) {
        if (info.available)
            printf("yes %s\n", info.name);
        else
            printf("no %s %s\n", info.name, info.why);
    }
    return 0;
}
