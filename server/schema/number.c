/* SPDX-License-Identifier: MIT */
/* DESIGN: the same texts are numbers here as in FastAPI with pydantic 2: white space around is allowed, an integer may
 * carry a fraction of zeros, hexadecimal is not a number. The grammar is checked here, and what people write (up to 15
 * digits, a small exponent) is computed here too: such digits and such a power of ten are exact as doubles, so one
 * division or multiplication rounds once, as it should. Only the rest asks the C library, in the C locale whatever the
 * program's locale is, so that "1.5" never depends on where a server runs. */
#include "server/schema/number.h"

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
    size_t n = *size;
    for (; n && is_space(*text); n--)
        text++;
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

int tdm__number_int(const char *text, size_t size, int64_t *out)
{
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

/* A number taken apart. */
typedef struct decimal {
    uint64_t digits; /* exact if count <= EXACT_DIGITS */
    unsigned count;  /* digits without leading zeros */
    int exponent;
    bool far; /* the exponent is beyond what is counted */
    bool negative;
} decimal;

enum { EXACT_DIGITS = 15, EXACT_POWER = 22, EXPONENT_MAX = 9999 };

static size_t take_digits(decimal *d, const char *text, size_t size)
{
    size_t n = 0;
    for (; n < size && is_digit(text[n]); n++) {
        d->count += d->count || text[n] != '0';
        if (d->count <= EXACT_DIGITS)
            d->digits = d->digits * 10 + (uint64_t) (text[n] - '0');
    }
    return n;
}

/* "e-12". @return how much of the text it was; 0: it is none. */
static size_t take_exponent(decimal *d, const char *text, size_t size)
{
    size_t at = 1;
    bool negative = size > 1 && text[1] == '-';
    at += size > 1 && (text[1] == '-' || text[1] == '+');
    size_t n = digits(text + at, size - at);
    int exponent = 0;
    for (size_t i = 0; i < n; i++)
        exponent = exponent < EXPONENT_MAX ? exponent * 10 + (text[at + i] - '0') : exponent;
    d->far |= exponent >= EXPONENT_MAX;
    d->exponent += negative ? -exponent : exponent;
    return n ? at + n : 0;
}

static bool take_apart(const char *text, size_t size, decimal *d)
{
    *d = (decimal){.negative = size && text[0] == '-'};
    size_t at = size && (text[0] == '-' || text[0] == '+');
    size_t whole = take_digits(d, text + at, size - at);
    at += whole;
    size_t fraction = 0;
    if (at < size && text[at] == '.') {
        fraction = take_digits(d, text + at + 1, size - at - 1);
        at += 1 + fraction;
    }
    if (whole + fraction == 0)
        return false;
    d->far = fraction >= EXPONENT_MAX;
    d->exponent = d->far ? -EXPONENT_MAX : -(int) fraction;
    if (at < size && (text[at] == 'e' || text[at] == 'E')) {
        size_t n = take_exponent(d, text + at, size - at);
        if (!n)
            return false;
        at += n;
    }
    return at == size;
}

static bool is_exact(const decimal *d)
{
    return !d->far && d->count <= EXACT_DIGITS && d->exponent >= -EXACT_POWER && d->exponent <= EXACT_POWER;
}

static double compute(const decimal *d)
{
    static const double powers[EXACT_POWER + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    double value = (double) d->digits;
    value = d->exponent < 0 ? value / powers[-d->exponent] : value * powers[d->exponent];
    return d->negative ? -value : value;
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

int tdm__number_float(const char *text, size_t size, double *out)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    decimal d;
    text = trim(text, &size);
    if (!take_apart(text, size, &d))
        return is_infinite_word(text, size) ? -EDOM : -EINVAL;
    if (is_exact(&d)) {
        *out = compute(&d);
        return 0;
    }
    pthread_once(&once, make_locale);
    /* What follows the number is part of none: there strtod stops. */
    double value = c_locale ? strtod_l(text, NULL, c_locale) : strtod(text, NULL);
    if (!isfinite(value))
        return -EDOM;
    *out = value;
    return 0;
}
