/* Consistent overhead byte stuffing (Cheshire and Baker 1999), in place, for bodies of up to 253 bytes.
 *
 * A body that short has one byte of overhead and no 0xFF block: each zero becomes the distance to the next one, and the
 * byte before the body the distance to the first. */
#ifndef COBS_H
#define COBS_H

#include <stdint.h>

/* `frame` holds one free byte and then `length` bytes; after it, length + 1 bytes without a zero. */
void cobs_encode(uint8_t *frame, uint8_t length);

/* Inverse: `frame` holds `length` bytes; afterwards the body begins at frame + 1. Length of the body, or -1. */
int16_t cobs_decode(uint8_t *frame, uint8_t length);

#endif
