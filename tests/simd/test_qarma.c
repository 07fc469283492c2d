/* SPDX-License-Identifier: MIT */
/* QARMA5, by the host's instructions and without them: Avanzi's test vector (The QARMA Block Cipher
 * Family, 2017, appendix; 5 rounds, S-box 2), and each against the other. */
#include "../test.h"

#include "soft/pauth.h"

static uint64_t state = UINT64_C(88172645463325252);

static uint64_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static void knows_the_published_answer(void)
{
    const uint64_t w0 = UINT64_C(0x84be85ce9804e94b), k0 = UINT64_C(0xec2802d4e0a488e9);
    const uint64_t tweak = UINT64_C(0x477d469dec0b8762), data = UINT64_C(0xfb623599da6e8127);
    CHECK_EQ(pauth_qarma5(data, tweak, w0, k0), UINT64_C(0xc003b93999b33765));
    CHECK_EQ(pauth_qarma5_portable(data, tweak, w0, k0), UINT64_C(0xc003b93999b33765));
}

static void is_one_cipher(void)
{
    for (unsigned n = 0; n < 100000; n++) {
        const uint64_t data = next(), tweak = next(), hi = next(), lo = next();
        if (!CHECK_EQ(pauth_qarma5(data, tweak, hi, lo),
                      pauth_qarma5_portable(data, tweak, hi, lo)))
            break;
    }
}

int main(void)
{
    TEST(knows_the_published_answer);
    TEST(is_one_cipher);
    return test_done();
}
