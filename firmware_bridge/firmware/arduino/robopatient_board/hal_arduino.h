// The core's microcontroller, in terms of the Arduino core.
#ifndef HAL_ARDUINO_H
#define HAL_ARDUINO_H

void hal_arduino_begin();

// What interrupts do on the AVR: look at the lines, start scans. Call it before each board_poll.
void hal_arduino_poll();

#endif
