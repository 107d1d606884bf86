/* SPDX-License-Identifier: MIT */
/** @file
 *  All of libtandem. */
#ifndef TANDEM_TANDEM_H
#define TANDEM_TANDEM_H

#include <tandem/app.h>
#include <tandem/base.h>
#include <tandem/channel.h>
#include <tandem/clock.h>
#include <tandem/condition.h>
#include <tandem/context.h>
#include <tandem/event.h>
#include <tandem/evented.h>
#include <tandem/executor.h>
#include <tandem/fd.h>
#include <tandem/files.h>
#include <tandem/group.h>
#include <tandem/histogram.h>
#include <tandem/join.h>
#include <tandem/json.h>
#include <tandem/ledger.h>
#include <tandem/limiter.h>
#include <tandem/log.h>
#include <tandem/map.h>
#include <tandem/middleware.h>
#include <tandem/mutex.h>
#include <tandem/offload.h>
#include <tandem/option.h>
#include <tandem/pool.h>
#include <tandem/request.h>
#include <tandem/retry.h>
#include <tandem/route.h>
#include <tandem/schema.h>
#include <tandem/scope.h>
#include <tandem/semaphore.h>
#include <tandem/stats.h>
#include <tandem/stream.h>
#include <tandem/task.h>
#include <tandem/testclient.h>
#include <tandem/testing.h>
#include <tandem/timeout.h>
#include <tandem/wait.h>

#endif
