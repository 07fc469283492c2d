/* SPDX-License-Identifier: MIT */
/*
 * A C program without an operating system. It tells which VM it is and how much memory it has, and
 * its return value becomes the exit status of tinyvmm.
 *
 *     make guest/examples/hello.bin && ./tinyvmm run guest/examples/hello.bin
 */
#include "lib.h"

int main(void)
{
    print("Hello from VM %lu of %lu: %lu KiB of memory\n", vm_info(TINYVMM_INFO_VM),
          vm_info(TINYVMM_INFO_VMS), vm_info(TINYVMM_INFO_MEMORY_SIZE) / 1024);
    return 0;
}
