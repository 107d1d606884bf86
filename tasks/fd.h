/* SPDX-License-Identifier: MIT */
/* The descriptors that fibers of one loop wait for. For the loop's thread alone. */
#ifndef TANDEM_TASKS_FD_H
#define TANDEM_TASKS_FD_H

struct tdm__loop;
typedef struct tdm__fds tdm__fds;

/* NULL is accepted. No fiber may wait. Before the loop's base goes. */
void tdm__fds_destroy(tdm__fds **fds);

#endif
