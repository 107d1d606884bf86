/* SPDX-License-Identifier: MIT */
/* DESIGN: what testing mode says of a test that fails, and how it is run again. A test that has to fail fails in a process
 * of its own, whose words are read. */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "tasks/sync.h"
#include "tests/unit/virtual.h"
#include <tandem/mutex.h>

/* Run `test` in a process of its own, which must end by abort(); its words are returned, to be freed. */
static char *words_of_a_failure(void (*test)(void))
{
    int fd = unit_memory_file(), status;
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (!child) {
        dup2(fd, STDERR_FILENO);
        test();
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    char *words = unit_contents(fd);
    close(fd);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "it did not abort, but said: %s", words);
    return words;
}

#define EXPECT_SAID(words, what) ck_assert_msg(strstr(words, what), "no \"%s\" in: %s", what, words)

static pthread_mutex_t nobodys_lock = PTHREAD_MUTEX_INITIALIZER;
static tdm__cond nobodys_cond = TDM__COND_INITIALIZER;

static int wait_for_nobody(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    return tdm_sleep(TDM_FOREVER);
}

static void deadlock(void)
{
    tdm_executor *executor = virtual_begin(4711, 1);
    tdm_task_spec spec = {.name = "hermit", .run = wait_for_nobody};
    for (int lane = 0; lane < TDM_LANES; lane++) {
        spec.lane = (tdm_lane) lane;
        tdm_spawn(executor, &spec, NULL);
    }
    tdm__lock(&nobodys_lock);
    tdm__cond_wait(&nobodys_cond, &nobodys_lock, INT64_MAX);
    tdm__cond_wait(&nobodys_cond, &nobodys_lock, INT64_MAX); /* the first may return without cause */
    for (;;)
        tdm__cond_wait(&nobodys_cond, &nobodys_lock, INT64_MAX);
}

START_TEST(a_deadlock_is_found_and_says_who_waits_for_what_and_how_to_replay_it)
{
    char *words = words_of_a_failure(deadlock);
    EXPECT_SAID(words, "a deadlock");
    EXPECT_SAID(words, "main            waits in deadlock()");
    EXPECT_SAID(words, "tdm-loop-0      waits in tdm__poller_poll()\n      hermit (task 1) waits in tdm_sleep()");
    EXPECT_SAID(words, "waits in wait_on_thread()\n      hermit (task 2) waits in tdm_sleep()");
    EXPECT_SAID(words, "tandem: replay it by: TDM_SEED=4711 ");
    EXPECT_SAID(words, "test_testing_report\n");
    free(words);
}
END_TEST

/* ---- a ring through what has no owner ---- */

static tdm_mutex *left, *right;

static int lock_in_turn(tdm_mutex *first, tdm_mutex *second)
{
    tdm_mutex_lock(first);
    tdm_sleep(1);
    return tdm_mutex_lock(second);
}

static int left_first(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    return lock_in_turn(left, right);
}

static int right_first(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    return lock_in_turn(right, left);
}

static void embrace(void)
{
    tdm_executor *executor = virtual_begin(4712, 1);
    tdm_mutex_create(&left);
    tdm_mutex_create(&right);
    tdm_spawn(executor, &(tdm_task_spec){.name = "lefty", .run = left_first}, NULL);
    tdm_spawn(executor, &(tdm_task_spec){.name = "righty", .run = right_first, .lane = TDM_POOL}, NULL);
    tdm_sleep(TDM_FOREVER);
}

START_TEST(a_ring_of_mutexes_is_a_deadlock_that_names_everyone_in_it)
{
    char *words = words_of_a_failure(embrace);
    EXPECT_SAID(words, "a deadlock");
    EXPECT_SAID(words, "lefty (task 1) waits in tdm_mutex_lock()");
    EXPECT_SAID(words, "righty (task 2) waits in tdm_mutex_lock()");
    free(words);
}
END_TEST

static void failed_assertion(void)
{
    virtual_begin(815, 1);
    abort();
}

static int expect_one(tdm_task *task, void *arg)
{
    (void) task;
    TDM_EXPECT(*(int *) arg == 1);
    return 0;
}

static void failed_expectation(void)
{
    int two = 2;
    tdm_executor *executor = virtual_begin(816, 1);
    unit_spawn(executor, TDM_LOOP, expect_one, &two);
    virtual_end(executor);
}

static int yield_for_ever(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    while (!tdm_yield())
        ;
    return 0;
}

static void circles(void)
{
    tdm_executor *executor;
    tdm_testing_begin(&(tdm_testing_options){.seed = 817, .max_turns = 1000, .replay = "make circles"});
    tdm_executor_create(&executor, NULL);
    tdm_spawn(executor, &(tdm_task_spec){.run = yield_for_ever}, NULL);
    tdm_sleep(1);
}

static void wait_outside(void)
{
    sem_t never;
    sem_init(&never, 0, 0);
    tdm_executor *executor;
    tdm_testing_begin(&(tdm_testing_options){.seed = 818, .patience = 0.05});
    tdm_executor_create(&executor, NULL);
    sem_wait(&never);
}

static void *sleep_unasked(void *arg)
{
    tdm_sleep(1);
    return arg;
}

static void stranger(void)
{
    pthread_t thread;
    virtual_begin(819, 1);
    pthread_create(&thread, NULL, sleep_unasked, NULL);
    pthread_join(thread, NULL);
}

START_TEST(whatever_fails_says_how_to_replay_it)
{
    static const struct {
        void (*test)(void);
        const char *says, *replay;
    } cases[] = {
        {failed_assertion, "", "TDM_SEED=815 "},
        {failed_expectation, "expected: *(int *) arg == 1\n", "TDM_SEED=816 "},
        {circles, "goes in circles", "TDM_SEED=817 make circles\n"},
        {wait_outside, "did not give way", "TDM_SEED=818 "},
        {stranger, "takes no turns waits in tdm_sleep()", "TDM_SEED=819 "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *words = words_of_a_failure(cases[i].test);
        EXPECT_SAID(words, cases[i].says);
        const char *replay = strstr(words, "replay it by: ");
        EXPECT_SAID(words, cases[i].replay);
        ck_assert_ptr_null(strstr(replay + 1, "replay it by: ")); /* once */
        free(words);
    }
}
END_TEST

static void give_report(const char *report, void *arg)
{
    (void) arg;
    (void) !write(STDERR_FILENO, "mine: ", 6);
    (void) !write(STDERR_FILENO, report, strlen(report));
}

static void hooked(void)
{
    tdm_testing_begin(&(tdm_testing_options){.seed = 5, .failed = give_report});
    tdm_testing_fail("of %d", 42);
}

START_TEST(a_failure_can_be_taken_in_hand)
{
    char *words = words_of_a_failure(hooked);
    ck_assert_ptr_eq(strstr(words, "mine: tandem: a test failed: of 42\n"), words);
    free(words);
}
END_TEST

/* ---- many seeds ---- */

typedef struct seeds {
    uint64_t runs, sum;
} seeds;

static void count_run(void *arg)
{
    seeds *s = arg;
    s->runs++;
    s->sum += tdm_testing_choose(1000);
}

START_TEST(a_test_runs_under_as_many_seeds_as_wanted_or_the_one_that_failed)
{
    seeds s = {0}, again = {0};
    ck_assert_int_eq(tdm_testing_run(NULL, 100, count_run, &s), 0);
    ck_assert_uint_eq(s.runs, 100);
    ck_assert_uint_gt(s.sum, 20000);
    ck_assert_uint_lt(s.sum, 80000);
    ck_assert_int_eq(tdm_testing_run(NULL, 100, count_run, &again), 0);
    ck_assert_uint_eq(again.sum, s.sum);
    again = s = (seeds){0};
    setenv("TDM_SEEDS", "7", 1);
    ck_assert_int_eq(tdm_testing_run(NULL, 100, count_run, &s), 0);
    ck_assert_uint_eq(s.runs, 7);
    setenv("TDM_SEED", "18446744073709551615", 1);
    ck_assert_int_eq(tdm_testing_run(NULL, 100, count_run, &again), 0);
    ck_assert_uint_eq(again.runs, 1);
    ck_assert_uint_eq(tdm_testing_seed(3), UINT64_MAX);
    unsetenv("TDM_SEED");
    ck_assert_uint_eq(tdm_testing_seed(3), 3);
}
END_TEST

START_TEST(a_seed_that_is_no_number_is_refused)
{
    static const char *const wrong[] = {"", "x", "-1", "1x", "18446744073709551616"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        int fd = unit_memory_file(), status;
        pid_t child = fork();
        if (!child) {
            dup2(fd, STDERR_FILENO);
            setenv("TDM_SEED", wrong[i], 1);
            tdm_testing_seed(1);
            _exit(0);
        }
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 2);
        char *words = unit_contents(fd);
        EXPECT_SAID(words, "is no number from 0 to 18446744073709551615\n");
        free(words);
        close(fd);
    }
}
END_TEST

int main(void)
{
    return unit_main("testing-report",
                     (const TTest *const[]){a_deadlock_is_found_and_says_who_waits_for_what_and_how_to_replay_it,
                                            a_ring_of_mutexes_is_a_deadlock_that_names_everyone_in_it,
                                            whatever_fails_says_how_to_replay_it, a_failure_can_be_taken_in_hand,
                                            a_test_runs_under_as_many_seeds_as_wanted_or_the_one_that_failed,
                                            a_seed_that_is_no_number_is_refused, NULL});
}
