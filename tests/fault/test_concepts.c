/* SPDX-License-Identifier: MIT */
/* DESIGN: one task uses everything that a task can use, on each lane and on a thread, and the Nth thing that is asked of the
 * system is refused: memory, a mapping, a thread (also one on demand), an eventfd, a timerfd, an epoll instance, or a
 * descriptor's entry in one. For every N there are: an error comes back, nothing leaks, nothing hangs. */
#include <fcntl.h>
#include <unistd.h>

#include <tandem/tandem.h>

#include "tests/fault/refuse.h"
#include "tests/unit/executor.h"

/* Check allocates too, and would be refused: what is wrong is kept until nothing is. */
static const char *broken;
#define STRING_OF(line) #line
#define PLACE(line) STRING_OF(line)
#define EXPECT(condition) (void) ((condition) || broken || (broken = PLACE(__LINE__) ": " #condition))

/* An error of a system that has run out of something. */
static bool ran_out(int err)
{
    return err == -ENOMEM || err == -EAGAIN || err == -EMFILE || err == -ESHUTDOWN; /* the drain has begun */
}

static int odd; /* the last error that is none of these */

static bool fine(int err)
{
    if (err < 0 && !ran_out(err))
        odd = err;
    return err >= 0 || ran_out(err);
}

static _Atomic int started, dropped;

static void count_drop(void *arg)
{
    (void) arg;
    atomic_fetch_add(&dropped, 1);
}

static int nap(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    return tdm_sleep(0.0002);
}

static tdm_task_spec nap_on(tdm_lane lane)
{
    return (tdm_task_spec){.name = "nap", .run = nap, .drop = count_drop, .lane = lane};
}

/* ---- each concept once; on any lane ---- */

static void use_semaphore_and_limiter(void)
{
    tdm_semaphore *semaphore = NULL;
    tdm_limiter *limiter = NULL;
    if (!tdm_semaphore_create(&semaphore, &(tdm_semaphore_options){.permits = 1})) {
        int err = tdm_semaphore_acquire(semaphore);
        EXPECT(err == 0);
        err = tdm_semaphore_acquire_for(semaphore, 0.0002);
        EXPECT(err == -ETIMEDOUT || ran_out(err));
        EXPECT(tdm_semaphore_release(semaphore, 1) == 0 && tdm_semaphore_free(semaphore) == 1);
    }
    if (!tdm_limiter_create(&limiter, &(tdm_limiter_options){.at_once = 1, .per_second = 5000})) {
        for (int i = 0; i < 2; i++) {
            int err = tdm_limiter_acquire(limiter);
            EXPECT(fine(err));
            if (!err)
                EXPECT(tdm_limiter_release(limiter) == 0);
        }
        EXPECT(tdm_limiter_running(limiter) == 0);
    }
    tdm_semaphore_destroy(&semaphore);
    tdm_limiter_destroy(&limiter);
}

static void use_mutex_condition_and_event(void)
{
    tdm_mutex *mutex = NULL;
    tdm_condition *condition = NULL;
    tdm_event *event = NULL;
    if (!tdm_mutex_create(&mutex) && !tdm_condition_create(&condition)) {
        EXPECT(tdm_mutex_lock(mutex) == 0);
        int err = tdm_condition_wait_for(condition, mutex, 0.0002);
        EXPECT(err == -ETIMEDOUT || ran_out(err));
        EXPECT(tdm_mutex_unlock(mutex) == 0);
    }
    if (!tdm_event_create(&event)) {
        int err = tdm_event_wait_for(event, 0.0002);
        EXPECT(err == -ETIMEDOUT || ran_out(err));
        tdm_event_set(event);
        EXPECT(tdm_event_wait(event) == 0);
    }
    tdm_event_destroy(&event);
    tdm_condition_destroy(&condition);
    tdm_mutex_destroy(&mutex);
}

static void use_channel(void)
{
    tdm_channel *channel = NULL;
    int item = 7, got = 0;
    if (tdm_channel_create(&channel, &(tdm_channel_options){.item_size = sizeof item, .capacity = 1}))
        return;
    EXPECT(tdm_channel_send(channel, &item) == 0);
    int err = tdm_channel_send_for(channel, &item, 0.0002);
    EXPECT(err == -ETIMEDOUT || ran_out(err));
    EXPECT(tdm_channel_receive(channel, &got) == 0 && got == item);
    tdm_channel_close(channel);
    EXPECT(tdm_channel_receive(channel, &got) == -EPIPE);
    tdm_channel_destroy(&channel);
}

static void use_descriptors(void)
{
    int fds[2];
    if (pipe(fds) < 0)
        return;
    int found = tdm_wait_fd(fds[0], TDM_FD_READABLE, 0.0005);
    EXPECT(found == -ETIMEDOUT || ran_out(found));
    EXPECT(write(fds[1], "x", 1) == 1);
    EXPECT(tdm_wait_fd(fds[0], TDM_FD_READABLE, 1) == TDM_FD_READABLE);
    close(fds[0]);
    close(fds[1]);
}

static void use_join_and_group(tdm_executor *executor, tdm_lane lane)
{
    tdm_task *task = NULL;
    tdm_group *group = NULL;
    tdm_task_spec spec = nap_on(lane);
    int err = tdm_task_start(&task, executor, &spec);
    EXPECT(fine(err));
    started += !err;
    if (!err) {
        tdm_end end;
        err = tdm_join_for(&task, 5, &end);
        EXPECT(fine(err));
        if (err)
            EXPECT(tdm_join_shielded(&task, &end) == 0);
        EXPECT(end.state == TDM_DONE || (end.state == TDM_FAILED && ran_out(end.result)));
    }
    if (tdm_group_open(&group, &(tdm_group_options){.executor = executor}))
        return;
    for (int i = 0; i < 5; i++) { /* more than a group keeps without memory of its own */
        err = tdm_group_spawn(group, &spec);
        EXPECT(fine(err) || err == -ECANCELED); /* a sibling has failed */
        started += err >= 0;
    }
    err = tdm_group_wait(group);
    EXPECT(fine(err));
    EXPECT(tdm_group_close(&group) == 0);
}

static int add_one(tdm_task *task, void *arg)
{
    (void) task;
    return ++*(int *) arg;
}

static void use_offload_and_context(tdm_executor *executor)
{
    static const tdm_context_key key = {.name = "fault"};
    int number = 1, result = 0;
    tdm_context_mark mark = tdm_context_save();
    int err = tdm_context_set(&key, &number, NULL);
    EXPECT(fine(err));
    EXPECT(err || tdm_context_get(&key) == &number);
    err = tdm_offload(add_one, &number, &(tdm_offload_options){.executor = executor}, &result);
    EXPECT(fine(err));
    EXPECT(err || (result == 2 && number == 2));
    tdm_context_restore(mark);
}

static void use_all(tdm_executor *executor)
{
    tdm_timeout scope;
    EXPECT(tdm_timeout_begin(&scope, 0.0002) == 0);
    int err = tdm_sleep(10);
    EXPECT(err == -ETIMEDOUT || ran_out(err));
    EXPECT(tdm_timeout_end(&scope) == (err == -ETIMEDOUT));
    use_semaphore_and_limiter();
    use_mutex_condition_and_event();
    use_channel();
    use_descriptors();
    for (int lane = 0; lane < TDM_LANES; lane++)
        use_join_and_group(executor, (tdm_lane) lane);
    use_offload_and_context(executor);
}

static int use_all_as_task(tdm_task *task, void *arg)
{
    (void) task;
    use_all(arg);
    return 0;
}

static int ring(tdm_task *task, void *arg)
{
    (void) arg;
    tdm_task_finish(task, 0);
    return 0;
}

static int wind(tdm_task *task, void *arg)
{
    (void) arg;
    return tdm_task_after(task, 0.0002, ring);
}

/* ---- a life ---- */

static void spawn_all(tdm_executor *executor)
{
    tdm_pool *pool = NULL;
    tdm_pool_options options = {.name = "extra", .max_workers = 3, .idle_timeout = 0.0005};
    int err = tdm_pool_create(&pool, executor, &options);
    EXPECT(fine(err));
    tdm_task_spec specs[] = {
        {.name = "alarm", .start = wind, .lane = TDM_LOOP},
        {.name = "loop", .run = use_all_as_task, .lane = TDM_LOOP},
        {.name = "worker", .run = use_all_as_task, .lane = TDM_POOL},
        {.name = "extra", .run = nap, .lane = TDM_POOL, .pool = pool, .deadline = 5, .start_within = 5},
        {.name = "extra", .run = nap, .lane = TDM_POOL, .pool = pool},
    };
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        specs[i].arg = executor;
        specs[i].drop = count_drop;
        err = tdm_spawn(executor, &specs[i], NULL);
        EXPECT(fine(err));
        started += !err;
    }
}

static void live_a_life(void)
{
    tdm_executor *executor = NULL;
    started = dropped = 0;
    int err = tdm_executor_create(&executor, &(tdm_executor_options){.loops = 2, .workers = 3, .ledger = 4});
    if (err) {
        EXPECT(!executor && ran_out(err));
        return;
    }
    spawn_all(executor);
    use_all(executor);
    EXPECT(tdm_executor_drain(executor, &(tdm_drain_options){.timeout = 20}, NULL) == 0);
    EXPECT(tdm_executor_destroy(&executor) == 0);
    EXPECT(started == dropped);
}

static int open_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

START_TEST(whatever_is_refused_every_concept_says_so_and_gives_back_what_it_took)
{
    refuse_in_libevent();
    ck_assert_int_eq(tdm_log_start(&(tdm_log_options){.level = TDM_LOG_OFF}), 0);
    tdm_log_stop(); /* the level stays: tasks that fail for want of memory need not be told */
    live_a_life();  /* what is made once in a process, or in a thread */
    ck_assert_msg(!broken, "when nothing was refused: not so: %s (%d)", broken, odd);
    int descriptors = open_descriptors();
    long runs = 0;
    do {
        asked = live = 0;
        refuse_at = ++runs;
        alarm(20);
        live_a_life();
        long leaked = live;
        refuse_at = 0;
        ck_assert_msg(!broken, "when request %ld was refused: not so: %s (%d)", runs, broken, odd);
        ck_assert_msg(leaked == 0, "%ld leaked when request %ld was refused", leaked, runs);
        ck_assert_int_eq(open_descriptors(), descriptors);
    } while (asked >= runs && runs < 4000);
    alarm(0);
    ck_assert_int_gt(runs, 100);  /* the faults did happen */
    ck_assert_int_lt(runs, 4000); /* and one run met none */
}
END_TEST

int main(void)
{
    return unit_main(
        "fault-concepts",
        (const TTest *const[]){whatever_is_refused_every_concept_says_so_and_gives_back_what_it_took, NULL});
}
