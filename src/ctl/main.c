/* SPDX-License-Identifier: MIT */
/*
 * main.c — xfedctl: asks a running xfedd, and prints the answer for people, or with --json for
 * programs. Exit: 0 done, 1 xfedd refused or a check found something wrong, 2 no answer, 3 a check
 * has warnings only, 64 wrong usage.
 */
#include "ctl_priv.h"

#include <stdlib.h>
#include <string.h>

#include <xfed/ctl/verbs.h>

static void print_verb(void *owner, const char *name, const char *args, const char *help)
{
    fprintf(owner, "  %-10s %-15s %s\n", name, args, help);
}

static void print_help(FILE *out)
{
    fputs("usage: xfedctl [-s SOCKET] [--json] VERB [ARGUMENT...]\n\n", out);
    xf_ctl_each_verb(print_verb, out);
    fputs("\n  -s SOCKET  of listen { control }; else XFEDD_CONTROL, else " XF_ASK_SOCKET "\n"
          "  --json     the answer's lines as xfedd sends them (doc/operators/CONTROL.md)\n"
          "  --verbs    the verbs, one on each line\n"
          "  --version, --help\n",
          out);
}

static const struct xf_ctl_verb *find_verb(const char *name)
{
    for (size_t i = 0; i < xf_ctl_verb_count; i++)
        if (strcmp(xf_ctl_verbs[i].name, name) == 0)
            return &xf_ctl_verbs[i];
    return NULL;
}

static bool gather(void *owner, const json_t *row)
{
    json_array_append(owner, (json_t *)(uintptr_t)row);
    return true;
}

static void show(const struct xf_ctl_verb *verb, const json_t *rows, const json_t *result)
{
    if (verb->show)
        verb->show(rows, result);
    else if (verb->columns && json_array_size(rows) > 0)
        xf_ctl_table(verb->columns, verb->column_count, rows);
    else if (verb->none)
        puts(verb->none);
}

/* Of a check, for monitoring. */
static enum xf_ctl_exit judge(const json_t *result)
{
    if (json_is_false(json_object_get(result, "reachable")) || xf_json_number(result, "wrong") > 0)
        return XF_CTL_FAILED;
    return xf_json_number(result, "warnings") > 0 ? XF_CTL_WARNED : XF_CTL_OK;
}

static enum xf_ctl_exit run(struct xf_ctl *ctl, const struct xf_ctl_verb *verb, json_t *request)
{
    enum xf_ctl_exit code;
    if (!xf_ctl_connect(ctl))
        return XF_CTL_NO_ANSWER;
    if (strcmp(verb->name, "top") == 0)
        return xf_ctl_top(ctl);
    json_t *rows = json_array();
    if (!json_object_get(request, "verb"))
        json_object_set_new(request, "verb", json_string(verb->name));
    json_t *result = xf_ctl_ask(ctl, request, verb->row ? verb->row : gather, rows, &code);
    if (!ctl->is_json && (result || json_array_size(rows) > 0))
        show(verb, rows, result);
    if (code == XF_CTL_OK)
        code = judge(result);
    json_decref(result);
    json_decref(rows);
    return code;
}

static enum xf_ctl_exit usage(const char *what, const char *word)
{
    fprintf(stderr, "xfedctl: %s%s: xfedctl --help says what there is\n", what, word);
    return XF_CTL_USAGE;
}

static enum xf_ctl_exit run_verb(struct xf_ctl *ctl, int argc, char **argv)
{
    const struct xf_ctl_verb *verb = find_verb(argv[0]);
    if (!verb)
        return usage("there is no verb ", argv[0]);
    json_t *request = json_object();
    enum xf_ctl_exit code = XF_CTL_USAGE;
    if (verb->request(argc - 1, argv + 1, request))
        code = run(ctl, verb, request);
    else
        fprintf(stderr, "usage: xfedctl %s %s\n", verb->name, verb->args);
    json_decref(request);
    xf_ask_close(&ctl->ask);
    return code;
}

/* Whoever reads a file with the answer must know that it ends too early. */
static enum xf_ctl_exit flush_answer(enum xf_ctl_exit code)
{
    bool is_written = fflush(stdout) == 0 && !ferror(stdout);
    if (is_written || code != XF_CTL_OK)
        return code;
    fputs("xfedctl: the answer could not be written\n", stderr);
    return XF_CTL_NO_ANSWER;
}

static void print_name(void *owner, const char *name, const char *args, const char *help)
{
    (void)owner, (void)args, (void)help;
    puts(name);
}

/* --json may stand anywhere. */
static void take_json(int *argc, char **argv, bool *is_json)
{
    int kept = 0;
    for (int i = 0; i < *argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            *is_json = true;
        else
            argv[kept++] = argv[i];
    }
    *argc = kept;
    argv[kept] = NULL;
}

int main(int argc, char **argv)
{
    const char *path = getenv("XFEDD_CONTROL");
    struct xf_ctl ctl = {.path = path && *path ? path : XF_ASK_SOCKET, .ask = {.fd = -1}};
    take_json(&argc, argv, &ctl.is_json);
    int at = 1;
    for (; at < argc && argv[at][0] == '-'; at++) {
        if (strcmp(argv[at], "-s") == 0) {
            if (at + 1 == argc)
                return (int)usage("nothing stands behind ", "-s");
            ctl.path = argv[++at];
        } else if (strcmp(argv[at], "--help") == 0) {
            print_help(stdout);
            return XF_CTL_OK;
        } else if (strcmp(argv[at], "--version") == 0) {
            puts("xfedctl " XFED_VERSION);
            return XF_CTL_OK;
        } else if (strcmp(argv[at], "--verbs") == 0) {
            xf_ctl_each_verb(print_name, NULL);
            return XF_CTL_OK;
        } else {
            return (int)usage("there is no option ", argv[at]);
        }
    }
    if (at == argc) {
        print_help(stderr);
        return XF_CTL_USAGE;
    }
    const struct xf_ctl_tool *tool = xf_ctl_tool_find(argv[at]);
    if (tool)
        return (int)tool->run(argc - at - 1, argv + at + 1);
    return (int)flush_answer(run_verb(&ctl, argc - at, argv + at));
}
