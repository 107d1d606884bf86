/* SPDX-License-Identifier: MIT */
/* A fiber that overruns its stack ends the process with a message that names its task. */
#ifndef TANDEM_TASKS_OVERRUN_H
#define TANDEM_TASKS_OVERRUN_H

/* Install the SIGSEGV handler, once per process; an older handler gets all that is not ours. Any thread. */
void tdm__overrun_install(void);
/* Give the calling thread a stack to handle the signal on: its fiber's own is full by then. */
void tdm__overrun_watch_thread(void);
void tdm__overrun_unwatch_thread(void);

#endif
