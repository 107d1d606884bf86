/* SPDX-License-Identifier: MIT */
/* DESIGN: the ledger alone, with rows that belong to no task. Its ring is tried at every edge: one row, its limit, past
 * it, and around the chunks of 512 rows that it grows by. */
#include "tasks/ledger.h"

#include "tests/unit/unit.h"

enum { CHUNK = 512, LOOKS = 8192 };

static tdm__row *add(tdm__ledger *ledger, uint64_t id)
{
    tdm__row *row = calloc(1, sizeof *row);
    ck_assert_ptr_nonnull(row);
    row->info = (tdm_task_info){.id = id, .name = "row", .state = TDM_QUEUED};
    tdm__ledger_add(ledger, row);
    return row;
}

static void end(tdm__ledger *ledger, tdm__row *row, tdm_state state)
{
    row->info.state = state;
    tdm__ledger_end(ledger, row);
    ck_assert(!row->live);
    memset(row, 0xEE, sizeof *row); /* nobody may look at it any more */
    free(row);
}

static void add_and_end(tdm__ledger *ledger, uint64_t id)
{
    end(ledger, add(ledger, id), TDM_DONE);
}

static void check_remembered(const tdm__ledger *ledger, uint64_t last, size_t limit)
{
    uint64_t first = last > limit ? last - limit + 1 : 1;
    ck_assert_ptr_null(tdm__ledger_find(ledger, first - 1));
    ck_assert_ptr_null(tdm__ledger_find(ledger, last + 1));
    for (uint64_t id = first; id <= last; id += (last - first) / 7 + 1) {
        const tdm__row *row = tdm__ledger_find(ledger, id);
        ck_assert_ptr_nonnull(row);
        ck_assert_uint_eq(row->info.id, id);
        ck_assert(!row->live);
    }
    ck_assert_uint_eq(ledger->ended, last);
    ck_assert_uint_eq(ledger->forgotten, first - 1);
    ck_assert_uint_eq(ledger->row_count, last - first + 1);
    ck_assert_uint_eq(ledger->newest->info.id, last);
    ck_assert_uint_eq(ledger->oldest->info.id, first);
}

START_TEST(the_last_limit_rows_are_remembered_and_no_more)
{
    static const size_t limits[] = {1, 2, 3, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 5};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        tdm__ledger ledger;
        ck_assert_int_eq(tdm__ledger_init(&ledger, limits[i]), 0);
        for (uint64_t id = 1; id <= limits[i] * 4 + 1; id++) {
            add_and_end(&ledger, id);
            bool edge = id <= 2 || id % limits[i] <= 1 || id % CHUNK <= 1;
            if (edge)
                check_remembered(&ledger, id, limits[i]);
        }
        tdm__ledger_finish(&ledger);
    }
}
END_TEST

START_TEST(unfinished_rows_are_never_forgotten)
{
    tdm__ledger ledger;
    ck_assert_int_eq(tdm__ledger_init(&ledger, 2), 0);
    tdm__row *live = add(&ledger, 1);
    for (uint64_t id = 2; id <= 1000; id++)
        add_and_end(&ledger, id);
    ck_assert_ptr_eq(tdm__ledger_find(&ledger, 1), live);
    ck_assert(live->live);
    end(&ledger, live, TDM_FAILED);
    const tdm__row *copy = tdm__ledger_find(&ledger, 1);
    ck_assert_int_eq(copy->info.state, TDM_FAILED);
    ck_assert_ptr_null(tdm__ledger_find(&ledger, 999)); /* it ended before */
    ck_assert_ptr_nonnull(tdm__ledger_find(&ledger, 1000));
    tdm__ledger_finish(&ledger);
}
END_TEST

/* Reads all pages and checks that they are `expected`, newest first. @return how many pages. */
static unsigned check_pages(const tdm__ledger *ledger, tdm_task_query query, unsigned limit, const uint64_t *expected)
{
    unsigned pages = 0;
    uint64_t stopped = 1;
    for (; stopped; pages++) {
        tdm_task_info rows[16];
        unsigned count = tdm__ledger_list(ledger, &query, rows, limit, &stopped);
        ck_assert_uint_le(count, limit);
        for (unsigned i = 0; i < count; i++)
            ck_assert_uint_eq(rows[i].id, *expected++);
        ck_assert(!stopped || !query.before || stopped < query.before);
        query.before = stopped;
    }
    ck_assert_uint_eq(*expected, 0);
    return pages;
}

START_TEST(list_is_newest_first_though_ids_came_out_of_order)
{
    static const uint64_t order[] = {5, 2, 9, 1, 7, 8, 3, 20, 10};
    tdm__ledger ledger;
    ck_assert_int_eq(tdm__ledger_init(&ledger, 100), 0);
    tdm__row *rows[9];
    for (int i = 0; i < 9; i++)
        rows[i] = add(&ledger, order[i]);
    const uint64_t all[] = {20, 10, 9, 8, 7, 5, 3, 2, 1, 0};
    for (unsigned limit = 1; limit <= 10; limit++)
        check_pages(&ledger, (tdm_task_query){0}, limit, all);
    for (int i = 0; i < 9; i += 2)
        end(&ledger, rows[i], TDM_DONE); /* copies take the places of 5, 9, 7, 3, 10 */
    check_pages(&ledger, (tdm_task_query){0}, 4, all);
    const uint64_t done[] = {10, 9, 7, 5, 3, 0}, queued[] = {20, 8, 2, 1, 0};
    check_pages(&ledger, (tdm_task_query){.states = 1u << TDM_DONE}, 2, done);
    check_pages(&ledger, (tdm_task_query){.states = 1u << TDM_QUEUED}, 2, queued);
    check_pages(&ledger, (tdm_task_query){.lanes = 1u << TDM_POOL}, 2, &(const uint64_t){0});
    for (int i = 1; i < 9; i += 2)
        end(&ledger, rows[i], TDM_DONE);
    tdm__ledger_finish(&ledger);
}
END_TEST

START_TEST(before_works_for_ids_that_are_gone_or_never_were)
{
    tdm__ledger ledger;
    ck_assert_int_eq(tdm__ledger_init(&ledger, 3), 0);
    for (uint64_t id = 10; id <= 60; id += 10)
        add_and_end(&ledger, id); /* 10, 20, 30 are forgotten */
    tdm__row *far = add(&ledger, 100000);
    const uint64_t from_55[] = {50, 40, 0}, from_50[] = {40, 0}, all[] = {100000, 60, 50, 40, 0};
    check_pages(&ledger, (tdm_task_query){.before = 55}, 2, from_55);
    check_pages(&ledger, (tdm_task_query){.before = 50}, 2, from_50);
    check_pages(&ledger, (tdm_task_query){.before = 40}, 2, &(const uint64_t){0});
    check_pages(&ledger, (tdm_task_query){.before = 20}, 2, &(const uint64_t){0});
    check_pages(&ledger, (tdm_task_query){.before = 1}, 2, &(const uint64_t){0});
    check_pages(&ledger, (tdm_task_query){.before = 99999}, 2, all + 1); /* further than neighbours are tried */
    check_pages(&ledger, (tdm_task_query){.before = 100000}, 2, all + 1);
    check_pages(&ledger, (tdm_task_query){.before = UINT64_MAX}, 2, all);
    end(&ledger, far, TDM_DONE);
    tdm__ledger_finish(&ledger);
}
END_TEST

START_TEST(a_rare_state_gives_short_pages_that_still_have_a_next)
{
    tdm__ledger ledger;
    ck_assert_int_eq(tdm__ledger_init(&ledger, 3 * LOOKS), 0);
    end(&ledger, add(&ledger, 1), TDM_FAILED);
    for (uint64_t id = 2; id <= 2 * LOOKS + 2; id++)
        add_and_end(&ledger, id);
    end(&ledger, add(&ledger, 2 * LOOKS + 3), TDM_FAILED);
    tdm_task_query query = {.states = 1u << TDM_FAILED};
    tdm_task_info rows[16];
    uint64_t stopped;
    ck_assert_uint_eq(tdm__ledger_list(&ledger, &query, rows, 16, &stopped), 1);
    ck_assert_uint_eq(rows[0].id, 2 * LOOKS + 3);
    ck_assert_uint_eq(stopped, LOOKS + 4); /* LOOKS rows were seen */
    query.before = stopped;
    ck_assert_uint_eq(tdm__ledger_list(&ledger, &query, rows, 16, &stopped), 0);
    ck_assert_uint_eq(stopped, 4);
    query.before = stopped;
    ck_assert_uint_eq(tdm__ledger_list(&ledger, &query, rows, 16, &stopped), 1);
    ck_assert_uint_eq(rows[0].id, 1);
    ck_assert_uint_eq(stopped, 0);
    tdm__ledger_finish(&ledger);
}
END_TEST

static unsigned ended(const tdm__ledger *ledger, uint64_t from, unsigned limit, uint64_t first, uint64_t missed)
{
    tdm_task_info rows[16];
    uint64_t m = 77;
    unsigned count = tdm__ledger_ended(ledger, from, rows, limit, &m);
    ck_assert_uint_eq(m, missed);
    for (unsigned i = 0; i < count; i++)
        ck_assert_uint_eq(rows[i].id, first - i);
    return count;
}

START_TEST(ends_are_told_in_their_own_order_from_any_place)
{
    tdm__ledger ledger;
    ck_assert_int_eq(tdm__ledger_init(&ledger, 4), 0);
    tdm__row *rows[10];
    for (uint64_t i = 0; i < 10; i++)
        rows[i] = add(&ledger, i + 1);
    ck_assert_uint_eq(ended(&ledger, 0, 16, 0, 0), 0);
    for (uint64_t i = 10; i-- > 7;)
        end(&ledger, rows[i], TDM_DONE); /* 10, 9, 8: newest first */
    ck_assert_uint_eq(ended(&ledger, 0, 16, 10, 0), 3);
    ck_assert_uint_eq(ended(&ledger, 0, 2, 10, 0), 2);
    ck_assert_uint_eq(ended(&ledger, 2, 16, 8, 0), 1);
    ck_assert_uint_eq(ended(&ledger, 3, 16, 0, 0), 0);
    for (uint64_t i = 7; i-- > 0;)
        end(&ledger, rows[i], TDM_DONE); /* the ring keeps 4, 3, 2, 1 */
    ck_assert_uint_eq(ended(&ledger, 0, 16, 4, 6), 4);
    ck_assert_uint_eq(ended(&ledger, 3, 2, 4, 3), 2);
    ck_assert_uint_eq(ended(&ledger, 6, 16, 4, 0), 4);
    ck_assert_uint_eq(ended(&ledger, 9, 16, 1, 0), 1);
    ck_assert_uint_eq(ended(&ledger, 10, 16, 0, 0), 0);
    tdm__ledger_finish(&ledger);
}
END_TEST

START_TEST(random_lives_agree_with_a_plain_array)
{
    enum { IDS = 4000, LIMIT = 700 };
    static tdm__row *live[IDS + 1];
    static uint64_t end_order[IDS];
    uint64_t seed = 7, next = 1, ends = 0, count = 0;
    tdm__ledger ledger;
    ck_assert_int_eq(tdm__ledger_init(&ledger, LIMIT), 0);
    while (ends < IDS) {
        if (next <= IDS && (!count || unit_random(&seed) % 2)) {
            live[next] = add(&ledger, next);
            next++;
            count++;
        } else {
            uint64_t id = 1 + unit_random(&seed) % (next - 1);
            while (!live[id])
                id = id % (next - 1) + 1;
            end(&ledger, live[id], TDM_DONE);
            live[id] = NULL;
            count--;
            end_order[ends++] = id;
            if (ends > LIMIT)
                ck_assert_ptr_null(tdm__ledger_find(&ledger, end_order[ends - LIMIT - 1]));
            ck_assert_ptr_nonnull(tdm__ledger_find(&ledger, end_order[ends > LIMIT ? ends - LIMIT : 0]));
        }
        ck_assert_uint_eq(ledger.row_count, count + (ends < LIMIT ? ends : LIMIT));
    }
    uint64_t above = UINT64_MAX;
    for (const tdm__row *row = ledger.newest; row; row = row->older) {
        ck_assert_uint_lt(row->info.id, above);
        above = row->info.id;
    }
    tdm__ledger_finish(&ledger);
}
END_TEST

int main(void)
{
    return unit_main("ledger", (const TTest *const[]){the_last_limit_rows_are_remembered_and_no_more,
                                                      unfinished_rows_are_never_forgotten,
                                                      list_is_newest_first_though_ids_came_out_of_order,
                                                      before_works_for_ids_that_are_gone_or_never_were,
                                                      a_rare_state_gives_short_pages_that_still_have_a_next,
                                                      ends_are_told_in_their_own_order_from_any_place,
                                                      random_lives_agree_with_a_plain_array, NULL});
}
