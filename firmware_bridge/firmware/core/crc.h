/* Check sums of the wire and of the note. */
#ifndef CRC_H
#define CRC_H

#include <stdint.h>

/* CRC-16/IBM-3740 (CCITT-FALSE); check value of "123456789": 0x29B1. */
uint16_t crc16(const uint8_t *data, uint8_t length);

/* CRC-32 as zlib's; check value 0xCBF43926. */
uint32_t crc32(const uint8_t *data, uint8_t length);

#endif
