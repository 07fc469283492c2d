/* SPDX-License-Identifier: MIT */
/*
 * A guest that runs one statically linked Linux program at EL0, for machine tiny: the same bytes
 * run under qemu-aarch64, so that all output must agree. It loads the ELF file that kernel.S
 * includes, maps the program's addresses page by page to other physical ones, and answers the few
 * system calls that a C library needs for memory and output; all else is -ENOSYS. An exception that
 * is no system call ends the VM with status 99.
 */
#include <elf.h>
#include <stddef.h>
#include <stdint.h>

#include "tinyvmm.h"

#define PAGE       4096ul
#define USER_BEGIN 0x400000ul
#define USER_END   0x4000000ul /* 64 MiB */
#define TO_PHYS    0x4000000ul /* what is added */
#define STACK_SIZE 0x400000ul
#define HEAP_END   (USER_END - STACK_SIZE - 0x1800000ul) /* mmap grows from here to the stack */

#define ENOSYS     38
#define ENOMEM     12
#define EBADF      9

struct frame {
    uint64_t x[31];
};

void kernel_main(void);
void trapped(struct frame *f);
void enter(uint64_t pc, uint64_t sp) __attribute__((noreturn));
void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);
extern const unsigned char program[];

static uint64_t level1[512] __attribute__((aligned(4096)));
static uint64_t level2[512] __attribute__((aligned(4096)));
static uint64_t level3[USER_END / 0x200000][512] __attribute__((aligned(4096)));
static uint64_t heap, mapped;

void *memcpy(void *to, const void *from, size_t n)
{
    unsigned char *t = to;
    for (const unsigned char *f = from; n--;)
        *t++ = *f++;
    return to;
}

void *memset(void *to, int byte, size_t n)
{
    for (unsigned char *t = to; n--;)
        *t++ = (unsigned char)byte;
    return to;
}

static void say(const char *text)
{
    tinyvmm_call(TINYVMM_PUTS, (uint64_t)text, 0);
}

static void end(uint64_t status)
{
    for (;;)
        tinyvmm_call(TINYVMM_EXIT_STATUS, status & 255, 0);
}

static void say_hex(const char *what, uint64_t value)
{
    char text[20] = {[16] = '\n'};
    for (int i = 0; i < 16; i++)
        text[i] = "0123456789abcdef"[value >> (60 - 4 * i) & 15];
    say(what);
    say(text);
}

/* ---- memory ---- */

static void *phys(uint64_t va)
{
    return (void *)(va + TO_PHYS);
}

/* The kernel's 4 MiB as blocks for itself alone; the program's pages, writable and executable at
 * EL0. Shareable write-back memory, access flag set. */
static void mmu_on(void)
{
    const uint64_t normal = 1u << 10 | 3u << 8;
    level1[0] = (uint64_t)level2 | 3;
    for (uint64_t pa = 0; pa < 0x10000000; pa += 0x200000) /* all of memory: the kernel's view */
        level2[pa >> 21] = pa | normal | 1ul << 54 | 1;
    for (uint64_t va = USER_BEGIN; va < USER_END; va += PAGE) {
        level2[va >> 21] = (uint64_t)level3[va >> 21] | 3;
        level3[va >> 21][va >> 12 & 511] =
            (va + TO_PHYS) | normal | 1ul << 11 | 1ul << 53 | 1u << 6 | 3;
    }
    __asm__ volatile("msr mair_el1, %0\n\tmsr tcr_el1, %1\n\tmsr ttbr0_el1, %2\n\tdsb sy\n\tisb\n\t"
                     "msr sctlr_el1, %3\n\tisb" ::"r"(0xfful),
                     "r"(25ul | 1ul << 8 | 1ul << 10 | 3ul << 12 | 1ul << 23 | 2ul << 32),
                     "r"(level1),
                     "r"(0x30d00800ul | 1 | 1ul << 2 | 1ul << 12 | 3ul << 14 | 1ul << 26)
                     : "memory");
}

static uint64_t load_program(uint64_t *phdr)
{
    const Elf64_Ehdr *e = (const void *)program;
    const Elf64_Phdr *p = (const void *)(program + e->e_phoff);
    for (unsigned n = 0; n < e->e_phnum; n++) {
        if (p[n].p_type != PT_LOAD)
            continue;
        if (p[n].p_vaddr < USER_BEGIN || p[n].p_vaddr + p[n].p_memsz > HEAP_END)
            end(98);
        memcpy(phys(p[n].p_vaddr), program + p[n].p_offset, p[n].p_filesz);
        if (p[n].p_offset == 0)
            *phdr = p[n].p_vaddr + e->e_phoff;
        heap = (p[n].p_vaddr + p[n].p_memsz + 2 * PAGE - 1) & ~(PAGE - 1);
    }
    return e->e_entry;
}

/* argc, argv, environment, auxiliary vector: System V ABI for AArch64. */
static uint64_t make_stack(uint64_t phdr, uint64_t entry)
{
    const Elf64_Ehdr *e = (const void *)program;
    const uint64_t top = USER_END - 64;
    memcpy(phys(top), "torture\0sixteen bytes...", 24);
    const uint64_t words[] = {1,         top,        0,         0, /* "torture", no environment */
                              AT_PHDR,   phdr,       AT_PHENT,  sizeof(Elf64_Phdr),
                              AT_PHNUM,  e->e_phnum, AT_PAGESZ, PAGE,
                              AT_ENTRY,  entry,      AT_RANDOM, top + 8,
                              AT_UID,    0,          AT_EUID,   0,
                              AT_GID,    0,          AT_EGID,   0,
                              AT_SECURE, 0,          AT_HWCAP,  3,
                              AT_CLKTCK, 100,        AT_NULL,   0};
    const uint64_t sp = (top - sizeof words) & ~15ul;
    memcpy(phys(sp), words, sizeof words);
    return sp;
}

/* ---- system calls: numbers of the Linux generic table ---- */

static int64_t sys_write(uint64_t fd, uint64_t va, uint64_t n)
{
    if (fd != 1 && fd != 2)
        return -EBADF;
    if (va < USER_BEGIN || va > USER_END || n > USER_END - va)
        return -14;
    for (uint64_t done = 0; done < n;) {
        uint64_t part = n - done < 4096 ? n - done : 4096;
        tinyvmm_call(TINYVMM_WRITE, va + TO_PHYS + done, part);
        done += part;
    }
    return (int64_t)n;
}

static int64_t sys_writev(uint64_t fd, uint64_t va, uint64_t count)
{
    int64_t sum = 0;
    for (uint64_t n = 0; n < count && va + 16 * n < USER_END; n++) {
        const uint64_t *part = phys(va + 16 * n);
        int64_t done = sys_write(fd, part[0], part[1]);
        if (done < 0)
            return done;
        sum += done;
    }
    return sum;
}

static int64_t sys_mmap(uint64_t size, uint64_t flags)
{
    size = (size + PAGE - 1) & ~(PAGE - 1);
    if (!(flags & 0x20) || size > USER_END - STACK_SIZE - mapped)
        return -ENOMEM;
    mapped += size;
    memset(phys(mapped - size), 0, size);
    return (int64_t)(mapped - size);
}

static int64_t system_call(struct frame *f)
{
    switch (f->x[8]) {
    case 64: return sys_write(f->x[0], f->x[1], f->x[2]);
    case 66: return sys_writev(f->x[0], f->x[1], f->x[2]);
    case 93: /* exit */
    case 94: /* exit_group */ end(f->x[0]); return 0;
    case 96: /* set_tid_address */ return 1;
    case 172: /* getpid */
    case 178: /* gettid */ return 1;
    case 214: /* brk */
        if (f->x[0] >= heap && f->x[0] <= HEAP_END) {
            memset(phys(heap), 0, f->x[0] - heap);
            heap = f->x[0];
        }
        return (int64_t)heap;
    case 215: /* munmap */
    case 226: /* mprotect */
    case 99: /* set_robust_list */ return 0;
    case 222: return sys_mmap(f->x[1], f->x[3]);
    default: return -ENOSYS;
    }
}

void trapped(struct frame *f)
{
    uint64_t esr, elr, far;
    __asm__ volatile("mrs %0, esr_el1\n\tmrs %1, elr_el1\n\tmrs %2, far_el1"
                     : "=r"(esr), "=r"(elr), "=r"(far));
    if (esr >> 26 == 0x15) {
        f->x[0] = (uint64_t)system_call(f);
        return;
    }
    say_hex("torture: exception, esr ", esr);
    say_hex("torture: at ", elr);
    say_hex("torture: far ", far);
    end(99);
}

void kernel_main(void)
{
    uint64_t phdr = 0;
    mapped = HEAP_END;
    mmu_on();
    uint64_t entry = load_program(&phdr);
    enter(entry, make_stack(phdr, entry));
}
