/* SPDX-License-Identifier: MIT */
/*
 * The demo guest, assembled from guest.S and kept as bytes so that no assembler is needed to build
 * TinyVMM. `make guest.bin` assembles it again; a test compares.
 */
#include "vmm.h"

#include "demo_guest.h"

int demo_image(struct image *image, struct vm_error *error)
{
    return image_builtin(image, "demo", demo_guest, sizeof(demo_guest), error);
}
