/* SPDX-License-Identifier: MIT */
/* Starting, hearing and ending a measured program (POSIX). One at a time, one thread. */
#include "peer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void become(char *const argv[], int in, int out, int loud)
{
    int null = open("/dev/null", O_WRONLY);
    if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
        (!loud && dup2(null, STDERR_FILENO) < 0))
        _exit(127);
    execvp(argv[0], argv);
    _exit(127);
}

int peer_start(struct peer *p, char *const argv[], int loud)
{
    int in[2], out[2];
    memset(p, 0, sizeof(*p));
    if (pipe(in))
        return -errno;
    if (pipe(out)) {
        int err = -errno;
        close(in[0]);
        close(in[1]);
        return err;
    }
    fcntl(in[1], F_SETFD, FD_CLOEXEC);
    fcntl(out[0], F_SETFD, FD_CLOEXEC);
    p->started_ns = now_ns();
    p->pid = fork();
    if (p->pid == 0)
        become(argv, in[0], out[1], loud);
    int err = p->pid < 0 ? -errno : 0;
    close(in[0]);
    close(out[1]);
    p->in = in[1];
    p->out = out[0];
    return err;
}

int peer_say(struct peer *p, const char *line)
{
    size_t n = strlen(line);
    return write(p->in, line, n) == (ssize_t)n ? 0 : -EPIPE;
}

/* The complete lines that have come: the one asked for, or NULL and only the incomplete rest is
 * kept. */
static const char *take_lines(struct peer *p, const char *word)
{
    char *begin = p->text, *end;
    while ((end = strchr(begin, '\n'))) {
        *end = 0;
        if (end > begin && end[-1] == '\r')
            end[-1] = 0;
        if (strncmp(begin, word, strlen(word)) == 0)
            return begin;
        begin = end + 1;
    }
    p->used = strlen(begin);
    memmove(p->text, begin, p->used + 1);
    if (p->used > sizeof(p->text) / 2)
        p->used = 0;
    return NULL;
}

uint64_t peer_wait_line(struct peer *p, const char *word, unsigned seconds, const char **line)
{
    uint64_t limit = now_ns() + seconds * UINT64_C(1000000000);
    p->used = 0;
    for (;;) {
        uint64_t now = now_ns();
        struct pollfd fd = {p->out, POLLIN, 0};
        if (now >= limit || poll(&fd, 1, (int)((limit - now) / 1000000) + 1) <= 0)
            return 0;
        ssize_t n = read(p->out, p->text + p->used, sizeof(p->text) - 1 - p->used);
        now = now_ns();
        if (n <= 0)
            return 0;
        /* A NUL in the output would end the text: it counts as a blank. */
        for (ssize_t i = 0; i < n; i++)
            if (!p->text[p->used + (size_t)i])
                p->text[p->used + (size_t)i] = ' ';
        p->used += (size_t)n;
        p->text[p->used] = 0;
        *line = take_lines(p, word);
        if (*line)
            return now - p->started_ns;
    }
}

int peer_end(struct peer *p, unsigned milliseconds)
{
    int status = 0;
    pid_t done = 0;
    close(p->in);
    close(p->out);
    for (unsigned i = 0; i <= milliseconds && !(done = waitpid(p->pid, &status, WNOHANG)); i++)
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    if (done == p->pid)
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    kill(p->pid, SIGKILL);
    waitpid(p->pid, &status, 0);
    return -1;
}

long peer_resident_beyond(const struct peer *p, unsigned long guest_kib)
{
    char path[64], line[512];
    unsigned long size = 0, kib;
    long total = 0;
    snprintf(path, sizeof(path), "/proc/%ld/smaps", (long)p->pid);
    FILE *f = fopen(path, "r");
    if (!f)
        return -1;
    while (fgets(line, sizeof(line), f)) {
        if (sscanf(line, "Size: %lu", &kib) == 1)
            size = kib;
        else if (sscanf(line, "Rss: %lu", &kib) == 1 &&
                 !(size >= guest_kib && size <= guest_kib + 1024))
            total += (long)kib;
    }
    fclose(f);
    return total;
}
