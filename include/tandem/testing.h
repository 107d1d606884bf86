/* SPDX-License-Identifier: MIT */
/** @file
 *  Testing mode: time passes only when nothing else can happen, one thread runs at a time, and a number, the seed, decides
 *  who is next. A day takes no time, and a test that failed under a seed fails under it again. For tests of your own:
 *
 *      static void a_reminder_comes_after_a_day(void *arg)
 *      {
 *          tdm_executor *executor;
 *          TDM_EXPECT(tdm_executor_create(&executor, NULL) == 0);
 *          TDM_EXPECT(tdm_spawn(executor, &(tdm_task_spec){.run = remind_tomorrow}, NULL) == 0);
 *          tdm_testing_advance(24 * 3600.0 - 1);
 *          TDM_EXPECT(reminders_sent == 0);
 *          tdm_testing_advance(1);
 *          TDM_EXPECT(reminders_sent == 1);
 *          tdm_executor_destroy(&executor);
 *      }
 *
 *      int main(void)
 *      {
 *          return tdm_testing_run(&(tdm_testing_options){0}, 1000, a_reminder_comes_after_a_day, NULL);
 *      }
 *
 *  runs the test under 1000 orders of events. What fails prints the command that runs that order again:
 *  `TDM_SEED=123 ./my-test`. See docs/testing.md.
 *
 *  A thread gives way where it waits in a call of the library and, by the seed's choice, wherever the library takes or
 *  leaves a lock or passes something on. It must not wait outside the library for another of these threads (on a mutex
 *  that the other holds across a wait, a semaphore of the C library, a join): none would run. */
#ifndef TANDEM_TESTING_H
#define TANDEM_TESTING_H

#include <pthread.h>

#include <tandem/base.h>

TDM_BEGIN

typedef struct tdm_testing_options {
    uint64_t seed;      /**< for tdm_testing_begin(); tdm_testing_run() counts from here */
    const char *replay; /**< the command that a failure says to type after TDM_SEED=…; NULL: this process's own */
    uint64_t max_turns; /**< turns of threads without time passing, after which the test has failed: it goes in circles;
                             0: 10,000,000 */
    double patience;    /**< real seconds that a thread may hold all others by waiting outside the library, or that
                             descriptors are waited for when nothing else can happen; 0: 10 */
    void (*failed)(const char *report,
                   void *arg); /**< gets what a failure says; if it returns, or is NULL (then the report
                             goes to standard error), the process ends by abort(). Any thread */
    void *failed_arg;
} tdm_testing_options;

/** What a test came to. */
typedef struct tdm_testing_report {
    uint64_t choices;     /**< choices between two or more that the seed made */
    uint64_t fingerprint; /**< of all those choices: the same if everything happened in the same order */
    double time;          /**< seconds of virtual time that passed */
} tdm_testing_report;

/** Testing mode from here on, in this process; the calling thread is the first of those that take turns. Time starts at
 *  the same moment for every test (tdm_clock_wall_ns(): the first second of the year 2000, UTC).
 *  @return 0; -EALREADY: it is on; -EBUSY: an executor lives; -ENOMEM. From a thread of the program. */
TDM_API int tdm_testing_begin(const tdm_testing_options *options);

/** Back to real time. @param out may be NULL. @return 0; -EBUSY: threads of an executor, or of
 *  tdm_testing_thread_start(), have not ended (testing mode goes on); -EINVAL: it is off, or another thread began it. */
TDM_API int tdm_testing_end(tdm_testing_report *out);

/** begin, `test(arg)`, end; for `seeds` seeds from options->seed on. Environment: TDM_SEED=N runs seed N alone, TDM_SEEDS=N
 *  other than `seeds` many. The test must destroy its executors; that it did not is a failure.
 *  @return 0; what tdm_testing_begin() said. */
TDM_API int tdm_testing_run(const tdm_testing_options *options, uint64_t seeds, void (*test)(void *arg), void *arg);

/** The number in the environment variable TDM_SEED, or `otherwise`. A TDM_SEED that is no number ends the process. */
TDM_API uint64_t tdm_testing_seed(uint64_t otherwise);

TDM_API bool tdm_testing_is_on(void);

/* ---- time ---- */

/** Let everything happen that can happen without time passing. Real-time mode: no effect. From a thread, not from a loop.
 *  @return 0; -EDEADLK: on a loop's thread; -EINVAL: testing mode is off. */
TDM_API int tdm_testing_settle(void);

/** Let `seconds` pass, with all that is due meanwhile, and settle. @return as tdm_testing_settle(). */
TDM_API int tdm_testing_advance(double seconds);

/** The same, up to a moment of tdm_clock_ns(). One that has passed only settles. */
TDM_API int tdm_testing_advance_to(int64_t ns);

/* ---- order ---- */

/** A number below `n`, chosen by the seed: for what the test itself leaves open. 0 if testing mode is off. Any thread that
 *  takes turns. */
TDM_API uint64_t tdm_testing_choose(uint64_t n);

/** Choices made so far. */
TDM_API uint64_t tdm_testing_choices(void);

/** Give way, perhaps: a place where the seed may let others go first. For code between two steps that a test wants
 *  to see interrupted. Any thread; no effect if testing mode is off. */
TDM_API void tdm_testing_point(void);

/** A thread of the test's own that takes turns, too; without testing mode a plain thread. Only the one who started it may
 *  join it, once. @param name cut after 15 bytes. @return 0; -EAGAIN. */
TDM_API int tdm_testing_thread_start(pthread_t *out, const char *name, void *(*run)(void *arg), void *arg);
TDM_API void *tdm_testing_thread_join(pthread_t thread);

/* ---- failing ---- */

/** The test has failed: report it with the seed and the command that replays it, and end the process. Does not return. */
TDM_API void tdm_testing_fail(const char *format, ...) TDM_PRINTF(1, 2) TDM_NORETURN;

/** Fail unless `condition` holds. */
#define TDM_EXPECT(condition)                                                                                          \
    ((condition) ? (void) 0 : tdm_testing_fail("%s:%d: expected: %s", __FILE__, __LINE__, #condition))

TDM_END

#endif
