/* SPDX-License-Identifier: MIT */
/* DESIGN: the two rules of the JSON report in one place: times are seconds, and what is not known is null, never 0. */
#include "load/report_keys.h"

#include <stdlib.h>

#include "load/words.h"

void load_key_uint(tdm_json_writer *w, const char *key, uint64_t value)
{
    tdm_json_key(w, key);
    tdm_json_uint(w, value);
}

void load_key_known(tdm_json_writer *w, const char *key, int64_t value)
{
    if (value < 0)
        load_key_null(w, key);
    else
        load_key_uint(w, key, (uint64_t) value);
}

void load_key_double(tdm_json_writer *w, const char *key, double value)
{
    tdm_json_key(w, key);
    tdm_json_double(w, value);
}

void load_key_positive(tdm_json_writer *w, const char *key, double value)
{
    if (value > 0)
        load_key_double(w, key, value);
    else
        load_key_null(w, key);
}

void load_key_seconds(tdm_json_writer *w, const char *key, int64_t ns)
{
    tdm_json_key(w, key);
    tdm_json_seconds(w, ns);
}

void load_key_known_seconds(tdm_json_writer *w, const char *key, int64_t ns)
{
    if (ns == LOAD_UNKNOWN)
        load_key_null(w, key);
    else
        load_key_seconds(w, key, ns);
}

void load_key_bool(tdm_json_writer *w, const char *key, bool value)
{
    tdm_json_key(w, key);
    tdm_json_bool(w, value);
}

void load_key_string(tdm_json_writer *w, const char *key, const char *value)
{
    tdm_json_key(w, key);
    tdm_json_string(w, value);
}

void load_key_null(tdm_json_writer *w, const char *key)
{
    tdm_json_key(w, key);
    tdm_json_null(w);
}

void load_key_words(tdm_json_writer *w, const char *key, void (*write)(FILE *to, const load_step *step),
                    const load_step *step)
{
    char *text = load_words_text(write, step);
    load_key_string(w, key, text && *text ? text : NULL);
    free(text);
}

void load_key_histogram(tdm_json_writer *w, const char *key, const tdm_histogram *h)
{
    static const struct {
        const char *name;
        double percentile;
    } points[] = {{"p50", 50}, {"p90", 90}, {"p95", 95}, {"p99", 99}, {"p999", 99.9}};
    tdm_json_key(w, key);
    if (!h || !tdm_histogram_count(h)) {
        tdm_json_null(w);
        return;
    }
    tdm_json_object_begin(w);
    load_key_uint(w, "count", tdm_histogram_count(h));
    load_key_seconds(w, "min", tdm_histogram_min(h));
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++)
        load_key_seconds(w, points[i].name, tdm_histogram_percentile(h, points[i].percentile));
    load_key_seconds(w, "max", tdm_histogram_max(h));
    load_key_double(w, "mean", tdm_histogram_mean(h) / 1e9);
    tdm_json_object_end(w);
}
