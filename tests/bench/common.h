/* SPDX-License-Identifier: MIT */
/* What our own bench programs share: an executor with one loop, a driver that runs on it as a task, and the account at
 * the end. Everything goes through the public headers, with ids, states, times and a ledger as in tandemd. */
#ifndef TANDEM_TESTS_BENCH_COMMON_H
#define TANDEM_TESTS_BENCH_COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tandem/executor.h>

typedef struct bench_result {
    const char *key;
    double value;
} bench_result;

/* Print the results, up to one without a key, as one JSON line. */
void bench_print(const bench_result *results);

/* Say what went wrong, and leave with 1. */
_Noreturn void bench_die(const char *what, int err);
/* Say how the program is used, and leave with 2. */
_Noreturn void bench_use(const char *use);

/* A positive number of the command line, or bench_die(). */
double bench_number(const char *text);

/* Is it "evented", not "fiber"? Anything else: bench_die(). */
bool bench_is_evented(const char *kind);

/* Start an executor, run `drive(executor, arg)` as a task on its loop, wait until it has ended, and stop the executor.
 * Every task must have ended as done and nothing must have been rejected, else bench_die(). */
void bench_on_loop(const tdm_executor_options *options, void (*drive)(tdm_executor *executor, void *arg), void *arg);

/* On the driver's fiber: let the loop turn until *counter, which its own thread alone counts up, has reached n. */
void bench_turn_until(const uint64_t *counter, uint64_t n);

uint64_t bench_resident_bytes(void);
/* CPU time of this process, in nanoseconds. */
int64_t bench_cpu_ns(void);
/* Sorts the values. @return the smallest that at least this share (0 … 1) of them does not exceed. */
int64_t bench_percentile(int64_t *values, size_t n, double share);

#endif
