/* SPDX-License-Identifier: MIT */
/* DESIGN: N tasks that sleep at once on one loop of an app, as `sleepers.py` wants to see them. Use: sleepers N SECONDS.
 * It prints one JSON line once all are asleep (so that a prober can be started before they fall due) and one once all
 * have ended; then it answers /health until standard input ends. Each task writes its lateness to a place of its own:
 * they are read once all have ended. */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tandem/tandem.h>

typedef struct sleeper {
    int64_t late_ns;
} sleeper;

static double seconds;
static atomic_size_t asleep, ended;
static _Atomic int64_t first_due_ns, last_end_ns;

static int sleep_once(tdm_task *task, void *arg)
{
    (void) task;
    sleeper *me = arg;
    int64_t due = tdm_clock_ns() + tdm_ns_from_s(seconds), none = 0;
    atomic_compare_exchange_strong(&first_due_ns, &none, due);
    atomic_fetch_add(&asleep, 1);
    int err = tdm_sleep(seconds);
    int64_t now = tdm_clock_ns();
    me->late_ns = now - due;
    atomic_store(&last_end_ns, now);
    atomic_fetch_add(&ended, 1);
    return err;
}

static int health(tdm_request *req)
{
    return tdm_reply_json_text(req, 200, "{\"status\":\"ok\"}");
}

static int fail(const char *what, int err)
{
    fprintf(stderr, "sleepers: %s: %s\n", what, strerror(-err));
    return 1;
}

static uint64_t resident_bytes(void)
{
    unsigned long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "re");
    if (!statm || fscanf(statm, "%*s %lu", &pages) != 1)
        pages = 0;
    if (statm)
        fclose(statm);
    return (uint64_t) pages * (uint64_t) sysconf(_SC_PAGESIZE);
}

static void print_line(const char *key, const char *const *names, const int64_t *values, size_t count)
{
    tdm_json_writer w;
    tdm_json_init(&w);
    tdm_json_object_begin(&w);
    tdm_json_key(&w, "is");
    tdm_json_string(&w, key);
    for (size_t i = 0; i < count; i++) {
        tdm_json_key(&w, names[i]);
        tdm_json_int(&w, values[i]);
    }
    tdm_json_object_end(&w);
    puts(tdm_json_text(&w, NULL));
    fflush(stdout);
    tdm_json_finish(&w);
}

/* Counters of another thread: looked at every millisecond, which costs nothing beside what is measured. */
static void wait_until(atomic_size_t *counter, size_t n)
{
    while (atomic_load(counter) < n)
        usleep(1000);
}

static int by_value(const void *a, const void *b)
{
    int64_t x = ((const sleeper *) a)->late_ns, y = ((const sleeper *) b)->late_ns;
    return (x > y) - (x < y);
}

static int run(tdm_app *app, sleeper *sleepers, size_t n)
{
    const char *port = strrchr(tdm_app_url(app), ':') + 1;
    uint64_t before = resident_bytes();
    for (size_t i = 0; i < n; i++) {
        int err = tdm_spawn(tdm_app_executor(app),
                            &(tdm_task_spec){.name = "sleeper", .run = sleep_once, .arg = &sleepers[i]}, NULL);
        if (err)
            return fail("spawn", err);
    }
    wait_until(&asleep, n);
    uint64_t after = resident_bytes();
    print_line("asleep", (const char *const[]){"port", "first_due_ns"},
               (const int64_t[]){strtoll(port, NULL, 10), atomic_load(&first_due_ns)}, 2);
    wait_until(&ended, n);
    qsort(sleepers, n, sizeof *sleepers, by_value);
    print_line("ended",
               (const char *const[]){"tasks", "bytes_per_task", "first_due_ns", "last_end_ns", "late_p50_ns",
                                     "late_p99_ns", "late_max_ns"},
               (const int64_t[]){(int64_t) n, (int64_t) ((after - before) / n), atomic_load(&first_due_ns),
                                 atomic_load(&last_end_ns), sleepers[n / 2].late_ns, sleepers[n * 99 / 100].late_ns,
                                 sleepers[n - 1].late_ns},
               7);
    while (getchar() != EOF)
        ;
    return 0;
}

static int measure(sleeper *sleepers, size_t n)
{
    double no_wait = 0;
    tdm_app_options options = {.name = "sleepers",
                               .max_requests = UINT32_MAX, /* the prober keeps its connection */
                               .port = "0",
                               .executor = {.max_loop_tasks = (unsigned) n, .ledger = (unsigned) n},
                               .drain_grace = &no_wait};
    tdm_app *app = NULL;
    tdm_manifest manifest;
    int err = tdm_app_create(&app, &options);
    if (!err)
        err = tdm_app_get(app, "/health", health);
    if (!err)
        err = tdm_app_start(app);
    if (err)
        return fail("start", err);
    memset(sleepers, 1, n * sizeof *sleepers); /* its pages are ours, not the tasks' */
    int status = run(app, sleepers, n);
    err = tdm_app_stop(app, &manifest);
    if (err || manifest.lanes[TDM_LOOP].state[TDM_DONE] != n)
        status = fail("not every task is done", err);
    return tdm_app_destroy(&app) < 0 ? 1 : status;
}

int main(int argc, char **argv)
{
    size_t n = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;
    seconds = argc == 3 ? strtod(argv[2], NULL) : 0;
    if (!n || !(seconds > 0)) {
        fprintf(stderr, "use: sleepers N SECONDS\n");
        return 2;
    }
    sleeper *sleepers = calloc(n, sizeof *sleepers);
    if (!sleepers)
        return fail("start", -ENOMEM);
    int status = measure(sleepers, n);
    free(sleepers);
    return status;
}
