/* SPDX-License-Identifier: MIT */
/** @file
 *  What the system gives, given or refused: between the library (libevent's and the C library's calls included, where they
 *  can be reached) and the system. */
#ifndef TANDEM_TESTS_REFUSE_H
#define TANDEM_TESTS_REFUSE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

extern _Atomic long asked, refuse_at; /* 0: refuse nothing */
extern _Atomic long live;             /* allocations and mappings not given back */
extern _Atomic bool no_memory;        /* refuse every malloc and calloc */
extern _Atomic bool no_stacks;        /* refuse mappings for stacks */
extern _Atomic bool no_guard_install; /* the kernel is older than 6.13 */
extern _Atomic long guards_left;
extern _Atomic long stacks_refused;

/** For libevent, which takes its memory where it is told to. */
void refuse_in_libevent(void);

#endif
