/* SPDX-License-Identifier: MIT */
/** @file
 *  The server that the message cases are run against, on the seam alone: what docs/examples/echo.c is with an app. */
#ifndef TANDEM_TESTS_ECHO_SERVER_H
#define TANDEM_TESTS_ECHO_SERVER_H

#include <tandem/tandem.h>

/** Start it on the transport of this run. @param hurried with the timing cases' limits; else a client has time enough,
 *  however busy the machine is. @return its URL. */
const char *echo_start(bool hurried);
void echo_stop(void);

#endif
