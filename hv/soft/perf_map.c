/* SPDX-License-Identifier: MIT */
/*
 * The map of translated code for perf: a line "START SIZE NAME" for each block, in hexadecimal
 * (tools/perf/Documentation/jit-interface.txt). A block that takes the place of another comes later
 * in the file. /tmp is everybody's: the file must be new, and no link is followed.
 */
#include "perf_map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int file = -1;
static _Thread_local char text[160];

bool perf_map_open(void)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/perf-%ld.map", (long)getpid());
    file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0)
        snprintf(text, sizeof text, "cannot create '%s': %s", path, strerror(errno));
    return file >= 0;
}

void perf_map_close(void)
{
    if (file >= 0)
        close(file);
    file = -1;
}

void perf_map_after_fork(void)
{
    pthread_mutex_init(&lock, NULL);
    perf_map_close();
}

void perf_map_add(const struct block *b, size_t bytes)
{
    char line[96];
    if (file < 0)
        return;
    int n = snprintf(line, sizeof line, "%llx %zx guest_0x%llx+EL%d\n",
                     (unsigned long long)(uintptr_t)b->code, bytes, (unsigned long long)b->va,
                     b->flags & BLOCK_EL1 ? 1 : 0);
    pthread_mutex_lock(&lock);
    ssize_t written = write(file, line, (size_t)n);
    (void)written; /* a full disk costs names, not the guest */
    pthread_mutex_unlock(&lock);
}

const char *perf_map_text(void)
{
    static _Thread_local char said[sizeof text];
    memcpy(said, text, sizeof said);
    text[0] = 0;
    return said;
}
