/* SPDX-License-Identifier: MIT */
/*
 * The compiler helpers that Apple's headers (and code written against them) expect in <os/base.h>:
 * nullability, visibility, enumerations with a storage type. For gcc and clang, C11 and C++.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __clang__
/* The pragmas keep -Wpedantic quiet about _Nullable, which is an extension of clang. */
#define OS_ASSUME_NONNULL_BEGIN                                                                    \
    _Pragma("clang diagnostic push")                                                               \
        _Pragma("clang diagnostic ignored \"-Wnullability-extension\"")                            \
            _Pragma("clang assume_nonnull begin")
#define OS_ASSUME_NONNULL_END _Pragma("clang assume_nonnull end") _Pragma("clang diagnostic pop")
#else
#ifndef _Nullable
#define _Nullable
#define _Nonnull
#define _Null_unspecified
#endif
#define OS_ASSUME_NONNULL_BEGIN
#define OS_ASSUME_NONNULL_END
#endif

#ifdef __cplusplus
#define OS_EXPORT extern "C" __attribute__((__visibility__("default")))
#else
#define OS_EXPORT extern __attribute__((__visibility__("default")))
#endif

#define OS_WARN_RESULT __attribute__((__warn_unused_result__))
#define OS_NOTHROW     __attribute__((__nothrow__))
#define OS_INLINE      static inline
#define OS_NORETURN    __attribute__((__noreturn__))

/*
 * OS_ENUM(name, type, enumerators...) declares name_t with the storage of `type`. C before C23 has
 * no portable way to give an enumeration a storage type; there name_t is the integer type itself.
 */
#ifdef __cplusplus
#define OS_ENUM(_name, _type, ...) typedef enum : _type { __VA_ARGS__ } _name##_t
#else
#define OS_ENUM(_name, _type, ...)                                                                 \
    typedef _type _name##_t;                                                                       \
    enum { __VA_ARGS__ }
#endif
