/* SPDX-License-Identifier: MIT */
/* DESIGN: what pool.c does, with libuv's uv_queue_work(): no-ops on its thread pool and back to the loop, so many in
 * flight. Use: pool_libuv TASKS IN_FLIGHT; UV_THREADPOOL_SIZE says how many threads. A tenth of the tasks runs before,
 * to warm up. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

static uv_loop_t *loop;
static uint64_t to_start, to_end;

static void must(int err, const char *what)
{
    if (err) {
        fprintf(stderr, "pool_libuv: %s: %s\n", what, uv_strerror(err));
        exit(1);
    }
}

static void noop(uv_work_t *work)
{
    (void) work;
}

static void back(uv_work_t *work, int status)
{
    must(status, "a task");
    to_end--;
    if (to_start) {
        to_start--;
        must(uv_queue_work(loop, work, noop, back), "queue");
    }
}

static void go_round(uv_work_t *works, uint64_t in_flight, uint64_t n)
{
    uint64_t first = n < in_flight ? n : in_flight;
    to_start = n - first;
    to_end = n;
    for (uint64_t i = 0; i < first; i++)
        must(uv_queue_work(loop, &works[i], noop, back), "queue");
    uv_run(loop, UV_RUN_DEFAULT);
    if (to_end)
        must(UV_EAGAIN, "tasks are left");
}

int main(int argc, char **argv)
{
    uint64_t n = argc == 3 ? strtoull(argv[1], NULL, 10) : 0, in_flight = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;
    uv_work_t *works = calloc(in_flight ? in_flight : 1, sizeof *works);
    if (!n || !in_flight || !works) {
        fprintf(stderr, "use: pool_libuv TASKS IN_FLIGHT\n");
        return 2;
    }
    loop = uv_default_loop();
    go_round(works, in_flight, n / 10);
    uint64_t begin = uv_hrtime();
    go_round(works, in_flight, n);
    printf("{\"per_second\": %f}\n", (double) n / ((double) (uv_hrtime() - begin) / 1e9));
    free(works);
    return 0;
}
