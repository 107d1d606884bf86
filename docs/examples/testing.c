/* SPDX-License-Identifier: MIT */
/* A test in virtual time. Under test is a task that delivers a mail: three tries, a minute apart, and it can be called off.
 * Each test runs under 500 orders of events; an hour in it takes no time. Exit 0: all held. */
#include <errno.h>
#include <stdio.h>

#include <tandem/tandem.h>

/* ---- what is tested ---- */

struct mail {
    int tries, answered_at; /* the mail server answers at this try; 0: never */
    bool delivered, gone;
};

static int try_once(struct mail *mail)
{
    return ++mail->tries == mail->answered_at ? 0 : -EHOSTDOWN;
}

static int deliver(tdm_task *task, void *arg)
{
    (void) task;
    struct mail *mail = arg;
    while (try_once(mail) < 0) {
        if (mail->tries == 3)
            return 0; /* it is given up */
        int err = tdm_sleep(60);
        if (err)
            return err; /* called off */
    }
    mail->delivered = true;
    return 0;
}

static void forget(void *arg)
{
    ((struct mail *) arg)->gone = true;
}

/* ---- the tests ---- */

static uint64_t start(tdm_executor *executor, struct mail *mail, tdm_lane lane)
{
    uint64_t id = 0;
    tdm_task_spec spec = {.name = "deliver", .run = deliver, .arg = mail, .drop = forget, .lane = lane};
    TDM_EXPECT(tdm_spawn(executor, &spec, &id) == 0);
    return id;
}

static tdm_executor *new_executor(void)
{
    tdm_executor *executor = NULL;
    TDM_EXPECT(tdm_executor_create(&executor, &(tdm_executor_options){.workers = 2}) == 0);
    return executor;
}

static void a_mail_is_tried_three_times_a_minute_apart(void *arg)
{
    (void) arg;
    struct mail mail[TDM_LANES] = {{0}};
    tdm_executor *executor = new_executor();
    for (int lane = 0; lane < TDM_LANES; lane++)
        start(executor, &mail[lane], (tdm_lane) lane);
    tdm_testing_settle(); /* whatever can happen now has happened */
    for (int lane = 0; lane < TDM_LANES; lane++)
        TDM_EXPECT(mail[lane].tries == 1);
    tdm_testing_advance(59.9);
    for (int lane = 0; lane < TDM_LANES; lane++)
        TDM_EXPECT(mail[lane].tries == 1);
    tdm_testing_advance(0.1);
    for (int lane = 0; lane < TDM_LANES; lane++)
        TDM_EXPECT(mail[lane].tries == 2);
    tdm_testing_advance(3600);
    for (int lane = 0; lane < TDM_LANES; lane++)
        TDM_EXPECT(mail[lane].tries == 3 && !mail[lane].delivered && mail[lane].gone);
    tdm_executor_destroy(&executor);
}

/* Called off at the very moment of the second try: the seed decides which comes first, and both are right. */
static void a_mail_called_off_is_delivered_or_is_not_tried_again(void *arg)
{
    int *delivered = arg;
    struct mail mail = {.answered_at = 2};
    tdm_executor *executor = new_executor();
    uint64_t id = start(executor, &mail, TDM_LOOP);
    tdm_testing_settle();
    tdm_sleep(60);
    int err = tdm_task_cancel(executor, id);
    tdm_testing_settle();
    TDM_EXPECT(err == 0 || err == -EALREADY);
    TDM_EXPECT(mail.delivered == (mail.tries == 2));
    TDM_EXPECT(err == 0 || mail.delivered);
    TDM_EXPECT(mail.gone);
    *delivered += mail.delivered;
    tdm_executor_destroy(&executor);
}

int main(void)
{
    const uint64_t seeds = 500;
    int delivered = 0;
    int err = tdm_testing_run(NULL, seeds, a_mail_is_tried_three_times_a_minute_apart, NULL);
    if (!err)
        err = tdm_testing_run(NULL, seeds, a_mail_called_off_is_delivered_or_is_not_tried_again, &delivered);
    if (err)
        return 1;
    bool both = delivered > 0 && delivered < (int) seeds;
    printf("2 tests held, each under %d orders of events\n", (int) seeds);
    printf("a mail called off was %s\n",
           both ? "delivered first under some, called off first under others" : "always the same");
    return 0;
}
