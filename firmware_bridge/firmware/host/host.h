/* A board without hardware: the test is its clock, its line, its cells, its buttons and its EEPROM. */
#ifndef HOST_H
#define HOST_H

#include <stdint.h>

#define HOST_MEMORY_BYTES 64

/* Switch on at `now_us` with a reset cause of wire.h; cells, buttons and memory stay as they are. */
void host_reset(uint8_t cause, uint32_t now_us);

/* Time passes in turns of at most 1 ms, each with one pass of the main loop; cells convert every CONVERSION_US. */
void host_run(uint32_t us);

/* Bytes arrive now and are read at once. */
void host_receive(const uint8_t *bytes, uint32_t n);

/* Up to `max` bytes that the board has sent; the line carries `host_line_bytes` a millisecond (-1: any number). */
uint32_t host_sent(uint8_t *bytes, uint32_t max);
void host_line(int32_t bytes_per_ms);

void host_set_count(uint8_t cell, int32_t count);
void host_set_dead(uint16_t cells);
void host_set_buttons(uint8_t lines);
void host_raise_receive_error(void);
uint8_t *host_memory(void);
void host_break_memory(uint8_t broken); /* writes are lost */
uint32_t host_reboots(void);

/* The codec by itself: n bytes in, bytes on the wire out (with delimiter), and back; -1 when damaged. */
int32_t host_encode(const uint8_t *body, uint8_t n, uint8_t *out);
int32_t host_decode(const uint8_t *frame, uint8_t n, uint8_t *out);

#endif
