/* SPDX-License-Identifier: MIT */
/*
 * The device tree, with libfdt's sequential writer: nodes appear in the order of the calls, which
 * is the order in which Linux probes. Bindings: Documentation/devicetree/bindings of the Linux
 * kernel.
 *
 * Every helper continues only while no error has happened (w->err), so that callers read like the
 * tree.
 */
#include "dtb.h"

#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <string.h>

#define PHANDLE_GIC   1
#define PHANDLE_CLOCK 2
#define CLOCK_HZ      24000000

/* Interrupt specifier of arm,gic-v3: kind, number, trigger. */
#define GIC_SPI    0
#define GIC_PPI    1
#define LEVEL_HIGH 4

struct writer {
    void *fdt;
    int err;
};

static void begin(struct writer *w, const char *name)
{
    if (!w->err)
        w->err = fdt_begin_node(w->fdt, name);
}

static void begin_at(struct writer *w, const char *name, uint64_t address)
{
    char text[64];
    snprintf(text, sizeof text, "%s@%llx", name, (unsigned long long)address);
    begin(w, text);
}

static void end(struct writer *w)
{
    if (!w->err)
        w->err = fdt_end_node(w->fdt);
}

static void bytes(struct writer *w, const char *name, const void *data, size_t size)
{
    if (!w->err)
        w->err = fdt_property(w->fdt, name, data, (int)size);
}

static void flag(struct writer *w, const char *name)
{
    bytes(w, name, NULL, 0);
}

static void text(struct writer *w, const char *name, const char *value)
{
    bytes(w, name, value, strlen(value) + 1);
}

/* A list of strings, each with its NUL, ended by an empty one. */
static void list(struct writer *w, const char *name, const char *values)
{
    size_t size = 0;
    while (values[size])
        size += strlen(values + size) + 1;
    bytes(w, name, values, size);
}

static void cells(struct writer *w, const char *name, unsigned count, const uint32_t *value)
{
    fdt32_t cell[16];
    for (unsigned i = 0; i < count; i++)
        cell[i] = cpu_to_fdt32(value[i]);
    bytes(w, name, cell, 4 * count);
}

static void cell(struct writer *w, const char *name, uint32_t value)
{
    cells(w, name, 1, &value);
}

/* Addresses and sizes of two cells each. */
static void pairs(struct writer *w, const char *name, unsigned count, const uint64_t *value)
{
    fdt64_t raw[8];
    for (unsigned i = 0; i < count; i++)
        raw[i] = cpu_to_fdt64(value[i]);
    bytes(w, name, raw, 8 * count);
}

static void reg(struct writer *w, uint64_t base, uint64_t size)
{
    const uint64_t value[2] = {base, size};
    pairs(w, "reg", 2, value);
}

/* ---- nodes --------------------------------------------------------------------------------------
 */

static const struct device *console_device(const struct dtb_config *c)
{
    for (unsigned i = 0; c->console && i < c->bus->count; i++) {
        const struct device *dev = c->bus->device[i];
        if (dev->ops->node && strcmp(dev->name, c->console) == 0)
            return dev;
    }
    return NULL;
}

static void chosen(struct writer *w, const struct dtb_config *c)
{
    char path[64];
    const struct device *console = console_device(c);
    begin(w, "chosen");
    if (c->bootargs)
        text(w, "bootargs", c->bootargs);
    if (console) {
        snprintf(path, sizeof path, "/%s@%llx", console->ops->node->name,
                 (unsigned long long)console->base);
        text(w, "stdout-path", path);
    }
    if (c->initrd != c->initrd_end) {
        pairs(w, "linux,initrd-start", 1, &c->initrd);
        pairs(w, "linux,initrd-end", 1, &c->initrd_end);
    }
    pairs(w, "kaslr-seed", 1, &c->kaslr_seed);
    bytes(w, "rng-seed", c->rng_seed, sizeof c->rng_seed);
    end(w);
}

static void memory(struct writer *w, const struct dtb_config *c)
{
    begin_at(w, "memory", c->ram_base);
    text(w, "device_type", "memory");
    reg(w, c->ram_base, c->ram_size);
    end(w);
}

static void cpus(struct writer *w, const struct dtb_config *c)
{
    begin(w, "cpus");
    cell(w, "#address-cells", 1);
    cell(w, "#size-cells", 0);
    for (unsigned i = 0; i < c->cpus; i++) {
        uint32_t affinity = (uint32_t)(c->mpidr[i] & 0xffffff);
        begin_at(w, "cpu", affinity);
        text(w, "device_type", "cpu");
        text(w, "compatible", "arm,armv8");
        cell(w, "reg", affinity);
        text(w, "enable-method", "psci");
        end(w);
    }
    end(w);
}

static void firmware(struct writer *w)
{
    begin(w, "psci");
    list(w, "compatible", "arm,psci-1.0\0arm,psci-0.2\0");
    text(w, "method", "hvc");
    end(w);
}

static void timer(struct writer *w)
{
    /* Secure and non-secure physical, virtual, hypervisor: the PPIs that every system gives them.
     */
    static const uint32_t interrupts[12] = {GIC_PPI, 13, LEVEL_HIGH, GIC_PPI, 14, LEVEL_HIGH,
                                            GIC_PPI, 11, LEVEL_HIGH, GIC_PPI, 10, LEVEL_HIGH};
    begin(w, "timer");
    text(w, "compatible", "arm,armv8-timer");
    cells(w, "interrupts", 12, interrupts);
    flag(w, "always-on");
    end(w);
}

static void gic(struct writer *w, const struct dtb_config *c)
{
    const uint64_t value[4] = {c->gicd_base, c->gicd_size, c->gicr_base, c->gicr_size};
    begin_at(w, "interrupt-controller", c->gicd_base);
    text(w, "compatible", "arm,gic-v3");
    flag(w, "interrupt-controller");
    cell(w, "#interrupt-cells", 3);
    cell(w, "#address-cells", 0);
    cell(w, "#redistributor-regions", 1);
    pairs(w, "reg", 4, value);
    cell(w, "phandle", PHANDLE_GIC);
    end(w);
}

static void apb_clock(struct writer *w)
{
    begin(w, "apb-pclk");
    text(w, "compatible", "fixed-clock");
    cell(w, "#clock-cells", 0);
    cell(w, "clock-frequency", CLOCK_HZ);
    text(w, "clock-output-names", "clk24mhz");
    cell(w, "phandle", PHANDLE_CLOCK);
    end(w);
}

static void device(struct writer *w, const struct device *dev)
{
    static const uint32_t clocks[4] = {PHANDLE_CLOCK, PHANDLE_CLOCK, PHANDLE_CLOCK, PHANDLE_CLOCK};
    const struct device_node *node = dev->ops->node;
    const uint32_t interrupt[3] = {GIC_SPI, dev->intid - 32, LEVEL_HIGH};
    begin_at(w, node->name, dev->base);
    list(w, "compatible", node->compatible);
    reg(w, dev->base, dev->size);
    if (dev->intid)
        cells(w, "interrupts", 3, interrupt);
    if (node->clocks) {
        unsigned count = 0;
        for (const char *at = node->clocks; *at; at += strlen(at) + 1)
            count++;
        cells(w, "clocks", count < 4 ? count : 4, clocks);
        list(w, "clock-names", node->clocks);
    }
    if (node->dma)
        flag(w, "dma-coherent");
    end(w);
}

static void aliases(struct writer *w, const struct dtb_config *c)
{
    char path[64];
    const struct device *console = console_device(c);
    if (!console)
        return;
    begin(w, "aliases");
    snprintf(path, sizeof path, "/%s@%llx", console->ops->node->name,
             (unsigned long long)console->base);
    text(w, "serial0", path);
    end(w);
}

static void root(struct writer *w, const struct dtb_config *c)
{
    begin(w, "");
    text(w, "compatible", "linux,dummy-virt");
    text(w, "model", "linux,dummy-virt");
    cell(w, "#address-cells", 2);
    cell(w, "#size-cells", 2);
    cell(w, "interrupt-parent", PHANDLE_GIC);
    aliases(w, c);
    chosen(w, c);
    memory(w, c);
    cpus(w, c);
    firmware(w);
    timer(w);
    gic(w, c);
    apb_clock(w);
    for (unsigned i = 0; i < c->bus->count; i++)
        if (c->bus->device[i]->ops->node)
            device(w, c->bus->device[i]);
    end(w);
}

bool dtb_available(const char **why)
{
    *why = "";
    return true;
}

int dtb_build(const struct dtb_config *config, void *buf, size_t size, size_t *used)
{
    struct writer w = {.fdt = buf};
    w.err = fdt_create(buf, (int)size);
    if (!w.err)
        w.err = fdt_finish_reservemap(buf);
    root(&w, config);
    if (!w.err)
        w.err = fdt_finish(buf);
    if (w.err)
        return w.err == -FDT_ERR_NOSPACE ? -ENOSPC : -EINVAL;
    *used = fdt_totalsize(buf);
    return 0;
}
