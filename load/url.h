/* SPDX-License-Identifier: MIT */
/** @file
 *  An http:// URL, taken apart into what a client needs. One owner; no locks. */
#ifndef LOAD_URL_H
#define LOAD_URL_H

/** Every pointer is owned by the URL. */
typedef struct load_url {
    char *text;      /**< as it was given */
    char *host;      /**< without brackets, for the resolver */
    char *port;      /**< decimal; "80" when none was given */
    char *authority; /**< host[:port] as given, for the Host field */
    char *target;    /**< path and query, never empty, without the fragment */
} load_url;

/** Take `text` apart.
 *  @param why where a short sentence goes on -EINVAL (a static string).
 *  @return 0; -EINVAL: not an http URL that can be asked for; -ENOMEM. On an error `url` holds nothing. */
int load_url_parse(load_url *url, const char *text, const char **why);

/** Free what it holds. A zeroed URL is accepted. */
void load_url_finish(load_url *url);

/** Short names that tell `count` URLs apart: the parts in which they differ (host, path, single query parameters); of
 *  one URL alone, its path and query. Two equal URLs get a number.
 *  @param labels where `count` malloc'ed strings go. @return 0; -ENOMEM (nothing is left allocated). */
int load_url_labels(const load_url *urls, unsigned count, char **labels);

#endif
