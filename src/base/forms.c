/* SPDX-License-Identifier: MIT */
/* forms.c — hours, ports and groups: small values with a shape of their own. */
#include <xfed/base/forms.h>

#include <string.h>

static bool take_number(const char **text, unsigned digits_max, unsigned *out)
{
    unsigned digits = 0;
    *out = 0;
    for (; **text >= '0' && **text <= '9' && digits < digits_max; (*text)++, digits++)
        *out = *out * 10 + (unsigned)(**text - '0');
    return digits > 0 && !(**text >= '0' && **text <= '9');
}

/* ------------------------------------------------------------------ hours */

static bool take_day(const char **text, unsigned *out)
{
    static const char days[] = "montuewedthufrisatsun";
    for (unsigned i = 0; i < 7; i++) {
        if (strncmp(*text, days + 3 * i, 3) == 0) {
            *text += 3;
            *out = i;
            return true;
        }
    }
    return false;
}

static bool take_days(const char **text, uint8_t *out)
{
    unsigned first, last;
    *out = 0;
    if (strncmp(*text, "daily", 5) == 0) {
        *text += 5;
        *out = 0x7f;
        return true;
    }
    for (;;) {
        if (!take_day(text, &first))
            return false;
        last = first;
        if (**text == '-' && ((*text)++, !take_day(text, &last)))
            return false;
        for (unsigned day = first;; day = (day + 1) % 7) {
            *out |= (uint8_t)(1u << day);
            if (day == last)
                break;
        }
        if (**text != ',')
            return true;
        (*text)++;
    }
}

static bool take_time(const char **text, uint16_t *out)
{
    unsigned hour, minute;
    if (!take_number(text, 2, &hour) || *(*text)++ != ':' || !take_number(text, 2, &minute))
        return false;
    *out = (uint16_t)(hour * 60 + minute);
    return minute < 60 && *out <= 24 * 60;
}

bool xf_hours_parse(const char *text, struct xf_hours *out)
{
    if (!take_days(&text, &out->days) || *text++ != ' ')
        return false;
    while (*text == ' ')
        text++;
    return take_time(&text, &out->from_min) && *text++ == '-' && take_time(&text, &out->to_min) &&
           !*text && out->from_min < 24 * 60;
}

bool xf_hours_hold(const struct xf_hours *hours, unsigned minute_of_week)
{
    unsigned day = minute_of_week / (24 * 60) % 7, minute = minute_of_week % (24 * 60),
             day_before = (day + 6) % 7;
    bool is_over_midnight = hours->to_min <= hours->from_min;
    if ((hours->days & (1u << day)) && minute >= hours->from_min &&
        (is_over_midnight || minute < hours->to_min))
        return true;
    return is_over_midnight && (hours->days & (1u << day_before)) && minute < hours->to_min;
}

/* ------------------------------------------------------------------ ports, groups */

bool xf_ports_parse(const char *text, uint16_t *out_first, uint16_t *out_last)
{
    unsigned first, last;
    if (!take_number(&text, 5, &first))
        return false;
    last = first;
    if (*text == '-' && (text++, !take_number(&text, 5, &last)))
        return false;
    if (*text || first == 0 || last < first || last > UINT16_MAX)
        return false;
    *out_first = (uint16_t)first;
    *out_last = (uint16_t)last;
    return true;
}

bool xf_group_parse(const char *text, struct xf_span *out_name, struct xf_span *out_dn)
{
    const char *equals = strchr(text, '=');
    if (!equals || equals == text || !strchr(equals + 1, '='))
        return false;
    *out_name = (struct xf_span){text, (size_t)(equals - text)};
    *out_dn = xf_span_of(equals + 1);
    return true;
}

bool xf_weighted_parse(const char *text, struct xf_span *out_addr, unsigned *out_weight)
{
    static const char mark[] = " weight=";
    const char *blank = strchr(text, ' ');
    uint64_t weight = 1;
    *out_addr = (struct xf_span){text, blank ? (size_t)(blank - text) : strlen(text)};
    if (blank && (strncmp(blank, mark, sizeof(mark) - 1) != 0 ||
                  !xf_span_number(xf_span_of(blank + sizeof(mark) - 1), 100, &weight)))
        return false;
    *out_weight = (unsigned)weight;
    return true;
}
