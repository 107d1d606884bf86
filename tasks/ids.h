/* SPDX-License-Identifier: MIT */
/* Ids: one for each task of an executor, rising in the order in which tasks are accepted. */
#ifndef TANDEM_TASKS_IDS_H
#define TANDEM_TASKS_IDS_H

#include <stdint.h>

#include <tandem/executor.h>

/* What a loop holds of them until its turn ends. */
typedef struct tdm__ids {
    uint64_t next, end; /* its lot; next == end: it has none */
    unsigned lot;       /* how many it took last in this turn */
} tdm__ids;

/* @return the first of `count` ids in a row. Any thread. */
uint64_t tdm__ids_take(tdm_executor *executor, unsigned count);
/* A turn of the loop is over: what is left of its lot goes back. On its thread. */
void tdm__ids_end_turn(tdm_executor *executor, tdm__ids *ids);

#endif
