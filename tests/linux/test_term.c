/* SPDX-License-Identifier: MIT */
/*
 * The terminal, as a user has it: the program on a pseudo terminal, in the foreground of a session,
 * with a guest that echoes what it receives, or with Linux and its shell.
 *
 *     test_term PROGRAM                  the program under test
 *     test_term PROGRAM KERNEL INITRD    the tests with Linux
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

static const char *program, *kernel, *initrd;
static char guest[64];
static const char *append; /* the kernel's command line: Linux is the guest */
static int master = -1;
static pid_t session, vm;
static int reports; /* wait statuses of the VM, from the session's leader */
static struct termios before;

static int tty_fd;
static pid_t child;

static void become_vm(void)
{
    dup2(tty_fd, 0);
    dup2(tty_fd, 1);
    dup2(tty_fd, 2);
    if (append)
        execl(program, "tinyvmm", "run", "-q", "--initrd", initrd, "--append", append, kernel,
              (char *)NULL);
    else
        execl(program, "tinyvmm", "run", "-q", "--machine", "virt", guest, (char *)NULL);
    _exit(99);
}

/* What `fg` does. */
static void on_usr1(int number)
{
    (void)number;
    tcsetpgrp(tty_fd, child);
    kill(child, SIGCONT);
}

/* The shell's part: start the VM in the foreground of a new session on the terminal, report. */
static void lead_session(const char *tty, int to)
{
    setsid();
    alarm(600); /* whatever becomes of the test */
    tty_fd = open(tty, O_RDWR);
    ioctl(tty_fd, TIOCSCTTY, 0);
    signal(SIGTTOU, SIG_IGN);
    signal(SIGUSR1, on_usr1);
    child = fork();
    if (child == 0) {
        setpgid(0, 0);
        tcsetpgrp(tty_fd, getpid());
        signal(SIGTTOU, SIG_DFL);
        signal(SIGUSR1, SIG_DFL);
        become_vm();
    }
    int status;
    if (write(to, &child, sizeof child) != sizeof child)
        _exit(1);
    while (waitpid(child, &status, WUNTRACED | WCONTINUED) == child) {
        if (WIFSTOPPED(status))
            tcsetpgrp(tty_fd, getpid());
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

/* Read from the terminal until `want` has come; no silence of more than so many seconds. */
static bool shows_within(const char *want, int seconds)
{
    char seen[4096];
    size_t used = 0;
    struct pollfd p = {.fd = master, .events = POLLIN};
    while (poll(&p, 1, seconds * 1000) > 0) {
        if (used > sizeof seen / 2) {
            memmove(seen, seen + used / 2, used - used / 2);
            used -= used / 2;
        }
        ssize_t n = read(master, seen + used, sizeof seen - 1 - used);
        if (n <= 0)
            break;
        for (ssize_t i = 0; i < n; i++)
            if (!seen[used + (size_t)i])
                seen[used + (size_t)i] = ' ';
        used += (size_t)n;
        seen[used] = 0;
        if (strstr(seen, want))
            return true;
    }
    return false;
}

static bool shows(const char *want)
{
    return shows_within(want, 10);
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

static void is_raw_again_in_the_foreground(void)
{
    if (!begin())
        return;
    kill(vm, SIGTSTP);
    CHECK(WIFSTOPPED(next_report()));
    CHECK(as_before());
    kill(session, SIGUSR1);
    CHECK(WIFCONTINUED(next_report()));
    CHECK(eventually(raw_now));
    type("again\003", 6);
    CHECK(shows("again\003"));
    type("\001x", 2);
    CHECK(WIFEXITED(next_report()));
    CHECK(as_before());
    finish();
}

/* ---- Linux and its shell ---- */

static bool begin_linux(const char *command_line)
{
    append = command_line;
    return begin() && CHECK(shows_within("# ", 60));
}

static void type_line(const char *line)
{
    type(line, strlen(line));
    type("\r", 1);
}

/* The shell computes the answer, so that the echo of what was typed is not it. */
static void edits_and_interrupts(void)
{
    type_line("echo wrong\177\177\177\177\177right-$((40 + 2))");
    CHECK(shows_within("\nright-42", 60));
    type_line("sleep 100000; echo slept");
    nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    type("\003", 1);
    type_line("echo back-$((1 + 1))");
    CHECK(shows_within("\nback-2", 60));
}

static void linux_on_the_uart_takes_every_key(void)
{
    if (begin_linux("console=ttyAMA0 quiet"))
        edits_and_interrupts();
    finish();
}

static void linux_on_virtio_takes_every_key(void)
{
    if (begin_linux("console=hvc0 quiet"))
        edits_and_interrupts();
    finish();
}

/* Whenever the news has reached its driver. */
static bool learns_its_size(const char *want)
{
    for (int n = 0; n < 30; n++) {
        type_line("stty size");
        if (shows_within(want, 2))
            return true;
    }
    return false;
}

static void linux_follows_the_window(void)
{
    struct winsize size = {.ws_row = 33, .ws_col = 111};
    if (begin_linux("console=hvc0 quiet")) {
        CHECK_EQ(ioctl(master, TIOCSWINSZ, &size), 0);
        CHECK(learns_its_size("\n33 111"));
        size = (struct winsize){.ws_row = 25, .ws_col = 81};
        CHECK_EQ(ioctl(master, TIOCSWINSZ, &size), 0);
        CHECK(learns_its_size("\n25 81"));
    }
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
    if (argc > 3) {
        kernel = argv[2];
        initrd = argv[3];
        TEST(linux_on_the_uart_takes_every_key);
        TEST(linux_on_virtio_takes_every_key);
        TEST(linux_follows_the_window);
        return test_done();
    }
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
    TEST(is_raw_again_in_the_foreground);
    TEST(leaves_a_pipe_alone);
    unlink(guest);
    return test_done();
}
