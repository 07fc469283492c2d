/* SPDX-License-Identifier: MIT */
/*
 * Signals that end the VM. The handler only writes the number into a pipe; the event loop does the
 * rest on the main thread. vCPU threads have these signals blocked.
 */
#include "vmm.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static const int watched[] = {SIGINT, SIGTERM, SIGHUP};
#define WATCHED (sizeof(watched) / sizeof(watched[0]))

/* One VM per process, so one pipe; the handler has no other way to find it. */
static int pipe_read = -1, pipe_write = -1;
static struct sigaction before[WATCHED];

static void on_signal(int number)
{
    int saved = errno;
    unsigned char byte = (unsigned char)number;
    ssize_t n = write(pipe_write, &byte, 1);
    (void)n;
    errno = saved;
}

static void on_pipe(void *context, int revents)
{
    unsigned char byte;
    (void)revents;
    while (read(pipe_read, &byte, 1) == 1)
        vm_stop(context, VM_END_INTERRUPT, byte);
}

int signals_watch(struct vm *vm)
{
    int ends[2];
    if (pipe(ends))
        return vm_fail(vm, -errno, "cannot create a pipe: %s", strerror(errno));
    pipe_read = ends[0];
    pipe_write = ends[1];
    fcntl(pipe_read, F_SETFL, O_NONBLOCK);
    fcntl(pipe_write, F_SETFL, O_NONBLOCK);
    int err = loop_watch(&vm->loop, pipe_read, POLLIN, on_pipe, vm);
    if (err)
        return vm_fail(vm, err, "cannot watch for signals");
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    for (unsigned i = 0; i < WATCHED; i++) {
        sigaction(watched[i], NULL, &before[i]);
        /* Somebody asked us not to care (nohup). */
        if (before[i].sa_handler != SIG_IGN)
            sigaction(watched[i], &action, NULL);
    }
    return 0;
}

void signals_unwatch(struct vm *vm)
{
    if (pipe_read < 0)
        return;
    for (unsigned i = 0; i < WATCHED; i++)
        sigaction(watched[i], &before[i], NULL);
    loop_unwatch(&vm->loop, pipe_read);
    close(pipe_read);
    close(pipe_write);
    pipe_read = pipe_write = -1;
}
