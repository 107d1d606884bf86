/* SPDX-License-Identifier: MIT */
/* DESIGN: what wake.c does, with GLib: one no-op on a GThreadPool and back to the main loop by g_idle_add(), a pause,
 * the next. Use: wake_glib THREADS TIMES PAUSE_MS. The first tenth does not count. */
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>

static GMainLoop *loop;
static GThreadPool *pool;
static gint64 *took_ns;
static gsize times, done;
static guint pause_ms;
static gint64 sent_ns;

/* g_get_monotonic_time() counts microseconds, which is too coarse here. */
static gint64 now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (gint64) now.tv_sec * 1000000000 + now.tv_nsec;
}

static gboolean send_one(gpointer unused)
{
    (void) unused;
    GError *error = NULL;
    sent_ns = now_ns();
    if (!g_thread_pool_push(pool, &sent_ns, &error)) {
        fprintf(stderr, "wake_glib: push: %s\n", error->message);
        exit(1);
    }
    return G_SOURCE_REMOVE;
}

static gboolean back(gpointer unused)
{
    (void) unused;
    took_ns[done++] = now_ns() - sent_ns;
    if (done < times)
        g_timeout_add(pause_ms, send_one, NULL);
    else
        g_main_loop_quit(loop);
    return G_SOURCE_REMOVE;
}

static void noop(gpointer task, gpointer unused)
{
    (void) task;
    (void) unused;
    g_idle_add_full(G_PRIORITY_DEFAULT, back, NULL, NULL);
}

static gint by_value(gconstpointer a, gconstpointer b)
{
    gint64 x = *(const gint64 *) a, y = *(const gint64 *) b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    gint threads = argc == 4 ? (gint) g_ascii_strtoll(argv[1], NULL, 10) : 0;
    times = argc == 4 ? g_ascii_strtoull(argv[2], NULL, 10) : 0;
    pause_ms = argc == 4 ? (guint) g_ascii_strtoull(argv[3], NULL, 10) : 0;
    if (threads <= 0 || times < 10 || !pause_ms) {
        fprintf(stderr, "use: wake_glib THREADS TIMES PAUSE_MS, with at least 10 times\n");
        return 2;
    }
    GError *error = NULL;
    took_ns = g_new0(gint64, times);
    loop = g_main_loop_new(NULL, FALSE);
    pool = g_thread_pool_new(noop, NULL, threads, TRUE, &error);
    if (error) {
        fprintf(stderr, "wake_glib: threads: %s\n", error->message);
        return 1;
    }
    g_timeout_add(pause_ms, send_one, NULL);
    g_main_loop_run(loop);
    gsize skipped = times / 10, n = times - skipped;
    qsort(took_ns + skipped, n, sizeof *took_ns, by_value);
    printf("{\"p50_ns\": %lld, \"p99_ns\": %lld}\n", (long long) took_ns[skipped + (n - 1) / 2],
           (long long) took_ns[skipped + (n * 99 - 1) / 100]);
    g_free(took_ns);
    return 0;
}
