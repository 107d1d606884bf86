/* SPDX-License-Identifier: MIT */
/* DESIGN: chunk extensions are legal, and llhttp 8 refuses those with quoted values; others read past them with less
 * care than is due, and see a line's end where there is none. So they are judged here by the grammar, byte by byte, and
 * left out: the parser gets the size and the line's end alone.
 *
 *     size *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] ) CRLF
 *
 * The size has at most 16 digits, so that leading zeros cannot go on for ever. */
#include "server/chunk.h"

#include <stdbool.h>

#include "server/message.h"

enum {
    WRONG = -1,
    SIZE,
    AFTER_SIZE,
    GAP,
    SEMICOLON,
    NAME,
    NAME_GAP,
    EQUALS,
    VALUE,
    STRING,
    ESCAPE,
    STRING_END,
    END,
};

/* After what may be followed by a semicolon or a gap. @param gap the state that a gap leads to. */
static int after_item(unsigned char c, int gap)
{
    return c == ';' ? SEMICOLON : c == ' ' || c == '\t' ? gap : WRONG;
}

static int after_equals(unsigned char c)
{
    if (c == ' ' || c == '\t')
        return EQUALS;
    return c == '"' ? STRING : tdm__message_token_byte(c) ? VALUE : WRONG;
}

static int in_string(unsigned char c)
{
    if (c == '"')
        return STRING_END;
    return c == '\\' ? ESCAPE : tdm__message_quoted_byte(c) ? STRING : WRONG;
}

static int next_state(int state, unsigned char c)
{
    bool token = tdm__message_token_byte(c), blank = c == ' ' || c == '\t';
    switch (state) {
    case AFTER_SIZE:
    case GAP:
        return after_item(c, GAP);
    case SEMICOLON:
        return blank ? SEMICOLON : token ? NAME : WRONG;
    case NAME:
        return token ? NAME : c == '=' ? EQUALS : after_item(c, NAME_GAP);
    case NAME_GAP:
        return c == '=' ? EQUALS : after_item(c, NAME_GAP);
    case EQUALS:
        return after_equals(c);
    case VALUE:
        return token ? VALUE : after_item(c, GAP);
    case STRING:
        return in_string(c);
    case ESCAPE:
        return tdm__message_quoted_byte(c) || c == '"' || c == '\\' ? STRING : WRONG;
    case STRING_END:
        return after_item(c, GAP);
    default:
        return WRONG; /* no size */
    }
}

static bool may_end(int state)
{
    return state == AFTER_SIZE || state == NAME || state == VALUE || state == STRING_END;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

tdm__chunk_step tdm__chunk_line_take(tdm__chunk_line *line, char byte)
{
    if (line->state == END) {
        line->digits[line->count] = '\r';
        line->digits[line->count + 1] = '\n';
        return byte == '\n' ? TDM__CHUNK_READY : TDM__CHUNK_WRONG;
    }
    if (line->state == SIZE && is_hex(byte) && line->count < TDM__CHUNK_DIGITS) {
        line->digits[line->count++] = byte;
        return TDM__CHUNK_MORE;
    }
    if (line->state == SIZE && line->count)
        line->state = AFTER_SIZE;
    if (byte == '\r') {
        bool good = may_end(line->state);
        line->state = END;
        return good ? TDM__CHUNK_MORE : TDM__CHUNK_WRONG;
    }
    line->state = (signed char) next_state(line->state, (unsigned char) byte);
    return line->state == WRONG ? TDM__CHUNK_WRONG : TDM__CHUNK_EXTRA;
}
