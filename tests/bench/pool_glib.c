/* SPDX-License-Identifier: MIT */
/* DESIGN: what pool.c does, with GLib: no-ops on a GThreadPool and back to a GMainContext, so many in flight. GLib has
 * no call for the way back; the cheapest it offers is used: one GAsyncQueue, watched by one GSource, and a wake-up of
 * the context when the queue was empty (an idle source for every task, as g_idle_add() and GTask make, is slower).
 * Use: pool_glib THREADS TASKS IN_FLIGHT. A tenth of the tasks runs before, to warm up. */
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct way_back {
    GSource source; /* first: GLib allocates it */
    GAsyncQueue *ended;
} way_back;

static GMainContext *context;
static GThreadPool *pool;
static guint64 to_start, to_end;

static void noop(gpointer task, gpointer ended)
{
    g_async_queue_lock(ended);
    gboolean wake = g_async_queue_length_unlocked(ended) == 0;
    g_async_queue_push_unlocked(ended, task);
    g_async_queue_unlock(ended);
    if (wake)
        g_main_context_wakeup(context);
}

static void push(gpointer task)
{
    GError *error = NULL;
    if (g_thread_pool_push(pool, task, &error))
        return;
    fprintf(stderr, "pool_glib: push: %s\n", error->message);
    exit(1);
}

static gboolean is_back(GSource *source)
{
    return g_async_queue_length(((way_back *) source)->ended) > 0;
}

static gboolean prepare(GSource *source, gint *timeout)
{
    *timeout = -1;
    return is_back(source);
}

static gboolean take(GSource *source, GSourceFunc unused, gpointer data)
{
    (void) unused;
    (void) data;
    gpointer task;
    while ((task = g_async_queue_try_pop(((way_back *) source)->ended))) {
        to_end--;
        if (to_start) {
            to_start--;
            push(task);
        }
    }
    return G_SOURCE_CONTINUE;
}

static void go_round(guint64 in_flight, guint64 n)
{
    guint64 first = MIN(n, in_flight);
    to_start = n - first;
    to_end = n;
    for (guint64 i = 1; i <= first; i++)
        push(GSIZE_TO_POINTER(i));
    while (to_end)
        g_main_context_iteration(context, TRUE);
}

int main(int argc, char **argv)
{
    guint64 numbers[3] = {0};
    for (int i = 1; i < argc && argc == 4; i++)
        numbers[i - 1] = g_ascii_strtoull(argv[i], NULL, 10);
    if (!numbers[0] || !numbers[1] || !numbers[2]) {
        fprintf(stderr, "use: pool_glib THREADS TASKS IN_FLIGHT\n");
        return 2;
    }
    static GSourceFuncs funcs = {.prepare = prepare, .check = is_back, .dispatch = take};
    context = g_main_context_default();
    way_back *source = (way_back *) g_source_new(&funcs, sizeof *source);
    source->ended = g_async_queue_new();
    g_source_attach(&source->source, context);
    GError *error = NULL;
    pool = g_thread_pool_new(noop, source->ended, (gint) numbers[0], TRUE, &error);
    if (error) {
        fprintf(stderr, "pool_glib: threads: %s\n", error->message);
        return 1;
    }
    go_round(numbers[2], numbers[1] / 10);
    gint64 begin = g_get_monotonic_time();
    go_round(numbers[2], numbers[1]);
    printf("{\"per_second\": %f}\n", (double) numbers[1] / ((double) (g_get_monotonic_time() - begin) / 1e6));
    return 0;
}
