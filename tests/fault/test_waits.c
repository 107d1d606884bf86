/* SPDX-License-Identifier: MIT */
/* DESIGN: one function that waits for everything there is to wait for, on a fiber, on a worker and on a thread; in run N
 * the Nth thing that it asks of the system (memory, an eventfd, an epoll instance, a place in one) is refused. Each run
 * must come to an end with an error or without, take nothing on an error, and give back all memory and descriptors. The
 * executor is made before and taken apart after: its own refusals are test_alloc's. */
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/executor.h"
#include <event2/event.h>
#include <tandem/tandem.h>

static _Atomic long asked, refuse_at; /* 0: refuse nothing */
static _Atomic long live;             /* allocations not given back */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void __real_free(void *block);
int __real_eventfd(unsigned value, int flags);
int __real_epoll_create1(int flags);
int __real_epoll_ctl(int epoll_fd, int how, int fd, struct epoll_event *event);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void __wrap_free(void *block);
int __wrap_eventfd(unsigned value, int flags);
int __wrap_epoll_create1(int flags);
int __wrap_epoll_ctl(int epoll_fd, int how, int fd, struct epoll_event *event);

static bool refused(int error)
{
    if (!refuse_at || atomic_fetch_add(&asked, 1) + 1 != refuse_at)
        return false;
    errno = error;
    return true;
}

static void *counted(void *block)
{
    if (block)
        atomic_fetch_add(&live, 1);
    return block;
}

void *__wrap_malloc(size_t size)
{
    return refused(ENOMEM) ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
    return refused(ENOMEM) ? NULL : counted(__real_calloc(count, size));
}

void *__wrap_realloc(void *old, size_t size)
{
    if (refused(ENOMEM))
        return NULL;
    return old ? __real_realloc(old, size) : counted(__real_realloc(old, size));
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return refused(ENOMEM) ? NULL : counted(__real_aligned_alloc(alignment, size));
}

void __wrap_free(void *block)
{
    if (block)
        atomic_fetch_sub(&live, 1);
    __real_free(block);
}

int __wrap_eventfd(unsigned value, int flags)
{
    return refused(EMFILE) ? -1 : __real_eventfd(value, flags);
}

int __wrap_epoll_create1(int flags)
{
    return refused(EMFILE) ? -1 : __real_epoll_create1(flags);
}

int __wrap_epoll_ctl(int epoll_fd, int how, int fd, struct epoll_event *event)
{
    if (how != EPOLL_CTL_DEL && refused(ENOSPC))
        return -1;
    return __real_epoll_ctl(epoll_fd, how, fd, event);
}

/* Check allocates too, and would be refused: what is wrong is kept until nothing is. */
static const char *broken;
#define EXPECT(condition) (void) ((condition) || broken || (broken = #condition))

/* What a wait may come to that would otherwise come to `good`. */
static bool is(int result, int good)
{
    return result == good || (refuse_at && result == -ENOMEM);
}

#define SOON 0.0003

static void use_semaphore(void)
{
    tdm_semaphore *s = NULL;
    EXPECT(is(tdm_semaphore_create(&s, &(tdm_semaphore_options){.bounded = true, .permits = 1}), 0));
    if (!s)
        return;
    EXPECT(tdm_semaphore_acquire(s) == 0);
    EXPECT(is(tdm_semaphore_acquire_for(s, SOON), -ETIMEDOUT));
    EXPECT(tdm_semaphore_waiting(s) == 0 && tdm_semaphore_release(s, 1) == 0 && tdm_semaphore_free(s) == 1);
    tdm_semaphore_destroy(&s);
}

static void use_limiter(void)
{
    tdm_limiter *l = NULL;
    EXPECT(is(tdm_limiter_create(&l, &(tdm_limiter_options){.at_once = 2, .per_second = 3000}), 0));
    if (!l)
        return;
    unsigned running = 0;
    for (int i = 0; i < 3; i++) {
        int err = tdm_limiter_acquire_for(l, 2 * SOON);
        EXPECT(is(err, running < 2 ? 0 : -ETIMEDOUT) || err == -ETIMEDOUT);
        running += err == 0;
    }
    EXPECT(tdm_limiter_running(l) == running && tdm_limiter_waiting(l) == 0);
    tdm_limiter_destroy(&l);
}

static void use_event_and_condition(void)
{
    tdm_event *e = NULL;
    EXPECT(is(tdm_event_create(&e), 0));
    if (e) {
        EXPECT(is(tdm_event_wait_for(e, SOON), -ETIMEDOUT));
        tdm_event_set(e);
        EXPECT(tdm_event_wait(e) == 0);
    }
    tdm_mutex *m = NULL;
    tdm_condition *c = NULL;
    EXPECT(is(tdm_mutex_create(&m), 0));
    EXPECT(is(tdm_condition_create(&c), 0));
    if (m && c) {
        EXPECT(tdm_mutex_lock(m) == 0);
        EXPECT(is(tdm_condition_wait_for(c, m, SOON), -ETIMEDOUT));
        EXPECT(tdm_mutex_unlock(m) == 0); /* it is held, whatever went wrong */
    }
    tdm_event_destroy(&e);
    tdm_condition_destroy(&c);
    tdm_mutex_destroy(&m);
}

static void use_channel(void)
{
    tdm_channel *c = NULL;
    int item = 5;
    EXPECT(is(tdm_channel_create(&c, &(tdm_channel_options){.item_size = sizeof item, .capacity = 1}), 0));
    if (!c)
        return;
    EXPECT(is(tdm_channel_receive_for(c, &item, SOON), -ETIMEDOUT));
    EXPECT(tdm_channel_send(c, &item) == 0);
    EXPECT(is(tdm_channel_send_for(c, &item, SOON), -ETIMEDOUT));
    EXPECT(tdm_channel_receive(c, &item) == 0 && tdm_channel_try_receive(c, &item) == -EAGAIN);
    tdm_channel_destroy(&c);
}

static void use_descriptor(const int pair[2])
{
    for (int i = 0; i < 2; i++) {
        int found = tdm_wait_fd(pair[0], TDM_FD_READABLE, SOON);
        EXPECT(is(found, -ETIMEDOUT) || (refuse_at && (found == -EMFILE || found == -ENOSPC)));
    }
    EXPECT(tdm_wait_fd(pair[0], TDM_FD_WRITABLE, 3600) == TDM_FD_WRITABLE);
}

static int always_busy(void *arg)
{
    (void) arg;
    return -EBUSY;
}

static int use_all(tdm_task *task, void *arg)
{
    (void) task;
    use_semaphore();
    use_limiter();
    use_event_and_condition();
    use_channel();
    use_descriptor(arg);
    EXPECT(is(tdm_retry(&(tdm_retry_policy){.pause = SOON, .within = 1}, always_busy, NULL), -EBUSY));
    return 0;
}

static void *use_all_on_thread(void *arg)
{
    use_all(NULL, arg);
    return NULL;
}

static int open_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static tdm_executor *small_executor(void)
{
    tdm_executor *executor = NULL;
    EXPECT(tdm_executor_create(&executor, &(tdm_executor_options){.loops = 1, .workers = 1}) == 0);
    return executor;
}

/* Check's own assertions give back memory that was not taken here: none inside. @return how much was asked of the
 * system. */
static long live_a_life(long refuse)
{
    int pair[2];
    pthread_t thread;
    EXPECT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
    tdm_executor *executor = small_executor();
    asked = 0;
    refuse_at = refuse;
    for (int lane = 0; lane < TDM_LANES; lane++) {
        tdm_task_spec spec = {.run = use_all, .arg = pair, .lane = (tdm_lane) lane};
        EXPECT(is(tdm_spawn(executor, &spec, NULL), 0));
        if (tdm_executor_drain(executor, &(tdm_drain_options){.timeout = 20}, NULL) != 0) /* one place after another */
            EXPECT(!"every task ends");
        if (lane == TDM_LOOP) { /* a drain is for good */
            refuse_at = 0;
            EXPECT(tdm_executor_destroy(&executor) == 0);
            executor = small_executor();
            refuse_at = refuse;
        }
    }
    if (pthread_create(&thread, NULL, use_all_on_thread, pair) == 0)
        pthread_join(thread, NULL);
    long so_many = asked;
    refuse_at = 0;
    EXPECT(tdm_executor_destroy(&executor) == 0);
    close(pair[0]);
    close(pair[1]);
    return so_many;
}

START_TEST(whatever_is_refused_to_a_wait_nothing_is_taken_nothing_leaks_and_nothing_hangs)
{
    event_set_mem_functions(__wrap_malloc, __wrap_realloc, __wrap_free);
    live_a_life(0); /* what is made once in a process */
    ck_assert_msg(!broken, "when nothing was refused: not so: %s", broken);
    long run = 0, so_many;
    do {
        long before = live;
        int descriptors = open_descriptors();
        alarm(30);
        so_many = live_a_life(++run);
        long leaked = live - before;
        ck_assert_msg(!broken, "when request %ld was refused: not so: %s", run, broken);
        ck_assert_msg(leaked == 0, "%ld leaked when request %ld was refused", leaked, run);
        ck_assert_int_eq(open_descriptors(), descriptors);
    } while (so_many >= run && run < 1000);
    alarm(0);
    ck_assert_int_gt(run, 20); /* the faults did happen */
    ck_assert_int_lt(run, 1000);
}
END_TEST

int main(void)
{
    return unit_main(
        "fault-waits",
        (const TTest *const[]){whatever_is_refused_to_a_wait_nothing_is_taken_nothing_leaks_and_nothing_hangs, NULL});
}
