/* SPDX-License-Identifier: MIT */
/* DESIGN: see common.h. The account at the end is what keeps a bench honest: the executor's own totals must say that
 * each task was accepted and ended as done, so none can have been a shortcut. */
#include "tests/bench/common.h"

#include <errno.h>
#include <math.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <tandem/tandem.h>

typedef struct driver {
    tdm_executor *executor;
    void (*drive)(tdm_executor *executor, void *arg);
    void *arg;
    sem_t ended;
} driver;

void bench_print(const bench_result *results)
{
    tdm_json_writer w;
    tdm_json_init(&w);
    tdm_json_object_begin(&w);
    for (; results->key; results++) {
        tdm_json_key(&w, results->key);
        tdm_json_double(&w, results->value);
    }
    tdm_json_object_end(&w);
    puts(tdm_json_text(&w, NULL));
    fflush(stdout);
    tdm_json_finish(&w);
}

void bench_die(const char *what, int err)
{
    fprintf(stderr, "%s%s%s\n", what, err ? ": " : "", err ? strerror(-err) : "");
    exit(1);
}

void bench_use(const char *use)
{
    fprintf(stderr, "use: %s\n", use);
    exit(2);
}

double bench_number(const char *text)
{
    char *end;
    double value = strtod(text, &end);
    if (*end || end == text || !(value > 0) || isinf(value))
        bench_die("a number above 0 is wanted", -EINVAL);
    return value;
}

bool bench_is_evented(const char *kind)
{
    bool evented = strcmp(kind, "evented") == 0;
    if (!evented && strcmp(kind, "fiber") != 0)
        bench_die("the kind of task is evented or fiber", -EINVAL);
    return evented;
}

static int run_driver(tdm_task *task, void *arg)
{
    (void) task;
    driver *self = arg;
    self->drive(self->executor, self->arg);
    return 0;
}

static void driver_ended(void *arg)
{
    sem_post(&((driver *) arg)->ended);
}

static void check_account(tdm_executor *executor)
{
    tdm_drain_report report;
    if (tdm_executor_drain(executor, &(tdm_drain_options){.timeout = 10}, &report) != 0)
        bench_die("tasks were left over", 0);
    for (int lane = 0; lane < TDM_LANES; lane++) {
        const tdm_totals *totals = &report.lanes[lane];
        if (totals->rejected || totals->state[TDM_DONE] != totals->accepted)
            bench_die("not every task was accepted and is done", 0);
    }
}

void bench_on_loop(const tdm_executor_options *options, void (*drive)(tdm_executor *executor, void *arg), void *arg)
{
    driver self = {.drive = drive, .arg = arg};
    int err = tdm_executor_create(&self.executor, options);
    if (err)
        bench_die("cannot start the executor", err);
    sem_init(&self.ended, 0, 0);
    err = tdm_spawn(self.executor,
                    &(tdm_task_spec){.name = "driver", .run = run_driver, .arg = &self, .drop = driver_ended}, NULL);
    if (err)
        bench_die("cannot start the driver", err);
    while (sem_wait(&self.ended) < 0)
        ;
    check_account(self.executor);
    err = tdm_executor_destroy(&self.executor);
    if (err)
        bench_die("cannot stop the executor", err);
    sem_destroy(&self.ended);
}

void bench_turn_until(const uint64_t *counter, uint64_t n)
{
    while (*(const volatile uint64_t *) counter < n)
        if (tdm_sleep(0) < 0)
            bench_die("the driver was stopped", 0);
}

uint64_t bench_resident_bytes(void)
{
    unsigned long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "re");
    if (!statm || fscanf(statm, "%*s %lu", &pages) != 1)
        bench_die("cannot read /proc/self/statm", 0);
    fclose(statm);
    return (uint64_t) pages * (uint64_t) sysconf(_SC_PAGESIZE);
}

int64_t bench_cpu_ns(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) < 0)
        bench_die("cannot read the CPU time", -errno);
    return (int64_t) now.tv_sec * 1000000000 + now.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *) a, y = *(const int64_t *) b;
    return (x > y) - (x < y);
}

int64_t bench_percentile(int64_t *values, size_t n, double share)
{
    qsort(values, n, sizeof *values, by_value);
    size_t rank = (size_t) ceil((double) n * share);
    return values[rank ? rank - 1 : 0];
}
