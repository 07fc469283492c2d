/* SPDX-License-Identifier: MIT */
/*
 * Test programs in C: one line per test ("ok - name", "not ok - name: detail", "skip - name:
 * reason"), exit status 1 if any failed.
 *
 *   static void adds_up(void) { CHECK(1 + 1 == 2); CHECK_EQ(2 * 3, 6); }
 *   int main(void) { TEST(adds_up); TEST_ALONE(crashes_perhaps); return test_done(); }
 *
 * CHECK and CHECK_EQ tell whether they held, so a test can stop: if (!CHECK(p)) return; They may be
 * used by several threads; the first failure is the one reported. TEST_ALONE runs the test in a
 * child process of its own, where a crash or a hang (a minute) is a failure and nothing else is
 * disturbed. Tests that repeat themselves to find a race do so test_rounds(n) times.
 */
#pragma once

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum test_result { TEST_PASSED, TEST_FAILED, TEST_SKIPPED };

#define TEST_SECONDS 60

static struct {
    pthread_mutex_t lock;
    enum test_result result;
    char detail[240];
    unsigned failed;
} test_state = {.lock = PTHREAD_MUTEX_INITIALIZER};

static inline void test_set(enum test_result result, const char *file, int line, const char *what)
{
    pthread_mutex_lock(&test_state.lock);
    if (test_state.result != TEST_FAILED && (result == TEST_FAILED || !test_state.result)) {
        const char *slash = strrchr(file, '/');
        test_state.result = result;
        if (line)
            snprintf(test_state.detail, sizeof test_state.detail, "%s:%d: %s",
                     slash ? slash + 1 : file, line, what);
        else
            snprintf(test_state.detail, sizeof test_state.detail, "%s", what);
    }
    pthread_mutex_unlock(&test_state.lock);
}

static inline bool test_check(bool ok, const char *file, int line, const char *what)
{
    if (!ok)
        test_set(TEST_FAILED, file, line, what);
    return ok;
}

static inline bool test_check_eq(uint64_t a, uint64_t b, const char *file, int line,
                                 const char *what)
{
    char text[200];
    if (a == b)
        return true;
    snprintf(text, sizeof text, "%s is 0x%" PRIx64 ", not 0x%" PRIx64, what, a, b);
    return test_check(false, file, line, text);
}

#define CHECK(condition) test_check((condition), __FILE__, __LINE__, #condition)
#define CHECK_EQ(value, want)                                                                      \
    test_check_eq((uint64_t)(value), (uint64_t)(want), __FILE__, __LINE__, #value)
#define TEST_SKIP(reason) test_set(TEST_SKIPPED, "", 0, (reason))

/* n, or a part of it where the CPU is an emulated one: TEST_SLOW=10 is a tenth. */
static inline unsigned test_rounds(unsigned n)
{
    const char *slow = getenv("TEST_SLOW");
    int by = slow ? atoi(slow) : 1;
    return by > 1 ? n / (unsigned)by + 1 : n;
}

static inline void test_line(const char *name)
{
    switch (test_state.result) {
    case TEST_PASSED: printf("ok - %s\n", name); break;
    case TEST_SKIPPED: printf("skip - %s: %s\n", name, test_state.detail); break;
    case TEST_FAILED:
        printf("not ok - %s: %s\n", name, test_state.detail);
        test_state.failed++;
        break;
    }
    fflush(stdout);
    test_state.result = TEST_PASSED;
    test_state.detail[0] = 0;
}

static inline void test_run(const char *name, void (*test)(void))
{
    test();
    test_line(name);
}

static inline void test_run_alone(const char *name, void (*test)(void))
{
    int status = 0;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        alarm(TEST_SECONDS);
        test();
        test_line(name);
        _exit(test_state.failed ? 1 : 0);
    }
    if (child < 0 || waitpid(child, &status, 0) < 0) {
        test_check(false, __FILE__, __LINE__, "cannot start a process for the test");
        test_line(name);
    } else if (WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) > 1)) {
        char text[64];
        if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
            snprintf(text, sizeof text, "still running after %d s", TEST_SECONDS);
        else if (WIFSIGNALED(status))
            snprintf(text, sizeof text, "killed by signal %d", WTERMSIG(status));
        else
            snprintf(text, sizeof text, "exit status %d", WEXITSTATUS(status));
        test_set(TEST_FAILED, "", 0, text);
        test_line(name);
    } else {
        test_state.failed += WEXITSTATUS(status) != 0;
    }
}

#define TEST(function)       test_run(#function, function)
#define TEST_ALONE(function) test_run_alone(#function, function)

static inline int test_done(void)
{
    return test_state.failed ? 1 : 0;
}
