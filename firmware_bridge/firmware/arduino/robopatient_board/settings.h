// Pins and sensors of this board. The core reads the upper half through config.h, the HAL both.
#ifndef SETTINGS_H
#define SETTINGS_H

#define DEVICE ABDOMEN  // or RATER
#define SENSOR HX711    // or HX717, AMPLIFIER, FSR; a RATER needs DIAL
#define N_CELLS 4
#define BAUD 500000UL
#define OVERSAMPLE 4
#define ADC_FULL_SCALE 4095L  // ESP32: 12 bits

#define CLOCK_PIN 4  // SCK of all converters
#define CELL_PINS {16, 17, 18, 19, 21, 22, 23, 25, 26}  // DOUT, or analogue inputs (ESP32: 32 to 39)
#define BUTTON_PINS {27, 14, 13}  // lines 0 to 2, to ground when pressed

#endif
