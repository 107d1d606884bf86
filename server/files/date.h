/* SPDX-License-Identifier: MIT */
/* Dates as HTTP writes them. Pure; any thread. */
#ifndef TANDEM_SERVER_FILES_DATE_H
#define TANDEM_SERVER_FILES_DATE_H

#include <stdbool.h>
#include <time.h>

#define TDM__DATE_MAX 64

/* "Sun, 06 Nov 1994 08:49:37 GMT". @return false: it is in no year of four digits, and HTTP cannot write it. */
bool tdm__date_write(time_t when, char out[TDM__DATE_MAX]);
/* That form, or one of the two old ones (RFC 9110, 5.6.7). @return false: it is no date. */
bool tdm__date_read(const char *text, time_t *out);

#endif
