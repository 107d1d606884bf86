/* SPDX-License-Identifier: MIT */
/* DESIGN: a context is a chain of nodes that never change, newest first, each holding a reference to the one before. To
 * inherit is to take one reference; to set is to put a node in front. Looking up walks the chain: services set a handful
 * of keys. */
#include "tasks/context.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "tasks/exec.h"

struct tdm__context {
    tdm__context *before;
    const tdm_context_key *key;
    void *value;
    void (*drop)(void *value);
    _Atomic unsigned references;
};

tdm__context *tdm__context_ref(tdm__context *context)
{
    if (context)
        atomic_fetch_add_explicit(&context->references, 1, memory_order_relaxed);
    return context;
}

void tdm__context_unref(tdm__context *context)
{
    while (context && atomic_fetch_sub(&context->references, 1) == 1) {
        tdm__context *before = context->before;
        if (context->drop)
            context->drop(context->value);
        free(context);
        context = before;
    }
}

tdm__context *tdm__context_current(void)
{
    tdm__exec *exec = tdm__exec_inside();
    if (!exec)
        exec = tdm__exec_to_wait(); /* a thread of the user's own */
    return exec ? exec->context : NULL;
}

uint64_t tdm_context_request(void)
{
    tdm__exec *exec = tdm__exec_inside();
    return exec && exec->kind ? exec->kind->request(exec) : 0;
}

int tdm_context_set(const tdm_context_key *key, const void *value, void (*drop)(void *value))
{
    tdm__exec *exec = tdm__exec_to_wait();
    if (!exec)
        return -EDEADLK;
    tdm__context *node = malloc(sizeof *node);
    if (!node)
        return -ENOMEM;
    *node = (tdm__context){.before = exec->context, .key = key, .value = (void *) (uintptr_t) value, .drop = drop};
    atomic_init(&node->references, 1);
    exec->context = node; /* our reference to the one before is now the node's */
    return 0;
}

static const tdm__context *find(const tdm__context *context, const tdm_context_key *key)
{
    while (context && context->key != key)
        context = context->before;
    return context;
}

const void *tdm_context_get(const tdm_context_key *key)
{
    const tdm__context *node = find(tdm__context_current(), key);
    return node ? node->value : NULL;
}

tdm_context_mark tdm_context_save(void)
{
    return (tdm_context_mark){tdm__context_ref(tdm__context_current())};
}

void tdm_context_restore(tdm_context_mark mark)
{
    tdm__exec *exec = tdm__exec_to_wait();
    if (!exec)
        return;
    tdm__context_unref(exec->context);
    exec->context = mark._context;
}

size_t tdm__context_format(const tdm__context *context, char *to, size_t size)
{
    size_t used = 0;
    *to = '\0';
    for (const tdm__context *node = context; node; node = node->before) {
        if (!node->key->logged || !node->value || find(context, node->key) != node)
            continue;
        int n = snprintf(to + used, size - used, " %s=%s", node->key->name, (const char *) node->value);
        if (n < 0 || used + (size_t) n >= size)
            break; /* cut: a log line has a bound */
        used += (size_t) n;
    }
    to[used < size ? used : size - 1] = '\0';
    return used;
}
