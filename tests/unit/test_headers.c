/* SPDX-License-Identifier: MIT */
#include <tandem/tandem.h>

#include "tests/unit/unit.h"

START_TEST(version_is_the_projects)
{
    ck_assert_str_eq(tdm_version(), TDM__VERSION);
}
END_TEST

int main(void)
{
    return unit_main("headers", (const TTest *const[]){version_is_the_projects, NULL});
}
