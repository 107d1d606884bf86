/* SPDX-License-Identifier: MIT */
/* DESIGN: the help text and the words that say what an option takes. Help is made from the same table that is parsed,
 * so it cannot drift: default and range are added to each option's own line. Two columns; the right one is wrapped at
 * 100 columns, an option that is too long for the left one gets a line of its own. */
#include "tasks/option_help.h"

#include <assert.h>
#include <ctype.h>
#include <stdarg.h>
#include <string.h>

enum { WIDTH = 80, INDENT_MAX = 32, PIECE = 512 };

void tdm__option_expected(const tdm_option *option, FILE *to)
{
    switch (option->type) {
    case TDM_OPTION_FLAG:
        fputs("one of 1, 0, true, false, yes, no, on, off", to);
        break;
    case TDM_OPTION_UINT:
        fprintf(to, "a number from %.0f to %.0f", option->min, option->max);
        if (option->word)
            fprintf(to, " or \"%s\"", option->word);
        break;
    case TDM_OPTION_SECONDS:
        fprintf(to, "a number of seconds from %.15g to %.15g", option->min, option->max);
        break;
    case TDM_OPTION_STRING:
        fprintf(to, "a text (%s)", option->value_name ? option->value_name : "TEXT");
        break;
    case TDM_OPTION_CHOICE:
        fputs("one of ", to);
        for (int i = 0; option->choices[i]; i++)
            fprintf(to, "%s%s", i ? ", " : "", option->choices[i]);
        break;
    case TDM_OPTION_LIST:
        fprintf(to, "a text (%s), %d times at most", option->value_name ? option->value_name : "TEXT",
                TDM_OPTION_LIST_MAX);
        break;
    }
}

void tdm__option_variable(const tdm_command *command, const tdm_option *option, char *to, size_t size)
{
    int n = snprintf(to, size, "%s%s", command->env_prefix, option->name);
    assert(n > 0 && (size_t) n < size);
    for (char *c = to + strlen(command->env_prefix); *c; c++)
        *c = *c == '-' ? '_' : (char) toupper((unsigned char) *c);
}

static void usage(const tdm_command *command, FILE *to)
{
    fprintf(to, "usage: %s [OPTION]...", command->name);
    if (command->operands)
        fprintf(to, " %s", command->operands);
}

void tdm__option_usage(const tdm_command *command, FILE *to)
{
    usage(command, to);
    fprintf(to, " (%s --help lists the options)\n", command->name);
}

static const char *value_name(const tdm_option *option)
{
    static const char *const names[] = {
        [TDM_OPTION_FLAG] = NULL,     [TDM_OPTION_UINT] = "N",      [TDM_OPTION_SECONDS] = "SECONDS",
        [TDM_OPTION_STRING] = "TEXT", [TDM_OPTION_CHOICE] = "WORD", [TDM_OPTION_LIST] = "TEXT"};
    return option->type == TDM_OPTION_FLAG || !option->value_name ? names[option->type] : option->value_name;
}

/* "  -p, --port N" */
static size_t left_column(const tdm_option *option, char to[PIECE])
{
    const char *value = value_name(option);
    char letter[] = {'-', option->letter, ',', '\0'};
    int n = snprintf(to, PIECE, "  %-3s --%s%s%s", option->letter ? letter : "", option->name, value ? " " : "",
                     value ? value : "");
    assert(n > 0 && n < PIECE);
    return (size_t) n;
}

/* Append to a piece of text; what does not fit is cut. */
TDM_PRINTF(2, 3) static void add(char to[PIECE], const char *format, ...)
{
    size_t used = strlen(to);
    va_list args;
    va_start(args, format);
    vsnprintf(to + used, PIECE - used, format, args);
    va_end(args);
}

/* The help line, and what the table knows: "… (0 to 65535; default 8000)". */
static void right_column(const tdm_option *option, char to[PIECE])
{
    snprintf(to, PIECE, "%s", option->help ? option->help : "");
    size_t help = strlen(to);
    const char *separator = help ? " (" : "(";
    if (option->type == TDM_OPTION_UINT || option->type == TDM_OPTION_SECONDS) {
        add(to, "%s%.15g to %.15g", separator, option->min, option->max);
        if (option->word)
            add(to, " or \"%s\"", option->word);
        separator = "; ";
    } else if (option->type == TDM_OPTION_CHOICE) {
        for (int i = 0; option->choices[i]; i++)
            add(to, "%s%s", i ? ", " : separator, option->choices[i]);
        separator = "; ";
    }
    if (option->fallback && option->type != TDM_OPTION_FLAG)
        add(to, "%sdefault %s", separator, option->fallback);
    if (strlen(to) > help)
        add(to, ")");
}

/* Bytes of `text` that go on a line of `room` columns: up to its end, else up to a space if there is one, else a word is
 * cut. */
static size_t fitting(const char *text, size_t room)
{
    size_t size = strcspn(text, "\n");
    if (size <= room)
        return size;
    for (size_t i = room; i > 0; i--)
        if (text[i] == ' ')
            return i;
    return room;
}

/* The cursor is at column `at`; each line of `text` begins at column `indent`. */
static void print_wrapped(FILE *to, size_t at, size_t indent, const char *text)
{
    if (at && at + 2 > indent) {
        fputc('\n', to);
        at = 0;
    }
    do {
        size_t n = fitting(text, WIDTH - indent);
        fprintf(to, "%*s%.*s\n", (int) (indent - at), "", (int) n, text);
        text += n;
        text += *text == '\n' ? 1 : strspn(text, " ");
        at = 0;
    } while (*text);
}

static void print_option(const tdm_option *option, size_t indent, FILE *to)
{
    char left[PIECE], right[PIECE];
    size_t n = left_column(option, left);
    right_column(option, right);
    fputs(left, to);
    if (*right)
        print_wrapped(to, n, indent, right);
    else
        fputc('\n', to);
}

static void print_environment(const tdm_command *command, FILE *to)
{
    if (!command->env_prefix || !command->options->name)
        return;
    char variable[PIECE], text[PIECE] = "";
    tdm__option_variable(command, command->options, variable, sizeof variable);
    add(text, "Each option can also be set by an environment variable, as --%s by %s. The command line wins.",
        command->options->name, variable);
    fputc('\n', to);
    print_wrapped(to, 0, 2, text);
}

/* Where the right column begins. */
static size_t indent_of(const tdm_command *command, const tdm_option own[2], bool all)
{
    size_t indent = 0;
    char left[PIECE];
    for (const tdm_option *option = command->options; option->name; option++) {
        size_t n = left_column(option, left) + 2;
        if (n > indent && n <= INDENT_MAX && (all || !option->rare))
            indent = n;
    }
    for (size_t i = 0; i < 2; i++)
        if (left_column(&own[i], left) + 2 > indent)
            indent = left_column(&own[i], left) + 2;
    return indent;
}

static unsigned count_rare(const tdm_command *command)
{
    unsigned n = 0;
    for (const tdm_option *option = command->options; option->name; option++)
        n += option->rare;
    return n;
}

static void print_help(const tdm_command *command, FILE *to, bool all)
{
    char others[PIECE] = "print this and exit";
    const unsigned rare = count_rare(command);
    if (rare && !all)
        snprintf(others, sizeof others, "print this and exit; --help=all: %u more options", rare);
    const tdm_option own[] = {
        {.name = "help", .letter = 'h', .help = others},
        {.name = "version", .letter = 'V', .help = "print the version and exit"},
    };
    size_t indent = indent_of(command, own, all);
    if (command->summary)
        print_wrapped(to, 0, 0, command->summary);
    usage(command, to);
    fputs("\n\n", to);
    for (const tdm_option *option = command->options; option->name; option++)
        if (all || !option->rare)
            print_option(option, indent, to);
    for (size_t i = 0; i < 2; i++)
        print_option(&own[i], indent, to);
    print_environment(command, to);
    const char *last = all && command->more ? command->more : command->epilogue;
    if (last) {
        fputc('\n', to);
        print_wrapped(to, 0, 0, last);
    }
}

void tdm_options_help(const tdm_command *command, FILE *to)
{
    print_help(command, to, false);
}

void tdm_options_help_all(const tdm_command *command, FILE *to)
{
    print_help(command, to, true);
}
