/* SPDX-License-Identifier: MIT */
/* DESIGN: the one file that knows PCRE2. It is asked without its compiler, whose code wants a stack of its own, because
 * a pattern may be looked for on a fiber. A pattern that backtracks without end meets a limit on steps and on memory
 * and then counts as not found: a client's text must not hold a loop. Each thread keeps one block for results. */
#include "server/schema/pattern.h"

#include <errno.h>
#include <pthread.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <tandem/log.h>

#define MAX_STEPS 100000 /* of backtracking, for one text */
#define MAX_HEAP_KIB 1024

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t results_key;
static pcre2_match_context *limits; /* read by every thread, and freed by none */

static void free_results(void *results)
{
    pcre2_match_data_free(results);
}

static void prepare(void)
{
    pthread_key_create(&results_key, free_results);
    limits = pcre2_match_context_create(NULL);
    if (!limits)
        return;
    pcre2_set_match_limit(limits, MAX_STEPS);
    pcre2_set_heap_limit(limits, MAX_HEAP_KIB);
}

/* The calling thread's block for results; NULL: no memory. */
static pcre2_match_data *results_here(void)
{
    pcre2_match_data *results = pthread_getspecific(results_key);
    if (results)
        return results;
    results = pcre2_match_data_create(1, NULL);
    if (results && pthread_setspecific(results_key, results)) {
        pcre2_match_data_free(results);
        return NULL;
    }
    return results;
}

int tdm__pattern_create(tdm__pattern **out, const char *text, tdm__why *why)
{
    int err;
    PCRE2_SIZE at;
    pthread_once(&once, prepare);
    pcre2_code *code = limits
                           ? pcre2_compile((PCRE2_SPTR) text, PCRE2_ZERO_TERMINATED,
                                           PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C, &err, &at, NULL)
                           : NULL;
    if (!code && (!limits || err == PCRE2_ERROR_HEAP_FAILED))
        return -ENOMEM;
    if (!code) {
        PCRE2_UCHAR words[128];
        pcre2_get_error_message(err, words, sizeof words);
        return tdm__why_say(why, "the pattern '%s' is not a regular expression: %s (at character %zu)", text,
                            (const char *) words, (size_t) at);
    }
    *out = (tdm__pattern *) code;
    return 0;
}

void tdm__pattern_destroy(tdm__pattern **pattern)
{
    pcre2_code_free((pcre2_code *) *pattern);
    *pattern = NULL;
}

bool tdm__pattern_matches(const tdm__pattern *pattern, const char *text, size_t size)
{
    pcre2_match_data *results = results_here();
    if (!results)
        return false;
    int found =
        pcre2_match((const pcre2_code *) pattern, (PCRE2_SPTR) text, size, 0, PCRE2_NO_UTF_CHECK, results, limits);
    if (found < 0 && found != PCRE2_ERROR_NOMATCH)
        tdm_log_warning("a pattern was given up on a text of %zu bytes (PCRE2 error %d)", size, found);
    return found >= 0;
}
