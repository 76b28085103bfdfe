/* SPDX-License-Identifier: MIT */
/*
 * setup.h — verbs of xfedctl that work on files and need no running xfedd: a first configuration.
 *
 * What only xfedd knows, it is asked: whether a configuration is good (-t), DNS records, names of a
 * certificate. So both programs never disagree.
 */
#pragma once

/* Exit codes, those of xfedctl. */
enum xf_setup_exit { XF_SETUP_OK = 0, XF_SETUP_FAILED = 1, XF_SETUP_USAGE = 64 };

/*
 * Ask for what the options do not say, on the terminal, and write a folder with a configuration
 * that `xfedd -t` accepts. argv[0] is the word behind `init`; argv ends with NULL. Says on standard
 * output what was written and what comes next, and on standard error what is wrong.
 */
enum xf_setup_exit xf_setup_init(int argc, char **argv);
