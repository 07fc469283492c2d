/* SPDX-License-Identifier: MIT */
/* The one header that a build on Apple's framework takes from here; the others would hide Apple's.
 */
#include "../../include/hvx.h"
