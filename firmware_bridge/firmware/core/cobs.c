#include "cobs.h"

void cobs_encode(uint8_t *frame, uint8_t length)
{
    uint8_t code_at = 0;
    for (uint8_t i = 1; i <= length; i++) {
        if (frame[i] == 0) {
            frame[code_at] = i - code_at;
            code_at = i;
        }
    }
    frame[code_at] = (uint8_t)(length + 1 - code_at);
}

int16_t cobs_decode(uint8_t *frame, uint8_t length)
{
    uint8_t code_at = 0;
    while (code_at < length) {
        uint8_t step = frame[code_at];
        if (step == 0 || step > length - code_at)
            return -1;
        frame[code_at] = 0;
        code_at += step;
    }
    return (int16_t)(length - 1);
}
