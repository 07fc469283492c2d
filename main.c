/* SPDX-License-Identifier: MIT */
/*
 * The command: arguments become VMs, one process each, and their ends become an exit status.
 *
 *     tinyvmm                     the demo: two VMs in parallel
 *     tinyvmm run [OPTIONS] GUEST a program of one's own
 *     tinyvmm backends            what can carry a VM here
 *
 * This file alone ends the process. Status: the guest's own; 124 --timeout, 125 TinyVMM's own
 * errors, 126 the guest crashed, 128 + n ended by signal n.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmm/vmm.h"

#define STATUS_ERROR 125
#define COUNT_MAX    64

/* --code-cache: what option "jit-code" of the software CPU takes (hvx.h). */
#define CODE_CACHE_MIN (UINT64_C(512) << 10)
#define CODE_CACHE_MAX (UINT64_C(1) << 30)

struct options {
    struct vm_config config;
    const char *backend, *jit;
    uint64_t code_cache; /* bytes, or 0 */
    bool perf_map;
    enum log_level level;
    int step_fd; /* where the steps of a VM's life are told */
    bool demo;
};

static const char usage[] =
    "Usage: tinyvmm                      run the demo: two ARM64 virtual machines in parallel\n"
    "       tinyvmm --vms N              the same with N of them\n"
    "       tinyvmm run [OPTIONS] GUEST  run a program: raw binary, ELF, or Linux kernel for "
    "AArch64\n"
    "       tinyvmm backends             list what can carry a virtual machine here\n"
    "\n"
    "Options of run:\n"
    "  --memory SIZE        guest memory, with suffix K, M or G (default: 1M; virt: 512M)\n"
    "  --cpus N             vCPUs of the guest (default: 1; virt: up to 32)\n"
    "  --count N            run N of them in parallel, each in a process of its own\n"
    "  --machine NAME       tiny or virt (default: what the guest file is for)\n"
    "  --backend NAME       auto, hvf, kvm or soft (default: auto, or $TINYVMM_BACKEND)\n"
    "  --jit MODE           soft alone: on (translate warm code; the default), off (interpret),\n"
    "                       verify (do both and compare, block by block: slow)\n"
    "  --code-cache SIZE    soft alone: memory for decoded and translated code, per vCPU; when it "
    "is\n"
    "                       full, all code is dropped (default: 32M)\n"
    "  --perf-map           soft alone: name translated code for perf, in /tmp/perf-PID.map\n"
    "  --timeout SECONDS    end the guest after that time, with status 124\n"
    "  -q, --quiet          only the guest's output\n"
    "  -v, --verbose        say what is chosen and why\n"
    "      --stats          count exits, instructions and time; print them at the end\n"
    "  -h, --help           this text\n"
    "      --version        the version\n"
    "\n"
    "Options of run for machine virt:\n"
    "  --append TEXT        command line of the kernel (\"console=ttyAMA0\")\n"
    "  --initrd FILE        initial ramdisk of the kernel\n"
    "  --disk FILE[,readonly][,serial=TEXT]\n"
    "                       raw image or block device as a virtio disk; up to 8 of them\n"
    "  --dump-dtb FILE      write the device tree to FILE and end\n"
    "The guest has the terminal: Ctrl-A x ends it, Ctrl-A h lists the keys.\n"
    "\n"
    "Exit status: the guest's own; 124 after --timeout, 125 if TinyVMM fails, 126 if the guest\n"
    "crashes, 128 + N after signal N (Ctrl-C: 130).\n";

/* ---- words ---- */

static int fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int fail(const char *format, ...)
{
    char line[2400];
    va_list args;
    va_start(args, format);
    int head = snprintf(line, sizeof(line), "tinyvmm: ");
    vsnprintf(line + head, sizeof(line) - (size_t)head - 1, format, args);
    va_end(args);
    size_t used = strlen(line);
    line[used++] = '\n';
    (void)write_all(STDERR_FILENO, line, used);
    return STATUS_ERROR;
}

/* Text for the user on standard output; its loss is an error. */
static int print(const char *text)
{
    int err = write_all(STDOUT_FILENO, text, strlen(text));
    return err ? fail("cannot write to standard output: %s", strerror(-err)) : 0;
}

static void parent_says(const struct options *o, const char *text)
{
    if (o->level >= LOG_NORMAL)
        (void)write_all(o->step_fd, text, strlen(text));
}

/* ---- arguments ---- */

static bool parse_number(const char *text, uint64_t max, uint64_t *value)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    *value = n;
    return !errno && !*end && n <= max;
}

static bool parse_size(const char *text, uint64_t *value)
{
    static const char suffixes[] = "KMGT";
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    unsigned long long n = strtoull(text, &end, 0);
    unsigned shift = 0;
    if (*end) {
        const char *s = strchr(suffixes, *end & ~0x20);
        if (!s || end[1])
            return false;
        shift = 10 * (unsigned)(s - suffixes + 1);
    }
    *value = (uint64_t)n << shift;
    return !errno && *value >> shift == n;
}

static bool parse_seconds(const char *text, uint64_t *ns)
{
    char *end;
    if (!strchr("0123456789.", *text) || !*text)
        return false;
    double seconds = strtod(text, &end);
    if (*end || !(seconds > 0 && seconds <= 1e9))
        return false;
    *ns = (uint64_t)(seconds * 1e9);
    return *ns > 0;
}

static int bad_value(const char *option, const char *value, const char *wants)
{
    return fail("%s '%s': %s (see tinyvmm --help)", option, value, wants);
}

enum {
    OPT_MEMORY = 256,
    OPT_COUNT,
    OPT_VMS,
    OPT_MACHINE,
    OPT_BACKEND,
    OPT_TIMEOUT,
    OPT_STATS,
    OPT_CPUS,
    OPT_INITRD,
    OPT_APPEND,
    OPT_DISK,
    OPT_DUMP_DTB,
    OPT_JIT,
    OPT_CODE_CACHE,
    OPT_PERF_MAP,
    OPT_VERSION
};

static const struct option demo_options[] = {
    {"vms", required_argument, NULL, OPT_VMS},
    {"backend", required_argument, NULL, OPT_BACKEND},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

static const struct option run_options[] = {
    {"memory", required_argument, NULL, OPT_MEMORY},
    {"count", required_argument, NULL, OPT_COUNT},
    {"machine", required_argument, NULL, OPT_MACHINE},
    {"backend", required_argument, NULL, OPT_BACKEND},
    {"jit", required_argument, NULL, OPT_JIT},
    {"code-cache", required_argument, NULL, OPT_CODE_CACHE},
    {"perf-map", no_argument, NULL, OPT_PERF_MAP},
    {"timeout", required_argument, NULL, OPT_TIMEOUT},
    {"quiet", no_argument, NULL, 'q'},
    {"verbose", no_argument, NULL, 'v'},
    {"stats", no_argument, NULL, OPT_STATS},
    {"cpus", required_argument, NULL, OPT_CPUS},
    {"initrd", required_argument, NULL, OPT_INITRD},
    {"append", required_argument, NULL, OPT_APPEND},
    {"disk", required_argument, NULL, OPT_DISK},
    {"dump-dtb", required_argument, NULL, OPT_DUMP_DTB},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

static int set_count(struct options *o, const char *option, const char *value)
{
    uint64_t n;
    if (!parse_number(value, COUNT_MAX, &n) || n == 0)
        return bad_value(option, value, "wants a number from 1 to 64");
    o->config.count = (unsigned)n;
    return 0;
}

/* FILE[,readonly][,serial=TEXT]: the words are taken off the end, in place; a file's own commas
 * stay.
 */
static int add_disk(struct options *o, char *value)
{
    struct vm_disk disk = {.path = value};
    char *comma;
    if (o->config.disks == VM_MAX_DISKS)
        return bad_value("--disk", value, "there can be 8 disks at most");
    while ((comma = strrchr(value, ','))) {
        if (strcmp(comma + 1, "readonly") == 0)
            disk.read_only = true;
        else if (strncmp(comma + 1, "serial=", 7) == 0)
            disk.serial = comma + 8;
        else
            break;
        *comma = 0;
    }
    if (!*value)
        return bad_value("--disk", value, "wants a file");
    if (disk.serial && (strlen(disk.serial) > 20 || !*disk.serial))
        return bad_value("--disk", disk.serial, "a serial number has 1 to 20 characters");
    o->config.disk[o->config.disks++] = disk;
    return 0;
}

/* One option. 0, or the status to end with. */
static int set_option(struct options *o, int option, char *value)
{
    uint64_t n;
    switch (option) {
    case OPT_MEMORY:
        if (!parse_size(value, &o->config.memory) || o->config.memory == 0)
            return bad_value("--memory", value, "wants a size such as 1M, 512K or 2G");
        return 0;
    case OPT_COUNT: return set_count(o, "--count", value);
    case OPT_VMS: return set_count(o, "--vms", value);
    case OPT_MACHINE: o->config.machine = value; return 0;
    case OPT_BACKEND: o->backend = value; return 0;
    case OPT_JIT:
        if (strcmp(value, "on") && strcmp(value, "off") && strcmp(value, "verify"))
            return bad_value("--jit", value, "wants on, off or verify");
        o->jit = value;
        return 0;
    case OPT_PERF_MAP: o->perf_map = true; return 0;
    case OPT_CODE_CACHE:
        if (!parse_size(value, &o->code_cache) || o->code_cache < CODE_CACHE_MIN ||
            o->code_cache > CODE_CACHE_MAX)
            return bad_value("--code-cache", value, "wants a size from 512K to 1G");
        return 0;
    case OPT_TIMEOUT:
        if (!parse_seconds(value, &o->config.timeout_ns))
            return bad_value("--timeout", value, "wants a number of seconds");
        return 0;
    case OPT_STATS: o->config.stats = true; return 0;
    case OPT_CPUS:
        if (!parse_number(value, VM_MAX_CPUS, &n) || n == 0)
            return bad_value("--cpus", value, "wants a number from 1 to 32");
        o->config.cpus = (unsigned)n;
        return 0;
    case OPT_INITRD: o->config.initrd = value; return 0;
    case OPT_APPEND: o->config.append = value; return 0;
    case OPT_DISK: return add_disk(o, value);
    case OPT_DUMP_DTB: o->config.dump_dtb = value; return 0;
    case 'q': o->level = LOG_QUIET; return 0;
    case 'v': o->level = LOG_VERBOSE; return 0;
    default: return STATUS_ERROR;
    }
}

static int bad_option(char **argv, int option)
{
    const char *text = argv[optind - 1];
    if (option == ':')
        return fail("option '%s' wants a value (see tinyvmm --help)", text);
    if (optopt && optopt < 256)
        return fail("unknown option '-%c' (see tinyvmm --help)", optopt);
    return fail("unknown option '%s' (see tinyvmm --help)", text);
}

/* Read the options; the rest begins at *rest. -1: go on, else end with that status. */
static int parse_options(struct options *o, int argc, char **argv, const struct option *table,
                         int *rest)
{
    int option;
    opterr = 0;
    while ((option = getopt_long(argc, argv, table == run_options ? ":qvh" : ":h", table, NULL)) !=
           -1) {
        if (option == '?' || option == ':')
            return bad_option(argv, option);
        if (option == 'h')
            return print(usage);
        if (option == OPT_VERSION)
            return print("tinyvmm " TINYVMM_VERSION "\n");
        int status = set_option(o, option, optarg);
        if (status)
            return status;
    }
    *rest = optind;
    return -1;
}

/* ---- one VM ---- */

static void setup_log(const struct options *o)
{
    char prefix[32];
    snprintf(prefix, sizeof(prefix), "VM %u", o->config.id);
    log_setup(o->level, prefix, o->step_fd);
}

static int vm_failed(const struct options *o, const char *text)
{
    return o->config.count > 1 ? fail("VM %u: %s", o->config.id, text) : fail("%s", text);
}

static int tell_end(enum vm_end end, int status)
{
    if (end == VM_END_TIMEOUT)
        log_warn("the guest was ended: its time is up (--timeout)");
    if (end != VM_END_EXIT)
        return status;
    log_gap();
    if (status == 0)
        log_step("Guest completed successfully!");
    else
        log_step("Guest ended with status %d", status);
    return status;
}

static int run_vm(const struct options *o)
{
    struct vm *vm;
    struct vm_error error;
    char text[300];
    setup_log(o);
    if (o->level >= LOG_VERBOSE) {
        backend_explain(text, sizeof(text));
        log_verbose("Using %s", text);
    }
    if (vm_create(&vm, &o->config, &error))
        return vm_failed(o, error.text);
    if (vm_run(vm))
        vm_failed(o, vm_error_text(vm));
    enum vm_end end = vm_ended(vm);
    int status = vm_exit_status(vm);
    vm_destroy(vm);
    return tell_end(end, status);
}

/* ---- several VMs: a process each ---- */

/* For the signal handler: who is to hear of it. Filled with signals blocked. */
static pid_t children[COUNT_MAX];
static volatile sig_atomic_t child_count;
static volatile sig_atomic_t last_signal;

static void pass_on(int number)
{
    int saved = errno;
    last_signal = number;
    for (int i = 0; i < child_count; i++)
        if (children[i] > 0)
            kill(children[i], number);
    errno = saved;
}

static const int passed_on[] = {SIGINT, SIGTERM, SIGHUP};
#define PASSED_ON (sizeof(passed_on) / sizeof(passed_on[0]))

static void handle_signals(void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler}, now;
    sigemptyset(&action.sa_mask);
    for (unsigned i = 0; i < PASSED_ON; i++) {
        sigaction(passed_on[i], NULL, &now);
        if (now.sa_handler != SIG_IGN)
            sigaction(passed_on[i], &action, NULL);
    }
}

static void child_main(struct options *o, unsigned id, const int lifeline[2], const sigset_t *mask)
    __attribute__((noreturn));

static void child_main(struct options *o, unsigned id, const int lifeline[2], const sigset_t *mask)
{
    child_count = 0;
    handle_signals(SIG_DFL);
    sigprocmask(SIG_SETMASK, mask, NULL);
    close(lifeline[1]);
    o->config.id = id;
    o->config.lifeline_fd = lifeline[0];
    o->config.in_fd = id == 1 ? o->config.in_fd : -1; /* input is for one reader */
    exit(run_vm(o));
}

/* Start them all. How many were started; on a failure fewer than asked for. */
static unsigned start_children(struct options *o, const int lifeline[2])
{
    sigset_t block, mask;
    unsigned n;
    sigemptyset(&block);
    for (unsigned i = 0; i < PASSED_ON; i++)
        sigaddset(&block, passed_on[i]);
    for (n = 0; n < o->config.count; n++) {
        sigprocmask(SIG_BLOCK, &block, &mask);
        pid_t pid = fork();
        if (pid == 0)
            child_main(o, n + 1, lifeline, &mask);
        if (pid > 0) {
            children[n] = pid;
            child_count = (int)n + 1;
        }
        sigprocmask(SIG_SETMASK, &mask, NULL);
        if (pid < 0) {
            fail("cannot start a process for VM %u: %s", n + 1, strerror(errno));
            break;
        }
    }
    return n;
}

static void tell_started(const struct options *o, unsigned n)
{
    char line[COUNT_MAX * 40];
    int used = snprintf(line, sizeof(line), "[Parent] Started ");
    for (unsigned i = 0; i < n; i++)
        used += snprintf(line + used, sizeof(line) - (size_t)used, "%sVM %u (PID %ld)",
                         i == 0       ? ""
                         : i == n - 1 ? " and "
                                      : ", ",
                         i + 1, (long)children[i]);
    snprintf(line + used, sizeof(line) - (size_t)used,
             "\n[Parent] Waiting for VMs to complete...\n");
    parent_says(o, line);
}

/* The status of one VM's process as an exit status, and a line if it died. */
static int child_status(unsigned id, int wstatus)
{
    if (WIFSIGNALED(wstatus)) {
        fail("VM %u: its process died from signal %d", id, WTERMSIG(wstatus));
        return STATUS_ERROR;
    }
    return WEXITSTATUS(wstatus);
}

/* Wait for all; the status of the first VM (by number) that failed, or 0. */
static int reap_children(unsigned n)
{
    int result = 0;
    for (unsigned i = 0; i < n; i++) {
        int wstatus;
        pid_t pid;
        do
            pid = waitpid(children[i], &wstatus, 0);
        while (pid < 0 && errno == EINTR);
        children[i] = 0;
        int status = pid < 0 ? STATUS_ERROR : child_status(i + 1, wstatus);
        if (status) {
            char line[80];
            snprintf(line, sizeof(line), "[Parent] VM %u failed with status %d\n", i + 1, status);
            (void)write_all(STDERR_FILENO, line, strlen(line));
        }
        result = result ? result : status;
    }
    return result;
}

static void tell_finished(const struct options *o, unsigned n, int status)
{
    char line[120];
    if (n == 2)
        snprintf(line, sizeof(line), "\n[Parent] Both VMs finished.\n");
    else
        snprintf(line, sizeof(line), "\n[Parent] All %u VMs finished.\n", n);
    parent_says(o, line);
    if (status == 0)
        parent_says(o, "[Parent] All VMs completed successfully!\n");
}

static int run_many(struct options *o)
{
    int lifeline[2];
    if (pipe(lifeline))
        return fail("cannot create a pipe: %s", strerror(errno));
    handle_signals(pass_on);
    unsigned n = start_children(o, lifeline);
    close(lifeline[0]);
    if (n == o->config.count)
        tell_started(o, n);
    else
        close(lifeline[1]); /* the ones that run are told to end */
    int status = reap_children(n);
    if (n < o->config.count)
        return STATUS_ERROR;
    close(lifeline[1]);
    tell_finished(o, n, status);
    return last_signal ? 128 + last_signal : status;
}

/* ---- commands ---- */

static int choose_backend(const struct options *o)
{
    struct vm_error error;
    const char *name = o->backend ? o->backend : getenv("TINYVMM_BACKEND");
    if (backend_choose(name && *name ? name : "auto", &error))
        return fail("%s", error.text);
    if (o->config.stats)
        backend_option("count", "on"); /* a backend that does not know it has nothing to count */
    if (o->jit && !backend_option("jit", o->jit))
        return fail("--jit: %s has no translator (leave the option out)", backend_title());
    if (o->perf_map && !backend_option("perf-map", "on"))
        return fail("--perf-map: %s translates nothing (leave the option out)", backend_title());
    if (o->code_cache) {
        char bytes[24];
        snprintf(bytes, sizeof(bytes), "%" PRIu64, o->code_cache);
        if (!backend_option("jit-code", bytes))
            return fail("--code-cache: %s translates nothing (leave the option out)",
                        backend_title());
    }
    return 0;
}

static int print_banner(unsigned count)
{
    char title[80], vms[80], text[800];
    static const char bar[] = "════════════════════════════════════════";
    snprintf(title, sizeof(title), "TinyVMM - %s Demo", backend_title());
    snprintf(vms, sizeof(vms), "Running %u VM%s in parallel", count, count == 1 ? "" : "s");
    snprintf(text, sizeof(text), "╔%s╗\n║   %-37s║\n║   %-37s║\n╚%s╝\n\n", bar, title, vms, bar);
    return print(text);
}

static int command_demo(int argc, char **argv, struct options *o)
{
    int rest = 1;
    o->config.count = 2;
    o->step_fd = STDOUT_FILENO;
    int status = parse_options(o, argc, argv, demo_options, &rest);
    if (status >= 0)
        return status;
    if (rest < argc)
        return fail("unknown command '%s' (see tinyvmm --help)", argv[rest]);
    status = choose_backend(o);
    if (!status)
        status = print_banner(o->config.count);
    return status ? status : run_many(o);
}

static int command_run(int argc, char **argv, struct options *o)
{
    int rest = 1;
    int status = parse_options(o, argc, argv, run_options, &rest);
    if (status >= 0)
        return status;
    if (rest >= argc)
        return fail("run: which guest? (see tinyvmm --help)");
    if (rest + 1 < argc)
        return fail("run: one guest only, what is '%s'? (see tinyvmm --help)", argv[rest + 1]);
    o->config.guest = argv[rest];
    status = choose_backend(o);
    if (status)
        return status;
    return o->config.count > 1 ? run_many(o) : run_vm(o);
}

static int command_backends(int argc, char **argv, struct options *o)
{
    struct vmm_backend b;
    char line[400];
    (void)argv;
    if (argc > 1)
        return fail("backends: takes no arguments (see tinyvmm --help)");
    int status = choose_backend(o);
    for (unsigned i = 0; !status && backend_info(i, &b); i++) {
        if (b.available)
            snprintf(line, sizeof(line), "%-6s %-22s available%s: %u vCPUs, %u IPA bits, GIC %s\n",
                     b.name, b.title, b.chosen ? ", chosen by auto" : "", b.max_vcpus,
                     b.max_ipa_bits, b.gic ? "yes" : "no");
        else
            snprintf(line, sizeof(line), "%-6s %-22s not available: %s\n", b.name, b.title, b.why);
        status = print(line);
    }
    return status;
}

/* If a standard descriptor is closed, our own files must not take its place. Opened for reading, so
 * that output to it still fails. */
static void keep_standard_fds(void)
{
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            (void)open("/dev/null", fd == STDERR_FILENO ? O_WRONLY : O_RDONLY);
}

int main(int argc, char **argv)
{
    struct options o = {.level = LOG_NORMAL, .step_fd = STDERR_FILENO};
    keep_standard_fds();
    signal(SIGPIPE, SIG_IGN); /* a reader that goes away is an error of write */
    signal(SIGXFSZ, SIG_IGN); /* and so is a file that may not grow */
    vm_config_init(&o.config);
    if (argc > 1 && strcmp(argv[1], "run") == 0)
        return command_run(argc - 1, argv + 1, &o);
    if (argc > 1 && strcmp(argv[1], "backends") == 0)
        return command_backends(argc - 1, argv + 1, &o);
    return command_demo(argc, argv, &o);
}
