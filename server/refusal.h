/* SPDX-License-Identifier: MIT */
/* A whole reply for a message that never became a request. Any thread. */
#ifndef TANDEM_SERVER_REFUSAL_H
#define TANDEM_SERVER_REFUSAL_H

#include <stddef.h>

#define TDM__REFUSAL_MAX 512

/* {"detail": the status's words}, with `Connection: close`. @return its size. */
size_t tdm__refusal_write(int status, char to[TDM__REFUSAL_MAX]);

#endif
