/* SPDX-License-Identifier: MIT */
/* DESIGN: the heap against a model that anyone can see to be right: an array of deadlines, searched from end to end. */
#include "tasks/timer.h"

#include "tests/unit/unit.h"

enum { TIMERS = 300, STEPS = 30000 };

typedef struct model {
    tdm__timers heap;
    tdm__timer timers[TIMERS];
    int64_t due[TIMERS]; /* INT64_MAX: not armed */
    size_t armed;
} model;

static void never_called(tdm__timer *timer)
{
    (void) timer;
    ck_abort_msg("the heap itself runs nothing");
}

static void model_init(model *m)
{
    *m = (model){0};
    for (int i = 0; i < TIMERS; i++) {
        m->timers[i].run = never_called;
        m->due[i] = INT64_MAX;
    }
}

static int64_t model_next(const model *m)
{
    int64_t next = INT64_MAX;
    for (int i = 0; i < TIMERS; i++)
        if (m->due[i] < next)
            next = m->due[i];
    return next;
}

static void arm(model *m, int i, int64_t due)
{
    m->armed += m->due[i] == INT64_MAX;
    m->due[i] = due;
    ck_assert_int_eq(tdm__timers_arm(&m->heap, &m->timers[i], due), 0);
}

static void disarm(model *m, int i)
{
    m->armed -= m->due[i] != INT64_MAX;
    m->due[i] = INT64_MAX;
    tdm__timers_disarm(&m->heap, &m->timers[i]);
}

static void take(model *m, int64_t now)
{
    tdm__timer *timer = tdm__timers_take(&m->heap, now);
    int64_t next = model_next(m);
    if (next > now) {
        ck_assert_ptr_null(timer);
        return;
    }
    ck_assert_ptr_nonnull(timer);
    ck_assert_int_eq(m->due[timer - m->timers], next);
    ck_assert_uint_eq(timer->place, 0);
    m->due[timer - m->timers] = INT64_MAX;
    m->armed--;
}

START_TEST(random_arming_and_disarming_agrees_with_a_plain_array)
{
    static model m;
    model_init(&m);
    uint64_t seed = 42;
    for (int step = 0; step < STEPS; step++) {
        int i = (int) (unit_random(&seed) % TIMERS);
        int64_t due = (int64_t) (unit_random(&seed) % 1000); /* few values: many ties */
        switch (unit_random(&seed) % 8) {
        case 0:
        case 1:
        case 2:
        case 3: /* also arms again what is armed */
            arm(&m, i, due);
            break;
        case 4:
        case 5:
            disarm(&m, i);
            break;
        default:
            take(&m, due / 4);
        }
        ck_assert_int_eq(tdm__timers_next(&m.heap), model_next(&m));
        ck_assert_uint_eq(m.heap.count, m.armed);
    }
    while (m.armed)
        take(&m, INT64_MAX - 1);
    ck_assert_int_eq(tdm__timers_next(&m.heap), INT64_MAX);
    tdm__timers_finish(&m.heap);
}
END_TEST

START_TEST(timers_come_out_in_order_of_their_deadlines)
{
    static model m;
    model_init(&m);
    for (int i = 0; i < TIMERS; i++)
        arm(&m, i, (int64_t) i * 7919 % TIMERS);
    for (int64_t due = 0; due < TIMERS; due++) {
        ck_assert_ptr_null(tdm__timers_take(&m.heap, due - 1));
        tdm__timer *timer = tdm__timers_take(&m.heap, due);
        ck_assert_ptr_nonnull(timer);
        ck_assert_int_eq(m.due[timer - m.timers], due);
    }
    ck_assert_ptr_null(tdm__timers_take(&m.heap, INT64_MAX));
    tdm__timers_finish(&m.heap);
}
END_TEST

START_TEST(disarming_what_is_not_armed_changes_nothing)
{
    tdm__timers heap = {0};
    tdm__timer timer = {.run = never_called};
    tdm__timers_disarm(&heap, &timer);
    ck_assert_int_eq(tdm__timers_next(&heap), INT64_MAX);
    ck_assert_int_eq(tdm__timers_arm(&heap, &timer, 5), 0);
    tdm__timers_disarm(&heap, &timer);
    tdm__timers_disarm(&heap, &timer);
    ck_assert_uint_eq(heap.count, 0);
    tdm__timers_finish(&heap);
}
END_TEST

int main(void)
{
    return unit_main("timer", (const TTest *const[]){random_arming_and_disarming_agrees_with_a_plain_array,
                                                     timers_come_out_in_order_of_their_deadlines,
                                                     disarming_what_is_not_armed_changes_nothing, NULL});
}
