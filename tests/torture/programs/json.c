/* SPDX-License-Identifier: MIT */
/* A JSON reader and writer: random documents are written, read, and written again. */
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { NUL, FALSE, TRUE, NUMBER, STRING, ARRAY, OBJECT };
struct value {
    enum kind kind;
    double number;
    char *text;
    struct value **items;
    char **keys;
    size_t count;
};

static uint32_t rng = 2463534242u;
static uint32_t rnd(uint32_t n)
{
    rng ^= rng << 13, rng ^= rng >> 17, rng ^= rng << 5;
    return rng % n;
}

static char *random_text(void)
{
    const size_t n = rnd(12);
    char *s = calloc(1, n + 1);
    for (size_t i = 0; i < n; i++)
        s[i] = "abc \"\\/\n\tz\x01\xc3"[rnd(12)];
    return s;
}

static struct value *make(unsigned depth)
{
    struct value *v = calloc(1, sizeof *v);
    v->kind = (enum kind)rnd(depth ? 7 : 5);
    if (v->kind == NUMBER) {
        const double parts[] = {rnd(1000), -(double)rnd(100000) / 7, rnd(1u << 31) * 1e-20,
                                rnd(1u << 31) * 1e200, 0.1 * rnd(10)};
        v->number = parts[rnd(5)];
    }
    if (v->kind == STRING)
        v->text = random_text();
    if (v->kind >= ARRAY) {
        v->count = rnd(7);
        v->items = calloc(v->count + 1, sizeof *v->items);
        v->keys = calloc(v->count + 1, sizeof *v->keys);
        for (size_t i = 0; i < v->count; i++) {
            v->items[i] = make(depth - 1);
            v->keys[i] = v->kind == OBJECT ? random_text() : NULL;
        }
    }
    return v;
}

struct text {
    char *s;
    size_t used, size;
};

static void add(struct text *t, const char *s)
{
    const size_t n = strlen(s);
    if (t->used + n + 1 > t->size)
        t->s = realloc(t->s, t->size = 2 * (t->used + n + 32));
    memcpy(t->s + t->used, s, n + 1);
    t->used += n;
}

static void add_string(struct text *t, const char *s)
{
    char one[8];
    add(t, "\"");
    for (; *s; s++) {
        const unsigned char c = (unsigned char)*s;
        snprintf(one, sizeof one, c == '"' || c == '\\' ? "\\%c" : c < 32 ? "\\u%04x" : "%c", c);
        add(t, one);
    }
    add(t, "\"");
}

static void write_value(struct text *t, const struct value *v)
{
    static const char *const words[] = {"null", "false", "true"};
    char number[40];
    switch (v->kind) {
    case NUMBER:
        snprintf(number, sizeof number, "%.17g", v->number);
        add(t, number);
        break;
    case STRING: add_string(t, v->text); break;
    case ARRAY:
    case OBJECT:
        add(t, v->kind == ARRAY ? "[" : "{");
        for (size_t i = 0; i < v->count; i++) {
            add(t, i ? "," : "");
            if (v->kind == OBJECT)
                add_string(t, v->keys[i]), add(t, ":");
            write_value(t, v->items[i]);
        }
        add(t, v->kind == ARRAY ? "]" : "}");
        break;
    default: add(t, words[v->kind]);
    }
}

static jmp_buf bad;

static char *read_string(const char **p)
{
    char *s = malloc(strlen(*p) + 1);
    size_t n = 0;
    if (*(*p)++ != '"')
        longjmp(bad, 1);
    while (**p != '"') {
        if (!**p)
            longjmp(bad, 2);
        if (**p != '\\') {
            s[n++] = *(*p)++;
        } else if ((*p)[1] == 'u') {
            char hex[5] = {0};
            memcpy(hex, *p + 2, 4);
            s[n++] = (char)strtoul(hex, NULL, 16);
            *p += 6;
        } else {
            s[n++] = (*p)[1];
            *p += 2;
        }
    }
    s[n] = 0;
    (*p)++;
    return s;
}

static struct value *read_value(const char **p)
{
    static const char *const words[] = {"null", "false", "true"};
    struct value *v = calloc(1, sizeof *v);
    for (int k = 0; k < 3; k++)
        if (strncmp(*p, words[k], strlen(words[k])) == 0) {
            *p += strlen(words[k]);
            v->kind = (enum kind)k;
            return v;
        }
    if (**p == '"') {
        v->kind = STRING;
        v->text = read_string(p);
        return v;
    }
    if (**p == '[' || **p == '{') {
        const char last = (char)(**p + 2);
        v->kind = **p == '[' ? ARRAY : OBJECT;
        for (++*p; **p != last; *p += **p == ',') {
            v->items = realloc(v->items, (v->count + 1) * sizeof *v->items);
            v->keys = realloc(v->keys, (v->count + 1) * sizeof *v->keys);
            v->keys[v->count] = NULL;
            if (v->kind == OBJECT) {
                v->keys[v->count] = read_string(p);
                if (*(*p)++ != ':')
                    longjmp(bad, 3);
            }
            v->items[v->count++] = read_value(p);
        }
        ++*p;
        return v;
    }
    char *end;
    v->kind = NUMBER;
    v->number = strtod(*p, &end);
    if (end == *p)
        longjmp(bad, 4);
    *p = end;
    return v;
}

int main(void)
{
    for (volatile int n = 0; n < 60; n++) {
        struct text a = {0}, b = {0};
        add(&a, "");
        add(&b, "");
        write_value(&a, make(5));
        const char *p = a.s;
        write_value(&b, read_value(&p));
        uint32_t sum = 0;
        for (size_t i = 0; i < a.used; i++)
            sum = sum * 31 + (unsigned char)a.s[i];
        printf("%d: %zu bytes, %08x, %s", n, a.used, sum, strcmp(a.s, b.s) ? "WRONG" : "same");
        a.s[rnd((uint32_t)a.used)] = 0;
        p = a.s;
        const int reason = setjmp(bad);
        if (!reason)
            read_value(&p);
        printf(", cut: %d\n", reason);
        if (a.used < 200)
            printf("%s\n", b.s);
    }
    return 0;
}
