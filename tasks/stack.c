/* SPDX-License-Identifier: MIT */
/* DESIGN: stacks are carved from slabs of 64, so that a thousand fibers cost sixteen mappings. The lowest page of each
 * is a guard. Linux 6.13 and later install it with MADV_GUARD_INSTALL, which needs no mapping of its own; before that
 * mprotect splits the slab, and vm.max_map_count (65,530 by default) allows about 32,000 stacks in a process. When a
 * guard cannot be had, no stack is handed out: a fiber never runs without one.
 * Huge pages are turned off for slabs, else each touched stack could cost 2 MiB. */
#include "tasks/stack.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tasks/sanitizer.h"
#include <tandem/log.h>
#include <tandem/task.h>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

enum {
    STACKS_PER_SLAB = 64,
    SPARE_MAPS = 32, /* one in so many mappings is left to threads, libraries and malloc() */
};

struct tdm__slab {
    struct tdm__slab *older;
    char *base;
    size_t used;
};

typedef enum guard_kind { GUARD_UNKNOWN, GUARD_MADVISE, GUARD_MPROTECT } guard_kind;
static _Atomic int guard; /* guard_kind: found out by the first stack of the process */

size_t tdm__stack_size(void)
{
    return (size_t) TDM_FIBER_STACK * (TDM__SANITIZED ? 4 : 1);
}

static size_t page_size(void)
{
    static _Atomic long size;
    if (!size)
        size = sysconf(_SC_PAGESIZE);
    return (size_t) size;
}

static int install_guard(char *low)
{
    int kind = guard;
    if (kind != GUARD_MPROTECT) {
        if (madvise(low, page_size(), MADV_GUARD_INSTALL) == 0) {
            guard = GUARD_MADVISE;
            return 0;
        }
        if (kind == GUARD_MADVISE || errno != EINVAL)
            return -errno;
        guard = GUARD_MPROTECT;
    }
    return mprotect(low, page_size(), PROT_NONE) == 0 ? 0 : -errno;
}

/* Which kind of guard this kernel has is known only once one was tried. */
static void try_guard(void)
{
    size_t page = page_size();
    char *low = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (low == MAP_FAILED)
        return; /* the first stack will find out */
    int err = install_guard(low);
    (void) err; /* only the kind matters: the first stack says what is wrong */
    munmap(low, page);
}

uint64_t tdm__stack_limit(void)
{
    if (guard == GUARD_UNKNOWN)
        try_guard();
    if (guard != GUARD_MPROTECT)
        return UINT64_MAX;
    unsigned long maps = 65530;
    FILE *f = fopen("/proc/sys/vm/max_map_count", "re");
    if (f) {
        if (fscanf(f, "%lu", &maps) != 1)
            maps = 65530;
        fclose(f);
    }
    return (maps - maps / SPARE_MAPS) / 2; /* a guard splits a mapping in two */
}

static struct tdm__slab *slab_make(void)
{
    struct tdm__slab *slab = calloc(1, sizeof *slab);
    if (!slab)
        return NULL;
    size_t size = tdm__stack_size() * STACKS_PER_SLAB;
    slab->base =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (slab->base == MAP_FAILED) {
        free(slab);
        return NULL;
    }
    /* Refused where the kernel has no huge pages: then there is nothing to turn off. */
    int refused = madvise(slab->base, size, MADV_NOHUGEPAGE);
    assert(refused == 0 || errno == EINVAL);
    return slab;
}

int tdm__stack_make(tdm__stack_source *source, tdm__stack *out)
{
    if (source->exhausted)
        return -ENOMEM;
    struct tdm__slab *slab = source->slabs;
    if (!slab || slab->used == STACKS_PER_SLAB) {
        slab = slab_make();
        if (!slab)
            return -ENOMEM;
        slab->older = source->slabs;
        source->slabs = slab;
    }
    char *low = slab->base + slab->used * tdm__stack_size();
    if (install_guard(low) < 0) {
        source->exhausted = true;
        tdm_log_error("no guard page for another fiber stack after %zu: loop tasks wait for one of these to be free "
                      "(raise vm.max_map_count, or use Linux 6.13 or later)",
                      source->made);
        return -ENOMEM;
    }
    slab->used++;
    source->made++;
    *out = (tdm__stack){.low = low, .size = tdm__stack_size()};
    return 0;
}

void tdm__stack_release_pages(const tdm__stack *stack)
{
    size_t page = page_size();
    int err = madvise(stack->low + page, stack->size - page, MADV_DONTNEED);
    assert(err == 0);
}

void tdm__stack_source_finish(tdm__stack_source *source)
{
    while (source->slabs) {
        struct tdm__slab *slab = source->slabs;
        source->slabs = slab->older;
        munmap(slab->base, tdm__stack_size() * STACKS_PER_SLAB);
        free(slab);
    }
    *source = (tdm__stack_source){0};
}
