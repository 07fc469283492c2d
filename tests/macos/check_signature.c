/* SPDX-License-Identifier: MIT */
/*
 * Does a Mach-O program carry an ad-hoc code signature with the hypervisor entitlement?
 *
 *   check_signature PROGRAM        says what it found; status 0 if all is there
 *
 * Formats: <mach-o/loader.h> for the load commands; the signature is a SuperBlob of big-endian
 * blobs (magic, length), found by slot. What cannot be checked off a Mac: that the kernel accepts
 * it.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MH_MAGIC_64       0xfeedfacfu
#define CPU_TYPE_ARM64    0x0100000cu
#define LC_CODE_SIGNATURE 0x1du
#define LC_BUILD_VERSION  0x32u
#define SUPER_BLOB        0xfade0cc0u
#define CODE_DIRECTORY    0xfade0c02u
#define ENTITLEMENTS      0xfade7171u
#define SLOT_CODE         0u
#define SLOT_ENTITLEMENTS 5u
#define FLAG_ADHOC        2u
#define ENTITLEMENT       "<key>com.apple.security.hypervisor</key>"

static uint8_t *file;
static size_t size;

static uint32_t little(size_t at)
{
    uint32_t v = 0;
    if (at + 4 <= size)
        memcpy(&v, file + at, 4);
    return v;
}

static uint32_t big(size_t at)
{
    return __builtin_bswap32(little(at));
}

static bool say(bool ok, const char *what)
{
    printf("%s - %s\n", ok ? "ok" : "not ok", what);
    return ok;
}

static bool load(const char *name)
{
    FILE *f = fopen(name, "rb");
    if (!f)
        return false;
    fseek(f, 0, SEEK_END);
    size = (size_t)ftell(f);
    rewind(f);
    file = malloc(size);
    bool ok = file && fread(file, 1, size, f) == size;
    fclose(f);
    return ok;
}

/* Offset of the first load command of this kind, 0 if there is none. */
static size_t command(uint32_t kind)
{
    size_t at = 32;
    for (uint32_t left = little(16); left && at + 8 <= size; left--) {
        if (little(at) == kind)
            return at;
        at += little(at + 4);
    }
    return 0;
}

/* Offset of the blob in this slot, 0 if there is none. */
static size_t slot(size_t super, uint32_t wanted)
{
    uint32_t count = big(super + 8);
    for (uint32_t i = 0; i < count && i < 16; i++)
        if (big(super + 12 + 8 * i) == wanted)
            return super + big(super + 16 + 8 * i);
    return 0;
}

static bool has_entitlement(size_t blob)
{
    size_t length = blob ? big(blob + 4) : 0;
    if (length < 8 || blob + length > size)
        return false;
    char *text = strndup((const char *)file + blob + 8, length - 8);
    const char *key = text ? strstr(text, ENTITLEMENT) : NULL;
    bool ok = key && strspn(key + strlen(ENTITLEMENT), " \t\r\n") ==
                         (size_t)(strstr(key, "<true/>") - key) - strlen(ENTITLEMENT);
    free(text);
    return ok;
}

int main(int argc, char **argv)
{
    if (argc != 2 || !load(argv[1])) {
        fprintf(stderr, "usage: check_signature PROGRAM\n");
        return 2;
    }
    bool ok = say(little(0) == MH_MAGIC_64 && little(4) == CPU_TYPE_ARM64, "Mach-O for arm64");
    size_t build = command(LC_BUILD_VERSION), signature = command(LC_CODE_SIGNATURE);
    ok &= say(build && little(build + 8) == 1 && little(build + 12) == 11u << 16,
              "runs on macOS 11.0 and later");
    size_t super = signature ? little(signature + 8) : 0;
    ok &= say(super && big(super) == SUPER_BLOB, "has a code signature");
    size_t code = super ? slot(super, SLOT_CODE) : 0;
    ok &= say(code && big(code) == CODE_DIRECTORY && big(code + 12) & FLAG_ADHOC,
              "the signature is ad hoc");
    size_t entitlements = super ? slot(super, SLOT_ENTITLEMENTS) : 0;
    ok &= say(entitlements && big(entitlements) == ENTITLEMENTS && has_entitlement(entitlements),
              "the signature has com.apple.security.hypervisor");
    return !ok;
}
