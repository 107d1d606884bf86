/* SPDX-License-Identifier: MIT */
/* Why something that a program declared cannot be used: one sentence for its author. */
#ifndef TANDEM_SERVER_SCHEMA_WHY_H
#define TANDEM_SERVER_SCHEMA_WHY_H

#include <tandem/base.h>

typedef struct tdm__why {
    char text[320];
} tdm__why;

/* Say why. @return -EINVAL, so that it can be returned at once. */
int tdm__why_say(tdm__why *why, const char *format, ...) TDM_PRINTF(2, 3);

#endif
