#!/bin/sh
# SPDX-License-Identifier: MIT
# bin2header.sh NAME FILE: the bytes of FILE as a C array, twelve to a line.
set -eu
name=$1
file=$2
cat <<END
/* SPDX-License-Identifier: MIT */
/* Made by \`make demo_guest.h\` from guest.S: do not edit. */
#pragma once

static const unsigned char $name[] = {
END
od -An -v -tx1 "$file" | tr -s ' \n' '\n' | sed '/^$/d; s/^/0x/; s/$/,/' |
    awk '{ line = line (n % 12 ? " " : "    ") $0; if (++n % 12 == 0) { print line; line = "" } }
         END { if (line != "") print line }'
echo '};'
