/* SPDX-License-Identifier: MIT */
/* DESIGN: the ledger alone, with rows that belong to no task: live rows, ended ones, and what reads both. The ring has a
 * test of its own. */
#include "tasks/ledger.h"

#include "tests/unit/unit.h"

enum { LOOKS = 8192, TRIES = 16384 };

static tdm__row *add(tdm__ledger *ledger, uint64_t id)
{
    tdm__row *row = calloc(1, sizeof *row);
    ck_assert_ptr_nonnull(row);
    *row = (tdm__row){.id = id, .name = "row", .state = TDM_QUEUED};
    tdm__ledger_add(ledger, row);
    return row;
}

static void end(tdm__ledger *ledger, tdm__row *row, tdm_state state)
{
    ck_assert(tdm__row_is_live(row));
    tdm__ledger_end(ledger, row, state, (int64_t) row->id + 1000);
    ck_assert(!tdm__row_is_live(row));
    memset(row, 0xEE, sizeof *row); /* nobody may look at it any more */
    free(row);
}

static void add_and_end(tdm__ledger *ledger, uint64_t id)
{
    end(ledger, add(ledger, id), TDM_DONE);
}

static bool knows(const tdm__ledger *ledger, uint64_t id)
{
    tdm_task_info info;
    bool known = tdm__ledger_get(ledger, id, &info);
    ck_assert(!known || info.id == id);
    return known;
}

START_TEST(a_row_is_read_in_full_before_and_after_its_end)
{
    tdm__row row = {.id = 7,
                    .request = 8,
                    .name = "row",
                    .lane = TDM_POOL,
                    .state = TDM_RUNNING,
                    .cancel_requested = true,
                    .thread = 9,
                    .error = -10,
                    .reason = TDM__STILL_RUNNING,
                    .accepted_ns = 11,
                    .ready_ns = 12,
                    .started_ns = 13,
                    .accepted_wall_ns = 14};
    tdm_task_info live, ended;
    tdm__ledger ledger;
    ck_assert_int_eq(tdm__ledger_init(&ledger, 1), 0);
    tdm__ledger_add(&ledger, &row);
    ck_assert(tdm__ledger_get(&ledger, 7, &live));
    tdm__ledger_end(&ledger, &row, TDM_ABANDONED, 15);
    ck_assert(tdm__ledger_get(&ledger, 7, &ended));
    ck_assert_int_eq(live.state, TDM_RUNNING);
    ck_assert_int_eq(live.ended_ns, 0);
    ck_assert_int_eq(ended.state, TDM_ABANDONED);
    ck_assert_int_eq(ended.ended_ns, 15);
    const tdm_task_info *const both[] = {&live, &ended};
    for (int i = 0; i < 2; i++) {
        ck_assert_uint_eq(both[i]->id, 7);
        ck_assert_uint_eq(both[i]->request, 8);
        ck_assert_str_eq(both[i]->name, "row");
        ck_assert_int_eq(both[i]->lane, TDM_POOL);
        ck_assert(both[i]->cancel_requested);
        ck_assert_uint_eq(both[i]->thread, 9);
        ck_assert_int_eq(both[i]->error, -10);
        ck_assert_str_eq(both[i]->reason, "it was still running when the drain ended");
        ck_assert_int_eq(both[i]->accepted_ns, 11);
        ck_assert_int_eq(both[i]->ready_ns, 12);
        ck_assert_int_eq(both[i]->started_ns, 13);
        ck_assert_int_eq(both[i]->accepted_wall_ns, 14);
    }
    tdm__ledger_finish(&ledger);
}
END_TEST

START_TEST(unfinished_rows_are_never_forgotten)
{
    tdm__ledger ledger;
    ck_assert_int_eq(tdm__ledger_init(&ledger, 2), 0);
    tdm__row *live = add(&ledger, 1);
    for (uint64_t id = 2; id <= 1000; id++)
        add_and_end(&ledger, id);
    ck_assert_ptr_eq(tdm__ledger_find_live(&ledger, 1), live);
    ck_assert(knows(&ledger, 1));
    end(&ledger, live, TDM_FAILED);
    tdm_task_info info;
    ck_assert_ptr_null(tdm__ledger_find_live(&ledger, 1));
    ck_assert(tdm__ledger_get(&ledger, 1, &info));
    ck_assert_int_eq(info.state, TDM_FAILED);
    ck_assert(!knows(&ledger, 999)); /* it ended before */
    ck_assert(knows(&ledger, 1000));
    tdm__ledger_finish(&ledger);
}
END_TEST

START_TEST(live_rows_are_found_whatever_bits_their_ids_share)
{
    enum { ROWS = 2000 };
    static const unsigned strides[] = {1, 64, 256, 65536, 1u << 24};
    for (size_t s = 0; s < sizeof strides / sizeof *strides; s++) {
        static tdm__row *rows[ROWS];
        tdm__ledger ledger;
        ck_assert_int_eq(tdm__ledger_init(&ledger, 10), 0);
        for (uint64_t i = 0; i < ROWS; i++)
            rows[i] = add(&ledger, (i + 1) * strides[s]);
        for (uint64_t i = 0; i < ROWS; i++) {
            ck_assert_ptr_eq(tdm__ledger_find_live(&ledger, (i + 1) * strides[s]), rows[i]);
            ck_assert_ptr_null(tdm__ledger_find_live(&ledger, (ROWS + 1 + i) * strides[s]));
        }
        for (uint64_t i = 0; i < ROWS; i += 2)
            end(&ledger, rows[i], TDM_DONE);
        for (uint64_t i = 0; i < ROWS; i++)
            ck_assert_ptr_eq(tdm__ledger_find_live(&ledger, (i + 1) * strides[s]), i % 2 ? rows[i] : NULL);
        for (uint64_t i = 1; i < ROWS; i += 2)
            end(&ledger, rows[i], TDM_DONE);
        ck_assert_ptr_null(tdm__ledger_newest(&ledger));
        tdm__ledger_finish(&ledger);
    }
}
END_TEST

START_TEST(a_walk_over_live_rows_survives_the_end_of_each)
{
    tdm__ledger ledger;
    ck_assert_int_eq(tdm__ledger_init(&ledger, 3), 0);
    for (uint64_t id = 1; id <= 20; id++)
        add(&ledger, id);
    uint64_t expected = 20;
    for (tdm__row *row = tdm__ledger_newest(&ledger), *next; row; row = next) {
        next = tdm__ledger_older(&ledger, row);
        ck_assert_uint_eq(row->id, expected--);
        if (row->id % 3)
            end(&ledger, row, TDM_DROPPED);
    }
    ck_assert_uint_eq(expected, 0);
    ck_assert_uint_eq(ledger.live_count, 6);
    for (tdm__row *row = tdm__ledger_newest(&ledger), *next; row; row = next) {
        next = tdm__ledger_older(&ledger, row);
        end(&ledger, row, TDM_DONE);
    }
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
        end(&ledger, rows[i], TDM_DONE); /* 5, 9, 7, 3, 10 */
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

START_TEST(unfinished_rows_are_listed_whatever_has_ended_since)
{
    tdm__ledger ledger;
    ck_assert_int_eq(tdm__ledger_init(&ledger, 3 * LOOKS), 0);
    tdm__row *rows[3];
    for (uint64_t i = 0; i < 3; i++)
        rows[i] = add(&ledger, i + 1);
    rows[1]->state = TDM_RUNNING;
    for (uint64_t id = 4; id <= 3 * LOOKS; id++)
        add_and_end(&ledger, id);
    const uint64_t running[] = {2, 0}, live[] = {3, 2, 1, 0};
    const unsigned both = 1u << TDM_QUEUED | 1u << TDM_RUNNING;
    ck_assert_uint_eq(check_pages(&ledger, (tdm_task_query){.states = 1u << TDM_RUNNING}, 16, running), 1);
    ck_assert_uint_eq(check_pages(&ledger, (tdm_task_query){.states = both}, 16, live), 1);
    for (int i = 0; i < 3; i++)
        end(&ledger, rows[i], TDM_DONE);
    tdm__ledger_finish(&ledger);
}
END_TEST

/* All pages, however many are empty. @return how many rows; `*pages` is how many. */
static uint64_t count_rows(const tdm__ledger *ledger, tdm_task_query query, unsigned *pages)
{
    static tdm_task_info rows[1024];
    uint64_t total = 0, stopped = 1, above = query.before ? query.before : UINT64_MAX;
    for (*pages = 0; stopped; ++*pages) {
        unsigned count = tdm__ledger_list(ledger, &query, rows, 1024, &stopped);
        for (unsigned i = 0; i < count; i++) {
            ck_assert_uint_lt(rows[i].id, above);
            above = rows[i].id;
        }
        total += count;
        ck_assert_uint_le(stopped, above); /* what was filled was seen */
        ck_assert(!query.before || stopped < query.before);
        query.before = stopped;
    }
    return total;
}

START_TEST(ended_rows_are_found_across_any_gap_that_other_shards_left)
{
    static const uint64_t gaps[] = {1, 4095, 4096, 1u << 20, 1u << 22, (1u << 22) + 1, UINT64_C(1) << 33};
    for (size_t g = 0; g < sizeof gaps / sizeof *gaps; g++) {
        tdm__ledger ledger;
        ck_assert_int_eq(tdm__ledger_init(&ledger, 2000), 0);
        unsigned pages;
        for (uint64_t i = 0; i < 3000; i++)
            add_and_end(&ledger, 1 + i + i / 500 * gaps[g]);
        uint64_t newest = 3000 + 5 * gaps[g];
        ck_assert_uint_eq(count_rows(&ledger, (tdm_task_query){0}, &pages), 2000);
        /* At the edges of a gap ids are tried one by one, and small blocks; then blocks of 2^22. */
        ck_assert_uint_le(pages, 4 + 4 * (2 * 4096 + 2 * 1024 + (gaps[g] >> 22)) / TRIES);
        ck_assert_uint_eq(count_rows(&ledger, (tdm_task_query){.before = newest}, &pages), 1999);
        ck_assert_uint_eq(count_rows(&ledger, (tdm_task_query){.before = newest - 499 - gaps[g] / 2}, &pages), 1500);
        tdm__ledger_finish(&ledger);
    }
}
END_TEST

START_TEST(rows_of_one_loop_among_many_are_listed_in_bounded_steps)
{
    enum { STRIDE = 64, ROWS = 4 * LOOKS };
    tdm__ledger ledger;
    ck_assert_int_eq(tdm__ledger_init(&ledger, ROWS), 0);
    tdm__row *oldest = add(&ledger, 1); /* not told before what is between has been looked at */
    for (uint64_t i = 1; i <= ROWS; i++)
        add_and_end(&ledger, i * STRIDE);
    unsigned pages;
    ck_assert_uint_eq(count_rows(&ledger, (tdm_task_query){0}, &pages), ROWS + 1);
    ck_assert_uint_ge(pages, ROWS * STRIDE / TRIES); /* each tries so many ids */
    ck_assert_uint_le(pages, ROWS * STRIDE / TRIES + ROWS / 1024 + 1);
    end(&ledger, oldest, TDM_DONE);
    tdm__ledger_finish(&ledger);
}
END_TEST

START_TEST(a_page_begins_anywhere_among_many_live_rows)
{
    enum { MANY = 3 * LOOKS, GAP = 100000 };
    static tdm__row *rows[2 * MANY];
    tdm__ledger ledger;
    ck_assert_int_eq(tdm__ledger_init(&ledger, 1), 0);
    for (uint64_t i = 0; i < MANY; i++)
        rows[i] = add(&ledger, i + 1);
    for (uint64_t i = MANY; i < 2 * MANY; i++)
        rows[i] = add(&ledger, i + 1 + GAP);
    static const uint64_t befores[] = {1,
                                       2,
                                       100,
                                       MANY,
                                       MANY + 1,
                                       MANY + 2,
                                       MANY + 5000,
                                       MANY + GAP / 2,
                                       MANY + GAP + 1,
                                       MANY + GAP + 2,
                                       2 * MANY + GAP,
                                       2 * MANY + GAP + 1,
                                       UINT64_MAX};
    for (size_t i = 0; i < sizeof befores / sizeof *befores; i++) {
        uint64_t b = befores[i];
        uint64_t expected = b <= MANY ? b - 1 : b <= MANY + GAP ? MANY : b - 1 - GAP;
        if (expected > 2 * MANY)
            expected = 2 * MANY;
        unsigned pages;
        ck_assert_uint_eq(count_rows(&ledger, (tdm_task_query){.before = b}, &pages), expected);
        ck_assert_uint_le(pages, expected / 1024 + 1 + GAP / LOOKS + 1);
    }
    for (uint64_t i = 0; i < 2 * MANY; i++)
        end(&ledger, rows[i], TDM_DONE);
    tdm__ledger_finish(&ledger);
}
END_TEST

START_TEST(where_few_live_rows_are_on_one_side_of_a_gap_a_page_begins_at_once)
{
    enum { FEW = 5, MANY = 3 * LOOKS, GAP = 1000000 };
    static tdm__row *rows[FEW + MANY];
    for (int few_old = 0; few_old <= 1; few_old++) {
        const uint64_t old = few_old ? FEW : MANY;
        tdm__ledger ledger;
        ck_assert_int_eq(tdm__ledger_init(&ledger, 1), 0);
        for (uint64_t i = 0; i < FEW + MANY; i++)
            rows[i] = add(&ledger, i + 1 + (i < old ? 0 : GAP));
        tdm_task_info row;
        uint64_t stopped;
        const tdm_task_query query = {.before = old + GAP / 2};
        ck_assert_uint_eq(tdm__ledger_list(&ledger, &query, &row, 1, &stopped), 1);
        ck_assert_uint_eq(row.id, old);
        for (uint64_t i = 0; i < FEW + MANY; i++)
            end(&ledger, rows[i], TDM_DONE);
        tdm__ledger_finish(&ledger);
    }
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
                ck_assert(!knows(&ledger, end_order[ends - LIMIT - 1]));
            ck_assert(knows(&ledger, end_order[ends > LIMIT ? ends - LIMIT : 0]));
        }
        ck_assert_uint_eq(ledger.live_count, count);
        if (ends % 500 == 0) {
            unsigned pages;
            uint64_t remembered = ends < LIMIT ? ends : LIMIT;
            ck_assert_uint_eq(count_rows(&ledger, (tdm_task_query){0}, &pages), count + remembered);
            ck_assert_uint_eq(count_rows(&ledger, (tdm_task_query){.states = 1u << TDM_DONE}, &pages), remembered);
            ck_assert_uint_eq(count_rows(&ledger, (tdm_task_query){.states = 1u << TDM_QUEUED}, &pages), count);
        }
    }
    tdm__ledger_finish(&ledger);
}
END_TEST

int main(void)
{
    return unit_main(
        "ledger",
        (const TTest *const[]){
            a_row_is_read_in_full_before_and_after_its_end, unfinished_rows_are_never_forgotten,
            live_rows_are_found_whatever_bits_their_ids_share, a_walk_over_live_rows_survives_the_end_of_each,
            list_is_newest_first_though_ids_came_out_of_order, before_works_for_ids_that_are_gone_or_never_were,
            a_rare_state_gives_short_pages_that_still_have_a_next, ends_are_told_in_their_own_order_from_any_place,
            unfinished_rows_are_listed_whatever_has_ended_since,
            ended_rows_are_found_across_any_gap_that_other_shards_left,
            rows_of_one_loop_among_many_are_listed_in_bounded_steps, a_page_begins_anywhere_among_many_live_rows,
            where_few_live_rows_are_on_one_side_of_a_gap_a_page_begins_at_once, random_lives_agree_with_a_plain_array,
            NULL});
}
