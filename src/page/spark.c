/* SPDX-License-Identifier: MIT */
/* spark.c — how much passed lately, as a line of SVG: ten minutes in a fixed amount of memory. */
#include "page_priv.h"

#define WIDTH  240
#define HEIGHT 40

void xf_spark_add(struct xf_spark *spark, uint64_t total)
{
    uint64_t passed = spark->has_begun && total > spark->total ? total - spark->total : 0;
    spark->total = total;
    if (!spark->has_begun) {
        spark->has_begun = true;
        return;
    }
    spark->passed[spark->next] = passed > UINT32_MAX ? UINT32_MAX : (uint32_t)passed;
    spark->next = (spark->next + 1) % XF_SPARK_SAMPLES;
    spark->count += spark->count < XF_SPARK_SAMPLES;
}

/* The newest is 0. */
static uint32_t sample(const struct xf_spark *spark, size_t age)
{
    return spark->passed[(spark->next + XF_SPARK_SAMPLES - 1 - age) % XF_SPARK_SAMPLES];
}

uint32_t xf_spark_last(const struct xf_spark *spark)
{
    return spark->count > 0 ? sample(spark, 0) : 0;
}

uint32_t xf_spark_most(const struct xf_spark *spark)
{
    uint32_t most = 0;
    for (size_t i = 0; i < spark->count; i++)
        if (spark->passed[i] > most)
            most = spark->passed[i];
    return most;
}

void xf_spark_write(struct xf_draft *out, const struct xf_spark *spark, uint32_t most,
                    const char *name)
{
    xf_html(
        out,
        "<svg class=\"spark\" viewBox=\"0 -1 240 42\" preserveAspectRatio=\"none\" role=\"img\" "
        "aria-label=\"%s in the last ten minutes: %u in the last five seconds, %u at most\">"
        "<polyline points=\"",
        name, xf_spark_last(spark), xf_spark_most(spark));
    for (size_t age = XF_SPARK_SAMPLES; age-- > 0;) {
        uint32_t passed = age < spark->count ? sample(spark, age) : 0;
        unsigned x = (unsigned)((XF_SPARK_SAMPLES - 1 - age) * WIDTH / (XF_SPARK_SAMPLES - 1));
        unsigned y = most ? HEIGHT - (unsigned)((uint64_t)passed * HEIGHT / most) : HEIGHT;
        xf_html(out, "%u,%u ", x, y);
    }
    xf_html(out, "\"/></svg>");
}
