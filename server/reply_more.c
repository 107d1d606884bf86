/* SPDX-License-Identifier: MIT */
/* DESIGN: replies that are more than a body: those that lead elsewhere, and cookies. What goes into a header field is
 * checked or encoded here, so that no value of a client's can end a field and begin another. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "server/front.h"
#include "server/request.h"

/* ---- redirects ---- */

/* Percent-encode what a URL cannot hold; what is encoded already stays. */
static char *encode_url(tdm_request *req, const char *url)
{
    static const char plain[] = "!#$%&'()*+,-./0123456789:;=?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]_abcdefghijklmnopqrstuvwxyz~";
    static const char hex[] = "0123456789ABCDEF";
    char *text = tdm__arena_alloc(&req->arena, 3 * strlen(url) + 1);
    if (!text)
        return NULL;
    char *to = text;
    for (const char *p = url; *p; p++) {
        if (strchr(plain, *p)) {
            *to++ = *p;
            continue;
        }
        *to++ = '%';
        *to++ = hex[(unsigned char) *p >> 4];
        *to++ = hex[(unsigned char) *p & 15];
    }
    *to = '\0';
    return text;
}

int tdm_reply_redirect(tdm_request *req, int status, const char *location)
{
    bool moves = status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
    if (!moves || !location || !*location)
        return -EINVAL;
    for (const char *p = location; *p; p++) {
        if ((unsigned char) *p < ' ' || *p == 0x7f)
            return -EINVAL;
    }
    const char *url = encode_url(req, location);
    int err = url ? tdm_reply_header(req, "Location", url) : -ENOMEM;
    return err ? err : tdm_reply_empty(req, status);
}

/* ---- cookies ---- */

static bool cookie_value_ok(const char *value)
{
    for (const char *p = value; *p; p++) {
        if ((unsigned char) *p <= ' ' || (unsigned char) *p >= 0x7f || strchr("\",;\\", *p))
            return false;
    }
    return true;
}

/* What stands in an attribute ends at a semicolon. */
static bool attribute_ok(const char *text)
{
    return !text || (tdm__wire_value_ok(text) && !strchr(text, ';'));
}

int tdm_reply_cookie(tdm_request *req, const tdm_cookie *cookie)
{
    static const char *const sites[] = {"Lax", "Strict", "None"};
    bool right = cookie->name && tdm__wire_name_ok(cookie->name) && cookie->value && cookie_value_ok(cookie->value) &&
                 attribute_ok(cookie->path) && attribute_ok(cookie->domain) &&
                 (unsigned) cookie->same_site < sizeof sites / sizeof sites[0] &&
                 (cookie->same_site != TDM_SAME_SITE_NONE || cookie->secure);
    if (!right)
        return -EINVAL;
    char age[48] = "";
    if (cookie->max_age)
        snprintf(age, sizeof age, "; Max-Age=%lld", cookie->max_age < 0 ? 0LL : (long long) cookie->max_age);
    const char *path = cookie->path ? cookie->path : "/", *domain = cookie->domain ? cookie->domain : "";
    size_t room = strlen(cookie->name) + strlen(cookie->value) + strlen(path) + strlen(domain) + sizeof age + 96;
    char *text = tdm__arena_alloc(&req->arena, room);
    if (!text)
        return -ENOMEM;
    int n = snprintf(text, room, "%s=%s; Path=%s%s%s%s; SameSite=%s%s%s", cookie->name, cookie->value, path,
                     *domain ? "; Domain=" : "", domain, age, sites[cookie->same_site],
                     cookie->secure ? "; Secure" : "", cookie->readable ? "" : "; HttpOnly");
    return n > 0 && (size_t) n < room ? tdm_reply_header(req, "Set-Cookie", text) : -EINVAL;
}
