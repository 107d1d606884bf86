/* SPDX-License-Identifier: MIT */
/* DESIGN: ids are unique, rise in the order in which they are taken whoever takes them, come in a row where a row is asked
 * for, and leave no gap where nobody else takes any: though a loop takes them by the lot. */
#include "tasks/ids.h"

#include "tasks/executor.h"
#include "tests/unit/place.h"

static uint64_t next_of(tdm_executor *executor)
{
    return atomic_load(&executor->next_id);
}

/* ---- alone ---- */

static int take_in_one_turn(void *arg)
{
    tdm_executor *executor = arg;
    uint64_t random = 1, next = tdm__ids_take(executor, 1) + 1;
    for (int i = 0; i < 10000; i++) {
        unsigned count = 1 + (i % 3 ? 0 : (unsigned) (unit_random(&random) % 100));
        ck_assert_uint_eq(tdm__ids_take(executor, count), next);
        next += count;
        ck_assert_uint_ge(next_of(executor), next);
    }
    return 0;
}

static int take_in_many_turns(void *arg)
{
    tdm_executor *executor = arg;
    uint64_t next = next_of(executor);
    for (unsigned turn = 0; turn < 200; turn++) {
        for (unsigned i = 0; i < turn; i++)
            ck_assert_uint_eq(tdm__ids_take(executor, 1), next++);
        ck_assert_int_eq(tdm_yield(), 0); /* with one message a turn, into the next but one at most */
        ck_assert_int_eq(tdm_yield(), 0);
        ck_assert_uint_eq(next_of(executor), next);
    }
    return 0;
}

START_TEST(who_is_alone_leaves_no_gap)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.turn_limit = 1});
    ck_assert_int_eq(unit_run(executor, UNIT_LOOP, take_in_one_turn, executor), 0);
    ck_assert_int_eq(unit_run(executor, UNIT_LOOP, take_in_many_turns, executor), 0);
    unit_destroy(executor);
}
END_TEST

/* ---- in turn with another thread ---- */

typedef struct elsewhere {
    tdm_executor *executor;
    uint64_t id;
} elsewhere;

static void *take_elsewhere(void *arg)
{
    elsewhere *e = arg;
    e->id = tdm__ids_take(e->executor, 1);
    return NULL;
}

static uint64_t taken_elsewhere(tdm_executor *executor)
{
    elsewhere e = {.executor = executor};
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, take_elsewhere, &e), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    return e.id;
}

static int take_in_turn(void *arg)
{
    tdm_executor *executor = arg;
    uint64_t last = 0;
    for (unsigned round = 0; round < 100; round++) {
        for (unsigned i = 0; i < round; i++) { /* any number, so that much or little is left of the lot */
            uint64_t id = tdm__ids_take(executor, 1 + i % 2);
            ck_assert_uint_gt(id, last);
            last = id + i % 2;
        }
        uint64_t id = taken_elsewhere(executor);
        ck_assert_uint_gt(id, last);
        last = id;
        if (round % 5 == 0)
            ck_assert_int_eq(tdm_yield(), 0);
    }
    return 0;
}

START_TEST(ids_rise_in_the_order_in_which_they_are_taken_whoever_takes_them)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.turn_limit = 1});
    ck_assert_int_eq(unit_run(executor, UNIT_LOOP, take_in_turn, executor), 0);
    unit_destroy(executor);
}
END_TEST

/* ---- at the same time ---- */

enum { TAKERS = 4, EACH = 20000, MOST_IDS = TAKERS * EACH * 80 };

typedef struct taker {
    tdm_executor *executor;
    pthread_barrier_t *barrier;
    uint64_t *ids; /* EACH of them */
    unit_call call;
} taker;

static int take_many(void *arg)
{
    const taker *t = arg;
    bool on_loop = tdm__loop_current() != NULL;
    pthread_barrier_wait(t->barrier);
    for (unsigned i = 0; i < EACH; i++) {
        t->ids[i] = tdm__ids_take(t->executor, 1);
        if (on_loop && i % 100 == 0)
            ck_assert_int_eq(tdm_yield(), 0);
    }
    return 0;
}

static void check_ids(const taker *t, bool *seen)
{
    for (unsigned i = 0; i < EACH; i++) {
        ck_assert_uint_lt(t->ids[i], MOST_IDS);
        ck_assert(!seen[t->ids[i]]);
        seen[t->ids[i]] = true;
        ck_assert(i == 0 || t->ids[i] > t->ids[i - 1]);
    }
}

static uint64_t ids[TAKERS][EACH];

START_TEST(no_id_is_given_twice_to_loops_and_threads_that_take_them_at_once)
{
    static bool seen[MOST_IDS];
    tdm_executor *executor = unit_executor((tdm_executor_options){.loops = 2, .turn_limit = 1});
    pthread_barrier_t barrier;
    pthread_barrier_init(&barrier, NULL, TAKERS);
    const unit_place places[TAKERS] = {UNIT_LOOP, UNIT_THREAD, UNIT_LOOP, UNIT_POOL};
    taker takers[TAKERS];
    for (unsigned i = 0; i < TAKERS; i++) {
        takers[i] = (taker){.executor = executor, .barrier = &barrier, .ids = ids[i]};
        unit_start(executor, &takers[i].call, places[i], take_many, &takers[i]);
    }
    for (unsigned i = 0; i < TAKERS; i++)
        ck_assert_int_eq(unit_result(&takers[i].call), 0);
    for (unsigned i = 0; i < TAKERS; i++)
        check_ids(&takers[i], seen);
    unit_destroy(executor);
}
END_TEST

int main(void)
{
    return unit_main("ids",
                     (const TTest *const[]){who_is_alone_leaves_no_gap,
                                            ids_rise_in_the_order_in_which_they_are_taken_whoever_takes_them,
                                            no_id_is_given_twice_to_loops_and_threads_that_take_them_at_once, NULL});
}
