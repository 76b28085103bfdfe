/* SPDX-License-Identifier: MIT */
/*
 * directory.c — ask a real directory what src/mailmap asks it, for tests/integration/directory.py.
 *
 *     directory CONF load | mail JID | jid ADDRESS | member GROUP JID ...
 *
 * One line for each question: `load 3 users, 1 members`, the address or JID or `-`, `yes` or `no`;
 * or `error: words`. Notes of duplicates follow as `note: words`.
 */
#include <stdio.h>
#include <string.h>

#include <xfed/base/alloc.h>
#include <xfed/conf/conf.h>

#include "mailmap_priv.h"

static const atomic_bool never;

static void print_notes(struct xf_notes *notes)
{
    for (size_t i = 0; i < notes->count && i < XF_NOTES_MAX; i++)
        printf("note: %s\n", notes->line[i]);
    xf_notes_release(notes);
}

static void load(struct xf_directory *directory)
{
    struct xf_loaded loaded = {.users = NULL};
    struct xf_error err = {.detail = ""};
    if (xf_directory_load(directory, &loaded, &err) != XF_ERR_OK)
        printf("error: %s\n", err.detail);
    else
        printf("load %zu users, %zu members\n", xf_table_count(loaded.users),
               xf_map_count(loaded.members));
    print_notes(&loaded.notes);
    xf_loaded_release(&loaded);
}

static void ask(struct xf_directory *directory, unsigned kind, const char *address)
{
    struct xf_mailmap_query_answer answer = {.mail = NULL};
    struct xf_notes notes = {.count = 0};
    struct xf_error err = {.detail = ""};
    if (xf_directory_ask(directory, xf_span_of(address), kind, &answer, &notes, &err) != XF_ERR_OK)
        printf("error: %s\n", err.detail);
    else
        puts(answer.mail ? answer.mail : answer.jid ? answer.jid : "-");
    print_notes(&notes);
    xf_free(answer.mail);
    xf_free(answer.jid);
}

static void member(struct xf_directory *directory, const char *group, const char *jid)
{
    struct xf_loaded loaded = {.users = NULL};
    struct xf_error err = {.detail = ""};
    if (xf_directory_load(directory, &loaded, &err) != XF_ERR_OK)
        printf("error: %s\n", err.detail);
    else
        puts(xf_members_has(loaded.members, group, xf_span_of(jid)) ? "yes" : "no");
    xf_loaded_release(&loaded);
}

/* How many words it took; 0: it is no question. */
static int play(struct xf_directory *directory, char **words, int count)
{
    if (strcmp(words[0], "load") == 0) {
        load(directory);
        return 1;
    }
    if (count > 1 && (strcmp(words[0], "mail") == 0 || strcmp(words[0], "jid") == 0)) {
        ask(directory, strcmp(words[0], "mail") == 0 ? XF_ASK_MAIL : XF_ASK_JID, words[1]);
        return 2;
    }
    if (count > 2 && strcmp(words[0], "member") == 0) {
        member(directory, words[1], words[2]);
        return 3;
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct xf_conf *conf = NULL;
    char *messages = NULL;
    if (argc < 3) {
        fputs("usage: directory CONF load | mail JID | jid ADDRESS | member GROUP JID ...\n",
              stderr);
        return 64;
    }
    if (xf_conf_load(argv[1], &conf, &messages) != XF_ERR_OK) {
        fprintf(stderr, "%s\n", messages);
        return 78;
    }
    struct xf_directory directory = {.settings = &conf->mailmap.directory, .stop = &never};
    int taken = 1;
    for (int at = 2; at < argc && taken > 0; at += taken)
        taken = play(&directory, argv + at, argc - at);
    xf_directory_close(&directory);
    xf_conf_free(&conf);
    xf_free(messages);
    return taken > 0 ? 0 : 64;
}
