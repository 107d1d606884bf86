/* SPDX-License-Identifier: MIT */
/* DESIGN: the same texts are numbers here as in FastAPI with pydantic 2: white space around is allowed, an integer may
 * carry a fraction of zeros, hexadecimal is not a number. The grammar is checked here and only then is the C library
 * asked, in the C locale whatever the program's locale is, so that "1.5" never depends on where a server runs. */
#include "server/number.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The text without the white space around it. */
static const char *trim(const char *text, size_t *size)
{
    while (is_space(*text))
        text++;
    size_t n = strlen(text);
    while (n && is_space(text[n - 1]))
        n--;
    *size = n;
    return text;
}

static size_t digits(const char *text, size_t size)
{
    size_t n = 0;
    while (n < size && is_digit(text[n]))
        n++;
    return n;
}

/* ".000": pydantic takes "5.0" for 5. */
static bool is_zero_fraction(const char *text, size_t size)
{
    if (size < 2 || text[0] != '.')
        return false;
    for (size_t i = 1; i < size; i++) {
        if (text[i] != '0')
            return false;
    }
    return true;
}

int tdm__number_int(const char *text, int64_t *out)
{
    size_t size;
    text = trim(text, &size);
    bool negative = size && text[0] == '-';
    if (size && (text[0] == '-' || text[0] == '+')) {
        text++;
        size--;
    }
    size_t n = digits(text, size);
    if (n == 0 || (n < size && !is_zero_fraction(text + n, size - n)))
        return -EINVAL;
    int64_t value = 0;
    for (size_t i = 0; i < n; i++) {
        int digit = text[i] - '0';
        if (__builtin_mul_overflow(value, 10, &value) ||
            (negative ? __builtin_sub_overflow(value, digit, &value) : __builtin_add_overflow(value, digit, &value))) {
            *out = negative ? INT64_MIN : INT64_MAX;
            return -ERANGE;
        }
    }
    *out = value;
    return 0;
}

static bool is_float(const char *text, size_t size)
{
    size_t at = size && (text[0] == '-' || text[0] == '+');
    size_t whole = digits(text + at, size - at);
    at += whole;
    size_t fraction = 0;
    if (at < size && text[at] == '.') {
        fraction = digits(text + at + 1, size - at - 1);
        at += 1 + fraction;
    }
    if (whole + fraction == 0)
        return false;
    if (at < size && (text[at] == 'e' || text[at] == 'E')) {
        at++;
        at += at < size && (text[at] == '-' || text[at] == '+');
        size_t exponent = digits(text + at, size - at);
        if (exponent == 0)
            return false;
        at += exponent;
    }
    return at == size;
}

static bool is_infinite_word(const char *text, size_t size)
{
    static const char *const words[] = {"nan", "inf", "infinity"};
    size_t sign = size && (text[0] == '-' || text[0] == '+');
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (size - sign == strlen(words[i]) && strncasecmp(text + sign, words[i], size - sign) == 0)
            return true;
    }
    return false;
}

static locale_t c_locale;

static void make_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t) 0);
}

int tdm__number_float(const char *text, double *out)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    size_t size;
    text = trim(text, &size);
    if (is_infinite_word(text, size))
        return -EDOM;
    if (!is_float(text, size))
        return -EINVAL;
    pthread_once(&once, make_locale);
    /* What follows the number is white space, where strtod stops. */
    double value = c_locale ? strtod_l(text, NULL, c_locale) : strtod(text, NULL);
    if (!isfinite(value))
        return -EDOM;
    *out = value;
    return 0;
}
