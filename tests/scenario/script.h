/* SPDX-License-Identifier: MIT */
/* script.h — a transcript file (.xft) as a list of steps. The language: tests/scenario/README.md.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define SCRIPT_FILES_MAX 64

enum step_kind {
    STEP_CONF,           /* text: configuration */
    STEP_DNS,            /* text: "NAME TYPE ..."; word: the server that says so, or NULL */
    STEP_LINK_MANUAL,    /* the file plays the cluster's part of the handshake itself */
    STEP_LINK_HANDSHAKE, /* play it for the file, on the conn "link" */
    STEP_ACCEPT,         /* conn; text: "", "direct" */
    /*
     * text: address; from: what it comes from, or NULL; conn: name, or NULL with word "refused" or
     * "silent"; ms: wait so long
     */
    STEP_EXPECT_CONNECT,
    STEP_REFUSE, /* text: address; every connect to it is refused from now on */
    STEP_SEND,   /* conn; text: bytes of the peer; word "whole": in one segment, in every replay */
    STEP_SEND_END,      /* conn; word: "close" or "reset" */
    STEP_EXPECT_XML,    /* conn; text */
    STEP_EXPECT_ERROR,  /* conn; word: stream error condition, then the footer */
    STEP_EXPECT_BOUNCE, /* conn "link" or another; word: stanza error condition; text: the element
                         */
    STEP_EXPECT_SPACE,  /* conn: white space keep-alive */
    STEP_EXPECT_CLOSED, /* conn */
    STEP_TLS,           /* conn; text: facts, or word "fail" */
    STEP_TIME,          /* ms */
    STEP_EXPECT_LOG,    /* text: "EVENT key=value ..." */
    STEP_REFUSE_LOG,    /* text: the same, must not have happened */
    STEP_EXPECT_NOTHING,
    STEP_CONGEST,       /* conn; word: "on" or "off": the other side does not read */
    STEP_EXPECT_PAUSED, /* conn; word: "yes" or "no": we do not read */
    STEP_RELOAD,        /* text: configuration */
    STEP_DRAIN,
    STEP_POOL,      /* word: "hold" or "go" */
    STEP_DIRECTORY, /* word: "away" or "here" */
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
    char *files[SCRIPT_FILES_MAX]; /* the transcript, and the parts that it plays */
    size_t file_count;
};

/* Parse or return false with FILE:LINE and words on stderr. */
bool script_load(const char *file, struct script *out_script);
void script_free(struct script *script);
