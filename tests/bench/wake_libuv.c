/* SPDX-License-Identifier: MIT */
/* DESIGN: what wake.c does, with libuv's uv_queue_work(): one no-op there and back, a pause, the next. Use:
 * wake_libuv TIMES PAUSE_MS; UV_THREADPOOL_SIZE says how many threads. The first tenth does not count. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

static uv_loop_t *loop;
static uv_timer_t pause_timer;
static uv_work_t work;
static uint64_t sent_ns, pause_ms;
static uint64_t *took_ns;
static size_t times, done;

static void must(int err, const char *what)
{
    if (err) {
        fprintf(stderr, "wake_libuv: %s: %s\n", what, uv_strerror(err));
        exit(1);
    }
}

static void noop(uv_work_t *unused)
{
    (void) unused;
}

static void send_one(uv_timer_t *timer);

static void back(uv_work_t *unused, int status)
{
    (void) unused;
    took_ns[done++] = uv_hrtime() - sent_ns;
    must(status, "a task");
    if (done < times)
        must(uv_timer_start(&pause_timer, send_one, pause_ms, 0), "timer");
}

static void send_one(uv_timer_t *timer)
{
    (void) timer;
    sent_ns = uv_hrtime();
    must(uv_queue_work(loop, &work, noop, back), "queue");
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *) a, y = *(const uint64_t *) b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    times = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;
    pause_ms = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;
    took_ns = calloc(times ? times : 1, sizeof *took_ns);
    if (times < 10 || !pause_ms || !took_ns) {
        fprintf(stderr, "use: wake_libuv TIMES PAUSE_MS, with at least 10 times\n");
        return 2;
    }
    loop = uv_default_loop();
    must(uv_timer_init(loop, &pause_timer), "timer");
    must(uv_timer_start(&pause_timer, send_one, pause_ms, 0), "timer");
    uv_run(loop, UV_RUN_DEFAULT);
    size_t skipped = times / 10, n = times - skipped;
    qsort(took_ns + skipped, n, sizeof *took_ns, by_value);
    printf("{\"p50_ns\": %llu, \"p99_ns\": %llu}\n", (unsigned long long) took_ns[skipped + (n - 1) / 2],
           (unsigned long long) took_ns[skipped + (n * 99 - 1) / 100]);
    free(took_ns);
    return 0;
}
