/* SPDX-License-Identifier: MIT */
/* server.c — see server.h. */
#include "server.h"

#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libpq-fe.h>

#include <xfed/base/err.h>

static char programs[256]; /* the folder of initdb and postgres */

static bool find_programs(void)
{
    glob_t found;
    bool has = glob("/usr/lib/postgresql/*/bin/postgres", 0, NULL, &found) == 0;
    if (has) {
        snprintf(programs, sizeof(programs), "%s", found.gl_pathv[found.gl_pathc - 1]);
        *strrchr(programs, '/') = '\0';
        globfree(&found);
    }
    return has;
}

static void become_postgres(void)
{
    const struct passwd *user = getuid() == 0 ? getpwnam("postgres") : NULL;
    if (user && (setgroups(0, NULL) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0))
        _exit(126);
}

static pid_t spawn(const struct server *server, const char *program, char *args[])
{
    char path[512], log[128];
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    snprintf(path, sizeof(path), "%s/%s", programs, program);
    snprintf(log, sizeof(log), "%s/log", server->folder);
    setpgid(0, 0);
    become_postgres();
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (fd < 0 || chdir(server->folder) != 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
        _exit(126);
    args[0] = path; /* initdb looks for the other programs beside it */
    execv(path, args);
    _exit(127);
}

static char *word(const char *text)
{
    return (char *)(uintptr_t)text; /* execv does not change it */
}

bool server_make(struct server *server)
{
    int status;
    if (!find_programs()) {
        printf("left out: the shared store (no PostgreSQL here)\n");
        return false;
    }
    snprintf(server->folder, sizeof(server->folder), "/tmp/xfed-pg-XXXXXX");
    xf_require(mkdtemp(server->folder) != NULL);
    const struct passwd *user = getuid() == 0 ? getpwnam("postgres") : NULL;
    if (user)
        xf_require(chown(server->folder, user->pw_uid, user->pw_gid) == 0);
    pid_t pid =
        spawn(server, "initdb",
              (char *[]){word("initdb"), word("-D"), word("data"), word("-U"), word("xfedd"),
                         word("-A"), word("trust"), word("--no-sync"), NULL});
    xf_require(waitpid(pid, &status, 0) == pid);
    xf_require(status == 0); /* FOLDER/log says why not */
    return true;
}

void server_remove(struct server *server)
{
    char command[128];
    server_stop(server);
    snprintf(command, sizeof(command), "rm -rf %s", server->folder);
    xf_require(system(command) == 0);
}

const char *server_uri(const struct server *server)
{
    static char uri[160];
    snprintf(uri, sizeof(uri), "postgresql://xfedd@/postgres?host=%s", server->folder);
    return uri;
}

void server_start(struct server *server)
{
    server->pid = spawn(server, "postgres",
                        (char *[]){word("postgres"), word("-D"), word("data"), word("-k"),
                                   server->folder, word("-c"), word("listen_addresses="),
                                   word("-c"), word("fsync=off"), NULL});
    for (int i = 0; i < 200; i++) {
        if (PQping(server_uri(server)) == PQPING_OK)
            return;
        usleep(50000);
    }
    xf_require(false); /* it does not answer: FOLDER/log says why not */
}

void server_stop(struct server *server)
{
    if (!server->pid)
        return;
    server_freeze(server, false);
    kill(server->pid, SIGQUIT);
    waitpid(server->pid, NULL, 0);
    server->pid = 0;
}

/* The kernel lists the children of the first process, which are all its processes. */
void server_freeze(struct server *server, bool is_frozen)
{
    char path[64];
    int child, number = is_frozen ? SIGSTOP : SIGCONT;
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)server->pid, (int)server->pid);
    FILE *children = fopen(path, "re");
    xf_require(children != NULL);
    kill(server->pid, number);
    while (fscanf(children, "%d", &child) == 1)
        kill(child, number);
    fclose(children);
}

static void ignore_notice(void *owner, const char *message)
{
    (void)owner;
    (void)message;
}

const char *server_ask(const struct server *server, const char *sql)
{
    static char value[256];
    PGconn *conn = PQconnectdb(server_uri(server));
    PQsetNoticeProcessor(conn, ignore_notice, NULL);
    PGresult *result = PQexec(conn, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
        fprintf(stderr, "%s: %s", sql, PQerrorMessage(conn));
    xf_require(status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK);
    snprintf(value, sizeof(value), "%s",
             status == PGRES_TUPLES_OK && PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    PQfinish(conn);
    return value;
}
