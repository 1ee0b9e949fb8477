// As much of the Arduino core as the sketch uses, with converters on its pins: the test moves the clock.
#pragma once
#include <stddef.h>
#include <stdint.h>

#define HIGH 1
#define LOW 0
#define INPUT_PULLUP 2
#define OUTPUT 1

uint32_t micros();
void delayMicroseconds(uint32_t us);
void noInterrupts();
void interrupts();
void pinMode(uint8_t pin, uint8_t mode);
void digitalWrite(uint8_t pin, uint8_t level);
int digitalRead(uint8_t pin);
int analogRead(uint8_t pin);

struct FakeSerial {
  void setTxBufferSize(size_t bytes);
  void begin(unsigned long baud);
  int available();
  int read();
  int availableForWrite();
  size_t write(const uint8_t *bytes, size_t length);
  void flush();
};
extern FakeSerial Serial;

#if defined(ESP32)
struct FakeChip {
  uint64_t getEfuseMac();
  void restart();
};
extern FakeChip ESP;
#endif
