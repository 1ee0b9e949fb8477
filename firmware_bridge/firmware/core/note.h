/* The note of CAL_SET: up to 48 bytes that outlive a reset, guarded by length, its complement and a crc-32. */
#ifndef NOTE_H
#define NOTE_H

#include <stdbool.h>
#include <stdint.h>

enum note_state { NOTE_IDLE, NOTE_WRITING, NOTE_STORED, NOTE_FAILED };

void note_load(void);

/* Bytes of the note; `*length` is 0 when there is none. */
const uint8_t *note_bytes(uint8_t *length);

/* Its crc-32, 0 when there is none. */
uint32_t note_hash(void);

/* Whether the memory holds something that is neither a note nor blank. */
bool note_is_damaged(void);

/* Begin to write a note of at most MAX_NOTE_BYTES; one byte at a time, because an EEPROM takes 3.4 ms for each. */
void note_store(const uint8_t *bytes, uint8_t length);

/* Go on writing. STORED and FAILED are told once. */
enum note_state note_poll(void);

#endif
