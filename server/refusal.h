/* SPDX-License-Identifier: MIT */
/* A whole reply for a message that never became a request. Any thread. */
#ifndef TANDEM_SERVER_REFUSAL_H
#define TANDEM_SERVER_REFUSAL_H

#include <stdbool.h>
#include <stddef.h>

#define TDM__REFUSAL_MAX 512

/* {"detail": the status's words}, with `Connection: close`. @param head_only it answers a HEAD. @return its size. */
size_t tdm__refusal_write(int status, bool head_only, char to[TDM__REFUSAL_MAX]);

#endif
