#include "crc.h"

uint16_t crc16(const uint8_t *data, uint8_t length)
{
    uint16_t crc = 0xFFFF;
    while (length--) {
        uint8_t x = (uint8_t)((crc >> 8) ^ *data++);
        x ^= x >> 4;
        crc = (uint16_t)((crc << 8) ^ ((uint16_t)x << 12) ^ ((uint16_t)x << 5) ^ x);
    }
    return crc;
}

uint32_t crc32(const uint8_t *data, uint8_t length)
{
    uint32_t crc = 0xFFFFFFFFUL;
    while (length--) {
        crc ^= *data++;
        for (uint8_t bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (crc & 1 ? 0xEDB88320UL : 0);
    }
    return ~crc;
}
