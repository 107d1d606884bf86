/* SPDX-License-Identifier: MIT */
/* DESIGN: what is declared wrongly is found when it is declared, and then a person reads the reason: it names the thing
 * and says what would be right. The sentence lives in the caller's buffer, so that it can name names. */
#include "server/schema/why.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int tdm__why_say(tdm__why *why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why->text, sizeof why->text, format, args);
    va_end(args);
    return -EINVAL;
}
