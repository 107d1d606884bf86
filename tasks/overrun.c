/* SPDX-License-Identifier: MIT */
/* DESIGN: the guard page below each stack turns an overrun into SIGSEGV. The handler runs on an alternative stack of
 * the loop's thread, sees whether the address lies in the guard of the running fiber, says so with write(2) — nothing
 * else is safe there — and lets the default action end the process, so that a core dump shows the place.
 * Faults that are not ours go to whoever handled SIGSEGV before (a sanitizer, a debugger's hook). */
#include "tasks/overrun.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tasks/loop.h"
#include "tasks/task.h"

enum { ALT_STACK_SIZE = 64 * 1024 };

static struct sigaction before;
static _Thread_local void *alt_stack;

static char *append(char *to, const char *end, const char *text)
{
    while (*text && to < end)
        *to++ = *text++;
    return to;
}

static char *append_number(char *to, const char *end, uint64_t number)
{
    char digits[24];
    size_t at = sizeof digits - 1;
    digits[at] = '\0';
    do
        digits[--at] = (char) ('0' + number % 10);
    while (number /= 10);
    return append(to, end, digits + at);
}

static void say_who(const tdm__stack *stack)
{
    char line[256], *at = line, *end = line + sizeof line - 1;
    tdm__exec *exec = tdm__exec_current();
    at = append(at, end, "tandem: ");
    if (exec && exec->kind->is_task) {
        at = append(at, end, "task ");
        at = append_number(at, end, tdm__task_of(exec)->row.id);
    } else {
        at = append(at, end, "handler");
    }
    at = append(at, end, " \"");
    at = append(at, end, exec ? exec->kind->name(exec) : "?");
    at = append(at, end, "\" overran its fiber's stack of ");
    at = append_number(at, end, stack->size / 1024);
    at = append(at, end, " KiB: use less stack, or run it on the pool lane");
    *at++ = '\n';
    ssize_t written = write(STDERR_FILENO, line, (size_t) (at - line));
    (void) written; /* the process ends either way */
}

static void on_fault(int signal_number, siginfo_t *info, void *context)
{
    const tdm__stack *stack = tdm__loop_running_stack();
    size_t page = (size_t) sysconf(_SC_PAGESIZE);
    const char *address = info->si_addr;
    if (stack && address >= stack->low && address < stack->low + page) {
        say_who(stack);
        sigaction(SIGSEGV, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
        return; /* the instruction faults again, and now ends the process */
    }
    if (before.sa_flags & SA_SIGINFO)
        before.sa_sigaction(signal_number, info, context);
    else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN)
        before.sa_handler(signal_number);
    else
        sigaction(SIGSEGV, &before, NULL);
}

static void install(void)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    sigaction(SIGSEGV, &action, &before);
}

void tdm__overrun_install(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install);
}

void tdm__overrun_watch_thread(void)
{
    stack_t old;
    if (sigaltstack(NULL, &old) == 0 && !(old.ss_flags & SS_DISABLE))
        return; /* a sanitizer gave the thread one */
    alt_stack = malloc(ALT_STACK_SIZE);
    if (alt_stack)
        sigaltstack(&(stack_t){.ss_sp = alt_stack, .ss_size = ALT_STACK_SIZE}, NULL);
}

void tdm__overrun_unwatch_thread(void)
{
    if (!alt_stack)
        return;
    sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL);
    free(alt_stack);
    alt_stack = NULL;
}
