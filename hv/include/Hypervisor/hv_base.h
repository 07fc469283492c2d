/* SPDX-License-Identifier: MIT */
/* What every Hypervisor header needs: integer types, compiler helpers, result codes. */
#pragma once

#include <arm64/hv/hv_kern_types.h>
#include <os/availability.h>
#include <os/base.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define HV_API_AVAILABLE_ARM64(...)  API_AVAILABLE(__VA_ARGS__)
#define HV_API_AVAILABLE_X86_64(...) API_UNAVAILABLE(macos)
