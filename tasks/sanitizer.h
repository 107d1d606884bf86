/* SPDX-License-Identifier: MIT */
/* Which sanitizer this is built with: they must be told of every switch between stacks. */
#ifndef TANDEM_TASKS_SANITIZER_H
#define TANDEM_TASKS_SANITIZER_H

#if defined(__SANITIZE_ADDRESS__)
#define TDM__ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TDM__ASAN 1
#endif
#endif

#if defined(__SANITIZE_THREAD__)
#define TDM__TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TDM__TSAN 1
#endif
#endif

#ifndef TDM__ASAN
#define TDM__ASAN 0
#endif
#ifndef TDM__TSAN
#define TDM__TSAN 0
#endif
#define TDM__SANITIZED (TDM__ASAN || TDM__TSAN)

#if TDM__ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if TDM__TSAN
#include <sanitizer/tsan_interface.h>
#endif

#endif
