/* SPDX-License-Identifier: MIT */
/** @file
 *  Members of a JSON object in one call each, for the JSON report. What is not known is null. */
#ifndef LOAD_REPORT_KEYS_H
#define LOAD_REPORT_KEYS_H

#include <stdio.h>

#include <tandem/histogram.h>
#include <tandem/json.h>

#include "load/result.h"

void load_key_uint(tdm_json_writer *w, const char *key, uint64_t value);
/** null below 0, and so for LOAD_UNKNOWN */
void load_key_known(tdm_json_writer *w, const char *key, int64_t value);
void load_key_double(tdm_json_writer *w, const char *key, double value);
/** null for 0, which stands for "not asked for" in a plan */
void load_key_positive(tdm_json_writer *w, const char *key, double value);
/** seconds */
void load_key_seconds(tdm_json_writer *w, const char *key, int64_t ns);
/** seconds; null for LOAD_UNKNOWN */
void load_key_known_seconds(tdm_json_writer *w, const char *key, int64_t ns);
void load_key_bool(tdm_json_writer *w, const char *key, bool value);
/** null for NULL */
void load_key_string(tdm_json_writer *w, const char *key, const char *value);
void load_key_null(tdm_json_writer *w, const char *key);
/** What `write` says of a step; null if that is nothing. */
void load_key_words(tdm_json_writer *w, const char *key, void (*write)(FILE *to, const load_step *step),
                    const load_step *step);
/** {"count", "min", "p50", …}; null if nothing was recorded. */
void load_key_histogram(tdm_json_writer *w, const char *key, const tdm_histogram *h);

#endif
