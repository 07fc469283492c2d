/* SPDX-License-Identifier: MIT */
/*
 * The terminal, as a user has it: the program on a pseudo terminal, in the foreground of a session,
 * with a guest that echoes what it receives. Argument: the program under test.
 */
#include "../test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>

/* mov x1, UART; 1: ldr w2, [x1, FR]; tbnz w2, RXFE, 1b; ldr w3, [x1]; str w3, [x1]; b 1b */
static const uint32_t echo_guest[] = {0xd2a12001, 0xb9401822, 0x3727ffe2,
                                      0xb9400023, 0xb9000023, 0x17fffffc};

static const char *program;
static char guest[64];
static int master = -1;
static pid_t session, vm;
static int reports; /* wait statuses of the VM, from the session's leader */
static struct termios before;

/* The shell's part: start the VM in the foreground of a new session on the terminal, report. */
static void lead_session(const char *tty, int to)
{
    setsid();
    int fd = open(tty, O_RDWR);
    ioctl(fd, TIOCSCTTY, 0);
    signal(SIGTTOU, SIG_IGN);
    pid_t child = fork();
    if (child == 0) {
        setpgid(0, 0);
        tcsetpgrp(fd, getpid());
        signal(SIGTTOU, SIG_DFL);
        dup2(fd, 0);
        dup2(fd, 1);
        dup2(fd, 2);
        execl(program, "tinyvmm", "run", "-q", "--machine", "virt", guest, (char *)NULL);
        _exit(99);
    }
    int status;
    if (write(to, &child, sizeof child) != sizeof child)
        _exit(1);
    while (waitpid(child, &status, WUNTRACED | WCONTINUED) == child) {
        if (WIFSTOPPED(status))
            tcsetpgrp(fd, getpid());
        if (write(to, &status, sizeof status) != sizeof status || WIFEXITED(status) ||
            WIFSIGNALED(status))
            break;
    }
    pause();
    _exit(0);
}

static bool raw_now(void)
{
    struct termios now;
    return tcgetattr(master, &now) == 0 && !(now.c_lflag & (ICANON | ECHO | ISIG));
}

static bool as_before(void)
{
    struct termios now;
    return tcgetattr(master, &now) == 0 && now.c_lflag == before.c_lflag &&
           now.c_iflag == before.c_iflag && now.c_oflag == before.c_oflag;
}

static bool eventually(bool (*condition)(void))
{
    for (int i = 0; i < 1000; i++) {
        if (condition())
            return true;
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    return false;
}

static bool begin(void)
{
    int ends[2];
    master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0 || grantpt(master) || unlockpt(master) || pipe(ends))
        return CHECK(!"a pseudo terminal");
    const char *tty = ptsname(master);
    int hold = open(tty, O_RDWR | O_NOCTTY); /* the mode outlives the program */
    tcgetattr(hold, &before);
    session = fork();
    if (session == 0)
        lead_session(tty, ends[1]);
    close(ends[1]);
    reports = ends[0];
    return CHECK(read(reports, &vm, sizeof vm) == sizeof vm) && CHECK(eventually(raw_now));
}

static void finish(void)
{
    kill(vm, SIGKILL);
    kill(session, SIGKILL);
    waitpid(session, NULL, 0);
    close(master);
    close(reports);
}

static void type(const char *text, size_t size)
{
    CHECK(write(master, text, size) == (ssize_t)size);
}

/* Read from the terminal until `want` has come, 10 s at most. */
static bool shows(const char *want)
{
    char seen[4096];
    size_t used = 0;
    struct pollfd p = {.fd = master, .events = POLLIN};
    while (used < sizeof seen - 1 && poll(&p, 1, 10000) > 0) {
        ssize_t n = read(master, seen + used, sizeof seen - 1 - used);
        if (n <= 0)
            break;
        used += (size_t)n;
        seen[used] = 0;
        if (strstr(seen, want))
            return true;
    }
    return false;
}

static int next_report(void)
{
    int status = -1;
    struct pollfd p = {.fd = reports, .events = POLLIN};
    if (poll(&p, 1, 10000) <= 0 || read(reports, &status, sizeof status) != sizeof status)
        return -1;
    return status;
}

static void gives_every_key_to_the_guest(void)
{
    if (!begin())
        return;
    type("hello", 5);
    CHECK(shows("hello"));
    type("\003\032\034\177x", 5); /* Ctrl-C, Ctrl-Z, Ctrl-\, backspace */
    CHECK(shows("\003\032\034\177x"));
    type("\001a\001\001.", 5);
    CHECK(shows("\001\001."));
    finish();
}

static void lists_its_keys(void)
{
    if (!begin())
        return;
    type("\001h", 2);
    CHECK(shows("Ctrl-A x"));
    finish();
}

static void ends_with_ctrl_a_x(void)
{
    if (!begin())
        return;
    type("\001x", 2);
    int status = next_report();
    CHECK(WIFEXITED(status));
    CHECK_EQ(WEXITSTATUS(status), 130);
    CHECK(as_before());
    finish();
}

static void restored_after(int number, bool exits)
{
    if (!begin())
        return;
    kill(vm, number);
    int status = next_report();
    if (exits && WIFEXITED(status)) /* or it came before the VM was there to be ended */
        CHECK_EQ(WEXITSTATUS(status), 128 + number);
    else
        CHECK(!WIFSTOPPED(status) && (WIFSIGNALED(status) || WIFEXITED(status)));
    CHECK(as_before());
    finish();
}

static void is_restored_after_sigterm(void)
{
    restored_after(SIGTERM, true);
}
static void is_restored_after_sighup(void)
{
    restored_after(SIGHUP, true);
}
static void is_restored_after_a_crash(void)
{
    restored_after(SIGSEGV, false);
}
static void is_restored_after_sigabrt(void)
{
    restored_after(SIGABRT, false);
}
static void is_restored_after_sigquit(void)
{
    restored_after(SIGQUIT, false);
}

static void is_restored_while_stopped(void)
{
    if (!begin())
        return;
    kill(vm, SIGTSTP);
    CHECK(WIFSTOPPED(next_report()));
    CHECK(as_before());
    /* fg: the foreground first, then SIGCONT */
    CHECK_EQ(ioctl(master, TIOCGPGRP, &(pid_t){0}), 0);
    int tty = open(ptsname(master), O_RDWR | O_NOCTTY);
    kill(session, SIGCONT);
    kill(vm, SIGCONT);
    /* In the background it must leave the shell's mode alone. */
    CHECK(WIFCONTINUED(next_report()));
    nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
    CHECK(as_before());
    close(tty);
    finish();
}

static void leaves_a_pipe_alone(void)
{
    char command[300], text[16] = {0};
    snprintf(command, sizeof command,
             "printf abc | '%s' run -q --machine virt --timeout 5 '%s' 2>/dev/null", program,
             guest);
    FILE *f = popen(command, "r");
    CHECK(f && fgets(text, sizeof text, f));
    CHECK(strcmp(text, "abc") == 0);
    if (f)
        pclose(f);
}

int main(int argc, char **argv)
{
    program = argc > 1 ? argv[1] : "./tinyvmm";
    snprintf(guest, sizeof guest, "/tmp/tinyvmm-echo-%ld.bin", (long)getpid());
    FILE *f = fopen(guest, "wb");
    if (!f || fwrite(echo_guest, sizeof echo_guest, 1, f) != 1 || fclose(f))
        return 1;
    signal(SIGPIPE, SIG_IGN);
    TEST(gives_every_key_to_the_guest);
    TEST(lists_its_keys);
    TEST(ends_with_ctrl_a_x);
    TEST(is_restored_after_sigterm);
    TEST(is_restored_after_sighup);
    TEST(is_restored_after_a_crash);
    TEST(is_restored_after_sigabrt);
    TEST(is_restored_after_sigquit);
    TEST(is_restored_while_stopped);
    TEST(leaves_a_pipe_alone);
    unlink(guest);
    return test_done();
}
