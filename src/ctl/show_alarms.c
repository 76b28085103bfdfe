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
    const char *change = xf_json_text(row, "change");
    const char *when = is_new(change) ? "since_unix_s" : "unix_s";
    (void)owner;
    if (strcmp(change, "alive") == 0)
        return true;
    if (strcmp(change, "following") == 0) {
        xf_ctl_show_alarms(NULL, row);
        return true;
    }
    printf("%s  %s", xf_readable_local_time(xf_json_signed(row, when), time), change);
    print(" ", xf_json_text(row, "alarm"));
    print(" ", xf_json_text(row, "subject"));
    print(": ", xf_json_text(row, "text"));
    print(": ", xf_json_text(row, "detail"));
    if (is_new(change))
        print("\n  advice: ", xf_json_text(row, "advice"));
    putchar('\n');
    fflush(stdout);
    return true;
}

void xf_ctl_show_alarms(const json_t *rows, const json_t *result)
{
    (void)rows;
    if (xf_json_number(result, "alarms") == 0)
        puts("no alarm");
    fflush(stdout);
}
