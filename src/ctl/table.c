/* SPDX-License-Identifier: MIT */
/* table.c — rows as a table for people: numbers to the right, the last column as long as it is. */
#include "ctl_priv.h"

#include <inttypes.h>
#include <string.h>

#include <xfed/base/alloc.h>
#include <xfed/base/err.h>

#define COLUMNS_MAX 16

/* What is in the cell; borrowed from the row, or in `room`. */
static const char *cell(const struct xf_ctl_column *column, const json_t *row,
                        char room[XF_READABLE_BYTES])
{
    uint64_t number = xf_json_number(row, column->key);
    switch (column->kind) {
    case XF_CTL_COUNT:
        snprintf(room, 32, "%" PRIu64, number);
        return number ? room : "-";
    case XF_CTL_DURATION:
        return number ? xf_readable_duration(number, room) : "-";
    case XF_CTL_BYTES:
        return number ? xf_readable_bytes(number, room) : "-";
    case XF_CTL_YES:
        return xf_json_is(row, column->key) ? "yes" : "";
    case XF_CTL_TEXT:
        break;
    }
    const char *text = xf_json_text(row, column->key);
    return *text ? text : "-";
}

static void print_cell(const struct xf_ctl_column *column, const char *text, size_t width,
                       bool is_last)
{
    size_t missing = width > xf_ctl_width(text) ? width - xf_ctl_width(text) : 0;
    bool is_right = column->kind != XF_CTL_TEXT && column->kind != XF_CTL_YES;
    if (is_right)
        printf("%*s", (int)missing, "");
    xf_ctl_print_text(text, stdout);
    if (!is_last)
        printf("%*s", is_right ? 2 : (int)missing + 2, "");
}

void xf_ctl_table(const struct xf_ctl_column *columns, size_t count, const json_t *rows)
{
    size_t widths[COLUMNS_MAX], index;
    char room[XF_READABLE_BYTES];
    const json_t *row;
    xf_require(count <= COLUMNS_MAX);
    for (size_t i = 0; i < count; i++)
        widths[i] = xf_ctl_width(columns[i].title);
    json_array_foreach((json_t *)(uintptr_t)rows, index, row) for (size_t i = 0; i < count; i++)
    {
        size_t width = xf_ctl_width(cell(&columns[i], row, room));
        widths[i] = width > widths[i] ? width : widths[i];
    }
    for (size_t i = 0; i < count; i++)
        print_cell(&columns[i], columns[i].title, widths[i], i + 1 == count);
    putchar('\n');
    json_array_foreach((json_t *)(uintptr_t)rows, index, row)
    {
        for (size_t i = 0; i < count; i++)
            print_cell(&columns[i], cell(&columns[i], row, room), widths[i], i + 1 == count);
        putchar('\n');
    }
}
