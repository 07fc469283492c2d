/* SPDX-License-Identifier: MIT */
/*
 * Input: reads lines and answers each in capitals, until the end of the input or "bye".
 *
 *     printf 'hello\nbye\n' | ./tinyvmm run -q guest/examples/echo.bin
 */
#include "lib.h"

static int read_line(char *line, size_t size)
{
    size_t n = 0;
    int c;
    while ((c = getchar()) >= 0 && c != '\n')
        if (n + 1 < size)
            line[n++] = (char)c;
    line[n] = 0;
    return c < 0 && n == 0 ? -1 : (int)n;
}

int main(void)
{
    char line[80];
    for (;;) {
        puts("> ");
        int n = read_line(line, sizeof(line));
        if (n < 0 || (n == 3 && memcmp(line, "bye", 3) == 0))
            break;
        for (int i = 0; i < n; i++)
            if (line[i] >= 'a' && line[i] <= 'z')
                line[i] = (char)(line[i] - 'a' + 'A');
        print("%s\n", line);
    }
    puts("\n");
    return 0;
}
