/* SPDX-License-Identifier: MIT */
/* show_self.c — the findings of check --self: what is wrong comes last, next to the prompt. */
#include "ctl_priv.h"

#include <inttypes.h>
#include <string.h>

#include <xfed/base/err.h>

#define ADVICE_AT 22 /* the column of the text, after level and part */

static void print_finding(const json_t *row)
{
    const char *level = xf_json_text(row, "level");
    bool is_wrong = strcmp(level, "wrong") == 0;
    printf("%-8s %-12s ", is_wrong ? "WRONG" : level, xf_json_text(row, "part"));
    xf_ctl_print_text(xf_json_text(row, "where"), stdout);
    fputs(": ", stdout);
    xf_ctl_print_text(xf_json_text(row, "text"), stdout);
    putchar('\n');
    if (!*xf_json_text(row, "help"))
        return;
    printf("%-*sadvice: ", ADVICE_AT, "");
    xf_ctl_print_text(xf_json_text(row, "advice"), stdout);
    printf("\n%-*shelp: %s\n", ADVICE_AT, "", xf_json_text(row, "help"));
}

void xf_ctl_show_self(const json_t *rows, const json_t *result)
{
    static const char *const levels[] = {"ok", "warning", "wrong"};
    for (size_t i = 0; i < XF_ARRAY_LEN(levels); i++) {
        size_t index;
        const json_t *row;
        json_array_foreach((json_t *)(uintptr_t)rows, index,
                           row) if (strcmp(xf_json_text(row, "level"), levels[i]) == 0)
            print_finding(row);
    }
    printf("\n%" PRIu64 " ok, %" PRIu64 " warnings, %" PRIu64 " wrong\n",
           xf_json_number(result, "ok"), xf_json_number(result, "warnings"),
           xf_json_number(result, "wrong"));
}
