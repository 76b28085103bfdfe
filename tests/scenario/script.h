/* SPDX-License-Identifier: MIT */
/* script.h — a transcript (.xft) as a list of steps; tests/scenario/README.md has the language. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define SCRIPT_FILES_MAX 64

enum step_kind {
    STEP_CONF,           /* text: configuration */
    STEP_DNS,            /* text: "NAME TYPE ..."; word: the server whose answer this is, or NULL */
    STEP_LINK_MANUAL,    /* the transcript plays the cluster in the handshake */
    STEP_LINK_HANDSHAKE, /* play the cluster in the handshake, on the conn "link" */
    STEP_ACCEPT,         /* conn; text: "", "direct", "sip", "sip clear" */
    /*
     * text: address; from: source address and ports, or NULL; conn: name, or NULL with word
     * "refused" or "silent"; ms: wait so long at most
     */
    STEP_EXPECT_CONNECT,
    STEP_REFUSE,   /* text: address; from now on every connect to it is refused */
    STEP_SEND,     /* conn; text: bytes from the peer; word "whole": in one piece in every replay */
    STEP_SEND_END, /* conn; word: "close" or "reset" */
    STEP_SIP_SEND, /* conn; text: a message of SIP, see sip_lines.h */
    STEP_SIP_EXPECT,    /* the same */
    STEP_EXPECT_XML,    /* conn; text */
    STEP_EXPECT_ERROR,  /* conn; word: stream error condition, then the footer */
    STEP_EXPECT_BOUNCE, /* conn; word: stanza error condition; text: the element */
    STEP_EXPECT_SPACE,  /* conn; a white space keep-alive */
    STEP_EXPECT_CLOSED, /* conn */
    STEP_TLS,           /* conn; text: facts, or word "fail" */
    STEP_JUDGED,        /* conn; text: facts */
    STEP_TIME,          /* ms */
    STEP_EXPECT_LOG,    /* text: "EVENT key=value ..." */
    STEP_REFUSE_LOG,    /* text: as before; this must not have happened */
    STEP_EXPECT_NOTHING,
    STEP_CONGEST,       /* conn; word: "on" or "off": does the other side stop reading? */
    STEP_EXPECT_PAUSED, /* conn; word: "yes" or "no": have we stopped reading? */
    STEP_RELOAD,        /* text: configuration, or NULL: policy is asked again */
    STEP_DRAIN,
    STEP_RESTART,    /* text: configuration, or NULL for the same */
    STEP_POOL,       /* word: "hold" or "go" */
    STEP_JUDGEMENTS, /* word: "hold" or "go" */
    STEP_DIRECTORY,  /* word: "away" or "here" */
};

struct step {
    enum step_kind kind;
    const char *file; /* lives as long as the script */
    int line;
    char *conn, *word, *text, *from;
    unsigned long ms;
};

struct script {
    struct step *steps;
    size_t count, cap;
    char *files[SCRIPT_FILES_MAX]; /* names of the transcript and of the parts that it plays */
    size_t file_count;
};

/* Read a transcript. False: stderr says FILE:LINE and what is wrong. */
bool script_load(const char *file, struct script *out_script);
void script_free(struct script *script);
