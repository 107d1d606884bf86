/* SPDX-License-Identifier: MIT */
/** @file
 *  The words about options that the parser's complaints and the help text share. One thread, as the parser. */
#ifndef TANDEM_TASKS_OPTION_HELP_H
#define TANDEM_TASKS_OPTION_HELP_H

#include <stdio.h>

#include <tandem/option.h>

/** "a number from 0 to 65535". */
void tdm__option_expected(const tdm_option *option, FILE *to);

/** The environment's name of an option: "TANDEM_DRAIN_TIMEOUT". Requires command->env_prefix. */
void tdm__option_variable(const tdm_command *command, const tdm_option *option, char *to, size_t size);

/** The usage line that follows a complaint. */
void tdm__option_usage(const tdm_command *command, FILE *to);

#endif
