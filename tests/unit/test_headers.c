/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include <check.h>
#include <tandem/tandem.h>

START_TEST(version_is_the_projects)
{
    ck_assert_str_eq(tdm_version(), TDM__VERSION);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("headers");
    TCase *tc = tcase_create("headers");
    tcase_add_test(tc, version_is_the_projects);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
