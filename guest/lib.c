/* SPDX-License-Identifier: MIT */
/*
 * The guest library. No state of its own; one vCPU.
 */
#include "lib.h"

void *memcpy(void *to, const void *from, size_t n)
{
    unsigned char *t = to;
    const unsigned char *f = from;
    while (n--)
        *t++ = *f++;
    return to;
}

void *memmove(void *to, const void *from, size_t n)
{
    unsigned char *t = to;
    const unsigned char *f = from;
    if (t <= f)
        return memcpy(to, from, n);
    while (n--)
        t[n] = f[n];
    return to;
}

void *memset(void *to, int byte, size_t n)
{
    unsigned char *t = to;
    while (n--)
        *t++ = (unsigned char)byte;
    return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const unsigned char *x = a, *y = b;
    for (; n--; x++, y++)
        if (*x != *y)
            return *x - *y;
    return 0;
}

size_t strlen(const char *text)
{
    size_t n = 0;
    while (text[n])
        n++;
    return n;
}

void putchar(char c)
{
    tinyvmm_call(TINYVMM_PUTCHAR, (unsigned char)c, 0);
}

void puts(const char *text)
{
    tinyvmm_call(TINYVMM_PUTS, (uint64_t)text, 0);
}

int getchar(void)
{
    int64_t c = tinyvmm_call(TINYVMM_GETCHAR, 0, 0);
    return c < 0 ? -1 : (int)c;
}

void exit(int status)
{
    tinyvmm_call(TINYVMM_EXIT_STATUS, (uint64_t)status & 0xff, 0);
    for (;;)
        __asm__ volatile("wfi");
}

uint64_t clock_ns(void)
{
    return (uint64_t)tinyvmm_call(TINYVMM_CLOCK, TINYVMM_CLOCK_RUNTIME, 0);
}

uint64_t vm_info(unsigned item)
{
    return (uint64_t)tinyvmm_call(TINYVMM_INFO, item, 0);
}

void exceptions_on(void)
{
    extern char exception_vectors[];
    __asm__ volatile("msr vbar_el1, %0\n\tisb" : : "r"(exception_vectors));
}

__attribute__((weak)) void on_exception(struct exception *e)
{
    print("exception %lu: esr 0x%lx, far 0x%lx, pc 0x%lx\n", e->vector, e->esr, e->far, e->pc);
    exit(1);
}

/* ---- print ---- */

/* A line is collected here, so that it costs one hypercall. */
struct out {
    char text[128];
    size_t used;
};

static void flush(struct out *o)
{
    if (o->used)
        tinyvmm_call(TINYVMM_WRITE, (uint64_t)o->text, o->used);
    o->used = 0;
}

static void put(struct out *o, char c)
{
    if (o->used == sizeof(o->text))
        flush(o);
    o->text[o->used++] = c;
}

static void put_padded(struct out *o, const char *text, size_t len, unsigned width, char pad)
{
    for (; width > len; width--)
        put(o, pad);
    while (len--)
        put(o, *text++);
}

static void put_number(struct out *o, uint64_t value, unsigned base, int negative, unsigned width,
                       char pad)
{
    char digits[24];
    char *at = digits + sizeof(digits);
    do
        *--at = "0123456789abcdef"[value % base];
    while (value /= base);
    if (negative)
        *--at = '-';
    put_padded(o, at, (size_t)(digits + sizeof(digits) - at), width, pad);
}

/* One conversion; returns what follows it. The arguments come as their address, since a va_list may
 * be an array. */
static const char *convert(struct out *o, const char *f, va_list *args)
{
    char pad = ' ';
    unsigned width = 0, is_long = 0;
    if (*f == '0')
        pad = *f++;
    while (*f >= '0' && *f <= '9')
        width = width * 10 + (unsigned)(*f++ - '0');
    while (*f == 'l') {
        is_long = 1;
        f++;
    }
    if (*f == 'd') {
        int64_t v = is_long ? va_arg(*args, int64_t) : va_arg(*args, int);
        put_number(o, v < 0 ? -(uint64_t)v : (uint64_t)v, 10, v < 0, width, pad);
    } else if (*f == 'u' || *f == 'x') {
        uint64_t v = is_long ? va_arg(*args, uint64_t) : va_arg(*args, unsigned);
        put_number(o, v, *f == 'x' ? 16 : 10, 0, width, pad);
    } else if (*f == 'p') {
        put_padded(o, "0x", 2, 0, ' ');
        put_number(o, (uint64_t)va_arg(*args, void *), 16, 0, width, pad);
    } else if (*f == 's') {
        const char *s = va_arg(*args, const char *);
        put_padded(o, s, strlen(s), width, ' ');
    } else if (*f == 'c') {
        put(o, (char)va_arg(*args, int));
    } else {
        put(o, *f);
    }
    return f + 1;
}

void print(const char *format, ...)
{
    struct out o = {.used = 0};
    va_list args;
    va_start(args, format);
    while (*format) {
        if (*format == '%' && format[1])
            format = convert(&o, format + 1, &args);
        else
            put(&o, *format++);
    }
    va_end(args);
    flush(&o);
}
