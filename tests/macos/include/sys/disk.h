/* SPDX-License-Identifier: MIT */
/* Stands in for Darwin's <sys/disk.h>, which is not among the headers that sdk.sh gets: the two
 * questions that the monitor asks a block device. In checks only; a Mac has the real one. */
#pragma once

#include <stdint.h>
#include <sys/ioctl.h>

#define DKIOCGETBLOCKSIZE  _IOR('d', 24, uint32_t)
#define DKIOCGETBLOCKCOUNT _IOR('d', 25, uint64_t)
