/* SPDX-License-Identifier: MIT */
/* A regular expression, compiled once and looked for in many texts. */
#ifndef TANDEM_SERVER_SCHEMA_PATTERN_H
#define TANDEM_SERVER_SCHEMA_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#include "server/schema/why.h"

typedef struct tdm__pattern tdm__pattern;

/* @return 0; -EINVAL: not a regular expression; -ENOMEM. */
int tdm__pattern_create(tdm__pattern **out, const char *text, tdm__why *why);
void tdm__pattern_destroy(tdm__pattern **pattern);
/* Is it found in the text, which is UTF-8? One that would take too long to tell is not. Any thread. */
bool tdm__pattern_matches(const tdm__pattern *pattern, const char *text, size_t size);

#endif
