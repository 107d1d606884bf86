/* SPDX-License-Identifier: MIT */
/** @file
 *  The style sheet of the HTML report: light, dark, and print. */
#ifndef LOAD_STYLE_H
#define LOAD_STYLE_H

/** Pieces to be written one after another; ends with NULL. */
extern const char *const load_style_sheet[];

#endif
