/* SPDX-License-Identifier: MIT */
/** @file
 *  The main() of every unit test program: run a list of Check tests, each in a process of its own. */
#ifndef TANDEM_TESTS_UNIT_H
#define TANDEM_TESTS_UNIT_H

#include <stdlib.h>

#include <check.h>

/** Run `tests` (a list that ends with NULL) as the suite `name`. @return what main() returns. */
static inline int unit_main(const char *name, const TTest *const *tests)
{
    Suite *suite = suite_create(name);
    TCase *tc = tcase_create(name);
    tcase_set_timeout(tc, 60); /* for the sanitizers; a test that takes as long as this hangs */
    for (; *tests; tests++)
        tcase_add_test(tc, *tests);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
