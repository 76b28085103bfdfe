/* SPDX-License-Identifier: MIT */
/*
 * table.c — the verdict of every combination of default, section, direction, enforce, blocked kind,
 * kind and way, as expected and as seen: from xf_policy_judge, and read out of what
 * xf_policy_explain prints.
 *
 * usage: policy_table            check them all
 *        policy_table --print    ... and print the table of doc/operators/POLICY.md
 *        policy_table --in FILE  ... and look whether it is in that file as it would be printed
 */
#include "folder.h"

#include <xfed/base/alloc.h>
#include <xfed/conf/conf.h>
#include <xfed/policy/policy.h>

static const char *const defaults[] = {"allow", "deny"};
static const char *const directions[] = {"both", "in", "out", "none"};
static const char *const enforces[] = {"yes", "no"};
static const char *const ways[] = {"out", "in"};

/* clang-format off */
/* As doc/operators/POLICY.md says it: does the direction let that way pass? */
static const bool lets_pass[4][2] = {
    /* out    in */
    {true, true},   /* both */
    {false, true},  /* in */
    {true, false},  /* out */
    {false, false}, /* none */
};
/* clang-format on */

static const struct {
    const char *word;
    unsigned kind;
} kinds[] = {
    {"message", XF_KINDS_MESSAGE},           {"presence", XF_KINDS_PRESENCE},
    {"subscription", XF_KINDS_SUBSCRIPTION}, {"iq", XF_KINDS_IQ},
    {"groupchat", XF_KINDS_GROUPCHAT},
};
#define KINDS          XF_ARRAY_LEN(kinds)
#define NO_KIND        KINDS
#define FILE_MAX_BYTES (1u << 20)

struct row {
    /* indices into the lists above; blocked: NO_KIND for none */
    size_t is_deny, has_section, direction, is_dry, blocked;
};

struct seen {
    bool passes;
    const char *rule;
};

static struct folder folder;
static unsigned long checked, wrong;

static struct seen expected(const struct row *row, size_t way, size_t kind)
{
    const char *rule = "none";
    if (row->is_deny && !row->has_section)
        rule = "default";
    else if (!lets_pass[row->direction][way])
        rule = "direction";
    else if (row->blocked == kind)
        rule = "kind";
    return (struct seen){row->is_dry || strcmp(rule, "none") == 0, rule};
}

static struct xf_conf *load(const struct row *row)
{
    struct xf_conf *conf = NULL;
    char *messages = NULL, path[128];
    const char *blocked = row->blocked == NO_KIND ? "" : kinds[row->blocked].word,
               *quote = *blocked ? "\"" : "";
    char *text = xf_asprintf(
        "link l { nodes = {\"127.0.0.1:5347\"} name = gw.example secret-file = s }\n"
        "served \"a.example\" { link = l certificate = c key = k }\n"
        "policy { default = %s }\n"
        "%s { direction = %s enforce = %s block-kinds-in = {%s%s%s} block-kinds-out = {%s%s%s} }\n",
        defaults[row->is_deny], row->has_section ? "peer \"p.example\"" : "defaults",
        directions[row->direction], enforces[row->is_dry], quote, blocked, quote, quote, blocked,
        quote);
    folder_put_text(&folder, "conf", text);
    snprintf(path, sizeof(path), "%s/conf", folder.path);
    if (xf_conf_load(path, &conf, &messages) != XF_ERR_OK) {
        fprintf(stderr, "%s\n%s\n", messages, text);
        abort();
    }
    xf_free(messages);
    xf_free(text);
    return conf;
}

static struct seen judged(struct xf_policy *policy, size_t way, size_t kind)
{
    struct xf_ruling ruling;
    xf_policy_judge(policy,
                    &(struct xf_policy_ask){.direction = way ? XF_DIRECTION_IN : XF_DIRECTION_OUT,
                                            .served = XF_SPAN("a.example"),
                                            .peer = XF_SPAN("p.example"),
                                            .user = XF_SPAN("u@a.example"),
                                            .kind = kinds[kind].kind},
                    &ruling);
    return (struct seen){ruling.passes, xf_rule_word(ruling.rule)};
}

static char *explain(struct xf_policy *policy, size_t way)
{
    char *text = NULL;
    size_t len = 0;
    struct xf_span ours = XF_SPAN("u@a.example/r"), theirs = XF_SPAN("v@p.example");
    FILE *out = open_memstream(&text, &len);
    if (xf_policy_explain(policy, way ? theirs : ours, way ? ours : theirs, 0, out) != XF_ERR_OK ||
        fclose(out) != 0)
        abort();
    return text;
}

/* "  message       passes, a dry run: would be refused by rule kind, ..." */
static struct seen explained(const char *text, size_t kind)
{
    static char rule[32];
    char head[32];
    snprintf(head, sizeof(head), "\n  %-13s", kinds[kind].word);
    const char *line = strstr(text, head), *end = line ? strchr(line + 1, '\n') : NULL;
    if (!line || !end)
        return (struct seen){false, "no line"};
    line += strlen(head);
    const char *word = memmem(line, (size_t)(end - line), "rule ", 5);
    snprintf(rule, sizeof(rule), "%.*s", word ? (int)strcspn(word + 5, ",;\n") : 4,
             word ? word + 5 : "none");
    return (struct seen){strncmp(line, "passes", 6) == 0, rule};
}

static void compare(const struct row *row, size_t way, size_t kind, const char *who,
                    struct seen seen)
{
    struct seen want = expected(row, way, kind);
    checked++;
    if (seen.passes == want.passes && strcmp(seen.rule, want.rule) == 0)
        return;
    wrong++;
    printf("default %s, %s, direction %s, enforce %s, blocked %s, %s %s: expected %s by %s, %s "
           "says %s by %s\n",
           defaults[row->is_deny], row->has_section ? "section" : "no section",
           directions[row->direction], enforces[row->is_dry],
           row->blocked == NO_KIND ? "nothing" : kinds[row->blocked].word, kinds[kind].word,
           ways[way], want.passes ? "passes" : "refused", want.rule, who,
           seen.passes ? "passes" : "refused", seen.rule);
}

static void check(const struct row *row)
{
    struct xf_conf *conf = load(row);
    struct xf_policy *policy = xf_policy_new(&(struct xf_policy_opts){.conf = conf});
    for (size_t way = 0; way < 2; way++) {
        char *text = explain(policy, way);
        for (size_t kind = 0; kind < KINDS; kind++) {
            compare(row, way, kind, "judge", judged(policy, way, kind));
            compare(row, way, kind, "explain", explained(text, kind));
        }
        free(text);
    }
    xf_policy_free(&policy);
    xf_conf_free(&conf);
}

static void print_cell(struct xf_policy *policy, const struct row *row, size_t way, FILE *out)
{
    struct seen first = judged(policy, way, 0);
    char *text = explain(policy, way);
    for (size_t kind = 0; kind < KINDS; kind++) {
        struct seen want = expected(row, way, kind), seen = judged(policy, way, kind),
                    said = explained(text, kind);
        if (seen.passes != want.passes || said.passes != want.passes ||
            strcmp(seen.rule, first.rule) != 0)
            abort(); /* check() has said so before */
    }
    free(text);
    fprintf(out, " %s%s |", first.passes ? "passes" : "refused: ", first.passes ? "" : first.rule);
}

static void print_table(FILE *out)
{
    fputs("| default | section of the peer | direction | to the peer, every kind | from the peer, "
          "every kind |\n|---|---|---|---|---|\n",
          out);
    for (size_t i = 0; i < 2 * 2 * 4; i++) {
        const struct row row = {i / 8, i / 4 % 2, i % 4, 0, NO_KIND};
        struct xf_conf *conf = load(&row);
        struct xf_policy *policy = xf_policy_new(&(struct xf_policy_opts){.conf = conf});
        fprintf(out, "| %s | %s | %s |", defaults[row.is_deny],
                row.has_section ? "yes" : "no (defaults)", directions[row.direction]);
        print_cell(policy, &row, 0, out);
        print_cell(policy, &row, 1, out);
        fputc('\n', out);
        xf_policy_free(&policy);
        xf_conf_free(&conf);
    }
}

static bool is_table_in(const char *file)
{
    char *table = NULL, *text = xf_alloc(FILE_MAX_BYTES);
    size_t len = 0;
    FILE *out = open_memstream(&table, &len), *in = fopen(file, "r");
    print_table(out);
    fclose(out);
    bool is_in = in && fread(text, 1, FILE_MAX_BYTES - 1, in) > 0 && strstr(text, table);
    if (in)
        fclose(in);
    if (!is_in)
        printf("%s: the table is not there, or another one: expected what --print prints\n", file);
    xf_free(text);
    free(table);
    return is_in;
}

int main(int argc, char **argv)
{
    struct row row;
    folder_make(&folder);
    folder_put_text(&folder, "s", "a secret that is long enough");
    for (row.is_deny = 0; row.is_deny < 2; row.is_deny++)
        for (row.has_section = 0; row.has_section < 2; row.has_section++)
            for (row.direction = 0; row.direction < 4; row.direction++)
                for (row.is_dry = 0; row.is_dry < 2; row.is_dry++)
                    for (row.blocked = 0; row.blocked <= NO_KIND; row.blocked++)
                        check(&row);
    bool is_good = wrong == 0;
    if (is_good && argc > 2 && strcmp(argv[1], "--in") == 0)
        is_good = is_table_in(argv[2]);
    if (is_good && argc > 1 && strcmp(argv[1], "--print") == 0)
        print_table(stdout);
    else
        printf("%lu verdicts of judge and explain, %lu not as expected\n", checked, wrong);
    folder_remove(&folder);
    return is_good ? 0 : 1;
}
