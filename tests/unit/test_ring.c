/* SPDX-License-Identifier: MIT */
/* DESIGN: the ring alone. It is tried at every edge: one row, its limit, past it, around the chunks of 512 rows that it
 * grows by; with ids that crowd its index; where its numbers wrap at 2^32; and without memory. */
#include "tasks/ring.h"

#include "tests/unit/unit.h"

enum { CHUNK = 512 };

static void push(tdm__ring *ring, uint64_t id)
{
    const tdm__row row = {.id = id, .name = "row", .accepted_ns = (int64_t) id};
    tdm__ring_push(ring, &row, TDM_DONE, (int64_t) id + 1000);
}

static bool knows(const tdm__ring *ring, uint64_t id)
{
    const tdm__ended_row *row = tdm__ring_find(ring, id);
    ck_assert(!row || (row->id == id && row->ended_ns == (int64_t) id + 1000));
    return row;
}

/* Ids 1 … last were pushed in order, the last `limit` of them are there by id and by place. */
static void check_remembered(const tdm__ring *ring, uint64_t last, size_t limit)
{
    uint64_t first = last > limit ? last - limit + 1 : 1;
    ck_assert(!knows(ring, first - 1));
    ck_assert(!knows(ring, last + 1));
    for (uint64_t id = first; id <= last; id += (last - first) / 7 + 1) {
        ck_assert(knows(ring, id));
        ck_assert_uint_eq(tdm__ring_at(ring, id - 1)->id, id);
    }
    ck_assert_uint_eq(ring->ended, last);
    ck_assert_uint_eq(tdm__ring_forgotten(ring), first - 1);
    ck_assert_uint_eq(tdm__ring_at(ring, last - 1)->id, last);
}

START_TEST(the_last_limit_rows_are_remembered_and_no_more)
{
    static const size_t limits[] = {1, 2, 3, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 5};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        tdm__ring ring;
        ck_assert_int_eq(tdm__ring_init(&ring, limits[i]), 0);
        for (uint64_t id = 1; id <= limits[i] * 4 + 1; id++) {
            push(&ring, id);
            bool edge = id <= 2 || id % limits[i] <= 1 || id % CHUNK <= 1;
            if (edge)
                check_remembered(&ring, id, limits[i]);
        }
        ck_assert_uint_ge((size_t) 2 << ring.index_bits, limits[i]); /* or chains would grow with the ring */
        tdm__ring_finish(&ring);
    }
}
END_TEST

START_TEST(ids_that_share_a_bucket_are_told_apart)
{
    enum { LIMIT = 1500, ROWS = 4 * LIMIT };
    static const uint64_t strides[] = {1, 3, 64, 2048, 65536, UINT64_C(1) << 40};
    for (size_t s = 0; s < sizeof strides / sizeof *strides; s++) {
        tdm__ring ring;
        ck_assert_int_eq(tdm__ring_init(&ring, LIMIT), 0);
        for (uint64_t i = 1; i <= ROWS; i++) {
            push(&ring, i * strides[s]);
            ck_assert(knows(&ring, i * strides[s]));
            if (i > LIMIT)
                ck_assert(!knows(&ring, (i - LIMIT) * strides[s]));
        }
        for (uint64_t i = 1; i <= ROWS + LIMIT; i++)
            ck_assert(knows(&ring, i * strides[s]) == (i > ROWS - LIMIT && i <= ROWS));
        tdm__ring_finish(&ring);
    }
}
END_TEST

START_TEST(all_goes_on_where_the_numbers_of_rows_wrap)
{
    enum { LIMIT = 600 };
    tdm__ring ring;
    ck_assert_int_eq(tdm__ring_init(&ring, LIMIT), 0);
    const uint64_t before = UINT32_MAX - 1000;
    ring.ended = ring.base = before; /* as if so many had been forgotten */
    for (uint64_t id = 1; id <= 3000; id++) {
        push(&ring, id);
        uint64_t first = id > LIMIT ? id - LIMIT + 1 : 1;
        ck_assert(knows(&ring, id) && knows(&ring, first));
        ck_assert(!knows(&ring, first - 1) && !knows(&ring, id + 1));
        ck_assert_uint_eq(tdm__ring_at(&ring, before + first - 1)->id, first);
        unsigned tries = 10;
        uint64_t floor = 0;
        ck_assert_uint_eq(tdm__ring_below(&ring, id + 1, &tries, &floor)->id, id);
    }
    ck_assert_uint_eq(tdm__ring_forgotten(&ring), before + 3000 - LIMIT);
    tdm__ring_finish(&ring);
}
END_TEST

static bool is_stale(const tdm__ring *ring, uint32_t number)
{
    return (uint32_t) ring->ended - number >= tdm__ring_remembered(ring);
}

/* What a bucket or a link that was not used for 2^32 ends may hold: the number of some row that is remembered. */
static void make_old_numbers_look_young(tdm__ring *ring, uint64_t *seed)
{
    for (size_t i = 0; i < (size_t) 1 << ring->index_bits; i++)
        if (is_stale(ring, ring->index[i]))
            ring->index[i] = (uint32_t) (ring->ended - unit_random(seed) % tdm__ring_remembered(ring));
    for (uint64_t place = tdm__ring_forgotten(ring); place < ring->ended; place++) {
        tdm__ended_row *row = (tdm__ended_row *) (uintptr_t) tdm__ring_at(ring, place);
        if (is_stale(ring, row->chain))
            row->chain = (uint32_t) (ring->ended - unit_random(seed) % tdm__ring_remembered(ring));
    }
}

START_TEST(numbers_so_old_that_they_look_young_again_mislead_nobody)
{
    enum { LIMIT = 600, ROWS = 4000 };
    tdm__ring ring;
    ck_assert_int_eq(tdm__ring_init(&ring, LIMIT), 0);
    uint64_t seed = 11;
    for (uint64_t i = 1; i <= ROWS; i++) {
        push(&ring, i * 7);
        if (i % 211)
            continue;
        make_old_numbers_look_young(&ring, &seed);
        for (uint64_t id = 1; id <= (i + 1) * 7; id++)
            ck_assert(knows(&ring, id) == (id % 7 == 0 && id / 7 <= i && id / 7 + LIMIT > i));
    }
    tdm__ring_finish(&ring);
}
END_TEST

START_TEST(the_next_lower_id_is_found_though_the_ends_came_in_any_order)
{
    enum { ROWS = 1000, LIMIT = 700 };
    tdm__ring ring;
    ck_assert_int_eq(tdm__ring_init(&ring, LIMIT), 0);
    static uint64_t ids[ROWS];
    uint64_t seed = 5;
    for (uint64_t i = 0; i < ROWS; i++)
        ids[i] = (i + 1) * 3;
    for (uint64_t i = ROWS - 1; i > 0; i--) {
        uint64_t k = unit_random(&seed) % (i + 1), kept = ids[i];
        ids[i] = ids[k];
        ids[k] = kept;
    }
    for (uint64_t i = 0; i < ROWS; i++)
        push(&ring, ids[i]);
    uint64_t below = ROWS * 3 + 2, seen = 0, floor = 0;
    unsigned tries = 10 * ROWS;
    for (const tdm__ended_row *row; (row = tdm__ring_below(&ring, below, &tries, &floor)); below = row->id) {
        for (uint64_t id = row->id + 1; id < below; id++)
            ck_assert(!knows(&ring, id));
        seen++;
    }
    ck_assert_uint_eq(seen, LIMIT);
    ck_assert_uint_eq(floor, 0);
    tdm__ring_finish(&ring);
}
END_TEST

START_TEST(what_was_not_tried_is_told)
{
    tdm__ring ring;
    ck_assert_int_eq(tdm__ring_init(&ring, 10), 0);
    unsigned tries = 5;
    uint64_t floor = 0;
    ck_assert_ptr_null(tdm__ring_below(&ring, UINT64_MAX, &tries, &floor)); /* empty: nothing to try */
    ck_assert_uint_eq(floor, 0);
    push(&ring, 1);
    push(&ring, 100);
    ck_assert_uint_eq(tdm__ring_below(&ring, UINT64_MAX, &tries, &floor)->id, 100);
    tries = 30;
    ck_assert_ptr_null(tdm__ring_below(&ring, 100, &tries, &floor));
    ck_assert_uint_eq(floor, 70); /* 99 … 70 were tried */
    ck_assert_uint_eq(tries, 0);
    tries = 69;
    floor = 0;
    ck_assert_uint_eq(tdm__ring_below(&ring, 70, &tries, &floor)->id, 1);
    ck_assert_uint_eq(floor, 0);
    tdm__ring_finish(&ring);
}
END_TEST

int main(void)
{
    return unit_main("ring", (const TTest *const[]){the_last_limit_rows_are_remembered_and_no_more,
                                                    ids_that_share_a_bucket_are_told_apart,
                                                    all_goes_on_where_the_numbers_of_rows_wrap,
                                                    numbers_so_old_that_they_look_young_again_mislead_nobody,
                                                    the_next_lower_id_is_found_though_the_ends_came_in_any_order,
                                                    what_was_not_tried_is_told, NULL});
}
