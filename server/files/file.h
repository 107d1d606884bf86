/* SPDX-License-Identifier: MIT */
/* An open file as a reply. */
#ifndef TANDEM_SERVER_FILES_FILE_H
#define TANDEM_SERVER_FILES_FILE_H

#include <tandem/files.h>

/* Reply with what `fd` is open for, a regular file, and close it in any case. @param name for its type. @return as
 * tdm_reply_file(); -EISDIR, -EACCES: it is no regular file. */
int tdm__file_reply(tdm_request *req, int fd, const char *name, const tdm_file_options *options);

#endif
