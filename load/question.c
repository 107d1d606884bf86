/* SPDX-License-Identifier: MIT */
/* DESIGN: the follower's half of the daemon's contract: how its task list is asked. A cursor is opaque, so whatever it
 * holds is escaped on its way back. */
#include "load/question.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static void escape(char *into, size_t size, const char *text)
{
    size_t n = 0;
    for (; *text && n + 4 < size; text++) {
        bool plain = (*text >= '0' && *text <= '9') || (*text >= 'a' && *text <= 'z') ||
                     (*text >= 'A' && *text <= 'Z') || strchr("-._~", *text);
        n += (size_t) snprintf(into + n, size - n, plain ? "%c" : "%%%02X", (unsigned char) *text);
    }
    into[n] = '\0';
}

void load_question_path(char *path, size_t size, load_question question, const load_question_about *about)
{
    char cursor[640] = "";
    if (about->cursor)
        escape(cursor, sizeof cursor, about->cursor);
    const char *state = question == LOAD_ASK_QUEUED ? "queued" : "running";
    switch (question) {
    case LOAD_ASK_NOTHING:
        path[0] = '\0';
        break;
    case LOAD_ASK_CURSOR:
        snprintf(path, size, "/tasks?ended_after=now&limit=1");
        break;
    case LOAD_ASK_ENDED:
        snprintf(path, size, "/tasks?ended_after=%s&limit=%u&wait=%u", cursor, about->limit, about->wait_s);
        break;
    case LOAD_ASK_LAST:
        snprintf(path, size, "/tasks?ended_after=%s&limit=%u", cursor, about->limit);
        break;
    case LOAD_ASK_QUEUED:
    case LOAD_ASK_RUNNING:
        snprintf(path, size, "/tasks?state=%s&limit=1%s%s", state, *cursor ? "&after=" : "", cursor);
        break;
    case LOAD_ASK_ONE:
        snprintf(path, size, "/tasks/%" PRIu64, about->id);
        break;
    }
}
