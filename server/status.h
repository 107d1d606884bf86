/* SPDX-License-Identifier: MIT */
/* The words of status codes. Pure; any thread. */
#ifndef TANDEM_SERVER_STATUS_H
#define TANDEM_SERVER_STATUS_H

/* "Not Found"; for a code without a name, that of its class ("Client Error"). */
const char *tdm__status_phrase(int status);

#endif
