/* SPDX-License-Identifier: MIT */
/* DESIGN: rings of waits that are found, and what ends those that are not: longer ones than the walk looks at, and rings
 * through what has no owner. In testing mode, where nobody goes on by chance. */
#include <tandem/tandem.h>

#include "tests/unit/virtual.h"

enum { SEEDS = 20, FOUND = 40, NOT_FOUND = 60, MOST = NOT_FOUND };

/* ---- of joins ---- */

typedef struct ring {
    unsigned count;
    tdm_task *handles[MOST]; /* each is held by the link before */
    tdm_event *known;        /* they are written */
    struct link {
        struct ring *ring;
        unsigned index;
        int result;
    } links[MOST];
} ring;

static int join_the_next(tdm_task *task, void *arg)
{
    (void) task;
    struct link *link = arg;
    tdm_task **next = &link->ring->handles[(link->index + 1) % link->ring->count];
    TDM_EXPECT(tdm_event_wait(link->ring->known) == 0);
    link->result = tdm_join(next, NULL);
    tdm_task_detach(next); /* what it could not join */
    return 0;
}

static void make_ring(tdm_executor *executor, ring *r, unsigned count)
{
    *r = (ring){.count = count};
    ck_assert_int_eq(tdm_event_create(&r->known), 0);
    for (unsigned i = 0; i < count; i++) {
        r->links[i] = (struct link){.ring = r, .index = i, .result = 1};
        tdm_task_spec spec = {.name = "link", .run = join_the_next, .arg = &r->links[i]};
        ck_assert_int_eq(tdm_task_start(&r->handles[i], executor, &spec), 0);
    }
}

static unsigned links_with(const ring *r, int result)
{
    unsigned count = 0;
    for (unsigned i = 0; i < r->count; i++)
        count += r->links[i].result == result;
    return count;
}

START_TEST(of_a_ring_of_joins_the_last_is_refused_and_all_others_end)
{
    static ring r;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        tdm_executor *executor = virtual_begin(seed, 1 + (unsigned) (seed % 2));
        make_ring(executor, &r, FOUND);
        tdm_event_set(r.known);
        tdm_testing_settle();
        ck_assert_uint_eq(links_with(&r, -EDEADLK), 1);
        ck_assert_uint_eq(links_with(&r, 0), FOUND - 1);
        virtual_end(executor);
        tdm_event_destroy(&r.known);
    }
}
END_TEST

START_TEST(a_ring_longer_than_is_looked_at_waits_until_one_is_asked_to_stop)
{
    static ring r;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        tdm_executor *executor = virtual_begin(seed, 1 + (unsigned) (seed % 2));
        make_ring(executor, &r, NOT_FOUND);
        tdm_event_set(r.known);
        tdm_testing_advance(60);
        ck_assert_uint_eq(links_with(&r, 1), NOT_FOUND); /* nobody was told anything, right or wrong */
        ck_assert_int_eq(tdm_task_stop(r.handles[seed]), 0);
        tdm_testing_settle();
        ck_assert_int_eq(r.links[seed].result, -ECANCELED);
        ck_assert_uint_eq(links_with(&r, 0), NOT_FOUND - 1);
        virtual_end(executor);
        tdm_event_destroy(&r.known);
    }
}
END_TEST

/* ---- of what has no owner to be followed ---- */

typedef struct embrace {
    tdm_mutex *mutexes[2];
    tdm_channel *channels[2];
} embrace;

static int lock_both(embrace *e, int first)
{
    TDM_EXPECT(tdm_mutex_lock(e->mutexes[first]) == 0);
    TDM_EXPECT(tdm_sleep(1) == 0); /* the other one has the other */
    int err = tdm_mutex_lock_for(e->mutexes[!first], 10 + 10 * first);
    TDM_EXPECT(err == (first ? 0 : -ETIMEDOUT)); /* who waits longer gets it when the other has given up */
    if (!err)
        TDM_EXPECT(tdm_mutex_unlock(e->mutexes[!first]) == 0);
    return tdm_mutex_unlock(e->mutexes[first]);
}

static int send_to_each_other(embrace *e, int to)
{
    int item = 0;
    int err = tdm_channel_send_for(e->channels[to], &item, 10);
    TDM_EXPECT(err == -ETIMEDOUT);
    return 0;
}

static int embrace_as_0(tdm_task *task, void *arg)
{
    (void) task;
    int err = lock_both(arg, 0);
    return err ? err : send_to_each_other(arg, 0);
}

static int embrace_as_1(tdm_task *task, void *arg)
{
    (void) task;
    int err = lock_both(arg, 1);
    return err ? err : send_to_each_other(arg, 1);
}

START_TEST(a_ring_of_mutexes_or_channels_ends_with_the_time_of_a_wait)
{
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        embrace e;
        tdm_executor *executor = virtual_begin(seed, 1);
        for (int i = 0; i < 2; i++) {
            ck_assert_int_eq(tdm_mutex_create(&e.mutexes[i]), 0);
            ck_assert_int_eq(tdm_channel_create(&e.channels[i], &(tdm_channel_options){.item_size = sizeof(int)}), 0);
        }
        uint64_t ids[2] = {unit_spawn(executor, (tdm_lane) (seed % TDM_LANES), embrace_as_0, &e),
                           unit_spawn(executor, (tdm_lane) (seed / 2 % TDM_LANES), embrace_as_1, &e)};
        tdm_testing_advance(60);
        for (int i = 0; i < 2; i++) {
            ck_assert_int_eq(unit_info(executor, ids[i]).state, TDM_DONE);
            tdm_mutex_destroy(&e.mutexes[i]);
            tdm_channel_destroy(&e.channels[i]);
        }
        virtual_end(executor);
    }
}
END_TEST

int main(void)
{
    return unit_main("rings", (const TTest *const[]){of_a_ring_of_joins_the_last_is_refused_and_all_others_end,
                                                     a_ring_longer_than_is_looked_at_waits_until_one_is_asked_to_stop,
                                                     a_ring_of_mutexes_or_channels_ends_with_the_time_of_a_wait, NULL});
}
