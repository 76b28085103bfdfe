/* SPDX-License-Identifier: MIT */
/*
 * server.h — a PostgreSQL server of the test's own, in a scratch folder, on a Unix socket. Run as
 * root, it continues as the user postgres, since the server refuses root.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct server {
    char folder[64];
    pid_t pid; /* 0: stopped */
};

/* False: the machine has no PostgreSQL; says so on standard output as scripts/test wants it. */
bool server_make(struct server *server);
void server_remove(struct server *server);
void server_start(struct server *server);                  /* until it answers */
void server_stop(struct server *server);                   /* immediately, as in a crash */
void server_freeze(struct server *server, bool is_frozen); /* with all its processes */
/* postgresql://xfedd@/postgres?host=FOLDER, in static memory */
const char *server_uri(const struct server *server);
/* Run one statement, outside of the loop; it must succeed. Returns the first value, static. */
const char *server_ask(const struct server *server, const char *sql);
