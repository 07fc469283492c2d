/* SPDX-License-Identifier: MIT */
/*
 * Another program as the judge: an oracle reads questions of a fixed size from its standard input
 * and writes answers to its standard output. Both sides use transfer().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

struct oracle {
    pid_t pid; /* 0: none */
    int to, from;
};

/* All of it, in one direction; false if the other side is gone. */
static inline bool transfer(int fd, void *buf, size_t size, bool writing)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = writing ? write(fd, (char *)buf + done, size - done)
                            : read(fd, (char *)buf + done, size - done);
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

/* Runs the command with its arguments. A command that is not there is gone at the first question.
 */
static inline bool oracle_start(struct oracle *o, char **command)
{
    int in[2], out[2];
    if (pipe(in) || pipe(out))
        return false;
    o->pid = fork();
    if (o->pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        close(in[1]);
        close(out[0]);
        execvp(command[0], command);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    o->to = in[1];
    o->from = out[0];
    return o->pid > 0;
}

static inline bool oracle_ask(const struct oracle *o, void *question, size_t size, void *answer,
                              size_t answer_size)
{
    return transfer(o->to, question, size, true) && transfer(o->from, answer, answer_size, false);
}

static inline void oracle_stop(struct oracle *o)
{
    if (o->pid > 0) {
        close(o->to);
        close(o->from);
        waitpid(o->pid, NULL, 0);
    }
    o->pid = 0;
}
