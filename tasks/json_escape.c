/* SPDX-License-Identifier: MIT */
/* DESIGN: JSON's escapes, for the JSON writer and for the log. Most text needs none, so runs of plain bytes are found
 * by a table and copied at once. What is not UTF-8 becomes U+FFFD, one for each wrong byte, so that a document is valid
 * whatever a client put into a name. Bytes above 0x7F are written as they are, never as \u. */
#include "tasks/json_text.h"

#include <string.h>

#include "tasks/utf8.h"

/* For ASCII: 0 is plain, 'u' is \u00XX, else the letter after the backslash. */
/* clang-format off */
static const char letter[0x80] = {
    'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'b', 't', 'n', 'u', 'f', 'r', 'u', 'u',
    'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u',
    ['"'] = '"', ['\\'] = '\\',
};
/* clang-format on */

size_t tdm__json_plain(const char *text, size_t size)
{
    size_t n = 0;
    while (n < size && (unsigned char) text[n] < 0x80 && !letter[(unsigned char) text[n]])
        n++;
    return n;
}

static char *put_escape(char *to, unsigned char byte)
{
    static const char hex[] = "0123456789abcdef";
    *to++ = '\\';
    *to++ = letter[byte];
    if (letter[byte] == 'u') {
        *to++ = '0';
        *to++ = '0';
        *to++ = hex[byte >> 4];
        *to++ = hex[byte & 15];
    }
    return to;
}

char *tdm__json_put_string(char *to, const char *text, size_t size)
{
    const char *end = text + size;
    *to++ = '"';
    while (text < end) {
        size_t n = tdm__json_plain(text, (size_t) (end - text));
        if (!n && (unsigned char) *text >= 0x80)
            n = tdm__utf8_length((const unsigned char *) text, (const unsigned char *) end);
        if (n) {
            memcpy(to, text, n);
            to += n;
            text += n;
        } else if ((unsigned char) *text >= 0x80) {
            memcpy(to, "\xEF\xBF\xBD", 3);
            to += 3;
            text++;
        } else {
            to = put_escape(to, (unsigned char) *text++);
        }
    }
    *to++ = '"';
    return to;
}
