/* SPDX-License-Identifier: MIT */
/*
 * rows.h — messages made of a good one, with other lines behind its five headers, another start
 * line, or one of the five replaced. Written as samples.h says.
 */
#pragma once

#include <xfed/sip/message.h>

#define SIP_ROW_START  "OPTIONS sip:v@b.example SIP/2.0\n"
#define SIP_ROW_VIA    "Via: SIP/2.0/TLS a.example;branch=z9hG4bK1\n"
#define SIP_ROW_FROM   "From: <sip:u@a.example>;tag=1\n"
#define SIP_ROW_TO     "To: <sip:v@b.example>\n"
#define SIP_ROW_CALLID "Call-ID: c1\n"
#define SIP_ROW_CSEQ   "CSeq: 1 OPTIONS\n"
#define SIP_ROW_FIVE   SIP_ROW_VIA SIP_ROW_FROM SIP_ROW_TO SIP_ROW_CALLID SIP_ROW_CSEQ

struct sip_row {
    const char *label, *text;
    unsigned status; /* 0: read */
    bool can_answer;
    enum xf_sip_header_id header; /* that the error names */
};

extern const struct sip_row sip_rows[];
extern const size_t sip_row_count;
