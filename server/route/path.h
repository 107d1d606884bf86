/* SPDX-License-Identifier: MIT */
/* Paths taken apart: those of routes, and those that clients send. Pure; any thread. */
#ifndef TANDEM_SERVER_ROUTE_PATH_H
#define TANDEM_SERVER_ROUTE_PATH_H

#include "server/arena.h"
#include "server/schema/why.h"

#define TDM__MAX_PATH_VALUES 16
#define TDM__FEW_SEGMENTS 24

/* What a segment of a route takes, in the order in which they are tried. */
typedef enum tdm__kind { TDM__LITERAL, TDM__WHOLE, TDM__NUMBER, TDM__TEXT, TDM__REST, TDM__KINDS } tdm__kind;

/* A segment of a route's path. */
typedef struct tdm__part {
    tdm__kind kind;
    const char *text; /* the literal, or the parameter's name: a piece of the path, not NUL-terminated */
    size_t size;
} tdm__part;

/* The part that begins at `at`, just behind a slash. @return 0, and *out; -EINVAL, and *why. */
int tdm__part_read(const char *at, tdm__part *out, tdm__why *why);
/* How many bytes of the path the part at `at` takes. */
size_t tdm__part_length(const char *at);
/* May this be the path of a route? @return 0; -EINVAL, and *why. */
int tdm__path_check(const char *path, tdm__why *why);

/* A segment of a client's path, decoded. */
typedef struct tdm__segment {
    const char *text;
    size_t size;
} tdm__segment;

typedef struct tdm__segments {
    tdm__segment *list;
    size_t count;
    bool decoded; /* some have been: `text` is not a piece of the path then */
    tdm__segment few[TDM__FEW_SEGMENTS];
} tdm__segments;

/* Take "/a/b%20c" apart. @return 0; -EINVAL: see tandem/route.h; -ENOMEM. */
int tdm__path_split(tdm__arena *arena, const char *path, size_t size, tdm__segments *out);
/* The rest from segment `from` on, with its slashes. @return 0; -EINVAL: a slash was encoded; -ENOMEM. */
int tdm__path_rest(tdm__arena *arena, const tdm__segments *segments, size_t from, const char **text, size_t *size);
/* Does the segment fit what a parameter of this kind takes? (Not for LITERAL and REST.) */
bool tdm__segment_fits(const tdm__segment *segment, tdm__kind kind);

#endif
