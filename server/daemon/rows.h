/* SPDX-License-Identifier: MIT */
/* What the library's structs look like as JSON: the daemon's contract with its clients. */
#ifndef TANDEM_DAEMON_ROWS_H
#define TANDEM_DAEMON_ROWS_H

#include <tandem/app.h>
#include <tandem/json.h>
#include <tandem/ledger.h>
#include <tandem/stats.h>

void write_task(tdm_json_writer *w, const tdm_task_info *info);
void write_stats(tdm_json_writer *w, const tdm_stats *stats, const tdm_app_stats *app);

#endif
