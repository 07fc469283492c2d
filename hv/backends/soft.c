/* SPDX-License-Identifier: MIT */
/* The backends of a host without arm64 virtualisation: our own CPU alone. */
#include "backend.h"

extern const struct hvi_backend hvi_soft;

const struct hvi_backend *const hvi_backends[] = {&hvi_soft, NULL};
