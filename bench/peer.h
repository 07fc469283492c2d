/* SPDX-License-Identifier: MIT */
/* A measured program: started with pipes for its input and output, waited for, and ended. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

struct peer {
    pid_t pid;
    int in, out; /* its standard input and output */
    uint64_t started_ns;
    char text[4096]; /* what was read last; always a string */
    size_t used;
};

uint64_t now_ns(void);
/* argv ends with NULL. 0 or -errno. Standard error goes where ours goes if `loud`. */
int peer_start(struct peer *p, char *const argv[], int loud);
/* Write a line. 0 or -errno. */
int peer_say(struct peer *p, const char *line);
/* Read until a line begins with `word` (then it is at *line, without its end), for at most that
 * long. The nanoseconds since the start, or 0: ended, or too late. */
uint64_t peer_wait_line(struct peer *p, const char *word, unsigned seconds, const char **line);
/* Let it end by itself for at most that long, else kill it. Its exit status, -1 if killed. */
int peer_end(struct peer *p, unsigned milliseconds);
/* Resident KiB beyond mappings of the guest's size (up to a MiB more); -1 if that cannot be seen.
 */
long peer_resident_beyond(const struct peer *p, unsigned long guest_kib);
