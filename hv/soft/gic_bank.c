/* SPDX-License-Identifier: MIT */
/*
 * The registers that distributor and redistributor have in common, over a bank of 32 interrupts,
 * and the access to a register file by table: width rules, guest and restore families. With the
 * lock held.
 */
#include "gic_model.h"

#include <string.h>

static struct gic_bank *bank_of(struct gic *g, struct gic_vcpu *v, unsigned n)
{
    return v ? &v->bank : &g->bank[n];
}

/* All but what hardware fixes and drives: the input lines stay. */
void gic_bank_reset(struct gic_bank *b)
{
    b->group = b->enable = b->latch = b->active = b->edge = 0;
    memset(b->prio, 0, sizeof b->prio);
}

uint64_t gic_group_read(struct gic *g, struct gic_vcpu *v, unsigned n)
{
    return bank_of(g, v, n)->group;
}

void gic_group_write(struct gic *g, struct gic_vcpu *v, unsigned n, uint64_t value)
{
    struct gic_bank *b = bank_of(g, v, n);
    uint32_t old = b->group;
    b->group = (uint32_t)value & b->valid;
    gic_bank_changed(g, v, n, old ^ b->group);
}

uint64_t gic_enable_read(struct gic *g, struct gic_vcpu *v, unsigned n)
{
    return bank_of(g, v, n)->enable;
}

void gic_enable_set(struct gic *g, struct gic_vcpu *v, unsigned n, uint64_t value)
{
    struct gic_bank *b = bank_of(g, v, n);
    b->enable |= (uint32_t)value & b->valid;
    gic_bank_changed(g, v, n, (uint32_t)value & b->valid);
}

void gic_enable_clear(struct gic *g, struct gic_vcpu *v, unsigned n, uint64_t value)
{
    struct gic_bank *b = bank_of(g, v, n);
    b->enable &= ~(uint32_t)value;
    gic_bank_changed(g, v, n, (uint32_t)value & b->valid);
}

uint64_t gic_pending_read(struct gic *g, struct gic_vcpu *v, unsigned n)
{
    const struct gic_bank *b = bank_of(g, v, n);
    return b->latch | (b->line & ~b->edge);
}

uint64_t gic_latch_read(struct gic *g, struct gic_vcpu *v, unsigned n)
{
    return bank_of(g, v, n)->latch;
}

/* Also for a level interrupt a write latches: it stays pending without its line until it is
 * acknowledged or cleared; and a clear does not help against a line that is up (GIC 12.9,
 * GICD_ICPENDR). */
void gic_pending_set(struct gic *g, struct gic_vcpu *v, unsigned n, uint64_t value)
{
    struct gic_bank *b = bank_of(g, v, n);
    b->latch |= (uint32_t)value & b->valid;
    gic_bank_changed(g, v, n, (uint32_t)value & b->valid);
}

void gic_pending_clear(struct gic *g, struct gic_vcpu *v, unsigned n, uint64_t value)
{
    struct gic_bank *b = bank_of(g, v, n);
    b->latch &= ~(uint32_t)value;
    gic_bank_changed(g, v, n, (uint32_t)value & b->valid);
}

uint64_t gic_active_read(struct gic *g, struct gic_vcpu *v, unsigned n)
{
    return bank_of(g, v, n)->active;
}

void gic_active_set(struct gic *g, struct gic_vcpu *v, unsigned n, uint64_t value)
{
    struct gic_bank *b = bank_of(g, v, n);
    b->active |= (uint32_t)value & b->valid;
    gic_bank_changed(g, v, n, (uint32_t)value & b->valid);
}

void gic_active_clear(struct gic *g, struct gic_vcpu *v, unsigned n, uint64_t value)
{
    struct gic_bank *b = bank_of(g, v, n);
    b->active &= ~(uint32_t)value;
    gic_bank_changed(g, v, n, (uint32_t)value & b->valid);
}

/* Four priorities a register, eight registers a bank. */
uint64_t gic_priority_read(struct gic *g, struct gic_vcpu *v, unsigned n)
{
    const uint8_t *p = &bank_of(g, v, n / 8)->prio[n % 8 * 4];
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

void gic_priority_write(struct gic *g, struct gic_vcpu *v, unsigned n, uint64_t value)
{
    struct gic_bank *b = bank_of(g, v, n / 8);
    unsigned first = n % 8 * 4;
    for (unsigned i = 0; i < 4; i++) {
        if (b->valid >> (first + i) & 1) {
            b->prio[first + i] = (uint8_t)(value >> (i * 8) & GIC_PRIO_MASK);
        }
    }
    gic_bank_changed(g, v, n / 8, 0xfu << first & b->valid);
}

/* Two bits an interrupt, the upper one is "edge"; two registers a bank. SGIs are always
 * edge-triggered and our PPIs always level: neither can be changed. */
uint64_t gic_config_read(struct gic *g, struct gic_vcpu *v, unsigned n)
{
    if (v) {
        return n == 0 ? 0xaaaaaaaau : 0;
    }
    uint32_t half = g->bank[n / 2].edge >> (n % 2 * 16) & 0xffff, value = 0;
    for (; half; half &= half - 1) {
        value |= 2u << (2 * __builtin_ctz(half));
    }
    return value;
}

void gic_config_write(struct gic *g, struct gic_vcpu *v, unsigned n, uint64_t value)
{
    struct gic_bank *b = bank_of(g, v, n / 2);
    uint32_t edge = 0, mask = 0xffffu << (n % 2 * 16) & b->config;
    for (unsigned i = 0; i < 16; i++) {
        edge |= (uint32_t)(value >> (2 * i + 1) & 1) << (n % 2 * 16 + i);
    }
    if (v) {
        return;
    }
    b->edge = (b->edge & ~mask) | (edge & mask);
    gic_bank_changed(g, NULL, n / 2, mask);
}

uint64_t gic_iidr_read(struct gic *g, struct gic_vcpu *v, unsigned n)
{
    (void)g, (void)v, (void)n;
    return GIC_IIDR;
}

uint64_t gic_pidr2_read(struct gic *g, struct gic_vcpu *v, unsigned n)
{
    (void)g, (void)v, (void)n;
    return GIC_PIDR2;
}

/* ---- access by table
 * -------------------------------------------------------------------------------- */

static const struct gic_reg *row_at(const struct gic_reg *rows, size_t count, uint32_t offset)
{
    for (size_t i = 0; i < count; i++) {
        if (offset - rows[i].offset < (uint32_t)rows[i].count * rows[i].size) {
            return &rows[i];
        }
    }
    return NULL;
}

/* Access sizes of GIC 12.1.3: whole registers, halves of 64-bit ones, bytes where the table says
 * so. */
static bool width_ok(const struct gic_reg *r, uint32_t offset, unsigned size)
{
    if (offset % size) {
        return false;
    }
    return size == r->size || (size == 4 && r->size == 8) || (size == 1 && r->bytes);
}

static uint64_t low_bits(unsigned bytes)
{
    return bytes == 8 ? UINT64_MAX : (1ull << (bytes * 8)) - 1;
}

uint64_t gic_reg_read(struct gic *g, struct gic_vcpu *v, const struct gic_reg *rows, size_t count,
                      uint32_t offset, unsigned size)
{
    const struct gic_reg *r = row_at(rows, count, offset);
    if (!r || !r->read || !width_ok(r, offset, size)) {
        return 0;
    }
    uint64_t whole = r->read(g, v, (offset - r->offset) / r->size);
    return whole >> (offset % r->size * 8) & low_bits(size);
}

void gic_reg_write(struct gic *g, struct gic_vcpu *v, const struct gic_reg *rows, size_t count,
                   uint32_t offset, unsigned size, uint64_t value)
{
    const struct gic_reg *r = row_at(rows, count, offset);
    if (!r || !r->write || !width_ok(r, offset, size)) {
        return;
    }
    unsigned n = (offset - r->offset) / r->size, shift = offset % r->size * 8;
    if (size != r->size) { /* plain registers only: the rest is read and written back */
        uint64_t keep = r->read(g, v, n) & ~(low_bits(size) << shift);
        value = keep | (value & low_bits(size)) << shift;
    }
    r->write(g, v, n, value);
}

bool gic_reg_get(struct gic *g, struct gic_vcpu *v, const struct gic_reg *rows, size_t count,
                 uint32_t offset, uint64_t *value)
{
    const struct gic_reg *r = row_at(rows, count, offset);
    if (!r || !r->read || (offset - r->offset) % r->size) {
        return false;
    }
    *value = (r->get ? r->get : r->read)(g, v, (offset - r->offset) / r->size);
    return true;
}

bool gic_reg_set(struct gic *g, struct gic_vcpu *v, const struct gic_reg *rows, size_t count,
                 uint32_t offset, uint64_t value)
{
    const struct gic_reg *r = row_at(rows, count, offset);
    if (!r || !r->read || (offset - r->offset) % r->size) {
        return false;
    }
    if (r->write) {
        r->write(g, v, (offset - r->offset) / r->size, value);
    }
    return true;
}
