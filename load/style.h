/* SPDX-License-Identifier: MIT */
/** @file
 *  The style sheet of the HTML report: light, dark, and print. */
#ifndef LOAD_STYLE_H
#define LOAD_STYLE_H

extern const char load_style_sheet[];

#endif
