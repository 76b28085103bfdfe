/* SPDX-License-Identifier: MIT */
/* timestamp.c — times for programs. Test: tests/unit/base/test_timestamp.c. */
#include <xfed/base/timestamp.h>

#include <stdio.h>
#include <time.h>

/* Up to the second, without the zone; how many characters, 0: no such time. */
static size_t write_second(int64_t unix_s, char out[XF_TIMESTAMP_BYTES])
{
    time_t at = (time_t)unix_s;
    struct tm utc;
    out[0] = '\0';
    if (unix_s < 0 || !gmtime_r(&at, &utc) || utc.tm_year + 1900 > 9999)
        return 0;
    return strftime(out, XF_TIMESTAMP_BYTES, "%Y-%m-%dT%H:%M:%S", &utc);
}

const char *xf_timestamp_s(int64_t unix_s, char out[XF_TIMESTAMP_BYTES])
{
    size_t len = write_second(unix_s, out);
    if (len > 0)
        snprintf(out + len, XF_TIMESTAMP_BYTES - len, "Z");
    return out;
}

const char *xf_timestamp_ms(int64_t unix_ms, char out[XF_TIMESTAMP_BYTES])
{
    size_t len = write_second(unix_ms / 1000, out);
    if (len > 0)
        snprintf(out + len, XF_TIMESTAMP_BYTES - len, ".%03uZ", (unsigned)(unix_ms % 1000));
    return out;
}
