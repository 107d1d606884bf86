/* SPDX-License-Identifier: MIT */
/* DESIGN: the message rules. The head is collected line by line: each line is looked at here and in message.c for what
 * llhttp would let through, and the head is then parsed by llhttp (parser.c) where it lies, so names and values need not
 * be copied. A line goes to llhttp only when it is whole and those before it were right; so whatever is wrong first
 * decides, in any segmentation. Limits are counted in bytes from the start of the message for the same reason.
 * Of a chunked body llhttp sees everything but the chunk extensions, of which it refuses legal ones: they are judged and
 * skipped here. A body of known length needs no parser. A refusal is final; memory that runs out is one too (503). */
#include "server/rules.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "server/bytes.h"
#include "server/chunk.h"
#include "server/head.h"
#include "server/parser.h"

#define KEPT 4096                         /* of memory for a head, and for a body, for the next message */
#define NEVER_FITS (TDM__METHOD_MAX + 16) /* a line that is longer than its target may be by more than this is wrong */

typedef enum step {
    START,    /* before the message; empty lines are passed over */
    START_LF, /* in an empty line */
    HEAD,
    ANSWER, /* the owner's turn */
    BODY,
    CHUNK_LINE,
    CHUNK_DATA,
    CHUNK_CR,
    CHUNK_LF,
    TRAILERS,
    WHOLE,
    WRONG,
} step;

/* Of one field, as offsets into the text. */
typedef struct place {
    uint32_t name, name_size, value, value_size;
} place;

struct tdm__rules {
    tdm__parser *parser;
    tdm__rules_limits limits;
    step step;
    int status;

    tdm__bytes text;   /* the head, then the trailers */
    size_t parsed;     /* what llhttp has seen of the text */
    size_t line_at;    /* where the line begins that is not whole */
    size_t head_size;  /* from there on, the trailers */
    size_t skipped;    /* bytes of empty lines and chunk extensions */
    unsigned lines;    /* whole ones, of this section, without the request line */
    bool line_is_read; /* the request line */
    tdm__request_line line;
    place *places; /* limits.fields of them */
    unsigned count;
    tdm__head head;

    tdm__bytes body;
    size_t body_limit;
    unsigned long long left; /* of the body, or of the chunk */
    tdm__chunk_line chunk_line;
    tdm__field *fields;
    tdm__incoming message;
};

/* ---- refusals ---- */

static bool refuse(tdm__rules *r, int status)
{
    r->status = status;
    r->step = WRONG;
    return false;
}

static bool add(tdm__rules *r, tdm__bytes *to, const char *bytes, size_t size)
{
    return tdm__bytes_add(to, bytes, size) || refuse(r, 503);
}

/* ---- what the parser tells ---- */

/* The text may move before the value comes, so what is kept is where the name lies in it. */
static bool on_name(void *owner, const char *name, size_t size)
{
    tdm__rules *r = owner;
    if (r->step == TRAILERS)
        return true; /* they are checked, and forgotten */
    assert(r->count < r->limits.fields && name >= r->text.at && name + size < r->text.at + r->text.size);
    r->places[r->count] = (place){.name = (uint32_t) (name - r->text.at), .name_size = (uint32_t) size};
    return true;
}

static bool on_value(void *owner, const char *value, size_t size)
{
    tdm__rules *r = owner;
    if (r->step == TRAILERS)
        return true;
    place *at = &r->places[r->count++];
    at->value = size ? (uint32_t) (value - r->text.at) : at->name + at->name_size;
    at->value_size = (uint32_t) size;
    assert(at->value + size < r->text.size);
    return true;
}

static bool on_data(void *owner, const char *bytes, size_t size)
{
    tdm__rules *r = owner;
    return add(r, &r->body, bytes, size);
}

static const tdm__parser_ways ways = {.name = on_name, .value = on_value, .data = on_data};

static bool parse(tdm__rules *r, const char *bytes, size_t size)
{
    if (size == 0 || tdm__parser_eat(r->parser, bytes, size))
        return true;
    return r->step == WRONG ? false : refuse(r, 400);
}

/* ---- the head ---- */

/* What is whole and not parsed. */
static bool parse_lines(tdm__rules *r)
{
    size_t from = r->parsed;
    r->parsed = r->line_at;
    return parse(r, r->text.at + from, r->line_at - from);
}

/* Names and values end where their line goes on: there is room for a NUL. */
static void read_fields(tdm__rules *r)
{
    for (unsigned i = 0; i < r->count; i++) {
        const place *at = &r->places[i];
        char *name = r->text.at + at->name, *value = r->text.at + at->value;
        name[at->name_size] = value[at->value_size] = '\0';
        tdm__head_see(&r->head, name, at->name_size, value, at->value_size);
    }
}

static void make_message(tdm__rules *r)
{
    char *target = r->text.at + r->line.target_at;
    target[r->line.target_size] = '\0';
    for (unsigned i = 0; i < r->count; i++)
        r->fields[i] = (tdm__field){r->text.at + r->places[i].name, r->text.at + r->places[i].value};
    r->message = (tdm__incoming){
        .method = r->line.method,
        .target = target,
        .fields = r->fields,
        .field_count = r->count,
        .text = r->text.at,
        .text_size = r->head_size,
        .body = r->body.size ? r->body.at : "",
        .body_size = r->body.size,
        .keep_alive = !r->head.close && (!r->line.old || r->head.keep_alive),
        .old = r->line.old,
    };
}

static bool end_head(tdm__rules *r)
{
    if (!parse_lines(r))
        return false;
    read_fields(r);
    int status = tdm__head_judge(&r->head, &r->line);
    if (status)
        return refuse(r, status);
    r->head_size = r->text.size;
    r->step = ANSWER;
    make_message(r);
    return true;
}

static bool read_request_line(tdm__rules *r, bool whole)
{
    const char *line = r->text.at + r->line_at;
    size_t size = r->text.size - r->line_at;
    int status = tdm__message_line(line, size, whole, r->limits.target, &r->line);
    if (status)
        return refuse(r, status);
    if (whole && r->line.patched)
        r->text.at[r->text.size - 3] = '1'; /* a higher minor version is to be read as the highest that is known */
    r->line_is_read = whole;
    return true;
}

/* Space after a value is none of it, and llhttp would not know `chunked` with it. */
static void strip_line(tdm__rules *r)
{
    size_t size = r->text.size, spaces = 0;
    while (r->text.at[size - spaces - 3] == ' ' || r->text.at[size - spaces - 3] == '\t')
        spaces++;
    if (spaces)
        memcpy(r->text.at + size - spaces - 2, "\r\n", 2);
    r->text.size -= spaces;
    r->skipped += spaces;
}

/* A line of the head or of the trailers is whole. @param last set if it is the empty one. */
static bool end_line(tdm__rules *r, bool *last)
{
    const char *line = r->text.at + r->line_at;
    size_t size = r->text.size - r->line_at;
    bool first = !r->line_is_read;
    if (first && !read_request_line(r, true))
        return false;
    if (!first && !tdm__message_field_line(line, size))
        return parse_lines(r) && refuse(r, 400);
    *last = !first && size == 2;
    if (!first && !*last && ++r->lines > r->limits.fields)
        return parse_lines(r) && refuse(r, 431);
    if (!first)
        strip_line(r);
    r->line_at = r->text.size;
    return true;
}

/* Is a CR in the line that is not its end? What was there `before` was looked at then. */
static bool has_stray_cr(const tdm__rules *r, size_t before)
{
    size_t from = before > r->line_at ? before - 1 : r->line_at;
    return r->text.size > from + 1 && memchr(r->text.at + from, '\r', r->text.size - 1 - from);
}

/* What there is of a line without an end. @param fits the section may go on. */
static bool judge_part(tdm__rules *r, size_t before, bool fits)
{
    bool stray = has_stray_cr(r, before), long_line = r->text.size - r->line_at > r->limits.target + NEVER_FITS;
    if (!r->line_is_read && (stray || long_line || !fits) && !read_request_line(r, false))
        return false;
    return (fits && !stray) || (parse_lines(r) && refuse(r, stray ? 400 : 431));
}

/* Take lines of the head or of the trailers. @param last set at the end of the section. @return bytes taken. */
static size_t take_lines(tdm__rules *r, const char *bytes, size_t size, bool *last)
{
    size_t at = 0, room = r->limits.head - (r->text.size - (r->step == TRAILERS ? r->head_size : 0) + r->skipped);
    *last = false;
    while (at < size && !*last && r->step != WRONG) {
        const char *end = memchr(bytes + at, '\n', size - at);
        size_t n = end ? (size_t) (end - bytes) + 1 - at : size - at;
        bool fits = n <= room;
        n = fits ? n : room;
        size_t before = r->text.size;
        if (!add(r, &r->text, bytes + at, n))
            break;
        at += n;
        room -= n;
        if (end && fits)
            end_line(r, last);
        else
            judge_part(r, before, fits);
    }
    return at;
}

static size_t take_head(tdm__rules *r, const char *bytes, size_t size)
{
    bool last;
    size_t used = take_lines(r, bytes, size, &last);
    if (r->step == WRONG)
        return used;
    if (last)
        end_head(r);
    else
        parse_lines(r);
    return used;
}

static size_t take_trailers(tdm__rules *r, const char *bytes, size_t size)
{
    bool last;
    size_t used = take_lines(r, bytes, size, &last);
    if (r->step != WRONG && parse_lines(r) && last) {
        r->step = WHOLE;
        make_message(r);
    }
    return used;
}

/* Empty lines before a message: RFC 9112, 2.2. */
static size_t take_start(tdm__rules *r, char byte)
{
    if (r->step == START && byte != '\r') {
        r->step = HEAD;
        return 0;
    }
    if (r->step == START_LF && byte != '\n') {
        refuse(r, 400);
        return 0;
    }
    r->step = r->step == START ? START_LF : START;
    if (++r->skipped > r->limits.head)
        refuse(r, 431);
    return 1;
}

/* ---- the body ---- */

static size_t take_body(tdm__rules *r, const char *bytes, size_t size)
{
    size_t n = size < r->left ? size : (size_t) r->left;
    if (!add(r, &r->body, bytes, n))
        return n;
    r->left -= n;
    if (r->left == 0) {
        r->step = WHOLE;
        make_message(r);
    }
    return n;
}

static void begin_chunk(tdm__rules *r)
{
    bool good = parse(r, r->chunk_line.digits, r->chunk_line.count + 2u);
    r->chunk_line = (tdm__chunk_line){.count = 0};
    if (!good)
        return;
    r->left = tdm__parser_chunk_size(r->parser);
    r->step = CHUNK_DATA;
    if (r->left > r->body_limit - r->body.size) {
        refuse(r, 413);
    } else if (r->left == 0) {
        r->step = TRAILERS;
        r->lines = 0;
        r->line_at = r->parsed = r->head_size;
    }
}

static void take_chunk_line(tdm__rules *r, char byte)
{
    tdm__chunk_step got = tdm__chunk_line_take(&r->chunk_line, byte);
    if (got == TDM__CHUNK_READY)
        begin_chunk(r);
    else if (got == TDM__CHUNK_WRONG)
        refuse(r, 400);
    else if (got == TDM__CHUNK_EXTRA && ++r->skipped > r->limits.head)
        refuse(r, 431);
}

static size_t take_data(tdm__rules *r, const char *bytes, size_t size)
{
    size_t n = size < r->left ? size : (size_t) r->left;
    if (parse(r, bytes, n))
        r->left -= n;
    if (r->left == 0 && r->step != WRONG)
        r->step = CHUNK_CR;
    return n;
}

/* The line's end after the data. */
static void take_chunk_end(tdm__rules *r, char byte)
{
    if (r->step == CHUNK_CR && byte == '\r')
        r->step = CHUNK_LF;
    else if (r->step == CHUNK_LF && byte == '\n' && parse(r, "\r\n", 2))
        r->step = CHUNK_LINE;
    else if (r->step != WRONG)
        refuse(r, 400);
}

/* ---- what the owner calls ---- */

static size_t take(tdm__rules *r, const char *bytes, size_t size)
{
    switch (r->step) {
    case START:
    case START_LF:
        return take_start(r, *bytes);
    case HEAD:
        return take_head(r, bytes, size);
    case BODY:
        return take_body(r, bytes, size);
    case CHUNK_DATA:
        return take_data(r, bytes, size);
    case TRAILERS:
        return take_trailers(r, bytes, size);
    case CHUNK_LINE:
        take_chunk_line(r, *bytes);
        return 1;
    default:
        take_chunk_end(r, *bytes);
        return 1;
    }
}

static tdm__rules_state state_of(const tdm__rules *r)
{
    return r->step == ANSWER ? TDM__HEAD : r->step == WHOLE ? TDM__DONE : r->step == WRONG ? TDM__REFUSED : TDM__MORE;
}

tdm__rules_state tdm__rules_feed(tdm__rules *r, const char *bytes, size_t size, size_t *used)
{
    size_t at = 0;
    while (at < size && state_of(r) == TDM__MORE)
        at += take(r, bytes + at, size - at);
    *used = at;
    return state_of(r);
}

tdm__rules_state tdm__rules_answer(tdm__rules *r, size_t body_limit)
{
    assert(r->step == ANSWER);
    r->body_limit = body_limit;
    r->left = r->head.length;
    if (r->head.encodings) {
        r->skipped = 0;
        r->step = CHUNK_LINE;
    } else {
        r->step = r->left ? BODY : WHOLE;
        if (r->left > body_limit)
            refuse(r, 413);
    }
    return state_of(r);
}

const tdm__incoming *tdm__rules_message(const tdm__rules *r)
{
    return &r->message;
}

bool tdm__rules_has_body(const tdm__rules *r, unsigned long long *length)
{
    *length = r->head.length;
    return tdm__head_has_body(&r->head);
}

bool tdm__rules_expects(const tdm__rules *r)
{
    return r->head.continues && !r->line.old && tdm__head_has_body(&r->head);
}

bool tdm__rules_idle(const tdm__rules *r)
{
    return r->step == START;
}

size_t tdm__rules_held(const tdm__rules *r)
{
    return r->body.size ? r->body.capacity : 0;
}

bool tdm__rules_is_head(const tdm__rules *r)
{
    return r->line_is_read && strcmp(r->line.method, "HEAD") == 0;
}

int tdm__rules_status(const tdm__rules *r)
{
    return r->status;
}

/* ---- life ---- */

void tdm__rules_start(tdm__rules *r)
{
    tdm__bytes_clear(&r->text, KEPT);
    tdm__bytes_clear(&r->body, KEPT);
    tdm__parser_start(r->parser);
    r->step = START;
    r->parsed = r->line_at = r->head_size = r->skipped = 0;
    r->lines = r->count = 0;
    r->line_is_read = false;
    r->head = (tdm__head){0};
    r->chunk_line = (tdm__chunk_line){.count = 0};
}

int tdm__rules_create(tdm__rules **out, const tdm__rules_limits *limits)
{
    tdm__rules *r = calloc(1, sizeof *r);
    if (!r)
        return -ENOMEM;
    r->limits = *limits;
    r->places = malloc(limits->fields * sizeof *r->places + 1);
    r->fields = malloc(limits->fields * sizeof *r->fields + 1);
    if (r->places && r->fields && tdm__parser_create(&r->parser, &ways, r) == 0)
        tdm__rules_start(r);
    else
        tdm__rules_destroy(&r);
    *out = r;
    return r ? 0 : -ENOMEM;
}

void tdm__rules_destroy(tdm__rules **at)
{
    tdm__rules *r = *at;
    *at = NULL;
    if (!r)
        return;
    tdm__parser_destroy(&r->parser);
    free(r->places);
    free(r->fields);
    tdm__bytes_clear(&r->text, 0);
    tdm__bytes_clear(&r->body, 0);
    free(r);
}
