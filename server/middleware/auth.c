/* SPDX-License-Identifier: MIT */
/* DESIGN: who is asking. Credentials are compared with every right one, and each to its end, so that the time an answer
 * takes tells nothing of how near a guess was. Two fields of the same name are no credentials: somebody on the way may
 * have looked at the other one. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <tandem/log.h>

#include "server/request.h"

#define CREDENTIALS_MAX 4096

/* Under their addresses are kept with the request: the user, or what was shown; and the name of a user, who has one. */
static const char user_key, name_key;

const char *tdm_request_user(const tdm_request *req)
{
    return tdm_request_kept(req, &user_key);
}

const char *tdm__request_user_name(const tdm_request *req)
{
    return tdm_request_kept(req, &name_key);
}

bool tdm_equal_in_constant_time(const char *given, const char *right)
{
    size_t given_size = strlen(given), right_size = strlen(right);
    volatile unsigned char differs = given_size != right_size;
    for (size_t i = 0; i < given_size; i++) {
        size_t j = i < right_size ? i : right_size; /* the NUL differs from everything */
        differs = (unsigned char) (differs | (given[i] ^ right[j]));
    }
    return differs == 0;
}

/* What one of the three keeps. */
typedef struct guard {
    tdm_credentials_fn *check;
    void *arg;
    const char *const *list; /* used when there is no `check` */
    const char *realm, *key;
    tdm_param_in in;
    tdm_security security;
} guard;

static bool is_listed(const guard *g, const char *given)
{
    bool found = false;
    for (const char *const *right = g->list; right && *right; right++)
        found |= tdm_equal_in_constant_time(given, *right);
    return found;
}

static int refuse(tdm_request *req, const char *challenge, const char *realm)
{
    char value[256];
    snprintf(value, sizeof value, challenge[0] == 'B' ? "%s realm=\"%s\"%s" : "%s", challenge, realm,
             strcmp(challenge, "Basic") == 0 ? ", charset=\"UTF-8\"" : "");
    int err = tdm_reply_header(req, "WWW-Authenticate", value);
    return err ? err : tdm_reply_error(req, 401, "Not authenticated");
}

/* The one field of this name. @return NULL: there is none, or more than one. */
static const char *only_field(const tdm_request *req, const char *name)
{
    const char *value = NULL;
    for (unsigned i = 0; i < req->field_count; i++) {
        if (strcasecmp(req->fields[i].name, name) != 0)
            continue;
        if (value)
            return NULL;
        value = req->fields[i].value;
    }
    return value;
}

/* What stands behind the scheme in Authorization. */
static const char *credentials_of(const tdm_request *req, const char *scheme)
{
    const char *value = only_field(req, "Authorization");
    size_t size = strlen(scheme);
    if (!value || strncasecmp(value, scheme, size) != 0 || value[size] != ' ')
        return NULL;
    value += size;
    return value + strspn(value, " ");
}

/* ---- Basic ---- */

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* @return false: not base64, or it holds a NUL. */
static bool decode_base64(const char *text, char *out, size_t room)
{
    size_t size = strlen(text), at = 0;
    while (size && text[size - 1] == '=')
        size--;
    if (size % 4 == 1 || size / 4 * 3 + 3 >= room)
        return false;
    unsigned bits = 0, count = 0;
    for (size_t i = 0; i < size; i++) {
        int value = base64_value(text[i]);
        if (value < 0)
            return false;
        bits = bits << 6 | (unsigned) value;
        count += 6;
        if (count >= 8) {
            count -= 8;
            out[at] = (char) (bits >> count & 0xFF);
            if (out[at++] == '\0')
                return false;
        }
    }
    out[at] = '\0';
    return true;
}

static int check_basic(tdm_request *req, void *arg)
{
    const guard *g = arg;
    const char *text = credentials_of(req, "Basic");
    char *pair = text ? tdm__arena_alloc(&req->arena, CREDENTIALS_MAX) : NULL;
    if (!pair || !decode_base64(text, pair, CREDENTIALS_MAX))
        return refuse(req, "Basic", g->realm);
    char *colon = strchr(pair, ':');
    bool right = colon && !g->check && is_listed(g, pair);
    if (!colon)
        return refuse(req, "Basic", g->realm);
    *colon = '\0';
    if (g->check)
        right = g->check(pair, colon + 1, g->arg);
    if (!right)
        return refuse(req, "Basic", g->realm);
    int err = tdm_request_keep(req, &user_key, pair);
    return err ? err : tdm_request_keep(req, &name_key, pair);
}

/* ---- tokens and keys ---- */

static int check_token(tdm_request *req, const guard *g, const char *token, const char *challenge)
{
    bool right = token && *token && (g->check ? g->check(token, NULL, g->arg) : is_listed(g, token));
    if (!right)
        return refuse(req, challenge, g->realm);
    char *copy = tdm__arena_string(&req->arena, token);
    return copy ? tdm_request_keep(req, &user_key, copy) : -ENOMEM;
}

static int check_bearer(tdm_request *req, void *arg)
{
    return check_token(req, arg, credentials_of(req, "Bearer"), "Bearer");
}

static int check_key(tdm_request *req, void *arg)
{
    const guard *g = arg;
    const char *key = g->in == TDM_QUERY    ? tdm_request_query(req, g->key)
                      : g->in == TDM_COOKIE ? tdm_request_cookie(req, g->key)
                                            : only_field(req, g->key);
    return check_token(req, g, key, "APIKey");
}

/* ---- making them ---- */

static tdm_middleware make(const char *name, const guard *from, int (*arrive)(tdm_request *, void *))
{
    tdm_middleware middleware = {.name = name, .arrive = arrive, .drop = free};
    if (!from->check && !from->list) {
        tdm_log_error("%s: neither a check nor a list of what is right", name);
        middleware.error = -EINVAL;
        return middleware;
    }
    guard *kept = malloc(sizeof *kept);
    if (!kept) {
        middleware.error = -ENOMEM;
        return middleware;
    }
    *kept = *from;
    middleware.arg = kept;
    middleware.security = &kept->security;
    return middleware;
}

tdm_middleware tdm_basic_auth(const tdm_basic_options *options)
{
    guard g = {.check = options->check, .arg = options->arg, .list = options->users};
    g.realm = options->realm ? options->realm : "tandem";
    g.security = (tdm_security){.name = "basic", .type = "http", .scheme = "basic"};
    return make("basic_auth", &g, check_basic);
}

tdm_middleware tdm_bearer_auth(const tdm_token_options *options)
{
    guard g = {.check = options->check, .arg = options->arg, .list = options->tokens};
    g.realm = options->realm ? options->realm : "tandem";
    g.security = (tdm_security){.name = "bearer", .type = "http", .scheme = "bearer"};
    return make("bearer_auth", &g, check_bearer);
}

tdm_middleware tdm_api_key(const tdm_token_options *options)
{
    guard g = {.check = options->check, .arg = options->arg, .list = options->tokens, .realm = "tandem"};
    g.in = options->key ? options->in : TDM_HEADER;
    g.key = options->key ? options->key : "X-API-Key";
    g.security = (tdm_security){.name = g.key, .type = "apiKey", .in = tdm__place_name(g.in), .key = g.key};
    return make("api_key", &g, check_key);
}
