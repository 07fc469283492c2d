/* SPDX-License-Identifier: MIT */
/*
 * Availability marks of Apple's headers. Here every declared function exists, so they mean nothing:
 * API_AVAILABLE(macos(15.0)) only tells the reader which release brought the call.
 */
#pragma once

#ifndef API_AVAILABLE
#define API_AVAILABLE(...)
#endif
#ifndef API_UNAVAILABLE
#define API_UNAVAILABLE(...)
#endif
#ifndef API_DEPRECATED
#define API_DEPRECATED(...)
#endif
#ifndef API_DEPRECATED_WITH_REPLACEMENT
#define API_DEPRECATED_WITH_REPLACEMENT(...)
#endif

/* Run-time check of the system's release: clang has it built in, gcc has not. Always yes. */
#ifdef __has_builtin
#if !__has_builtin(__builtin_available)
#define __builtin_available(...) 1
#endif
#endif
