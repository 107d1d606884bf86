/* SPDX-License-Identifier: MIT */
/* DESIGN: the last block that came back is the next that goes out, because it is the warmest. Few are kept: one is enough
 * for handlers that never wait, and what a burst leaves behind goes back. Under a sanitizer none is kept, so that it
 * sees every use after free. */
#include "server/spares.h"

#include <stdlib.h>

#include "tasks/sanitizer.h"

enum { KEPT = 64 };

struct tdm__spare {
    struct tdm__spare *next;
};

void *tdm__spares_take(tdm__spares *spares, size_t size)
{
    struct tdm__spare *spare = spares->first;
    if (!spare)
        return malloc(size);
    spares->first = spare->next;
    spares->count--;
    return spare;
}

void tdm__spares_give(tdm__spares *spares, void *block)
{
    struct tdm__spare *spare = block;
    if (!spare || spares->count == (unsigned) KEPT || TDM__SANITIZED) {
        free(block);
        return;
    }
    spare->next = spares->first;
    spares->first = spare;
    spares->count++;
}

void tdm__spares_finish(tdm__spares *spares)
{
    while (spares->first) {
        struct tdm__spare *spare = spares->first;
        spares->first = spare->next;
        free(spare);
    }
    spares->count = 0;
}
