/* SPDX-License-Identifier: MIT */
/* The media type that a file's name tells. Pure; any thread. */
#ifndef TANDEM_SERVER_FILES_TYPE_H
#define TANDEM_SERVER_FILES_TYPE_H

/* "text/html; charset=utf-8" for "a.HTML"; "application/octet-stream" for what is not known. */
const char *tdm__type_of(const char *name);

#endif
