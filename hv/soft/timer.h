/* SPDX-License-Identifier: MIT */
/* The generic timer of a vCPU (timer.c). Owner thread unless said otherwise. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct cpu;

enum timer_kind { TIMER_VIRTUAL, TIMER_PHYSICAL };

/* Mach time, for a guest that reads a counter: serves a deadline that has passed before long. So
 * does timer_ctl() if its answer is that the condition is met. */
uint64_t timer_read_clock(struct cpu *c);
bool timer_condition(const struct cpu *c, enum timer_kind kind); /* ISTATUS */
uint64_t timer_ctl(struct cpu *c, enum timer_kind kind);         /* CNTx_CTL as a guest reads it */
bool timer_line(const struct cpu *c, enum timer_kind kind);      /* the interrupt line */
void timer_forget(struct cpu *c);                                /* before the vCPU goes */
void timer_reset_alarms(void);                                   /* a new VM begins; any thread */
void timer_after_fork(void); /* in the child: the parent's thread is not there */

/* Set the levels of PPI 27 and 30 (soft_gic.c; nothing without a GIC). */
void timer_drive_gic(struct cpu *c, bool virt, bool phys);
