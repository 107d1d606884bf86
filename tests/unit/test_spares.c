/* SPDX-License-Identifier: MIT */
#include "server/spares.h"

#include <string.h>

#include "tasks/sanitizer.h"
#include "tests/unit/unit.h"

START_TEST(the_last_block_that_came_back_is_the_next_that_goes_out)
{
    tdm__spares spares = {0};
    void *first = tdm__spares_take(&spares, 100), *second = tdm__spares_take(&spares, 100);
    ck_assert(first && second && first != second);
    tdm__spares_give(&spares, first);
    tdm__spares_give(&spares, second);
    if (!TDM__SANITIZED) {
        ck_assert_ptr_eq(tdm__spares_take(&spares, 100), second);
        ck_assert_ptr_eq(tdm__spares_take(&spares, 100), first);
        tdm__spares_give(&spares, first);
        tdm__spares_give(&spares, second);
    }
    tdm__spares_finish(&spares);
    ck_assert_uint_eq(spares.count, 0);
}
END_TEST

/* That what is beyond goes back is for the leak checkers to see. */
START_TEST(a_burst_is_not_kept)
{
    enum { BURST = 1000, MOST = 64 };
    static void *blocks[BURST];
    tdm__spares spares = {0};
    for (int i = 0; i < BURST; i++) {
        blocks[i] = tdm__spares_take(&spares, 100);
        ck_assert_ptr_nonnull(blocks[i]);
        memset(blocks[i], i, 100);
    }
    for (int i = 0; i < BURST; i++)
        tdm__spares_give(&spares, blocks[i]);
    ck_assert_uint_le(spares.count, MOST);
    tdm__spares_finish(&spares);
}
END_TEST

int main(void)
{
    return unit_main("spares", (const TTest *const[]){the_last_block_that_came_back_is_the_next_that_goes_out,
                                                      a_burst_is_not_kept, NULL});
}
