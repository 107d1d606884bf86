/* SPDX-License-Identifier: MIT */
#include <tandem/option.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/unit.h"

typedef struct settings {
    const char *host;
    unsigned port, workers, any;
    double timeout;
    int format;
    bool follow, quiet;
} settings;

static const char *const formats[] = {"text", "json", NULL};

static const tdm_option table[] = {
    {.name = "host",
     .type = TDM_OPTION_STRING,
     .offset = offsetof(settings, host),
     .fallback = "127.0.0.1",
     .value_name = "ADDRESS",
     .help = "address to listen on"},
    {.name = "port",
     .letter = 'p',
     .type = TDM_OPTION_UINT,
     .offset = offsetof(settings, port),
     .fallback = "8000",
     .max = 65535,
     .help = "port to listen on; 0 picks a free one"},
    {.name = "workers",
     .letter = 'w',
     .type = TDM_OPTION_UINT,
     .offset = offsetof(settings, workers),
     .fallback = "auto",
     .min = 1,
     .max = 1024,
     .word = "auto",
     .word_value = 0,
     .help = "threads of each default pool: by themselves they are as many as the smaller of 32 and the machine's "
             "processors and four more, which is a long line and has to be wrapped"},
    {.name = "any", .type = TDM_OPTION_UINT, .offset = offsetof(settings, any), .max = UINT32_MAX},
    {.name = "drain-timeout",
     .type = TDM_OPTION_SECONDS,
     .offset = offsetof(settings, timeout),
     .fallback = "30",
     .min = 0.5,
     .max = 3600,
     .value_name = "SECONDS",
     .help = "how long accepted tasks may go on"},
    {.name = "log-format",
     .type = TDM_OPTION_CHOICE,
     .offset = offsetof(settings, format),
     .fallback = "text",
     .choices = formats,
     .help = "form of the log"},
    {.name = "follow",
     .letter = 'f',
     .type = TDM_OPTION_FLAG,
     .offset = offsetof(settings, follow),
     .help = "wait until every task has ended"},
    {.name = "quiet", .letter = 'q', .type = TDM_OPTION_FLAG, .offset = offsetof(settings, quiet)},
    {.name = "an-option-too-long-for-the-left-column",
     .type = TDM_OPTION_FLAG,
     .offset = offsetof(settings, quiet),
     .help = "on a line of its own"},
    {0},
};

static const tdm_command command = {
    .name = "tandemd",
    .version = "1.2.3",
    .summary = "A server that answers at once, and whose first line of help is longer than a terminal is wide.",
    .env_prefix = "TANDEM_",
    .options = table,
    .epilogue = "That is all.\nOr not.",
    .more = "Now it is."};

enum { ARGS = 12 };

/* What one run of the parser did. */
typedef struct outcome {
    settings got;
    int result, operands, argc;
    char line[256], *argv[ARGS + 2], *out, *err;
} outcome;

static int divert(int fd)
{
    int saved = dup(fd), memory = unit_memory_file();
    ck_assert_int_ge(saved, 0);
    ck_assert_int_eq(dup2(memory, fd), fd);
    close(memory);
    return saved;
}

static char *restore(int fd, int saved)
{
    char *text = unit_contents(fd);
    ck_assert_int_eq(dup2(saved, fd), fd);
    close(saved);
    return text;
}

/* Parse arguments, given as one text with a bar after each ("--port|80|"), and catch what is printed. */
static void run_command(outcome *o, const tdm_command *which, const char *args)
{
    *o = (outcome){.operands = -1, .argc = 1};
    o->argv[0] = o->line;
    snprintf(o->line, sizeof o->line, "tandemd|%s", args);
    char *bar = strchr(o->line, '|');
    for (*bar = '\0'; bar[1]; *bar = '\0') {
        o->argv[o->argc++] = bar + 1;
        bar = strchr(bar + 1, '|');
    }
    fflush(stdout);
    int out = divert(STDOUT_FILENO), err = divert(STDERR_FILENO);
    o->result = tdm_options_parse(which, &o->got, o->argc, o->argv, &o->operands);
    fflush(stdout);
    o->out = restore(STDOUT_FILENO, out);
    o->err = restore(STDERR_FILENO, err);
}

static void finish(outcome *o)
{
    free(o->out);
    free(o->err);
}

/* These arguments are right. */
static settings accept(const char *args)
{
    outcome o;
    run_command(&o, &command, args);
    ck_assert_msg(o.result == 0, "%s: %s", args, o.err);
    ck_assert_str_eq(o.out, "");
    ck_assert_str_eq(o.err, "");
    finish(&o);
    return o.got;
}

/* These are wrong, and this is said about it. */
static void refuse(const char *args, const char *line)
{
    static const char usage[] = "\nusage: tandemd [OPTION]... (tandemd --help lists the options)\n";
    char expected[512];
    outcome o;
    run_command(&o, &command, args);
    ck_assert_msg(o.result == -EINVAL, "%s", args);
    snprintf(expected, sizeof expected, "tandemd: %s%s", line, usage);
    ck_assert_str_eq(o.err, expected);
    ck_assert_str_eq(o.out, "");
    finish(&o);
}

START_TEST(defaults_are_set_and_fields_without_one_left_alone)
{
    settings got = accept("");
    ck_assert_str_eq(got.host, "127.0.0.1");
    ck_assert_uint_eq(got.port, 8000);
    ck_assert_uint_eq(got.workers, 0);
    ck_assert_uint_eq(got.any, 0);
    ck_assert_double_eq(got.timeout, 30);
    ck_assert_int_eq(got.format, 0);
    ck_assert(!got.follow);
    settings before = {.any = 77, .follow = true};
    char name[] = "tandemd", *argv[] = {name, NULL};
    ck_assert_int_eq(tdm_options_parse(&command, &before, 1, argv, NULL), 0);
    ck_assert_uint_eq(before.any, 77);
    ck_assert(before.follow);
    ck_assert_uint_eq(before.port, 8000);
}
END_TEST

START_TEST(the_command_line_sets_every_type_in_every_form)
{
    settings got = accept("--host|::1|--port=1|-w|12|--drain-timeout|1.5e1|--log-format=json|-fq|");
    ck_assert_str_eq(got.host, "::1");
    ck_assert_uint_eq(got.port, 1);
    ck_assert_uint_eq(got.workers, 12);
    ck_assert_double_eq(got.timeout, 15);
    ck_assert_int_eq(got.format, 1);
    ck_assert(got.follow && got.quiet);
    ck_assert_uint_eq(accept("-p80|").port, 80);
    ck_assert_uint_eq(accept("-fp|80|").port, 80);
    ck_assert_uint_eq(accept("--port|1|--port|2|").port, 2); /* the last one wins */
    ck_assert_uint_eq(accept("--work|3|").workers, 3);       /* as short as it is clear */
}
END_TEST

START_TEST(limits_are_allowed_and_the_next_number_is_not)
{
    ck_assert_uint_eq(accept("--port|0|").port, 0);
    ck_assert_uint_eq(accept("--port|65535|").port, 65535);
    ck_assert_uint_eq(accept("--workers|1|").workers, 1);
    ck_assert_uint_eq(accept("--any|4294967295|").any, UINT32_MAX);
    ck_assert_double_eq(accept("--drain-timeout|0.5|").timeout, 0.5);
    ck_assert_double_eq(accept("--drain-timeout|3600|").timeout, 3600);
    refuse("--port|65536|", "--port: \"65536\" is not a number from 0 to 65535");
    refuse("--any|4294967296|", "--any: \"4294967296\" is not a number from 0 to 4294967295");
    refuse("--any|99999999999999999999999|", "--any: \"99999999999999999999999\" is not a number from 0 to 4294967295");
    refuse("--workers|0|", "--workers: \"0\" is not a number from 1 to 1024 or \"auto\"");
    refuse("--drain-timeout|0.4999|", "--drain-timeout: \"0.4999\" is not a number of seconds from 0.5 to 3600");
    refuse("--drain-timeout|3600.001|", "--drain-timeout: \"3600.001\" is not a number of seconds from 0.5 to 3600");
}
END_TEST

START_TEST(what_is_not_a_plain_number_is_refused)
{
    static const char *const not_integers[] = {"abc", "", " 1", "1 ", "+1", "-1", "1.0", "0x10", "1e3", "auto", "١"};
    static const char *const not_seconds[] = {"abc", "",    " 1",    "1 ", "nan",   "inf", "Infinity", "-inf", "0x1p1",
                                              "1e",  "1e+", "1e999", ".",  "1.2.3", "1,5", "-1",       "1s"};
    char args[64], line[160];
    for (size_t i = 0; i < sizeof not_integers / sizeof not_integers[0]; i++) {
        snprintf(args, sizeof args, "--port=%s|", not_integers[i]);
        snprintf(line, sizeof line, "--port: \"%s\" is not a number from 0 to 65535", not_integers[i]);
        refuse(args, line);
    }
    for (size_t i = 0; i < sizeof not_seconds / sizeof not_seconds[0]; i++) {
        snprintf(args, sizeof args, "--drain-timeout=%s|", not_seconds[i]);
        snprintf(line, sizeof line, "--drain-timeout: \"%s\" is not a number of seconds from 0.5 to 3600",
                 not_seconds[i]);
        refuse(args, line);
    }
    ck_assert_double_eq(accept("--drain-timeout|.5|").timeout, 0.5);
    ck_assert_double_eq(accept("--drain-timeout|5.|").timeout, 5);
    ck_assert_double_eq(accept("--drain-timeout|+5e-1|").timeout, 0.5);
    ck_assert_uint_eq(accept("--port|0080|").port, 80);
}
END_TEST

START_TEST(the_word_stands_for_its_value)
{
    setenv("TANDEM_WORKERS", "7", 1);
    ck_assert_uint_eq(accept("").workers, 7);
    ck_assert_uint_eq(accept("--workers|auto|").workers, 0);
    refuse("--workers|Auto|", "--workers: \"Auto\" is not a number from 1 to 1024 or \"auto\"");
}
END_TEST

START_TEST(a_choice_is_one_of_its_words)
{
    ck_assert_int_eq(accept("--log-format|text|").format, 0);
    ck_assert_int_eq(accept("--log-format|json|").format, 1);
    refuse("--log-format|xml|", "--log-format: \"xml\" is not one of text, json");
    refuse("--log-format|js|", "--log-format: \"js\" is not one of text, json");
}
END_TEST

START_TEST(the_environment_wins_over_the_default_and_the_command_line_over_both)
{
    setenv("TANDEM_PORT", "81", 1);
    setenv("TANDEM_DRAIN_TIMEOUT", "2.5", 1);
    setenv("TANDEM_HOST", "", 1);
    setenv("TANDEM_LOG_FORMAT", "json", 1);
    settings got = accept("");
    ck_assert_uint_eq(got.port, 81);
    ck_assert_double_eq(got.timeout, 2.5);
    ck_assert_str_eq(got.host, "");
    ck_assert_int_eq(got.format, 1);
    got = accept("-p|82|--log-format|text|");
    ck_assert_uint_eq(got.port, 82);
    ck_assert_int_eq(got.format, 0);
    ck_assert_double_eq(got.timeout, 2.5);
}
END_TEST

START_TEST(a_flag_reads_yes_and_no_from_the_environment)
{
    static const char *const yes[] = {"1", "true", "yes", "on"}, *const no[] = {"0", "false", "no", "off"};
    for (int i = 0; i < 4; i++) {
        setenv("TANDEM_FOLLOW", yes[i], 1);
        ck_assert(accept("").follow);
        setenv("TANDEM_FOLLOW", no[i], 1);
        ck_assert(!accept("").follow);
        ck_assert(accept("--follow|").follow);
    }
    setenv("TANDEM_FOLLOW", "maybe", 1);
    refuse("", "TANDEM_FOLLOW: \"maybe\" is not one of 1, 0, true, false, yes, no, on, off");
}
END_TEST

START_TEST(a_wrong_variable_is_named_unless_the_command_line_overrides_it)
{
    setenv("TANDEM_PORT", "many", 1);
    refuse("", "TANDEM_PORT: \"many\" is not a number from 0 to 65535");
    ck_assert_uint_eq(accept("--port|5|").port, 5);
    setenv("TANDEM_PORT", "", 1);
    refuse("", "TANDEM_PORT: \"\" is not a number from 0 to 65535");
    tdm_command plain = command;
    plain.env_prefix = NULL;
    outcome o;
    run_command(&o, &plain, "");
    ck_assert_int_eq(o.result, 0);
    ck_assert_uint_eq(o.got.port, 8000);
    finish(&o);
}
END_TEST

START_TEST(unknown_and_unclear_options_are_named)
{
    refuse("--prot|80|", "--prot: there is no such option");
    refuse("--prot=80|", "--prot: there is no such option");
    refuse("-x|", "-x: there is no such option");
    refuse("--port=1|-xf|", "-x: there is no such option");
    refuse("-fx|", "-x: there is no such option");
    refuse("--ho|1|-z|", "-z: there is no such option");
    refuse("--h|", "--h: the name is not complete: it could be --host or --help");
    refuse("--|--port|", "--port: this argument is not expected, only options are");
}
END_TEST

START_TEST(a_missing_value_and_one_too_many_are_said)
{
    refuse("--port|", "--port: the value is missing: give a number from 0 to 65535");
    refuse("-p|", "--port: the value is missing: give a number from 0 to 65535");
    refuse("--host|", "--host: the value is missing: give a text (ADDRESS)");
    refuse("--log-format|", "--log-format: the value is missing: give one of text, json");
    refuse("--follow=1|", "--follow: no value is taken, \"1\" was given");
    refuse("--help=me|", "--help: \"me\" is not \"all\"");
    refuse("--version=|", "--version: no value is taken, \"\" was given");
}
END_TEST

START_TEST(operands_are_refused_where_none_are_taken)
{
    refuse("8000|", "8000: this argument is not expected, only options are");
    refuse("-f|x|--port|1|", "x: this argument is not expected, only options are");
}
END_TEST

START_TEST(operands_come_last_where_they_are_taken)
{
    tdm_command load = command;
    load.operands = "URL";
    outcome o;
    run_command(&o, &load, "http://a/|-f|--port|9|--|-p|");
    ck_assert_int_eq(o.result, 0);
    ck_assert_uint_eq(o.got.port, 9);
    ck_assert_int_eq(o.operands, o.argc - 2);
    ck_assert_str_eq(o.argv[o.operands], "http://a/");
    ck_assert_str_eq(o.argv[o.operands + 1], "-p");
    finish(&o);
    run_command(&o, &load, "-f|");
    ck_assert_int_eq(o.operands, o.argc);
    finish(&o);
    run_command(&o, &load, "-p|x|");
    ck_assert_ptr_nonnull(strstr(o.err, "\nusage: tandemd [OPTION]... URL (tandemd --help lists the options)\n"));
    finish(&o);
}
END_TEST

START_TEST(version_and_help_go_to_standard_output)
{
    static const char *const versions[] = {"-V|", "--version|", "-fV|"}, *const helps[] = {"-h|", "--help|", "--hel|"};
    outcome o;
    setenv("TANDEM_PORT", "wrong", 1); /* does not keep one from asking */
    for (int i = 0; i < 3; i++) {
        run_command(&o, &command, versions[i]);
        ck_assert_int_eq(o.result, 1);
        ck_assert_str_eq(o.out, "tandemd 1.2.3\n");
        ck_assert_str_eq(o.err, "");
        finish(&o);
        run_command(&o, &command, helps[i]);
        ck_assert_int_eq(o.result, 1);
        ck_assert_ptr_eq(strstr(o.out, "A server that answers at once, "), o.out);
        ck_assert_ptr_nonnull(strstr(o.out, "a\nterminal is wide.\nusage: tandemd [OPTION]...\n"));
        ck_assert_str_eq(o.err, "");
        finish(&o);
    }
}
END_TEST

START_TEST(help_says_all_the_table_knows)
{
    static const char *const parts[] = {
        "\n      --host ADDRESS           address to listen on (default 127.0.0.1)\n",
        "\n  -p, --port N                 port to listen on; 0 picks a free one (0 to\n"
        "                               65535; default 8000)\n",
        "\n                               long line and has to be wrapped (1 to 1024 or\n"
        "                               \"auto\"; default auto)\n",
        "\n      --any N                  (0 to 4294967295)\n",
        "\n      --drain-timeout SECONDS  how long accepted tasks may go on (0.5 to 3600;\n"
        "                               default 30)\n",
        "\n      --log-format WORD        form of the log (text, json; default text)\n",
        "\n  -f, --follow                 wait until every task has ended\n",
        "\n  -q, --quiet\n",
        "\n      --an-option-too-long-for-the-left-column\n                               on a line of its own\n",
        "\n  -h, --help                   print this and exit\n",
        "\n  -V, --version                print the version and exit\n",
        "\n  Each option can also be set by an environment variable, as --host by\n  TANDEM_HOST. ",
        "\n\nThat is all.\nOr not.\n",
    };
    outcome o;
    run_command(&o, &command, "--help|");
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        ck_assert_msg(strstr(o.out, parts[i]) != NULL, "%s\nis not in\n%s", parts[i], o.out);
    ck_assert_ptr_null(strstr(o.out, "Now it is."));
    finish(&o);
    run_command(&o, &command, "--help=all|");
    ck_assert_ptr_nonnull(strstr(o.out, "\n\nNow it is.\n"));
    ck_assert_ptr_null(strstr(o.out, "That is all."));
    finish(&o);
}
END_TEST

typedef struct lists {
    tdm_option_list checks, rest;
} lists;

static const tdm_option list_table[] = {
    {.name = "check",
     .letter = 'k',
     .type = TDM_OPTION_LIST,
     .offset = offsetof(lists, checks),
     .value_name = "CHECK",
     .help = "what must hold"},
    {.name = "rest", .type = TDM_OPTION_LIST, .offset = offsetof(lists, rest), .rare = true, .help = "seldom wanted"},
    {0},
};

START_TEST(a_list_keeps_every_value_in_order_up_to_its_limit)
{
    const tdm_command with = {.name = "tandemd", .env_prefix = "TANDEM_", .options = list_table};
    char *argv[2 + TDM_OPTION_LIST_MAX + 1] = {(char[]){"tandemd"}, (char[]){"-kone"}, (char[]){"--check=two"}};
    lists got;
    setenv("TANDEM_REST", "three", 1);
    ck_assert_int_eq(tdm_options_parse(&with, &got, 3, argv, NULL), 0);
    ck_assert_uint_eq(got.checks.count, 2);
    ck_assert_str_eq(got.checks.items[0], "one");
    ck_assert_str_eq(got.checks.items[1], "two");
    ck_assert_uint_eq(got.rest.count, 1);
    ck_assert_str_eq(got.rest.items[0], "three");
    char again[] = "-kx";
    for (int i = 1; i <= TDM_OPTION_LIST_MAX + 1; i++)
        argv[i] = again;
    ck_assert_int_eq(tdm_options_parse(&with, &got, TDM_OPTION_LIST_MAX + 1, argv, NULL), 0);
    ck_assert_uint_eq(got.checks.count, TDM_OPTION_LIST_MAX);
    int saved = divert(STDERR_FILENO);
    int result = tdm_options_parse(&with, &got, TDM_OPTION_LIST_MAX + 2, argv, NULL);
    char *err = restore(STDERR_FILENO, saved);
    ck_assert_int_eq(result, -EINVAL);
    ck_assert_ptr_nonnull(strstr(err, "tandemd: --check: \"x\" is not a text (CHECK), 64 times at most\n"));
    free(err);
}
END_TEST

START_TEST(rare_options_are_told_of_by_help_all_only)
{
    const tdm_command with = {.name = "tandemd", .options = list_table};
    outcome o;
    run_command(&o, &with, "--help|");
    ck_assert_ptr_nonnull(strstr(o.out, "--check CHECK"));
    ck_assert_ptr_null(strstr(o.out, "--rest"));
    ck_assert_ptr_nonnull(strstr(o.out, "print this and exit; --help=all: 1 more options\n"));
    finish(&o);
    run_command(&o, &with, "--help=all|");
    ck_assert_int_eq(o.result, 1);
    ck_assert_ptr_nonnull(strstr(o.out, "--check CHECK"));
    ck_assert_ptr_nonnull(strstr(o.out, "--rest TEXT"));
    finish(&o);
}
END_TEST

START_TEST(help_fits_80_columns_and_has_no_blanks_at_line_ends)
{
    outcome o;
    run_command(&o, &command, "--help|");
    int lines = 0;
    for (const char *line = o.out; *line; lines++) {
        size_t size = strcspn(line, "\n");
        ck_assert_msg(size <= 80, "%.*s", (int) size, line);
        ck_assert_msg(!size || line[size - 1] != ' ', "%.*s", (int) size, line);
        line += size + 1;
    }
    ck_assert_int_gt(lines, 12);
    finish(&o);
}
END_TEST

int main(void)
{
    unsetenv("POSIXLY_CORRECT");
    return unit_main(
        "option",
        (const TTest *const[]){
            defaults_are_set_and_fields_without_one_left_alone, the_command_line_sets_every_type_in_every_form,
            limits_are_allowed_and_the_next_number_is_not, what_is_not_a_plain_number_is_refused,
            the_word_stands_for_its_value, a_choice_is_one_of_its_words,
            the_environment_wins_over_the_default_and_the_command_line_over_both,
            a_flag_reads_yes_and_no_from_the_environment,
            a_wrong_variable_is_named_unless_the_command_line_overrides_it, unknown_and_unclear_options_are_named,
            a_missing_value_and_one_too_many_are_said, operands_are_refused_where_none_are_taken,
            operands_come_last_where_they_are_taken, version_and_help_go_to_standard_output,
            help_says_all_the_table_knows, a_list_keeps_every_value_in_order_up_to_its_limit,
            rare_options_are_told_of_by_help_all_only, help_fits_80_columns_and_has_no_blanks_at_line_ends, NULL});
}
