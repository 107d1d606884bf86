/* SPDX-License-Identifier: MIT */
/* DESIGN: a context is a chain of nodes that never change, newest first, each holding a reference to the one before. To
 * inherit is to take one reference; to set is to put a node in front. Looking up walks the chain: services set a handful
 * of keys. An execution's context goes when it ends; that of a thread of the user's own, when the thread does. */
#include "tasks/context.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "tasks/exec.h"
#include "tasks/task.h"

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

/* ---- threads of the user's own ---- */

static pthread_key_t thread_key; /* of a thread that has set something: its exec */
static int thread_key_err;
static pthread_once_t thread_key_once = PTHREAD_ONCE_INIT;

static void thread_ends(void *value)
{
    tdm__exec *exec = value;
    tdm__context_unref(exec->context);
    exec->context = NULL;
}

static void thread_key_make(void)
{
    thread_key_err = -pthread_key_create(&thread_key, thread_ends);
}

/* @return 0: what this thread sets is dropped when it ends. */
static int drop_with_thread(tdm__exec *exec)
{
    pthread_once(&thread_key_once, thread_key_make);
    return thread_key_err ? thread_key_err : -pthread_setspecific(thread_key, exec);
}

/* ---- values ---- */

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
    int err = exec->kind ? 0 : drop_with_thread(exec);
    if (err)
        return err;
    tdm__context *node = malloc(sizeof *node);
    if (!node)
        return -ENOMEM;
    *node = (tdm__context){.before = exec->context, .key = key, .drop = drop};
    memcpy(&node->value, &value, sizeof value); /* constant to all but `drop` */
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
    if (!exec) { /* where nothing could be set meanwhile, such as an evented task */
        tdm__context_unref(mark._context);
        return;
    }
    tdm__context_unref(exec->context);
    exec->context = mark._context;
}

/* @return the bytes of both strings and their NULs; 0: they do not fit. */
static size_t put_pair(char *to, size_t room, const char *name, const char *value)
{
    size_t name_size = strlen(name) + 1, value_size = strlen(value) + 1;
    if (name_size + value_size > room)
        return 0;
    memcpy(to, name, name_size);
    memcpy(to + name_size, value, value_size);
    return name_size + value_size;
}

unsigned tdm__context_tell(uint64_t *request, uint64_t *task, char *to, size_t room)
{
    tdm__exec *exec = tdm__exec_inside();
    bool known = exec && exec->kind;
    *request = known ? exec->kind->request(exec) : 0;
    *task = known && exec->kind->is_task ? tdm__task_of(exec)->row.id : 0;
    if (!exec)
        exec = tdm__exec_to_wait(); /* a thread of the user's own */
    const tdm__context *context = exec ? exec->context : NULL;
    size_t used = 0;
    for (const tdm__context *node = context; node; node = node->before) {
        if (!node->key->logged || !node->value || find(context, node->key) != node)
            continue;
        size_t size = put_pair(to + used, room - used, node->key->name, node->value);
        if (!size)
            break; /* a log line has a bound */
        used += size;
    }
    return (unsigned) used;
}
