/* SPDX-License-Identifier: MIT */
/* settings.c — every section and key of xfed.conf, from the option table. */
#include "manual_priv.h"

#include <stdbool.h>
#include <string.h>
#include <xfed/conf/conf.h>

struct page {
    FILE *out;
    const char *section; /* which is being written; NULL: none yet */
    bool is_list_open;
};

static void close_list(struct page *page)
{
    if (page->is_list_open)
        fputs(".El\n", page->out);
    page->is_list_open = false;
}

static void begin_section(struct page *page, const struct xf_conf_row *row)
{
    close_list(page);
    page->section = row->section;
    if (!*row->section) {
        fputs(".Ss Outside of sections\n", page->out);
        return;
    }
    fprintf(page->out, ".Ss %s", row->section);
    if (row->title) {
        fputs(" \\(dq", page->out);
        xf_roff_words(row->title, page->out);
        fputs("\\(dq", page->out);
    }
    fputs(" {...}\n", page->out);
    xf_roff_text(row->section_help, page->out);
}

static void put_value(const struct xf_conf_row *row, FILE *out)
{
    fputs(row->has_to_be_set ? "It has to be set, such as\n"
          : row->is_example  ? "Example:\n"
                             : "Default:\n",
          out);
    fputs(".Li \"", out);
    for (const char *c = row->value; *c; c++)
        if (*c == '"')
            fputs("\\(dq", out);
        else
            xf_roff_words((const char[]){*c, '\0'}, out);
    fputs("\" .\n", out);
}

static void put_row(void *owner, const struct xf_conf_row *row)
{
    struct page *page = owner;
    if (!page->section || strcmp(page->section, row->section) != 0)
        begin_section(page, row);
    if (!row->key)
        return;
    if (!page->is_list_open)
        fputs(".Bl -tag -width Ds\n", page->out);
    page->is_list_open = true;
    fputs(".It Ic ", page->out);
    xf_roff_words(row->key, page->out);
    fputc('\n', page->out);
    xf_roff_text(row->help, page->out);
    xf_roff_text(row->takes, page->out);
    put_value(row, page->out);
}

void xf_manual_settings(FILE *out)
{
    struct page page = {.out = out};
    xf_conf_each_row(put_row, &page);
    close_list(&page);
}
