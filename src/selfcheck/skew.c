/* SPDX-License-Identifier: MIT */
/* skew.c — reads the time of XEP-0202. Test: tests/unit/selfcheck/test_skew.c. */
#include <xfed/selfcheck/skew.h>

#include <string.h>
#include <time.h>

#define TIME_CHARS 19 /* 2006-12-19T17:58:35, and then a fraction or Z (XEP-0082 §3.2) */

static bool number(const char **at, size_t digits, char end, int *out)
{
    *out = 0;
    for (size_t i = 0; i < digits; i++, (*at)++) {
        if (**at < '0' || **at > '9')
            return false;
        *out = *out * 10 + (**at - '0');
    }
    return !end || *(*at)++ == end;
}

/* `text` has TIME_CHARS characters at least. */
static bool parse(const char *text, int64_t *out_unix_s)
{
    struct tm utc = {0};
    if (!number(&text, 4, '-', &utc.tm_year) || !number(&text, 2, '-', &utc.tm_mon) ||
        !number(&text, 2, 'T', &utc.tm_mday) || !number(&text, 2, ':', &utc.tm_hour) ||
        !number(&text, 2, ':', &utc.tm_min) || !number(&text, 2, '\0', &utc.tm_sec))
        return false;
    utc.tm_year -= 1900;
    utc.tm_mon -= 1;
    *out_unix_s = (int64_t)timegm(&utc);
    return true;
}

bool xf_selfcheck_read_skew(const struct xf_stanza *answer, int64_t asked_ms, int64_t now_ms,
                            int64_t *out_seconds)
{
    static const char tag[] = "utc>";
    struct xf_span payload = answer->payload;
    int64_t unix_s;
    if (!xf_span_is(answer->type, "result") || !payload.ptr)
        return false;
    const char *at = memmem(payload.ptr, payload.len, tag, sizeof(tag) - 1);
    if (!at || (size_t)(payload.ptr + payload.len - at) < sizeof(tag) - 1 + TIME_CHARS ||
        !parse(at + sizeof(tag) - 1, &unix_s))
        return false;
    /* In the middle between both; the server's second has passed by half, as a guess. */
    int64_t here_ms = asked_ms + (now_ms - asked_ms) / 2, skew_ms = unix_s * 1000 + 500 - here_ms;
    *out_seconds = (skew_ms + (skew_ms < 0 ? -500 : 500)) / 1000;
    return true;
}
