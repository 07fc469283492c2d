/* SPDX-License-Identifier: MIT */
/*
 * Reference counts of the objects that the framework hands out (configurations, GIC states). A
 * creator returns an object with one reference; os_release() of the last one frees it.
 */
#pragma once

#include <os/availability.h>
#include <os/base.h>

#define OS_OBJECT_USE_OBJC         0
#define OS_OBJECT_RETURNS_RETAINED /* the caller owns one reference */
#define OS_OBJECT_DECL(_name)      typedef struct _name##_s *_name##_t

OS_ASSUME_NONNULL_BEGIN

/* Take one more reference; returns `object`. Any thread. */
OS_EXPORT void *os_retain(void *object);

/* Give one reference back. Any thread. */
OS_EXPORT void os_release(void *object);

OS_ASSUME_NONNULL_END
