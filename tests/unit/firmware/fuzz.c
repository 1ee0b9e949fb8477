/* Random bytes into the board's ear, for the sanitizers: fuzz SEED BYTES KIND.
 *
 * KIND noise: any byte; zeros: a quarter are delimiters; damaged: whole commands with one to three wrong bytes, while
 * buttons and cells move. Prints how many commands the board answered. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

static uint64_t state;

static uint32_t draw(uint32_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32) % below;
}

static uint32_t write_damaged(uint8_t *out)
{
    uint8_t body[96];
    uint8_t n = (uint8_t)(3 + draw(92));
    for (uint8_t i = 0; i < n; i++)
        body[i] = (uint8_t)draw(256);
    body[0] = 1;
    body[1] = (uint8_t)(0x81 + draw(12));
    int32_t length = host_encode(body, n, out);
    for (uint32_t wrong = 1 + draw(3); wrong--;)
        out[draw((uint32_t)length)] ^= (uint8_t)(1 + draw(255));
    return (uint32_t)length;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    state = strtoull(argv[1], NULL, 10) * 0x9E3779B97F4A7C15ULL + 1;
    uint64_t left = strtoull(argv[2], NULL, 10);
    uint64_t delimiters = 0;
    static uint8_t bytes[256], sent[65536];
    host_reset(1, 0xFFF00000U); /* the clock wraps after a second */
    while (left) {
        uint32_t n;
        if (argv[3][0] == 'd') {
            n = write_damaged(bytes);
        } else {
            n = 1 + draw(sizeof bytes);
            for (uint32_t i = 0; i < n; i++)
                bytes[i] = argv[3][0] == 'z' && draw(4) == 0 ? 0 : (uint8_t)draw(256);
        }
        host_receive(bytes, n);
        left -= n < left ? n : left;
        if (draw(16) == 0) {
            if (argv[3][0] == 'd')
                host_set_buttons((uint8_t)draw(4));
            host_set_count(0, (int32_t)draw(1U << 24) - (1 << 23));
            host_run(1 + draw(3000));
        }
        for (uint32_t got; (got = host_sent(sent, sizeof sent));)
            for (uint32_t i = 0; i < got; i++)
                delimiters += sent[i] == 0;
    }
    printf("%llu\n", (unsigned long long)delimiters - 2); /* less those around BOOT */
    return 0;
}
