/* SPDX-License-Identifier: MIT */
/*
 * Machine virt: the memory map of the popular virt board, so that kernels, boot loaders and
 * bare-metal programs written for it run unmodified. The device tree is the authority; a guest that
 * reads it needs none of these numbers.
 *
 *     0x0000_0000  two banks of empty flash
 *     0x0800_0000  GICv3 distributor            0x0a00_0000  virtio-mmio, 32 slots of 0x200
 *     0x080a_0000  GICv3 redistributors         0x4000_0000  RAM
 *     0x0900_0000  PL011 UART (SPI 1)
 *     0x0901_0000  PL031 clock (SPI 2)          virtio slot n has SPI 16 + n
 *
 * Everything of the host that the machine needs is opened by plan() and setup(), before a vCPU
 * runs. Main thread; the input callbacks are on the event loop, which is the main thread too.
 */
#include "vmm.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dev/pl011.h"
#include "dev/pl031.h"
#include "dev/virtio_devices.h"
#include "dtb.h"
#include "input.h"
#include "load_linux.h"
#include "random.h"
#include "term.h"

#define FLASH_BASE   UINT64_C(0x00000000)
#define FLASH_SIZE   UINT64_C(0x08000000)
#define GICD_BASE    UINT64_C(0x08000000)
#define GICD_SIZE    UINT64_C(0x10000)
#define GICR_BASE    UINT64_C(0x080a0000)
#define GICR_SIZE    UINT64_C(0x20000) /* of each vCPU */
#define UART_BASE    UINT64_C(0x09000000)
#define RTC_BASE     UINT64_C(0x09010000)
#define VIRTIO_BASE  UINT64_C(0x0a000000)
#define VIRTIO_SLOTS 32
#define RAM_BASE     UINT64_C(0x40000000)

#define SPI(n)       (32u + (n))
#define UART_SPI     1
#define RTC_SPI      2
#define VIRTIO_SPI   16

/* Where a raw binary goes, as boot loaders on this board expect; the device tree is at the start of
 * RAM then. */
#define RAW_OFFSET UINT64_C(0x80000)
#define INITRD_MAX (UINT64_C(2) << 30)

struct board {
    struct linux_layout layout;
    struct mem flash;
    uint8_t *initrd;
    uint64_t initrd_size;
    struct disk *disk[VM_MAX_DISKS]; /* until a device takes it over */
    struct device *uart;
    struct virtio *console;
    bool input_to_virtio; /* the guest's console is hvc0 */
    struct input input;
    bool has_input;
    unsigned slots; /* of virtio in use */
};

/* ---- plan: look at everything, open what is needed ---- */

static int open_disks(struct vm *vm, struct board *board)
{
    char why[300];
    for (unsigned i = 0; i < vm->config.disks; i++) {
        const struct vm_disk *d = &vm->config.disk[i];
        int err = disk_open(&board->disk[i], d->path, d->read_only, why, sizeof why);
        if (err)
            return vm_fail(vm, err, "%s", why);
    }
    return 0;
}

static int read_initrd(struct vm *vm, struct board *board)
{
    const char *path = vm->config.initrd;
    struct stat st;
    if (!path)
        return 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st)) {
        int err = errno;
        if (fd >= 0)
            close(fd);
        return vm_fail(vm, -err, "cannot open initrd '%s': %s", path, strerror(err));
    }
    int err = 0;
    if (!S_ISREG(st.st_mode) || st.st_size == 0 || (uint64_t)st.st_size > INITRD_MAX)
        err = vm_fail(vm, -EINVAL, "cannot use initrd '%s': it must be a file of 1 byte to 2 GiB",
                      path);
    board->initrd_size = err ? 0 : (uint64_t)st.st_size;
    board->initrd = err ? NULL : malloc(board->initrd_size);
    if (!err && !board->initrd)
        err = vm_fail(vm, -ENOMEM, "cannot read initrd '%s': %s", path, strerror(ENOMEM));
    for (uint64_t done = 0; !err && done < board->initrd_size;) {
        ssize_t n = read(fd, board->initrd + done, board->initrd_size - done);
        if (n > 0)
            done += (uint64_t)n;
        else if (n == 0 || errno != EINTR)
            err = vm_fail(vm, n ? -errno : -EIO, "cannot read initrd '%s': %s", path,
                          n ? strerror(errno) : "it has become shorter");
    }
    close(fd);
    return err;
}

/* The page sizes that a new vCPU will have: ID_AA64MMFR0_EL1 TGran4, TGran16, TGran64. */
static unsigned cpu_granules(void)
{
    uint64_t mmfr0 = 0;
    unsigned granules = LINUX_PAGE_4K;
    hv_vcpu_config_t config = hv_vcpu_config_create();
    if (!config)
        return granules;
    if (hv_vcpu_config_get_feature_reg(config, HV_FEATURE_REG_ID_AA64MMFR0_EL1, &mmfr0) ==
        HV_SUCCESS) {
        granules = (mmfr0 >> 28 & 15) != 15 ? LINUX_PAGE_4K : 0;
        granules |= (mmfr0 >> 20 & 15) != 0 ? LINUX_PAGE_16K : 0;
        granules |= (mmfr0 >> 24 & 15) != 15 ? LINUX_PAGE_64K : 0;
    }
    os_release(config);
    return granules;
}

static int plan_linux(struct vm *vm, struct board *board)
{
    struct linux_header header;
    struct vm_error error;
    uint64_t size = vm->mem.region[0].size;
    int err = linux_check(&vm->image, cpu_granules(), &header, &error);
    if (!err)
        err = linux_place(&board->layout, &header, vm->image.name, RAM_BASE, size,
                          board->initrd_size, DTB_MAX_SIZE, &error);
    if (err)
        return vm_fail(vm, err, "%s", error.text);
    vm->boot.pc = vm->boot.image_base = board->layout.kernel;
    return 0;
}

/* A program that is not Linux. The device tree goes where it leaves room: at the start of RAM,
 * where programs for this board look for it, or behind the program. */
static int plan_program(struct vm *vm, struct board *board)
{
    struct vm_error error;
    uint64_t low = RAM_BASE + RAW_OFFSET;
    if (vm->config.initrd)
        return vm_fail(vm, -EINVAL, "--initrd: guest '%s' is not a Linux kernel", vm->image.name);
    vm->boot.image_base = low;
    int err = image_check(&vm->image, &vm->mem, low, &error);
    if (err)
        return vm_fail(vm, err, "%s", error.text);
    vm->boot.pc = low;
    board->layout.dtb = RAM_BASE;
    if (vm->image.format != IMAGE_ELF)
        return 0;
    vm->boot.pc = vm->image.entry;
    if (vm->image.low - RAM_BASE < DTB_MAX_SIZE)
        board->layout.dtb = (vm->image.high + DTB_MAX_SIZE - 1) / DTB_MAX_SIZE * DTB_MAX_SIZE;
    if (!mem_at(&vm->mem, gpa(board->layout.dtb), DTB_MAX_SIZE))
        return vm_fail(vm, -EFAULT,
                       "guest '%s' leaves no room for the device tree (try a larger --memory)",
                       vm->image.name);
    return 0;
}

/* Does the last console= of the command line name the virtio console? */
static bool wants_virtio_console(const char *append)
{
    bool virtio = false;
    for (const char *at = append; at && (at = strstr(at, "console=")); at += 8)
        if (at == append || at[-1] == ' ')
            virtio = strncmp(at + 8, "hvc", 3) == 0;
    return virtio;
}

static int virt_plan(struct vm *vm)
{
    const char *why;
    if (!dtb_available(&why))
        return vm_fail(vm, -ENOTSUP, "machine 'virt' needs a device tree: %s", why);
    struct board *board = calloc(1, sizeof *board);
    if (!board)
        return vm_fail(vm, -ENOMEM, "out of memory");
    vm->board = board;
    board->input_to_virtio = wants_virtio_console(vm->config.append);
    int err = open_disks(vm, board);
    if (!err)
        err = read_initrd(vm, board);
    if (!err)
        err = vm->image.format == IMAGE_LINUX ? plan_linux(vm, board) : plan_program(vm, board);
    vm->boot.x0 = board->layout.dtb;
    return err;
}

/* ---- setup: the GIC and the devices ---- */

/* On a macOS before 15 the hv_gic_ functions are not there at all: ask before the first of them. */
static bool host_has_gic(void)
{
    struct vmm_backend info;
    for (unsigned i = 0; backend_info(i, &info); i++)
        if (info.chosen)
            return info.gic;
    return false;
}

static int setup_gic(struct vm *vm)
{
    if (!host_has_gic())
        return vm_fail(vm, -ENOTSUP,
                       "machine virt needs an interrupt controller, and %s here has none "
                       "(on a Mac it came with macOS 15)",
                       backend_title());
    hv_gic_config_t config = hv_gic_config_create();
    if (!config)
        return vm_fail(vm, -ENOMEM, "cannot create an interrupt controller");
    hv_return_t ret = hv_gic_config_set_distributor_base(config, GICD_BASE);
    if (ret == HV_SUCCESS)
        ret = hv_gic_config_set_redistributor_base(config, GICR_BASE);
    if (ret == HV_SUCCESS)
        ret = hv_gic_create(config);
    os_release(config);
    return ret == HV_SUCCESS ? 0 : vm_fail_hv(vm, ret, "cannot create an interrupt controller");
}

/* Boot loaders for this board look for their settings in flash. There is none, but the addresses
 * answer, as in a board with empty sockets: they read as zero and writes go nowhere. */
static void flash_destroy(struct device *dev)
{
    pthread_mutex_destroy(&dev->lock);
    free(dev);
}

static int create_flash(struct device **dev)
{
    static const struct device_ops ops = {
        .name = "flash",
        .widths = DEV_WIDTH_ANY,
        .destroy = flash_destroy,
    };
    struct device *d = calloc(1, sizeof *d);
    int err = d ? device_init(d, &ops, "flash", FLASH_SIZE) : -ENOMEM;
    if (err)
        free(d);
    else
        *dev = d;
    return err;
}

static int map_flash(struct vm *vm)
{
    struct board *board = vm->board;
    int err = mem_add(&board->flash, gpa(FLASH_BASE), FLASH_SIZE);
    if (err)
        return vm_fail(vm, err, "cannot reserve memory for the flash: %s", strerror(-err));
    hv_return_t ret =
        hv_vm_map(board->flash.region[0].host, FLASH_BASE, (size_t)FLASH_SIZE, HV_MEMORY_READ);
    return ret == HV_SUCCESS ? 0 : vm_fail_hv(vm, ret, "cannot map the flash");
}

/* Put a device on the bus, or destroy it. `err`: what creating it returned. */
static int attach(struct vm *vm, int err, const char *what, struct device *dev, uint64_t base,
                  unsigned spi)
{
    if (!err) {
        dev->base = base;
        dev->intid = spi ? SPI(spi) : 0;
        err = bus_attach(&vm->bus, dev);
        if (err)
            dev->ops->destroy(dev);
    }
    return err ? vm_fail(vm, err, "cannot create %s: %s", what, strerror(-err)) : 0;
}

static int attach_virtio(struct vm *vm, int err, struct virtio *v)
{
    struct board *board = vm->board;
    unsigned slot = board->slots++;
    return attach(vm, err, err ? "a virtio device" : v->dev.name, err ? NULL : &v->dev,
                  VIRTIO_BASE + (uint64_t)slot * VIRTIO_MMIO_SIZE, VIRTIO_SPI + slot);
}

static int setup_virtio(struct vm *vm)
{
    static const char *const names[VM_MAX_DISKS] = {
        "virtio-blk0", "virtio-blk1", "virtio-blk2", "virtio-blk3",
        "virtio-blk4", "virtio-blk5", "virtio-blk6", "virtio-blk7",
    };
    struct board *board = vm->board;
    struct virtio *v = NULL;
    struct device *empty = NULL;
    int err = 0;
    for (unsigned i = 0; i < vm->config.disks && !err; i++) {
        err = virtio_blk_create(&v, names[i], &vm->mem, board->disk[i], vm->config.disk[i].serial);
        if (!err)
            board->disk[i] = NULL;
        err = attach_virtio(vm, err, v);
    }
    if (!err) {
        err = virtio_console_create(&v, "virtio-console", &vm->mem, &vm->loop, &vm->console,
                                    board->input.timer);
        err = attach_virtio(vm, err, v);
        board->console = err ? NULL : v;
    }
    if (!err) {
        err = virtio_rng_create(&v, "virtio-rng", &vm->mem, &vm->loop);
        err = attach_virtio(vm, err, v);
    }
    if (err)
        return err;
    err = virtio_empty_create(&empty, VIRTIO_SLOTS - board->slots);
    return attach(vm, err, "virtio", empty, VIRTIO_BASE + (uint64_t)board->slots * VIRTIO_MMIO_SIZE,
                  0);
}

static size_t input_room(void *context)
{
    struct board *board = ((struct vm *)context)->board;
    return board->input_to_virtio ? virtio_console_room(board->console) : pl011_room(board->uart);
}

static void input_give(void *context, const uint8_t *data, size_t size)
{
    struct board *board = ((struct vm *)context)->board;
    if (board->input_to_virtio)
        virtio_console_input(board->console, data, size);
    else
        pl011_input(board->uart, data, (unsigned)size);
}

static void input_break(void *context)
{
    struct board *board = ((struct vm *)context)->board;
    pl011_break(board->uart);
}

static void input_quit(void *context)
{
    vm_stop(context, VM_END_INTERRUPT, SIGINT);
}

static void on_resize(void *context)
{
    struct vm *vm = context;
    struct board *board = vm->board;
    uint16_t columns, rows;
    if (term_size(vm->config.in_fd, &columns, &rows))
        virtio_console_resize(board->console, columns, rows);
}

static int start_input(struct vm *vm)
{
    static const struct input_ops ops = {
        .room = input_room,
        .give = input_give,
        .send_break = input_break,
        .quit = input_quit,
    };
    struct board *board = vm->board;
    int fd = vm->config.in_fd;
    on_resize(vm);
    int err = fd >= 0 ? term_raw(fd, &vm->loop, on_resize, vm) : 0;
    if (!err)
        err = input_start(&board->input, fd, &ops, vm);
    return err ? vm_fail(vm, err, "cannot use standard input: %s", strerror(-err)) : 0;
}

static int virt_setup(struct vm *vm)
{
    struct board *board = vm->board;
    struct device *dev = NULL;
    int err = input_init(&board->input, &vm->loop);
    if (err)
        return vm_fail(vm, err, "cannot set up the console's input");
    board->has_input = true;
    err = setup_gic(vm);
    if (!err)
        err = map_flash(vm);
    if (err)
        return err;
    err = create_flash(&dev);
    err = attach(vm, err, "the flash", dev, FLASH_BASE, 0);
    if (err)
        return err;
    err = pl011_create(&dev, &vm->console, &vm->loop, board->input.timer);
    err = attach(vm, err, "the UART", dev, UART_BASE, UART_SPI);
    if (err)
        return err;
    board->uart = dev;
    err = pl031_create(&dev, &vm->loop);
    err = attach(vm, err, "the clock", dev, RTC_BASE, RTC_SPI);
    if (!err)
        err = setup_virtio(vm);
    return err ? err : start_input(vm);
}

/* ---- load: at every start of the guest ---- */

static int build_dtb(struct vm *vm, void *to, size_t *used)
{
    const struct board *board = vm->board;
    struct dtb_config c = {
        .ram_base = RAM_BASE,
        .ram_size = vm->mem.region[0].size,
        .cpus = vm->cpus,
        .gicd_base = GICD_BASE,
        .gicd_size = GICD_SIZE,
        .gicr_base = GICR_BASE,
        .gicr_size = GICR_SIZE * vm->cpus,
        .bootargs = vm->config.append,
        .console = board->uart->name,
        .initrd = board->layout.initrd,
        .initrd_end = board->layout.initrd_end,
        .bus = &vm->bus,
    };
    for (unsigned i = 0; i < vm->cpus; i++)
        c.mpidr[i] = vm->vcpu[i].mpidr;
    int err = host_random(c.rng_seed, sizeof c.rng_seed);
    if (!err)
        err = host_random(&c.kaslr_seed, sizeof c.kaslr_seed);
    if (err)
        return vm_fail(vm, err, "the host has no random numbers: %s", strerror(-err));
    err = dtb_build(&c, to, DTB_MAX_SIZE, used);
    if (err == -ENOSPC)
        return vm_fail(vm, err, "the device tree is too large: shorten --append");
    return err ? vm_fail(vm, err, "cannot build the device tree") : 0;
}

/* --dump-dtb: for people and tools to look at; the guest does not run. */
static int dump_dtb(struct vm *vm, const void *dtb, size_t size)
{
    const char *path = vm->config.dump_dtb;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    int err = fd < 0 ? -errno : write_all(fd, dtb, size);
    if (fd >= 0 && close(fd) && !err)
        err = -errno;
    if (err)
        return vm_fail(vm, err, "cannot write the device tree to '%s': %s", path, strerror(-err));
    vm_stop(vm, VM_END_EXIT, 0);
    return 0;
}

static int virt_load(struct vm *vm)
{
    const struct board *board = vm->board;
    struct vm_error error;
    size_t dtb_size = 0;
    int err = image_reload(&vm->image, &error);
    if (!err)
        err = image_place(&vm->image, &vm->mem, vm->boot.image_base, &error);
    image_release(&vm->image);
    if (err)
        return vm_fail(vm, err, "%s", error.text);
    if (board->initrd &&
        mem_write(&vm->mem, gpa(board->layout.initrd), board->initrd, board->initrd_size))
        return vm_fail(vm, -EFAULT, "the initrd does not fit");
    void *dtb = mem_at(&vm->mem, gpa(board->layout.dtb), DTB_MAX_SIZE);
    if (!dtb)
        return vm_fail(vm, -EFAULT, "the device tree does not fit");
    err = build_dtb(vm, dtb, &dtb_size);
    if (!err && vm->config.dump_dtb)
        err = dump_dtb(vm, dtb, dtb_size);
    return err;
}

static int virt_reset(struct vm *vm)
{
    hv_return_t ret = hv_gic_reset();
    return ret == HV_SUCCESS ? 0 : vm_fail_hv(vm, ret, "cannot reset the interrupt controller");
}

static void virt_teardown(struct vm *vm)
{
    struct board *board = vm->board;
    term_restore();
    if (!board)
        return;
    if (board->has_input)
        input_stop(&board->input);
    for (unsigned i = 0; i < VM_MAX_DISKS; i++)
        disk_close(board->disk[i]);
    if (board->flash.count && vm->hv)
        hv_vm_unmap(FLASH_BASE, (size_t)FLASH_SIZE);
    mem_free(&board->flash);
    free(board->initrd);
    free(board);
    vm->board = NULL;
}

const struct machine machine_virt = {
    .name = "virt",
    .title = "GICv3, PL011, PL031, virtio: the memory map of the virt board",
    .ram_base = RAM_BASE,
    .ram_default = 512 << 20,
    .ram_min = 1 << 20,
    .max_cpus = 32,
    .gic = true,
    .plan = virt_plan,
    .setup = virt_setup,
    .load = virt_load,
    .reset = virt_reset,
    .teardown = virt_teardown,
};
