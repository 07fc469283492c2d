/* SPDX-License-Identifier: MIT */
/*
 * The machines there are, and which one a guest file is for. A machine's own file (machine_NAME.c)
 * has its memory map, its devices and the order in which it is set up.
 */
#include "vmm.h"

#include <string.h>

/* Machine virt's RAM begins here; a program linked below it is not for that board. */
#define VIRT_RAM UINT64_C(0x40000000)

static const struct machine *const machines[] = {
    &machine_tiny,
    &machine_virt,
};

const struct machine *machine_at(unsigned index)
{
    return index < sizeof(machines) / sizeof(machines[0]) ? machines[index] : NULL;
}

const char *machine_names(void)
{
    return "tiny, virt";
}

static const char *name_for(const struct image *image)
{
    if (image->format == IMAGE_LINUX)
        return "virt";
    if (image->format == IMAGE_ELF && image->low >= VIRT_RAM)
        return "virt";
    return "tiny";
}

const struct machine *machine_find(const char *name, const struct image *image)
{
    if (!name)
        name = name_for(image);
    for (unsigned i = 0; machine_at(i); i++)
        if (strcmp(machine_at(i)->name, name) == 0)
            return machine_at(i);
    return NULL;
}
