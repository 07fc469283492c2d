/* SPDX-License-Identifier: MIT */
/* The access functions that sysreg.def names. Each is in the file of its topic: sysreg.c,
 * sysreg_id.c, sysreg_timer.c, debug.c. */
#pragma once

#include "cpu.h"

sysreg_read_fn debug_read_claimset, debug_read_mdscr, gic_read_icc, id_read_ccsidr, id_read_ctr,
    id_read_dczid, id_read_mpidr, read_currentel, read_daif, read_dit, read_fpcr, read_fpsr,
    read_isr, read_nzcv, read_pan, read_sp_el0, read_spsel, read_ssbs, read_uao, timer_read_frq,
    timer_read_pct, timer_read_pctl, timer_read_pcval, timer_read_ptval, timer_read_vct,
    timer_read_vctl, timer_read_vcval, timer_read_vtval;
sysreg_write_fn debug_write_breakpoint, debug_write_claimclr, debug_write_claimset,
    debug_write_mdscr, debug_write_oslar, debug_write_watchpoint, gic_write_icc, timer_write_pctl,
    timer_write_pcval, timer_write_ptval, timer_write_vctl, timer_write_vcval, timer_write_vtval,
    write_cpacr, write_daif, write_dit, write_fpcr, write_fpsr, write_nzcv, write_pan, write_sctlr,
    write_pac_key, write_sp_el0, write_spsel, write_ssbs, write_translation, write_uao;
