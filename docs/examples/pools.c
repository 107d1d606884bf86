/* SPDX-License-Identifier: MIT */
/* Mail has a pool of its own, as a bulkhead: however slow it is, other work goes on; and its queue has a limit. */
#include <errno.h>
#include <stdio.h>

#include <tandem/tandem.h>

static tdm_event *server_is_back;

static int send_mail(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    return tdm_event_wait(server_is_back); /* the mail server does not answer */
}

static int other_work(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    printf("other work goes on\n");
    return 0;
}

static int spawn_mails(tdm_executor *executor, tdm_pool *mail)
{
    int accepted = 0, refused = 0;
    for (int i = 0; i < 20; i++) {
        int err = tdm_spawn(
            executor, &(tdm_task_spec){.name = "send_mail", .run = send_mail, .lane = TDM_POOL, .pool = mail}, NULL);
        accepted += !err;
        refused += err == -EAGAIN;
    }
    /* Two run as soon as their threads have come; how many of the others found room depends on that. */
    printf("%d mails, 10 or more accepted and some refused: %s\n", accepted + refused,
           accepted >= 10 && refused ? "yes" : "no");
    return 0;
}

int main(void)
{
    tdm_executor *executor = NULL;
    tdm_pool *mail;
    tdm_task *other;
    int err = tdm_event_create(&server_is_back);
    if (!err)
        err = tdm_executor_create(&executor, NULL);
    if (!err)
        err = tdm_pool_create(&mail, executor, &(tdm_pool_options){.name = "mail", .max_workers = 2, .queue = 10});
    if (!err)
        err = spawn_mails(executor, mail);
    if (!err)
        err = tdm_task_start(&other, executor, &(tdm_task_spec){.name = "other", .run = other_work, .lane = TDM_POOL});
    if (!err)
        err = tdm_join(&other, NULL);
    tdm_event_set(server_is_back);
    if (executor)
        tdm_executor_drain(executor, &(tdm_drain_options){.timeout = 30}, NULL);
    tdm_executor_destroy(&executor);
    tdm_event_destroy(&server_is_back);
    return err ? 1 : 0;
}
