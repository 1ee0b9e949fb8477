// A sensor board of docs/reference/protocol.md on an ESP32, or on any other microcontroller with the Arduino core and 32-bit ints.
// The protocol itself is the C core of this firmware: `make arduino` copies it into this sketch's src/ folder.
// What you may change stands in settings.h beside this file. Wiring and what was tested: docs/howto/firmware.md.
#include "hal_arduino.h"

extern "C" {
#include "src/core/board.h"
}

void setup() {
  hal_arduino_begin();
  board_init();
}

void loop() {
  hal_arduino_poll();
  board_poll();
}
