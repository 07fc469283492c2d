/* SPDX-License-Identifier: MIT */
/*
 * Raw mode and its end: see term.h. tcsetattr() may be called in signal handlers (POSIX 2.4.3), so
 * the handlers restore the terminal themselves, before whatever the signal does to the process.
 */
#include "term.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* What kills a process: the terminal is restored, then the signal does its work. While the VM runs,
 * signals.c takes the last three over and ends it in good order. */
static const int fatal[] = {SIGQUIT, SIGILL,  SIGABRT, SIGBUS,  SIGFPE, SIGSEGV,
                            SIGSYS,  SIGALRM, SIGINT,  SIGTERM, SIGHUP};
#define FATAL (sizeof fatal / sizeof *fatal)

static struct {
    volatile sig_atomic_t active;
    int fd;
    struct termios saved, raw;
    struct sigaction before[FATAL], before_tstp, before_cont, before_winch;
    struct loop *loop;
    int pipe_read, pipe_write;
    void (*resized)(void *context);
    void *context;
} term = {.fd = -1, .pipe_read = -1, .pipe_write = -1};

/* A process in the background that changes the terminal's mode would be stopped by SIGTTOU. */
static void set_mode(const struct termios *mode)
{
    sigset_t ttou, old;
    sigemptyset(&ttou);
    sigaddset(&ttou, SIGTTOU);
    pthread_sigmask(SIG_BLOCK, &ttou, &old);
    while (tcsetattr(term.fd, TCSANOW, mode) && errno == EINTR)
        ;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static bool in_foreground(void)
{
    return tcgetpgrp(term.fd) == getpgrp();
}

static void on_fatal(int number)
{
    set_mode(&term.saved);
    signal(number, SIG_DFL);
    raise(number);
}

/* Stop as the user expects of any program; the shell gets its terminal back as it was. */
static void on_stop(int number)
{
    int saved = errno;
    struct sigaction ours, def = {.sa_handler = SIG_DFL};
    sigset_t set;
    set_mode(&term.saved);
    sigaction(number, &def, &ours);
    raise(number);
    sigemptyset(&set);
    sigaddset(&set, number);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL); /* stops here */
    sigaction(number, &ours, NULL);
    if (in_foreground())
        set_mode(&term.raw);
    errno = saved;
}

static void on_continue(int number)
{
    int saved = errno;
    (void)number;
    if (term.active && in_foreground())
        set_mode(&term.raw);
    errno = saved;
}

static void on_resize(int number)
{
    int saved = errno;
    (void)number;
    ssize_t n = write(term.pipe_write, "", 1);
    (void)n;
    errno = saved;
}

static void on_pipe(void *context, int revents)
{
    char sink[64];
    (void)context;
    (void)revents;
    while (read(term.pipe_read, sink, sizeof sink) > 0)
        ;
    if (term.resized)
        term.resized(term.context);
}

static void catch (int number, void (*handler)(int), int flags, struct sigaction *before)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, before);
}

static void catch_signals(void)
{
    for (unsigned i = 0; i < FATAL; i++) {
        catch (fatal[i], on_fatal, 0, &term.before[i]);
        /* Somebody else's handler, or wish to ignore it, has precedence. */
        if (term.before[i].sa_handler != SIG_DFL)
            sigaction(fatal[i], &term.before[i], NULL);
    }
    catch (SIGTSTP, on_stop, SA_RESTART, &term.before_tstp);
    catch (SIGCONT, on_continue, SA_RESTART, &term.before_cont);
    catch (SIGWINCH, on_resize, SA_RESTART, &term.before_winch);
}

static int open_pipe(void)
{
    int ends[2];
    if (pipe(ends))
        return -errno;
    for (int i = 0; i < 2; i++) {
        fcntl(ends[i], F_SETFD, FD_CLOEXEC);
        fcntl(ends[i], F_SETFL, O_NONBLOCK);
    }
    term.pipe_read = ends[0];
    term.pipe_write = ends[1];
    return loop_watch(term.loop, term.pipe_read, POLLIN, on_pipe, NULL);
}

int term_raw(int fd, struct loop *loop, void (*resized)(void *context), void *context)
{
    if (term.active || !isatty(fd))
        return 0;
    term.fd = fd;
    if (!in_foreground() || tcgetattr(fd, &term.saved))
        return 0;
    term.raw = term.saved;
    cfmakeraw(&term.raw);
    /* Output keeps its processing: a guest that ends its lines with LF alone stays readable. */
    term.raw.c_oflag |= OPOST;
    term.loop = loop;
    term.resized = resized;
    term.context = context;
    int err = open_pipe();
    if (err)
        return err;
    catch_signals();
    term.active = 1;
    set_mode(&term.raw);
    return 0;
}

void term_restore(void)
{
    if (!term.active)
        return;
    term.active = 0;
    set_mode(&term.saved);
    for (unsigned i = 0; i < FATAL; i++) {
        struct sigaction now;
        sigaction(fatal[i], NULL, &now);
        if (now.sa_handler == on_fatal)
            sigaction(fatal[i], &term.before[i], NULL);
    }
    sigaction(SIGTSTP, &term.before_tstp, NULL);
    sigaction(SIGCONT, &term.before_cont, NULL);
    sigaction(SIGWINCH, &term.before_winch, NULL);
    loop_unwatch(term.loop, term.pipe_read);
    close(term.pipe_read);
    close(term.pipe_write);
    term.pipe_read = term.pipe_write = -1;
}

bool term_size(int fd, uint16_t *columns, uint16_t *rows)
{
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) || size.ws_col == 0 || size.ws_row == 0)
        return false;
    *columns = size.ws_col;
    *rows = size.ws_row;
    return true;
}
