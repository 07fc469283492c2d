/* SPDX-License-Identifier: MIT */
/*
 * elf2bin IN OUT: the raw bytes of an AArch64 program, for a host without objcopy.
 *
 * IN is an executable: its loadable segments from the lowest address on, gaps zeroed. Or an object
 * file: its .text, if that needs no linker; so any assembler that writes ELF can make the demo
 * guest.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define MAX_FILE (16u << 20)
#define ET_REL   1
#define PT_LOAD  1
#define SHT_RELA 4

static unsigned char in[MAX_FILE], out[MAX_FILE];
static size_t in_size, out_size;

static uint64_t field(uint64_t at, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = bytes; i-- > 0;)
        value = value << 8 | (at < in_size && i < in_size - at ? in[at + i] : 0);
    return value;
}

static int fail(const char *what)
{
    fprintf(stderr, "elf2bin: %s\n", what);
    return 1;
}

static int put(uint64_t to, uint64_t from, uint64_t length)
{
    if (from > in_size || length > in_size - from || to > MAX_FILE || length > MAX_FILE - to)
        return fail("a part lies outside the file, or too far away");
    memcpy(out + to, in + from, length);
    if (to + length > out_size)
        out_size = to + length;
    return 0;
}

static int is_named(uint64_t section, uint64_t names, const char *name)
{
    uint64_t at = names + field(section, 4);
    return at < in_size && in_size - at > strlen(name) && !strcmp((char *)in + at, name);
}

static int take_text(void)
{
    uint64_t sections = field(40, 8), count = field(60, 2), text = 0;
    uint64_t names = field(sections + field(62, 2) * 64 + 24, 8);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t s = sections + i * 64;
        if (is_named(s, names, ".text"))
            text = s;
        if (field(s + 4, 4) == SHT_RELA && is_named(s, names, ".rela.text"))
            return fail("the code needs a linker");
    }
    return text ? put(0, field(text + 24, 8), field(text + 32, 8)) : fail("no .text section");
}

static int take_segments(void)
{
    uint64_t headers = field(32, 8), count = field(56, 2), low = UINT64_MAX;
    for (int pass = 0; pass < 2; pass++)
        for (uint64_t i = 0; i < count; i++) {
            uint64_t p = headers + i * 56, address = field(p + 24, 8), length = field(p + 32, 8);
            if (field(p, 4) != PT_LOAD || length == 0)
                continue;
            if (pass == 0)
                low = address < low ? address : low;
            else if (put(address - low, field(p + 8, 8), length))
                return 1;
        }
    return low == UINT64_MAX ? fail("nothing to load") : 0;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return fail("usage: elf2bin IN OUT");
    FILE *file = fopen(argv[1], "rb");
    if (!file)
        return fail("cannot open the input");
    in_size = fread(in, 1, sizeof(in) - 1, file);
    fclose(file);
    if (in_size < 64 || memcmp(in, "\177ELF\2\1", 6))
        return fail("not a 64-bit little-endian ELF file");
    if (field(16, 2) == ET_REL ? take_text() : take_segments())
        return 1;
    file = fopen(argv[2], "wb");
    if (!file || fwrite(out, 1, out_size, file) != out_size || fclose(file))
        return fail("cannot write the output");
    return 0;
}
