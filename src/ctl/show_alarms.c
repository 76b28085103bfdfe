/* SPDX-License-Identifier: MIT */
/* show_alarms.c — alarms, one on each line, as they come. */
#include "ctl_priv.h"

#include <string.h>

static void print(const char *before, const char *text)
{
    if (!*text)
        return;
    fputs(before, stdout);
    xf_ctl_print_text(text, stdout);
}

static bool is_new(const char *change)
{
    return strcmp(change, "stands") == 0 || strcmp(change, "raised") == 0;
}

bool xf_ctl_show_alarm_row(void *owner, const json_t *row)
{
    char time[XF_READABLE_BYTES];
    const char *change = xf_ask_text_of(row, "change");
    const char *when = is_new(change) ? "since_unix_s" : "unix_s";
    (void)owner;
    if (strcmp(change, "following") == 0) {
        xf_ctl_show_alarms(NULL, row);
        return true;
    }
    printf("%s  %s", xf_readable_local_time(json_integer_value(xf_ask_get(row, when)), time),
           change);
    print(" ", xf_ask_text_of(row, "alarm"));
    print(" ", xf_ask_text_of(row, "subject"));
    print(": ", xf_ask_text_of(row, "text"));
    print(": ", xf_ask_text_of(row, "detail"));
    if (is_new(change))
        print("\n  advice: ", xf_ask_text_of(row, "advice"));
    putchar('\n');
    fflush(stdout);
    return true;
}

void xf_ctl_show_alarms(const json_t *rows, const json_t *result)
{
    (void)rows;
    if (xf_ask_number_of(result, "alarms") == 0)
        puts("no alarm");
    fflush(stdout);
}
