/* SPDX-License-Identifier: MIT */
/* DESIGN: fills a struct from a table of options: the defaults first, then the command line, then the environment for
 * what the command line did not say (so a wrong variable does no harm where it is overridden, and --help always
 * works). getopt_long splits the command line, but it is kept silent: every complaint is ours and has one form,
 * `PROGRAM: WHERE: what is wrong and what would be right`. The help text is in option_help.c. */
#include <tandem/option.h>

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tasks/option_help.h"

enum { HELP = 256, FIRST_LONG }; /* getopt's values of --help, and of options[0]; above any letter */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *skip_digits(const char *text)
{
    while (is_digit(*text))
        text++;
    return text;
}

/* Plain digits, point, exponent. strtod alone would also take blanks, hex, "inf" and "nan". */
static bool looks_decimal(const char *text)
{
    if (*text == '+' || *text == '-')
        text++;
    const char *whole = text;
    text = skip_digits(text);
    bool digits = text > whole;
    if (*text == '.') {
        const char *fraction = text + 1;
        text = skip_digits(fraction);
        digits = digits || text > fraction;
    }
    if (!digits)
        return false;
    if (*text == 'e' || *text == 'E') {
        text += text[1] == '+' || text[1] == '-' ? 2 : 1;
        if (!is_digit(*text))
            return false;
        text = skip_digits(text);
    }
    return !*text;
}

static bool set_flag(bool *into, const char *text)
{
    static const char *const words[] = {"0", "1", "false", "true", "no", "yes", "off", "on"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (!strcmp(text, words[i])) {
            *into = i & 1;
            return true;
        }
    }
    return false;
}

static bool set_uint(const tdm_option *option, unsigned *into, const char *text)
{
    if (option->word && !strcmp(text, option->word)) {
        *into = option->word_value;
        return true;
    }
    if (!*text || *skip_digits(text))
        return false;
    errno = 0;
    unsigned long long value = strtoull(text, NULL, 10);
    if (errno || value > UINT32_MAX || (double) value < option->min || (double) value > option->max)
        return false;
    *into = (unsigned) value;
    return true;
}

static bool set_seconds(const tdm_option *option, double *into, const char *text)
{
    if (!looks_decimal(text))
        return false;
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t) 0);
    double value = plain ? strtod_l(text, NULL, plain) : strtod(text, NULL);
    if (plain)
        freelocale(plain);
    if (!isfinite(value) || value < option->min || value > option->max)
        return false;
    *into = value;
    return true;
}

static bool set_choice(const tdm_option *option, int *into, const char *text)
{
    for (int i = 0; option->choices[i]; i++) {
        if (!strcmp(text, option->choices[i])) {
            *into = i;
            return true;
        }
    }
    return false;
}

static bool set_list(tdm_option_list *into, const char *text)
{
    if (into->count == TDM_OPTION_LIST_MAX)
        return false;
    into->items[into->count++] = text;
    return true;
}

static bool set_value(const tdm_option *option, void *into, const char *text)
{
    void *field = (char *) into + option->offset;
    switch (option->type) {
    case TDM_OPTION_FLAG:
        return set_flag(field, text);
    case TDM_OPTION_UINT:
        return set_uint(option, field, text);
    case TDM_OPTION_SECONDS:
        return set_seconds(option, field, text);
    case TDM_OPTION_STRING:
        *(const char **) field = text;
        return true;
    case TDM_OPTION_CHOICE:
        return set_choice(option, field, text);
    case TDM_OPTION_LIST:
        return set_list(field, text);
    }
    return false;
}

static size_t count_options(const tdm_command *command)
{
    size_t n = 0;
    while (command->options[n].name)
        n++;
    return n;
}

/* ---- complaints ---- */

static int end_complaint(const tdm_command *command)
{
    fputc('\n', stderr);
    tdm__option_usage(command, stderr);
    return -EINVAL;
}

static int complain_value(const tdm_command *command, const tdm_option *option, const char *where, const char *text)
{
    fprintf(stderr, "%s: %s: \"%s\" is not ", command->name, where, text);
    tdm__option_expected(option, stderr);
    return end_complaint(command);
}

static int complain_missing(const tdm_command *command, const tdm_option *option)
{
    fprintf(stderr, "%s: --%s: the value is missing: give ", command->name, option->name);
    tdm__option_expected(option, stderr);
    return end_complaint(command);
}

/* Was `text` ("--na" or "--na=value") the beginning of several long options? Lists them. */
static int complain_unknown(const tdm_command *command, const struct option *longs, const char *text)
{
    int name = (int) strcspn(text, "=");
    fprintf(stderr, "%s: %.*s: ", command->name, name, text);
    const char *separator = "the name is not complete: it could be --";
    bool found = false;
    for (; longs->name; longs++) {
        if (strncmp(longs->name, text + 2, (size_t) name - 2) != 0)
            continue;
        fprintf(stderr, "%s%s", separator, longs->name);
        separator = " or --";
        found = true;
    }
    if (!found)
        fputs("there is no such option", stderr);
    return end_complaint(command);
}

/* ---- the command line ---- */

typedef struct parser {
    const tdm_command *command;
    size_t count;
    struct option *longs; /* count of the table, then help, version, and the end */
    char *letters;
    bool *seen;
} parser;

static void describe(parser *p)
{
    char *letter = p->letters;
    *letter++ = ':'; /* tell a missing value from an unknown option */
    for (size_t i = 0; i < p->count; i++) {
        const tdm_option *option = &p->command->options[i];
        bool takes_value = option->type != TDM_OPTION_FLAG;
        p->longs[i] =
            (struct option){option->name, takes_value ? required_argument : no_argument, NULL, FIRST_LONG + (int) i};
        assert(option->letter != 'h' && option->letter != 'V');
        if (option->letter) {
            *letter++ = option->letter;
            if (takes_value)
                *letter++ = ':';
        }
    }
    p->longs[p->count] = (struct option){"help", optional_argument, NULL, HELP};
    p->longs[p->count + 1] = (struct option){"version", no_argument, NULL, 'V'};
    *letter++ = 'h';
    *letter = 'V';
}

/* The option that getopt means by its value or letter; NULL if it is not of the table. */
static const tdm_option *find(const parser *p, int value)
{
    if (value >= FIRST_LONG)
        return &p->command->options[value - FIRST_LONG];
    for (size_t i = 0; i < p->count; i++)
        if (value && p->command->options[i].letter == value)
            return &p->command->options[i];
    return NULL;
}

/* getopt said '?': a flag was given a value (optopt is its value), or there is no such letter (optopt is the letter),
 * or no such long name (optopt is 0). */
static int complain_unmatched(const parser *p, char **argv)
{
    const char *text = argv[optind - 1];
    bool value_given = optopt >= FIRST_LONG || optopt == 'h' || optopt == 'V'; /* as letters these two are known */
    if (!optopt)
        return complain_unknown(p->command, p->longs, text);
    if (value_given)
        fprintf(stderr, "%s: %.*s: no value is taken, \"%s\" was given", p->command->name, (int) strcspn(text, "="),
                text, text + strcspn(text, "=") + (strchr(text, '=') != NULL));
    else
        fprintf(stderr, "%s: -%c: there is no such option", p->command->name, optopt);
    return end_complaint(p->command);
}

/* --help, or --help=all */
static int print_help(const tdm_command *command, const char *which)
{
    if (which && strcmp(which, "all") != 0) {
        fprintf(stderr, "%s: --help: \"%s\" is not \"all\"", command->name, which);
        return end_complaint(command);
    }
    if (which)
        tdm_options_help_all(command, stdout);
    else
        tdm_options_help(command, stdout);
    return 1;
}

static int read_arguments(parser *p, void *into, int argc, char **argv)
{
    optind = 0; /* glibc: begin afresh, whatever was parsed before */
    opterr = 0;
    for (int value; (value = getopt_long(argc, argv, p->letters, p->longs, NULL)) != -1;) {
        const tdm_option *option = find(p, value);
        if (value == 'h' || value == HELP)
            return print_help(p->command, value == HELP ? optarg : NULL);
        if (value == 'V') {
            printf("%s %s\n", p->command->name, p->command->version);
            return 1;
        }
        if (value == ':')
            return complain_missing(p->command, find(p, optopt));
        if (!option)
            return complain_unmatched(p, argv);
        const char *text = option->type == TDM_OPTION_FLAG ? "1" : optarg;
        if (!set_value(option, into, text)) {
            char where[128];
            snprintf(where, sizeof where, "--%s", option->name);
            return complain_value(p->command, option, where, text);
        }
        p->seen[option - p->command->options] = true;
    }
    if (optind < argc && !p->command->operands) {
        fprintf(stderr, "%s: %s: this argument is not expected, only options are", p->command->name, argv[optind]);
        return end_complaint(p->command);
    }
    return 0;
}

static int read_environment(const parser *p, void *into)
{
    for (size_t i = 0; p->command->env_prefix && i < p->count; i++) {
        char variable[128];
        tdm__option_variable(p->command, &p->command->options[i], variable, sizeof variable);
        const char *text = p->seen[i] ? NULL : getenv(variable);
        if (text && !set_value(&p->command->options[i], into, text))
            return complain_value(p->command, &p->command->options[i], variable, text);
    }
    return 0;
}

static void read_defaults(const parser *p, void *into)
{
    for (size_t i = 0; i < p->count; i++) {
        const tdm_option *option = &p->command->options[i];
        if (option->type == TDM_OPTION_LIST)
            ((tdm_option_list *) ((char *) into + option->offset))->count = 0;
        bool right = !option->fallback || set_value(option, into, option->fallback);
        assert(right);
        (void) right; /* for a build without asserts */
    }
}

int tdm_options_parse(const tdm_command *command, void *into, int argc, char **argv, int *operands)
{
    parser p = {.command = command, .count = count_options(command)};
    p.longs = calloc(p.count + 3, sizeof *p.longs);
    p.letters = calloc(2 * p.count + 4, 1);
    p.seen = calloc(p.count + 1, sizeof *p.seen);
    int result = -EINVAL;
    if (!p.longs || !p.letters || !p.seen) {
        fprintf(stderr, "%s: out of memory\n", command->name);
        goto out;
    }
    describe(&p);
    read_defaults(&p, into);
    result = read_arguments(&p, into, argc, argv);
    if (!result)
        result = read_environment(&p, into);
    if (operands)
        *operands = optind;
out:
    free(p.longs);
    free(p.letters);
    free(p.seen);
    return result;
}
