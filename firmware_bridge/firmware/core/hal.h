/* What the core asks of a microcontroller. Three implementations: avr/, host/ (tests) and arduino/. */
#ifndef HAL_H
#define HAL_H

#include <stdbool.h>
#include <stdint.h>

/* Microseconds since the reset; wraps at 2^32. */
uint32_t hal_now_us(void);

/* Take one received byte; false when there is none. For a zero, `*arrived_us` becomes the time of its arrival. */
bool hal_receive(uint8_t *byte, uint32_t *arrived_us);

/* Whether a byte was damaged or lost since the last call. */
bool hal_receive_error(void);

/* Queue all bytes, or none and return false, when fewer than `length + reserve` are free. */
bool hal_send(const uint8_t *bytes, uint8_t length, uint8_t reserve);

/* Cells whose conversion waits to be read, bit k = cell k; `*ready_us` is when the last of them became ready. */
uint16_t hal_ready(uint32_t *ready_us);

/* Read the cells of `ready` into `counts[N_CELLS]`; those whose value can be trusted. */
uint16_t hal_convert(uint16_t ready, int32_t *counts);

/* Lines that are pressed now, bit k = line k. */
uint8_t hal_buttons(void);

/* Memory that outlives a reset, 54 bytes. hal_memory_write returns false while an earlier write is under way. */
uint8_t hal_memory_read(uint8_t address);
bool hal_memory_write(uint8_t address, uint8_t value);

uint8_t hal_reset_cause(void);
uint64_t hal_uid(void);

/* Reset once all that is queued has been sent. */
void hal_reboot(void);

#endif
