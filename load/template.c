/* SPDX-License-Identifier: MIT */
/* DESIGN: a request is a list of pieces: text, places to fill, and the length of the body where that can vary. Filling
 * makes the values first, for the length stands before the body, and copies everything second. A request without
 * places is one piece of text and is sent as it is, so that templates cost nothing where there are none. What a user
 * typed goes out as typed; only what would break the framing (line ends, a Content-Length of one's own) is refused. */
#include "load/template.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <tandem/tandem.h>

enum { PIECES_MAX = 2 * LOAD_SLOTS_MAX + 8, VALUE_SIZE = 40, METHOD_MAX = 20 };

typedef enum piece_kind { TEXT, COUNTER, RANDOM, UUID, LENGTH } piece_kind;

typedef struct piece {
    piece_kind kind;
    bool in_body;
    size_t from, size; /* TEXT: in `text` */
    uint64_t low, high;
} piece;

struct load_template {
    char *text; /* all fixed text */
    size_t text_size, body_text_size;
    piece pieces[PIECES_MAX];
    unsigned count, slots;
    bool head, idempotent;
};

/* A template that is being made. */
typedef struct maker {
    load_template *t;
    FILE *text;
    char *why;
    size_t why_size;
} maker;

static int complain(maker *m, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int complain(maker *m, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(m->why, m->why_size, format, args);
    va_end(args);
    return -EINVAL;
}

/* ---- making ---- */

static void add_text(maker *m, const char *text, size_t size, bool in_body)
{
    load_template *t = m->t;
    piece *last = t->count ? &t->pieces[t->count - 1] : NULL;
    if (!size)
        return;
    fwrite(text, 1, size, m->text);
    if (in_body)
        t->body_text_size += size;
    if (last && last->kind == TEXT && last->in_body == in_body)
        last->size += size;
    else
        t->pieces[t->count++] = (piece){.kind = TEXT, .in_body = in_body, .from = t->text_size, .size = size};
    t->text_size += size;
}

static void add(maker *m, const char *text)
{
    add_text(m, text, strlen(text), false);
}

/* "random:1-100" */
static bool read_range(const char *text, size_t size, uint64_t *low, uint64_t *high)
{
    char copy[48], end;
    if (size >= sizeof copy)
        return false;
    memcpy(copy, text, size);
    copy[size] = '\0';
    return isdigit((unsigned char) copy[0]) && sscanf(copy, "%" SCNu64 "-%" SCNu64 "%c", low, high, &end) == 2 &&
           strchr(copy, '-') && isdigit((unsigned char) strchr(copy, '-')[1]) && *low <= *high;
}

static int add_slot(maker *m, const char *name, size_t size, bool in_body)
{
    piece p = {.in_body = in_body, .high = (UINT64_C(1) << 53) - 1};
    if (size == 7 && !memcmp(name, "counter", 7))
        p.kind = COUNTER;
    else if (size == 4 && !memcmp(name, "uuid", 4))
        p.kind = UUID;
    else if ((size == 6 && !memcmp(name, "random", 6)) ||
             (size > 7 && !memcmp(name, "random:", 7) && read_range(name + 7, size - 7, &p.low, &p.high)))
        p.kind = RANDOM;
    else
        return complain(m, "{{%.*s}}: only {{counter}}, {{random}}, {{random:LOW-HIGH}} and {{uuid}} can be filled in",
                        (int) (size < 40 ? size : 40), name);
    if (m->t->slots == LOAD_SLOTS_MAX)
        return complain(m, "more than %d places to fill in", LOAD_SLOTS_MAX);
    m->t->slots++;
    m->t->pieces[m->t->count++] = p;
    return 0;
}

/* Text with places in it. A body may be a document that has {{ of its own. */
static int add_source(maker *m, const char *text, size_t size, bool in_body)
{
    const char *end = text + size;
    for (;;) {
        const char *open = size ? memmem(text, (size_t) (end - text), "{{", 2) : NULL;
        const char *close = open ? memmem(open, (size_t) (end - open), "}}", 2) : NULL;
        add_text(m, text, (size_t) ((close ? open : end) - text), in_body);
        if (!close)
            return open && !in_body ? complain(m, "%.40s: {{ without }}", open) : 0;
        int err = add_slot(m, open + 2, (size_t) (close - open - 2), in_body);
        if (err)
            return err;
        text = close + 2;
    }
}

static bool is_token(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (!isalnum((unsigned char) text[i]) && !strchr("!#$%&'*+-.^_`|~", text[i]))
            return false;
    return size > 0;
}

static int check_field(maker *m, const char *field)
{
    static const char *const ours[] = {"content-length", "transfer-encoding", "upgrade", "expect"};
    size_t size = strcspn(field, ":");
    if (!field[size] || !is_token(field, size))
        return complain(m, "\"%.60s\" is no header field: give \"Name: value\"", field);
    for (const char *p = field + size; *p; p++)
        if (((unsigned char) *p < 0x20 && *p != '\t') || *p == 0x7f)
            return complain(m, "the header field \"%.*s\" holds a control character", (int) size, field);
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        if (strlen(ours[i]) == size && !strncasecmp(field, ours[i], size))
            return complain(m, "the header field \"%.*s\" cannot be set: it belongs to the framing of requests",
                            (int) size, field);
    return 0;
}

static bool has_field(const load_parts *parts, const char *name)
{
    for (const char *const *f = parts->fields; f && *f; f++)
        if (!strncasecmp(*f, name, strlen(name)) && (*f)[strlen(name)] == ':')
            return true;
    return false;
}

static int add_fields(maker *m, const load_parts *parts)
{
    if (!has_field(parts, "host")) {
        add(m, "Host: ");
        add(m, parts->authority);
        add(m, "\r\n");
    }
    if (!has_field(parts, "user-agent")) {
        add(m, "User-Agent: tandem-load/");
        add(m, tdm_version());
        add(m, "\r\n");
    }
    if (!has_field(parts, "accept"))
        add(m, "Accept: */*\r\n");
    for (const char *const *f = parts->fields; f && *f; f++) {
        int err = check_field(m, *f);
        if (!err)
            err = add_source(m, *f, strlen(*f), false);
        if (err)
            return err;
        add(m, "\r\n");
    }
    return 0;
}

static bool varies(const char *body, size_t size)
{
    const char *open = size ? memmem(body, size, "{{", 2) : NULL;
    return open && memmem(open, size - (size_t) (open - body), "}}", 2);
}

static int add_body(maker *m, const load_parts *parts)
{
    char length[40];
    if (!parts->body) {
        add(m, "\r\n");
        return 0;
    }
    if (varies(parts->body, parts->body_size)) {
        add(m, "Content-Length: ");
        m->t->pieces[m->t->count++] = (piece){.kind = LENGTH};
        add(m, "\r\n\r\n");
    } else {
        snprintf(length, sizeof length, "Content-Length: %zu\r\n\r\n", parts->body_size);
        add(m, length);
    }
    return add_source(m, parts->body, parts->body_size, true);
}

static int make(maker *m, const load_parts *parts)
{
    static const char *const idempotent[] = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"};
    const char *method = parts->method ? parts->method : parts->body ? "POST" : "GET";
    if (strlen(method) > METHOD_MAX || !is_token(method, strlen(method)) || !strcmp(method, "CONNECT"))
        return complain(m, "\"%.40s\" is no method that can be sent", method);
    m->t->head = !strcmp(method, "HEAD");
    for (size_t i = 0; i < sizeof idempotent / sizeof idempotent[0]; i++)
        m->t->idempotent = m->t->idempotent || !strcmp(method, idempotent[i]);
    add(m, method);
    add(m, " ");
    int err = add_source(m, parts->target, strlen(parts->target), false);
    if (err)
        return err;
    add(m, " HTTP/1.1\r\n");
    err = add_fields(m, parts);
    return err ? err : add_body(m, parts);
}

int load_template_compile(load_template **out, const load_parts *parts, char *why, size_t why_size)
{
    size_t size = 0;
    load_template *t = calloc(1, sizeof *t);
    if (!t)
        return -ENOMEM;
    maker m = {.t = t, .text = open_memstream(&t->text, &size), .why = why, .why_size = why_size};
    int err = m.text ? make(&m, parts) : -ENOMEM;
    if (m.text && fclose(m.text) != 0 && !err)
        err = -ENOMEM;
    if (err)
        load_template_destroy(&t);
    *out = t;
    return err;
}

void load_template_destroy(load_template **t)
{
    if (!*t)
        return;
    free((*t)->text);
    free(*t);
    *t = NULL;
}

/* ---- filling ---- */

static size_t write_uuid(load_random *random, char *into)
{
    uint64_t high = load_random_next(random), low = load_random_next(random);
    high = (high & ~UINT64_C(0xf000)) | 0x4000; /* version 4 … */
    low = (low & ~(UINT64_C(3) << 62)) | UINT64_C(1) << 63;
    return (size_t) snprintf(into, VALUE_SIZE, "%08x-%04x-%04x-%04x-%012" PRIx64, (unsigned) (high >> 32),
                             (unsigned) (high >> 16) & 0xffff, (unsigned) high & 0xffff, (unsigned) (low >> 48),
                             low & UINT64_C(0xffffffffffff));
}

static size_t write_value(const piece *p, load_values *values, char *into)
{
    uint64_t number = 0;
    if (p->kind == UUID)
        return write_uuid(&values->random, into);
    if (p->kind == RANDOM)
        number = load_random_between(&values->random, p->low, p->high);
    if (p->kind == COUNTER) {
        number = values->counter;
        values->counter += values->stride;
    }
    return (size_t) snprintf(into, VALUE_SIZE, "%" PRIu64, number);
}

size_t load_template_fill(const load_template *t, load_values *values, char *into)
{
    char made[LOAD_SLOTS_MAX][VALUE_SIZE], length[VALUE_SIZE], *to = into;
    size_t sizes[LOAD_SLOTS_MAX], body = t->body_text_size;
    unsigned n = 0;
    for (const piece *p = t->pieces; p < t->pieces + t->count; p++) {
        if (p->kind == TEXT || p->kind == LENGTH)
            continue;
        sizes[n] = write_value(p, values, made[n]);
        body += p->in_body ? sizes[n] : 0;
        n++;
    }
    n = 0;
    for (const piece *p = t->pieces; p < t->pieces + t->count; p++) {
        bool text = p->kind == TEXT, is_length = p->kind == LENGTH;
        size_t size = text ? p->size : is_length ? (size_t) snprintf(length, sizeof length, "%zu", body) : sizes[n];
        memcpy(to, text ? t->text + p->from : is_length ? length : made[n], size);
        to += size;
        n += !text && !is_length;
    }
    return (size_t) (to - into);
}

const char *load_template_fixed(const load_template *t, size_t *size)
{
    *size = t->text_size;
    return t->slots ? NULL : t->text;
}

size_t load_template_size_max(const load_template *t)
{
    return t->text_size + (t->slots + 1) * (size_t) VALUE_SIZE;
}

bool load_template_is_head(const load_template *t)
{
    return t->head;
}

bool load_template_is_idempotent(const load_template *t)
{
    return t->idempotent;
}
