/* SPDX-License-Identifier: MIT */
/* The backends of an arm64 Linux host, best first. */
#include "backend.h"

extern const struct hvi_backend hvi_kvm;
extern const struct hvi_backend hvi_soft;

const struct hvi_backend *const hvi_backends[] = {&hvi_kvm, &hvi_soft, NULL};
