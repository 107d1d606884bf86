/* SPDX-License-Identifier: MIT */
/** @file
 *  Command-line options declared as a table next to the C struct they fill; each also read from the environment.
 *  The command line wins over the environment, the environment over the default. */
#ifndef TANDEM_OPTION_H
#define TANDEM_OPTION_H

#include <stdio.h>

#include <tandem/base.h>

TDM_BEGIN

typedef enum tdm_option_type {
    TDM_OPTION_FLAG, /**< bool; takes no value on the command line; 1/0, true/false, yes/no, on/off in the environment */
    TDM_OPTION_UINT,    /**< unsigned; a decimal integer within min … max */
    TDM_OPTION_SECONDS, /**< double; a finite decimal number within min … max */
    TDM_OPTION_STRING,  /**< const char *; points into argv or the environment */
    TDM_OPTION_CHOICE,  /**< int; the index in `choices` */
    TDM_OPTION_LIST,    /**< tdm_option_list; given any number of times up to TDM_OPTION_LIST_MAX; empty at first */
} tdm_option_type;

enum { TDM_OPTION_LIST_MAX = 64 };

/** The values of an option that may be given several times, in order; they point into argv or the environment. */
typedef struct tdm_option_list {
    const char *items[TDM_OPTION_LIST_MAX];
    unsigned count;
} tdm_option_list;

typedef struct tdm_option {
    const char *name; /**< long name, without dashes; a table ends with a NULL name */
    char letter;      /**< short form, or 0 */
    tdm_option_type type;
    size_t offset;        /**< offsetof the field to fill */
    const char *fallback; /**< the default, as a person would type it; NULL leaves the field alone */
    double min, max;      /**< for UINT and SECONDS: both ends are allowed */
    const char *word;     /**< for UINT: a word that stands for `word_value` ("auto"), or NULL */
    unsigned word_value;
    bool rare;                  /**< only --help=all tells of it */
    const char *const *choices; /**< for CHOICE: NULL-terminated */
    const char *value_name;     /**< for the usage: "N", "SECONDS", "FILE" */
    const char *help;           /**< one line */
} tdm_option;

typedef struct tdm_command {
    const char *name;       /**< the program */
    const char *version;    /**< what --version prints after the name */
    const char *summary;    /**< first line of --help */
    const char *operands;   /**< how operands are shown in the usage ("URL"), or NULL: none are taken */
    const char *env_prefix; /**< "TANDEM_": --drain-timeout is also TANDEM_DRAIN_TIMEOUT; NULL: no environment */
    const tdm_option *options;
    const char *epilogue; /**< further lines of --help, or NULL */
    const char *more;     /**< what --help=all says in their place, or NULL: the same */
} tdm_command;

/** Fill `into` from the defaults, the environment and the command line. --help (-h), --help=all and --version (-V) are
 *  there by themselves: they print to standard output.
 *  @param operands where the index in argv of the first operand goes (argv is permuted so that operands come last).
 *  @return 0: go on; 1: help or version was printed, exit with 0; -EINVAL: one line that says which option (or which
 *          variable) was wrong, with what value, and what would be right, and a usage line were printed to standard
 *          error; exit with 2.
 *  Not thread-safe (it uses getopt_long). */
TDM_API int tdm_options_parse(const tdm_command *command, void *into, int argc, char **argv, int *operands);

/** The help text, without the rare options. */
TDM_API void tdm_options_help(const tdm_command *command, FILE *to);
/** The whole help text. */
TDM_API void tdm_options_help_all(const tdm_command *command, FILE *to);

TDM_END

#endif
