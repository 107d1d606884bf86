/* SPDX-License-Identifier: MIT */
/* DESIGN: fibers by themselves, on the test's own thread, which stands for a loop's. Each fiber writes to its stack and
 * finds it unchanged after others ran. The sanitizers watch the switches. */
#include "tasks/fiber.h"

#include "tests/unit/unit.h"

enum { MANY = TDM__FIBERS_KEPT + 200 };

static tdm__fibers fibers;

typedef struct work {
    int suspends; /* how often to suspend before returning */
    int steps;    /* how far it came */
    bool over;
} work;

static void run_work(void *arg)
{
    work *w = arg;
    volatile unsigned char mine[512];
    for (size_t i = 0; i < sizeof mine; i++)
        mine[i] = (unsigned char) ((uintptr_t) w + i);
    for (; w->steps < w->suspends; w->steps++) {
        tdm__fiber_suspend(&fibers);
        size_t same = 0;
        for (size_t i = 0; i < sizeof mine; i++)
            same += mine[i] == (unsigned char) ((uintptr_t) w + i);
        ck_assert_uint_eq(same, sizeof mine);
    }
    w->over = true;
}

/* @return the fiber; NULL: it is over already. */
static tdm__fiber *start(work *w)
{
    tdm__fiber *fiber = tdm__fiber_take(&fibers);
    ck_assert_ptr_nonnull(fiber);
    return tdm__fiber_run(&fibers, fiber, run_work, w) ? NULL : fiber;
}

START_TEST(a_function_that_never_suspends_is_over_when_run_returns)
{
    tdm__fibers_init(&fibers);
    work w = {.suspends = 0};
    ck_assert_ptr_null(start(&w));
    ck_assert(w.over);
    ck_assert_uint_eq(fibers.live_count, 0);
    ck_assert_ptr_null(fibers.current);
    tdm__fibers_finish(&fibers);
}
END_TEST

START_TEST(a_suspended_function_goes_on_where_it_stopped)
{
    tdm__fibers_init(&fibers);
    work w = {.suspends = 3};
    tdm__fiber *fiber = start(&w);
    ck_assert_ptr_nonnull(fiber);
    ck_assert_uint_eq(fibers.live_count, 1);
    for (int i = 1; i <= 3; i++) {
        ck_assert(!w.over);
        ck_assert_int_eq(tdm__fiber_resume(&fibers, fiber), i == 3);
        ck_assert_int_eq(w.steps, i);
    }
    ck_assert(w.over);
    tdm__fibers_finish(&fibers);
}
END_TEST

START_TEST(the_fiber_that_ended_last_is_used_next)
{
    tdm__fibers_init(&fibers);
    work a = {.suspends = 1}, b = {.suspends = 1}, c = {.suspends = 1};
    tdm__fiber *fa = start(&a), *fb = start(&b);
    ck_assert_ptr_ne(fa, fb);
    ck_assert(tdm__fiber_resume(&fibers, fa));
    ck_assert(tdm__fiber_resume(&fibers, fb));
    ck_assert_ptr_eq(start(&c), fb);
    ck_assert_uint_eq(fibers.stacks.made, 2);
    ck_assert(tdm__fiber_resume(&fibers, fb));
    tdm__fibers_finish(&fibers);
}
END_TEST

START_TEST(a_fiber_given_back_unused_can_be_taken_again)
{
    tdm__fibers_init(&fibers);
    tdm__fiber *fiber = tdm__fiber_take(&fibers);
    ck_assert_uint_eq(fibers.live_count, 1);
    tdm__fiber_give_back(&fibers, fiber);
    ck_assert_uint_eq(fibers.live_count, 0);
    work w = {.suspends = 1};
    ck_assert_ptr_eq(start(&w), fiber);
    ck_assert(tdm__fiber_resume(&fibers, fiber));
    tdm__fibers_finish(&fibers);
}
END_TEST

static work many[MANY];
static tdm__fiber *held[MANY];

/* Many at once, all idle afterwards; taken from the warm ones as long as there are any. */
static void round_of_many(void)
{
    for (int i = 0; i < MANY; i++) {
        many[i] = (work){.suspends = 2};
        held[i] = start(&many[i]);
        ck_assert_ptr_nonnull(held[i]);
    }
    ck_assert_uint_eq(fibers.live_count, MANY);
    ck_assert_uint_eq(fibers.warm_count, 0);
    ck_assert_ptr_null(fibers.cold);
    for (int i = 0; i < MANY; i++)
        ck_assert(!tdm__fiber_resume(&fibers, held[i]));
    for (int i = MANY - 1; i >= 0; i--)
        ck_assert(tdm__fiber_resume(&fibers, held[i]));
    for (int i = 0; i < MANY; i++)
        ck_assert(many[i].over);
    ck_assert_uint_eq(fibers.warm_count, MANY);
}

/* A span is over. @return how many are warm then. */
static size_t after_a_span(void)
{
    static int64_t now_ns;
    now_ns += TDM__FIBERS_SPAN_NS;
    do {
        size_t before = fibers.warm_count;
        tdm__fibers_trim(&fibers, now_ns, 10);
        ck_assert_uint_ge(fibers.warm_count + 10, before); /* no more than it may */
    } while (fibers.trim_ns <= now_ns);
    return fibers.warm_count;
}

START_TEST(fibers_needed_within_a_span_keep_their_memory_and_others_go_cold_and_work_again)
{
    tdm__fibers_init(&fibers);
    ck_assert_int_eq(fibers.trim_ns, INT64_MAX);
    for (int round = 0; round < 3; round++) {
        round_of_many();
        ck_assert_int_eq(fibers.trim_ns, 0);
        ck_assert_uint_eq(after_a_span(), MANY);
        round_of_many();
        ck_assert_uint_eq(after_a_span(), MANY);
        ck_assert_uint_eq(after_a_span(), TDM__FIBERS_KEPT);
        ck_assert_ptr_nonnull(fibers.cold);
        ck_assert_int_eq(fibers.trim_ns, INT64_MAX); /* and now the loop may sleep for ever */
        ck_assert_uint_eq(fibers.stacks.made, MANY);
    }
    tdm__fibers_finish(&fibers);
}
END_TEST

START_TEST(what_is_taken_while_others_go_cold_is_not_taken_from_them)
{
    tdm__fibers_init(&fibers);
    round_of_many();
    after_a_span();
    tdm__fibers_trim(&fibers, fibers.trim_ns, 10);
    ck_assert_uint_eq(fibers.warm_count, MANY - 10);
    for (int i = 0; i < MANY; i++)
        ck_assert_ptr_nonnull(held[i] = tdm__fiber_take(&fibers));
    ck_assert_uint_eq(fibers.stacks.made, MANY);
    tdm__fibers_trim(&fibers, fibers.trim_ns, 10);
    ck_assert_int_eq(fibers.trim_ns, INT64_MAX); /* nothing is left to give back */
    for (int i = 0; i < MANY; i++)
        tdm__fiber_give_back(&fibers, held[i]);
    ck_assert_uint_eq(after_a_span(), MANY);
    tdm__fibers_finish(&fibers);
}
END_TEST

START_TEST(stacks_do_not_overlap_and_leave_room_for_the_promised_size)
{
    enum { COUNT = 130 }; /* more than two slabs */
    static tdm__fiber *taken[COUNT];
    tdm__fibers_init(&fibers);
    for (int i = 0; i < COUNT; i++) {
        taken[i] = tdm__fiber_take(&fibers);
        const tdm__stack *a = tdm__fiber_stack(taken[i]);
        ck_assert_uint_ge(a->size, 64 * 1024);
        bool apart = true;
        for (int k = 0; k < i; k++) {
            const tdm__stack *b = tdm__fiber_stack(taken[k]);
            apart = apart && (a->low + a->size <= b->low || b->low + b->size <= a->low);
        }
        ck_assert(apart);
    }
    for (int i = 0; i < COUNT; i++)
        tdm__fiber_give_back(&fibers, taken[i]);
    tdm__fibers_finish(&fibers);
}
END_TEST

START_TEST(stacks_made_after_others_were_unmapped_work)
{
    for (int round = 0; round < 4; round++) { /* the kernel likes to give the same addresses again */
        tdm__fibers_init(&fibers);
        work works[70];
        tdm__fiber *taken[70];
        for (int i = 0; i < 70; i++) {
            works[i] = (work){.suspends = 1};
            taken[i] = start(&works[i]);
        }
        for (int i = 0; i < 70; i++)
            ck_assert(tdm__fiber_resume(&fibers, taken[i]));
        tdm__fibers_finish(&fibers);
    }
}
END_TEST

int main(void)
{
    return unit_main("fiber", (const TTest *const[]){
                                  a_function_that_never_suspends_is_over_when_run_returns,
                                  a_suspended_function_goes_on_where_it_stopped, the_fiber_that_ended_last_is_used_next,
                                  a_fiber_given_back_unused_can_be_taken_again,
                                  fibers_needed_within_a_span_keep_their_memory_and_others_go_cold_and_work_again,
                                  what_is_taken_while_others_go_cold_is_not_taken_from_them,
                                  stacks_do_not_overlap_and_leave_room_for_the_promised_size,
                                  stacks_made_after_others_were_unmapped_work, NULL});
}
