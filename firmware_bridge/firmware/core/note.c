#include "note.h"

#include <string.h>

#include "crc.h"
#include "hal.h"
#include "wire.h"

/* length, its complement, crc-32, bytes: as in the EEPROM. */
#define GUARD_BYTES 6
#define BLANK 0xFF

static uint8_t record[GUARD_BYTES + MAX_NOTE_BYTES];
static bool valid;
static uint8_t next, end; /* writing: next byte, and where the record ends; equal: not writing */

static uint32_t stored_hash(void)
{
    return record[2] | (uint32_t)record[3] << 8 | (uint32_t)record[4] << 16 | (uint32_t)record[5] << 24;
}

/* Fill `record` from memory; whether it is a note (which may be empty). */
static bool read_record(void)
{
    for (uint8_t i = 0; i < sizeof record; i++)
        record[i] = hal_memory_read(i);
    uint8_t length = record[0];
    if (length > MAX_NOTE_BYTES || (length ^ record[1]) != 0xFF)
        return false;
    return (length ? crc32(record + GUARD_BYTES, length) : 0) == stored_hash();
}

void note_load(void)
{
    next = end = 0;
    valid = read_record() && record[0];
}

const uint8_t *note_bytes(uint8_t *length)
{
    *length = valid ? record[0] : 0;
    return record + GUARD_BYTES;
}

uint32_t note_hash(void)
{
    return valid ? stored_hash() : 0;
}

bool note_is_damaged(void)
{
    if (next != end || read_record())
        return false;
    valid = false;
    for (uint8_t i = 0; i < GUARD_BYTES; i++)
        if (record[i] != BLANK)
            return true;
    return false;
}

void note_store(const uint8_t *bytes, uint8_t length)
{
    uint32_t hash = length ? crc32(bytes, length) : 0;
    record[0] = length;
    record[1] = (uint8_t)~length;
    for (uint8_t i = 0; i < 4; i++)
        record[2 + i] = (uint8_t)(hash >> (8 * i));
    memcpy(record + GUARD_BYTES, bytes, length);
    valid = false;
    next = 0;
    end = GUARD_BYTES + length;
}

enum note_state note_poll(void)
{
    if (next == end)
        return NOTE_IDLE;
    if (!hal_memory_write(next, record[next]))
        return NOTE_WRITING;
    if (++next < end)
        return NOTE_WRITING;
    uint8_t length = record[0];
    uint32_t hash = stored_hash();
    next = end = 0;
    bool held = read_record() && record[0] == length && stored_hash() == hash;
    valid = held && length;
    return held ? NOTE_STORED : NOTE_FAILED;
}
