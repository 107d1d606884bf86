/* SPDX-License-Identifier: MIT */
/* DESIGN: everything at once, on real threads and in real time, for ThreadSanitizer and valgrind to look at: several loops,
 * two pools, tasks of both lanes that wait at all objects, start, join, group, offload, and are stopped at any moment.
 * Bounded in tasks and in time. What was taken must be there again in the end. TDM_STRESS=N: N tasks in place of 400. */
#include <fcntl.h>
#include <unistd.h>

#include <tandem/tandem.h>

#include "tests/unit/executor.h"

enum { TASKS = 400, AT_ONCE = 48, STEPS = 6, CHANNEL = 4 };

typedef struct stress {
    tdm_executor *executor;
    tdm_pool *extra;
    tdm_semaphore *semaphore;
    tdm_limiter *limiter;
    tdm_mutex *mutex;
    tdm_condition *condition;
    tdm_event *event;
    tdm_channel *channel;
    int inside; /* guarded by the mutex */
    int fds[2];
    _Atomic int sent, received, started, dropped, ended;
} stress;

static stress all;

static void give_back(void *arg)
{
    (void) arg;
    atomic_fetch_add(&all.dropped, 1);
}

static void say_end(const tdm_end *end, void *arg)
{
    (void) arg;
    ck_assert_int_gt(end->state, TDM_RUNNING);
    atomic_fetch_add(&all.ended, 1);
}

static bool is_expected(int err)
{
    return err >= 0 || err == -ECANCELED || err == -ETIMEDOUT || err == -ESHUTDOWN || err == -EAGAIN;
}

static int nap(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    return tdm_sleep(0.0005);
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
    return tdm_task_after(task, 0.0005, ring);
}

/* ---- one step each ---- */

static int use_permit(uint64_t *seed)
{
    int err = tdm_semaphore_acquire_for(all.semaphore, 0.002);
    if (err)
        return err;
    if (unit_random(seed) & 1)
        err = tdm_yield();
    ck_assert_int_eq(tdm_semaphore_release(all.semaphore, 1), 0);
    return err;
}

static int use_limiter(uint64_t *seed)
{
    (void) seed;
    int err = tdm_limiter_acquire_for(all.limiter, 0.002);
    if (!err)
        ck_assert_int_eq(tdm_limiter_release(all.limiter), 0);
    return err;
}

static int use_mutex(uint64_t *seed)
{
    int err = tdm_mutex_lock(all.mutex);
    if (err)
        return err;
    ck_assert_int_eq(++all.inside, 1);
    err = unit_random(seed) & 1 ? tdm_yield() : 0;
    ck_assert_int_eq(all.inside--, 1);
    if (unit_random(seed) & 1)
        err = tdm_condition_wait_for(all.condition, all.mutex, 0.001);
    else
        tdm_condition_broadcast(all.condition);
    ck_assert_int_eq(tdm_mutex_unlock(all.mutex), 0);
    return err;
}

static int use_event(uint64_t *seed)
{
    if (unit_random(seed) & 1)
        tdm_event_set(all.event);
    else
        tdm_event_clear(all.event);
    return tdm_event_wait_for(all.event, 0.001);
}

static int use_channel(uint64_t *seed)
{
    uint64_t item = unit_random(seed);
    int err;
    if (item & 1) {
        err = tdm_channel_send_for(all.channel, &item, 0.001);
        atomic_fetch_add(&all.sent, !err);
    } else {
        err = tdm_channel_receive_for(all.channel, &item, 0.001);
        atomic_fetch_add(&all.received, !err);
    }
    return err;
}

static int use_descriptor(uint64_t *seed)
{
    char byte = 'x';
    if (unit_random(seed) & 1 && write(all.fds[1], &byte, 1) != 1 && errno != EAGAIN)
        return -errno;
    int found = tdm_wait_fd(all.fds[0], TDM_FD_READABLE, 0.001);
    if (found > 0 && read(all.fds[0], &byte, 1) < 0 && errno != EAGAIN)
        return -errno;
    return found == -EBUSY ? 0 : found; /* somebody else waits for it */
}

static tdm_task_spec child(uint64_t *seed)
{
    tdm_task_spec spec = {.name = "child", .run = nap, .drop = give_back, .on_end = say_end};
    spec.lane = (tdm_lane) (unit_random(seed) % TDM_LANES);
    if (spec.lane == TDM_POOL && unit_random(seed) & 1)
        spec.pool = all.extra;
    if (spec.lane == TDM_LOOP && unit_random(seed) & 1) {
        spec.run = NULL;
        spec.start = wind;
    }
    return spec;
}

static int use_join(uint64_t *seed)
{
    tdm_task *task;
    tdm_end end;
    tdm_task_spec spec = child(seed);
    int err = tdm_task_start(&task, all.executor, &spec);
    if (err)
        return err;
    atomic_fetch_add(&all.started, 1);
    if (unit_random(seed) % 4 == 0) {
        tdm_task_detach(&task);
        return 0;
    }
    if (unit_random(seed) & 1)
        tdm_task_stop(task);
    err = tdm_join_for(&task, 0.002, &end);
    if (err)
        ck_assert_int_eq(tdm_join_shielded(&task, &end), 0);
    return err;
}

static int use_group(uint64_t *seed)
{
    tdm_group *group;
    int err = tdm_group_open(&group, &(tdm_group_options){.policy = (tdm_group_policy) (unit_random(seed) % 3)});
    for (int i = 0; i < 3 && err >= 0; i++) {
        tdm_task_spec spec = child(seed);
        err = tdm_group_spawn(group, &spec);
        atomic_fetch_add(&all.started, err >= 0);
    }
    err = unit_random(seed) & 1 ? tdm_group_wait(group) : 0;
    ck_assert_int_eq(tdm_group_close(&group), 0);
    return err;
}

static int use_offload(uint64_t *seed)
{
    int result = 0;
    return tdm_offload(nap, NULL, &(tdm_offload_options){.abandon = unit_random(seed) & 1}, &result);
}

static int work(tdm_task *task, void *arg)
{
    static int (*const steps[])(uint64_t * seed) = {use_permit,  use_limiter,    use_mutex, use_event, use_channel,
                                                    use_channel, use_descriptor, use_join,  use_group, use_offload};
    uint64_t seed = (uint64_t) (uintptr_t) arg;
    for (int i = 0; i < STEPS && !tdm_task_cancel_requested(task); i++) {
        tdm_timeout scope;
        ck_assert_int_eq(tdm_timeout_begin(&scope, 0.003), 0);
        int err = steps[unit_random(&seed) % (sizeof steps / sizeof *steps)](&seed);
        tdm_timeout_end(&scope);
        ck_assert_msg(is_expected(err), "a step came back with %d", err);
    }
    return 0;
}

/* ---- all ---- */

static void set_up(void)
{
    all.executor = unit_executor((tdm_executor_options){.loops = 3, .workers = 4, .ledger = 100});
    tdm_pool_options extra = {.name = "extra", .max_workers = 3, .idle_timeout = 0.002, .queue = 16};
    ck_assert_int_eq(tdm_pool_create(&all.extra, all.executor, &extra), 0);
    ck_assert_int_eq(tdm_semaphore_create(&all.semaphore, &(tdm_semaphore_options){.permits = 2, .bounded = true}), 0);
    ck_assert_int_eq(tdm_limiter_create(&all.limiter, &(tdm_limiter_options){.at_once = 3, .per_second = 20000}), 0);
    ck_assert_int_eq(tdm_mutex_create(&all.mutex), 0);
    ck_assert_int_eq(tdm_condition_create(&all.condition), 0);
    ck_assert_int_eq(tdm_event_create(&all.event), 0);
    tdm_channel_options channel = {.item_size = sizeof(uint64_t), .capacity = CHANNEL};
    ck_assert_int_eq(tdm_channel_create(&all.channel, &channel), 0);
    ck_assert_int_eq(pipe2(all.fds, O_NONBLOCK | O_CLOEXEC), 0);
}

static void tear_down(void)
{
    unit_destroy(all.executor);
    ck_assert_int_eq(all.dropped, all.started);
    ck_assert_int_eq(all.ended, all.started);
    ck_assert_uint_eq(tdm_semaphore_free(all.semaphore), 2);
    ck_assert_uint_eq(tdm_limiter_running(all.limiter), 0);
    ck_assert_uint_eq(tdm_channel_count(all.channel), (unsigned) (all.sent - all.received));
    ck_assert_int_eq(all.inside, 0);
    tdm_semaphore_destroy(&all.semaphore);
    tdm_limiter_destroy(&all.limiter);
    tdm_condition_destroy(&all.condition);
    tdm_mutex_destroy(&all.mutex);
    tdm_event_destroy(&all.event);
    tdm_channel_destroy(&all.channel);
    close(all.fds[0]);
    close(all.fds[1]);
}

START_TEST(everything_at_once_loses_nothing)
{
    const char *given = getenv("TDM_STRESS");
    int tasks = given ? (int) strtol(given, NULL, 10) : TASKS;
    int64_t end_ns = tdm_clock_ns() + 20 * TDM_NS_PER_S;
    uint64_t seed = 1;
    set_up();
    for (int i = 0; i < tasks && tdm_clock_ns() < end_ns; i++) {
        tdm_task_spec spec = {.name = "stress", .run = work, .drop = give_back, .on_end = say_end};
        uint64_t id;
        spec.arg = (void *) (uintptr_t) unit_random(&seed);
        spec.lane = (tdm_lane) (i % TDM_LANES);
        UNIT_UNTIL(all.started - all.dropped < AT_ONCE);
        ck_assert_int_eq(tdm_spawn(all.executor, &spec, &id), 0);
        atomic_fetch_add(&all.started, 1);
        if (i % 3 == 0) {
            int err = tdm_task_cancel(all.executor, id);
            ck_assert(err == 0 || err == -EALREADY || err == -ESTALE);
        }
    }
    tear_down();
}
END_TEST

int main(void)
{
    return unit_main("stress", (const TTest *const[]){everything_at_once_loses_nothing, NULL});
}
