/* SPDX-License-Identifier: MIT */
/* The guest's input: see input.h. */
#include "input.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

#define CTRL_A 0x01

static const char help[] = "\r\n"
                           "Ctrl-A x   end the virtual machine\r\n"
                           "Ctrl-A b   send a break (Linux: SysRq)\r\n"
                           "Ctrl-A a   send Ctrl-A\r\n"
                           "Ctrl-A h   this list\r\n";

static void on_readable(void *context, int revents);

static void watch(struct input *input, bool on)
{
    if (on == input->watching || input->fd < 0)
        return;
    input->watching = on;
    if (on)
        loop_watch(input->loop, input->fd, POLLIN, on_readable, input);
    else
        loop_unwatch(input->loop, input->fd);
}

/* Hand over what fits. A terminal is read on even if nothing does, so that Ctrl-A x always works.
 */
static void pump(struct input *input)
{
    while (input->used) {
        size_t room = input->ops->room(input->context);
        size_t n = room < input->used ? room : input->used;
        if (n == 0)
            break;
        input->ops->give(input->context, input->buf + input->first, n);
        input->first += n;
        input->used -= n;
    }
    if (input->used == 0)
        input->first = 0;
    bool want = input->terminal || (input->used == 0 && input->ops->room(input->context) > 0);
    watch(input, want);
}

static void on_room(void *context)
{
    struct input *input = context;
    if (input->ops)
        pump(input);
}

/* The character after Ctrl-A. True: it is for the guest after all. */
static bool command(struct input *input, uint8_t c)
{
    switch (c) {
    case 'x':
    case 'X': input->ops->quit(input->context); return false;
    case 'b':
    case 'B': input->ops->send_break(input->context); return false;
    case 'h':
    case 'H':
    case '?': write_all(STDERR_FILENO, help, sizeof help - 1); return false;
    case 'a':
    case CTRL_A: return true;
    default: return false;
    }
}

/* Take the monitor's commands out of what was typed; the length of the rest. */
static size_t filter(struct input *input, uint8_t *data, size_t size)
{
    size_t kept = 0;
    for (size_t i = 0; i < size; i++) {
        uint8_t c = data[i];
        if (input->escape) {
            input->escape = false;
            if (command(input, c))
                data[kept++] = CTRL_A;
        } else if (c == CTRL_A) {
            input->escape = true;
        } else {
            data[kept++] = c;
        }
    }
    return kept;
}

static void on_readable(void *context, int revents)
{
    struct input *input = context;
    uint8_t data[256];
    (void)revents;
    ssize_t n = read(input->fd, data, sizeof data);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n <= 0) { /* the end: the guest gets no more, and runs on */
        watch(input, false);
        input->fd = -1;
        return;
    }
    size_t size = input->terminal ? filter(input, data, (size_t)n) : (size_t)n;
    memmove(input->buf, input->buf + input->first, input->used);
    input->first = 0;
    size_t room = sizeof input->buf - input->used;
    if (size > room)
        size = room; /* typed ahead by more than 4096 characters: lost, as on any terminal */
    memcpy(input->buf + input->used, data, size);
    input->used += size;
    pump(input);
}

int input_init(struct input *input, struct loop *loop)
{
    memset(input, 0, sizeof *input);
    input->fd = -1;
    input->loop = loop;
    input->timer = loop_add_timer(loop, on_room, input);
    return input->timer < 0 ? input->timer : 0;
}

int input_start(struct input *input, int fd, const struct input_ops *ops, void *context)
{
    input->fd = fd;
    input->ops = ops;
    input->context = context;
    input->terminal = fd >= 0 && isatty(fd);
    pump(input);
    return 0;
}

void input_stop(struct input *input)
{
    watch(input, false);
    input->fd = -1;
    input->ops = NULL;
}
